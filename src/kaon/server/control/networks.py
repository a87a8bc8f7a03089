"""Networks: create, show, index, update, delete."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kaon.lib.ids import new_id
from kaon.model.errors import (
    ExternalNetworkInUse,
    InvalidInput,
    InvalidSharedSetting,
    NetworkInUse,
    NetworkMTUSubnetConflict,
    NetworkNotFound,
)
from kaon.model.errors.sharing import DefaultExternalNetworkExists
from kaon.model.networks import LEAST_MTU
from kaon.model.query import Body, Page, Query, Row
from kaon.model.segments import PROVIDER
from kaon.server.backends.protocol import Backend
from kaon.server.control import (
    availability_zones,
    floatingips,
    following,
    ha_networks,
    policy,
    ports,
    prefixes,
    qos_users,
    quota_usage,
    rbac,
    security_groups,
    segment_types,
    segments,
)
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import networks, rows, select, subnets
from kaon.server.store import rbac as sharing
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

AUTO_DELETED = ("network:dhcp", "network:distributed", "network:floatingip_agent_gateway")
"""Owners of ports that go with their network."""


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make networks, all or none."""
    return following.write(core, lambda tx: [add(core, caller, tx, body) for body in bodies])


def show(core: Core, caller: Caller, network_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a network. Errors: NetworkNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, network_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List networks."""
    seeing = policy.visibility(caller, "networks")
    try:
        return Page(*core.store.read(lambda tx: networks.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise NetworkNotFound(net_id=query.marker) from None


def update(core: Core, caller: Caller, network_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a network."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, network_id)
        policy.authorize(caller, "update_network", row, row, changes)
        check_revision(row, revision)
        backend = networks.backend_of(tx, network_id)
        wanted = _checked_update(core, tx, core.backends[backend], row, changes)
        qos_users.check_change(core, caller, tx, row["qos_policy_id"], wanted, backend=backend, network_id=network_id)
        changed = {key: value for key, value in wanted.items() if key != "shared" and row.get(key) != value}
        changed |= _share(core, caller, tx, row, wanted)
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        networks.update(tx, network_id, changed)
        tx.touch(scopes.network(network_id), "network")
        if "qos_policy_id" in changed:
            qos_users.follow_network(tx, row, changed["qos_policy_id"])
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, network_id: str, revision: int | None = None) -> None:
    """Delete a network, with its subnets and the ports that serve it. Errors: NetworkInUse."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, network_id)
        policy.authorize(caller, "delete_network", row, row)
        check_revision(row, revision)
        remove(core, tx, row)

    following.write(core, work)


def remove(core: Core, tx: Transaction, row: Row) -> None:
    """Delete a network, in a transaction that does more: no policy is asked. Errors: NetworkInUse."""
    network_id = row["id"]
    if row["router:external"]:
        floatingips.remove_unused(core, tx, network_id)
    there = networks.ports_on(tx, network_id)
    using = [port["id"] for port in there if port["device_owner"] not in AUTO_DELETED]
    if using:
        raise NetworkInUse(net_id=network_id, ports=", ".join(using))
    for port in there:
        ports.remove(core, tx, ports.find_any(tx, port["id"]))
    going = subnets.of_network(tx, network_id)
    for project_id, count in Counter(subnet["project_id"] for subnet in going).items():
        quota_usage.release(tx, project_id, "subnet", count)
    prefixes.give_back(tx, going)
    rbac.forget(tx, "network", network_id)
    had = segments.rows_of(tx, network_id)
    subnets.delete_all(tx, going)
    networks.delete(tx, network_id)
    segment_types.give_back(tx, had)
    quota_usage.release(tx, row["project_id"], "network", 1)
    tx.close_scope(scopes.network(network_id))


def find(caller: Caller, tx: Transaction, network_id: str) -> Row:
    """Find a network that the caller may see. Errors: NetworkNotFound."""
    row = networks.show(tx, network_id, caller.project_id)
    if row is None or not policy.visible(caller, "networks", row, row):
        raise NetworkNotFound(net_id=network_id)
    return row


def add(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    """Make a network, in a transaction that makes more. Errors: as the verb."""
    backend: Backend = core.backends[core.settings.default_backend]
    quota_usage.reserve(tx, body["project_id"], "network", 1, core.settings)
    policy.authorize(caller, "create_network", body, body, body)
    segments.check_transparency(core, body)
    availability_zones.check(tx, "network", body.get("availability_zone_hints", ()))
    chosen = segments.choose(core, tx, body)
    kinds = [segment.network_type for segment in chosen]
    row = {
        **{key: value for key, value in body.items() if key not in (*PROVIDER, "segments")},
        **rows.fresh(new_id(), body["project_id"], tx.now),
        **segments.described(chosen),
        "availability_zones": [],
        "l2_adjacency": True,
        "status": "ACTIVE",
        "subnets": [],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "tags": [],
        "mtu": segments.mtu(core, backend, kinds, body.get("mtu")),
    }
    for key, value in _DEFAULTS.items():
        row.setdefault(key, value)
    row[sharing.EXTERNAL] = row["router:external"]
    if backend.capabilities.network_types.issuperset(kinds):  # others are made all the same, and their ports not bound
        for segment in row.get("segments", ({},)):
            backend.validate_network({**row, **segment})
    row["qos_policy_id"] = qos_users.of_new_network(core, caller, tx, row, backend.name)
    _check_default(tx, row, row)
    networks.insert(tx, row, backend.name)
    segments.store(tx, row["id"], chosen)
    if body.get("ha"):
        ha_networks.appoint(tx, body["project_id"], row)
    for given, action in (("shared", sharing.SHARED), ("router:external", sharing.EXTERNAL)):
        if row[given]:
            rbac.publish(core, tx, "network", row, action)
    tx.open_scope(scopes.network(row["id"]))
    tx.touch(scopes.network(row["id"]), "network")
    if row["project_id"]:
        security_groups.ensure_default(core, tx, row["project_id"])
    return row


_DEFAULTS: Mapping[str, Any] = {
    "name": "",
    "description": "",
    "admin_state_up": True,
    "shared": False,
    "router:external": False,
    "is_default": False,
    "port_security_enabled": True,
    "dns_domain": "",
    "qos_policy_id": None,
    "availability_zone_hints": [],
    "vlan_transparent": None,
    "qinq": None,
}


def _checked_update(core: Core, tx: Transaction, backend: Backend, row: Row, asked: Body) -> dict[str, Any]:
    """Refuse what cannot be changed, and give what is to be; what was asked stays as it is, for another attempt."""
    changes: dict[str, Any] = {key: value for key, value in asked.items() if key not in (*PROVIDER, "segments")}
    changes |= segments.renumber(core, tx, row, asked)
    if changes.get("router:external") is False:
        changes.setdefault("is_default", False)
    if "mtu" in changes:
        changes["mtu"] = segments.mtu(core, backend, segments.kinds_of(tx, row), changes["mtu"])
        least = max((LEAST_MTU[one["ip_version"]] for one in subnets.of_network(tx, row["id"])), default=0)
        if changes["mtu"] < least:
            raise NetworkMTUSubnetConflict(net_id=row["id"], mtu=least)
    _check_default(tx, row, {**row, **changes})
    turning = row["router:external"] and changes.get("router:external") is False
    if turning:
        floatingips.remove_unused(core, tx, row["id"])
    if turning and networks.used_as_external(tx, row["id"]):
        raise ExternalNetworkInUse(net_id=row["id"])
    return changes


def _share(core: Core, caller: Caller, tx: Transaction, row: Row, changes: Body) -> Row:
    """Store who may use the network, as far as the changes say so. Gives what the caller sees changed by that.

    Errors  InvalidSharedSetting: another project uses it that only has it by what everybody has.
    """
    seen: Row = {}
    targets = sharing.targets(tx, "network", row["id"]) if "shared" in changes else frozenset()
    if changes.get("shared") and sharing.EVERYBODY not in targets:
        rbac.publish(core, tx, "network", row)
        seen["shared"] = True
    elif "shared" in changes and not changes["shared"] and sharing.EVERYBODY in targets:
        if networks.foreign_projects(tx, row["id"], row["project_id"]) - targets:
            raise InvalidSharedSetting(network=row["name"] or row["id"])
        rbac.stop_sharing_with_all(tx, "network", row["id"])
        seen["shared"] = caller.project_id in targets
    if changes.get("router:external", row["router:external"]) != row["router:external"]:
        if changes["router:external"]:
            rbac.share_with_all(core, tx, "network", row, sharing.EXTERNAL)
        else:
            rbac.forget(tx, "network", row["id"], sharing.EXTERNAL)
        seen[sharing.EXTERNAL] = changes["router:external"]
    return seen


def _check_default(tx: Transaction, row: Row, wanted: Row) -> None:
    """Refuse a second default external network, or one that is not external.

    Errors  DefaultExternalNetworkExists, InvalidInput.
    """
    if not wanted["is_default"]:
        return
    if not wanted["router:external"]:
        raise InvalidInput(error_message="only an external network can be the default one")
    networks.hold_default(tx)
    there = networks.default_external(tx)
    if there not in {None, row["id"]}:
        raise DefaultExternalNetworkExists(net_id=there)
