"""Topologies made by themselves: a network with subnets from the default pools, and a router to the default external network.

    show    makes the project's topology, unless there is one
    delete  takes it apart

It is made with the rights of the caller, in one transaction: all of it, or nothing.
"""

from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from kaon.lib.addresses import IPV4, IPV6
from kaon.model.auto_allocated_topologies import DRY_RUN
from kaon.model.errors import BadRequest, NotAuthorized, NotFound, SubnetAllocationError
from kaon.model.errors.sharing import AutoAllocationFailure
from kaon.model.query import Row
from kaon.server.control import following, networks, policy, prefixes, router_interfaces, routers, subnets
from kaon.server.control.core import Caller, Core, check_revision
from kaon.server.store import auto_allocated_topologies as topologies
from kaon.server.store import networks as network_rows
from kaon.server.store import routers as router_rows
from kaon.server.store import subnetpools
from kaon.server.store.auto_allocated_topologies import Topology
from kaon.server.store.engine import Retry, Transaction


def show(core: Core, caller: Caller, project_id: str, fields: frozenset[str] | None = None) -> Row:
    """Give a project its network; it is made when there is none. project_id: "None" means the caller's.

    fields  with `dry-run` among them nothing is made: it is only looked whether it could be

    Errors  AutoAllocationFailure when there is no default external network or subnet pool, or they cannot be used;
            NotAuthorized for another project; OverQuota and others of networks, subnets and routers.
    """
    owner = _owner(caller, project_id, "get_auto_allocated_topology")
    if fields and DRY_RUN in fields:
        core.store.read(lambda tx: (_outside(tx), _pools(caller, tx)))
        return _row(f"{DRY_RUN}=pass", owner)
    there = core.store.read(lambda tx: topologies.show(tx, owner))
    if there is None:
        try:
            there = following.write(core, lambda tx: _make(core, caller, tx, owner))
        except (BadRequest, NotFound, SubnetAllocationError) as refused:
            raise AutoAllocationFailure(reason=refused.message) from None
    return _row(there.network_id, owner)


def delete(core: Core, caller: Caller, project_id: str, revision: int | None = None) -> None:
    """Take apart what `show` made; nothing when there is nothing. Errors: RouterInUse, NetworkInUse when others use it."""
    owner = _owner(caller, project_id, "delete_auto_allocated_topology")
    there = core.store.read(lambda tx: topologies.show(tx, owner))
    if there is None:
        return
    check_revision({"revision_number": None}, revision)
    router_id = there.router_id
    if router_id is not None:
        legs = core.store.read(lambda tx: router_rows.legs(tx, router_id))
        for leg in legs:
            if leg["network_id"] == there.network_id:
                with suppress(NotFound):
                    router_interfaces.remove(core, caller, router_id, {"port_id": leg["port_id"]})
        with suppress(NotFound):
            routers.delete(core, caller, router_id)
    with suppress(NotFound):
        networks.delete(core, caller, there.network_id)


def _owner(caller: Caller, project_id: str, action: str) -> str:
    """Tell which project is meant, if the caller may ask for it. Errors: NotAuthorized, PolicyNotAuthorized."""
    owner = caller.project_id if project_id == "None" else project_id
    if owner != caller.project_id and not caller.is_admin:
        raise NotAuthorized
    policy.authorize(caller, action, {"project_id": owner, "tenant_id": owner})
    return owner


def _make(core: Core, caller: Caller, tx: Transaction, owner: str) -> Topology:
    there = topologies.show(tx, owner)
    if there is not None:
        return there
    outside, pools = _outside(tx), _pools(caller, tx)
    network = networks.add(core, caller, tx, {"name": "auto_allocated_network", "project_id": owner})
    router = {"name": "auto_allocated_router", "project_id": owner, "external_gateway_info": {"network_id": outside}}
    router_id = routers.add(core, tx, caller, router)["id"]
    for pool in pools:
        version = pool["ip_version"]
        subnet = {"name": f"auto_allocated_subnet_v{version}", "project_id": owner, "network_id": network["id"]}
        wanted = subnet | {"ip_version": version, "subnetpool_id": pool["id"]}
        made = subnets.add(core, caller, tx, network, wanted)
        router_interfaces.join(core, tx, caller, router_id, {"subnet_id": made["id"]})
    topology = Topology(network["id"], router_id)
    try:
        topologies.insert(tx, owner, topology)
    except IntegrityError:
        raise Retry("another one made the topology meanwhile") from None
    return topology


def _outside(tx: Transaction) -> str:
    found = network_rows.default_external(tx)
    if found is None:
        raise AutoAllocationFailure(reason="there is no default external network")
    return found


def _pools(caller: Caller, tx: Transaction) -> list[Row]:
    """Find the default subnet pools that the caller may use, at least one."""
    found = [subnetpools.default_of(tx, version) for version in (IPV4, IPV6)]
    pools = []
    for pool_id in found:
        with suppress(NotFound):
            if pool_id is not None:
                pools.append(prefixes.find_pool(caller, tx, pool_id))
    if not pools:
        raise AutoAllocationFailure(reason="there is no default subnet pool")
    return pools


def _row(identity: str, owner: str) -> Row:
    return {"id": identity, "project_id": owner, "tenant_id": owner}
