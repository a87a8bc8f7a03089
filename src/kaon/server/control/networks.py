"""Networks: create, show, index, update, delete."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kaon.lib.addresses import IPV6
from kaon.lib.ids import new_id
from kaon.model.errors import (
    ExternalNetworkInUse,
    InvalidInput,
    InvalidSharedSetting,
    NetworkInUse,
    NetworkMTUSubnetConflict,
    NetworkNotFound,
)
from kaon.model.networks import MINIMUM_MTU, MINIMUM_MTU_IPV6
from kaon.model.query import Body, Page, Query, Row
from kaon.server.backends.protocol import Backend
from kaon.server.control import following, policy, ports, prefixes, quota_usage, security_groups, segments
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import networks, rows, select, subnets
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

AUTO_DELETED = ("network:dhcp", "network:distributed", "network:floatingip_agent_gateway")
"""Owners of ports that go with their network."""

_PROVIDER = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make networks, all or none."""
    backend: Backend = core.backends[core.settings.default_backend]

    def work(tx: Transaction) -> list[Row]:
        for project_id, count in Counter(body["project_id"] for body in bodies).items():
            quota_usage.reserve(tx, project_id, "network", count, core.settings)
        return [_create(core, caller, tx, backend, body) for body in bodies]

    return following.write(core, work)


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
        _check_update(core, tx, core.backends[networks.backend_of(tx, network_id)], row, changes)
        changed = {key: value for key, value in changes.items() if row.get(key) != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        networks.update(tx, network_id, changed)
        tx.touch(scopes.network(network_id), "network")
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, network_id: str, revision: int | None = None) -> None:
    """Delete a network, with its subnets and the ports that serve it. Errors: NetworkInUse."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, network_id)
        policy.authorize(caller, "delete_network", row, row)
        check_revision(row, revision)
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
        networks.delete(tx, network_id)
        segments.give_back(core, tx, row)
        quota_usage.release(tx, row["project_id"], "network", 1)
        tx.close_scope(scopes.network(network_id))

    following.write(core, work)


def find(caller: Caller, tx: Transaction, network_id: str) -> Row:
    """Find a network that the caller may see. Errors: NetworkNotFound."""
    row = networks.show(tx, network_id)
    if row is None or not policy.visible(caller, "networks", row, row):
        raise NetworkNotFound(net_id=network_id)
    return row


def _create(core: Core, caller: Caller, tx: Transaction, backend: Backend, body: Body) -> Row:
    policy.authorize(caller, "create_network", body, body, body)
    segment = segments.choose(core, tx, backend, body)
    row = {
        **{key: value for key, value in body.items() if key not in _PROVIDER},
        **rows.fresh(new_id(), body["project_id"], tx.now),
        **segment,
        "status": "ACTIVE",
        "subnets": [],
        "tags": [],
        "mtu": _mtu(core, backend, segment["provider:network_type"], body.get("mtu")),
    }
    for key, value in _DEFAULTS.items():
        row.setdefault(key, value)
    backend.validate_network(row)
    networks.insert(tx, row, backend.name)
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
    "port_security_enabled": True,
}


def _mtu(core: Core, backend: Backend, network_type: str, wanted: int | None) -> int:
    """Give the MTU of a network: what was asked for, or (None or 0) the most that fits. Errors: InvalidInput."""
    most = core.settings.underlay_mtu - backend.capabilities.overhead[network_type][core.settings.overlay_ip_version]
    if not wanted:
        return most
    if not MINIMUM_MTU <= wanted <= most:
        raise InvalidInput(error_message=f"mtu {wanted} is not between {MINIMUM_MTU} and {most}, the most for {network_type}")
    return wanted


def _check_update(core: Core, tx: Transaction, backend: Backend, row: Row, changes: Body) -> None:
    for key in _PROVIDER:
        if key in changes:
            raise InvalidInput(error_message=f"{key} of an existing network cannot be changed by back end {backend.name}")
    if "mtu" in changes:
        changes["mtu"] = _mtu(core, backend, row["provider:network_type"], changes["mtu"])
        if changes["mtu"] < MINIMUM_MTU_IPV6 and any(one["ip_version"] == IPV6 for one in subnets.of_network(tx, row["id"])):
            raise NetworkMTUSubnetConflict(net_id=row["id"], mtu=MINIMUM_MTU_IPV6)
    if row["shared"] and changes.get("shared") is False and networks.foreign_projects(tx, row["id"], row["project_id"]):
        raise InvalidSharedSetting(network=row["name"] or row["id"])
    if row["router:external"] and changes.get("router:external") is False and networks.used_as_external(tx, row["id"]):
        raise ExternalNetworkInUse(net_id=row["id"])
