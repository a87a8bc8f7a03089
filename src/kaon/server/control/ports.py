"""Ports: create, show, index, update, delete; and the same inside a transaction of others (`add`, `alter`, `remove`).

Routers, floating IPs and DHCP servers have ports too: they use the inner three, which ask no policy.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from kaon.lib.ids import new_id, new_mac
from kaon.model.errors import (
    AddressPairAndPortSecurityRequired,
    BadRequest,
    MacAddressInUse,
    NetworkNotFound,
    PortBound,
    PortNotFound,
    ServicePortInUse,
    UnsupportedPortDeviceOwner,
)
from kaon.model.errors.trunks import PortInUseAsSubPort, PortInUseAsTrunkParent
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import (
    binding,
    dns_records,
    floatingips,
    following,
    ipam,
    nova_events,
    policy,
    port_addresses,
    port_attributes,
    port_scopes,
    port_security,
    qos_users,
    quota_usage,
    routed,
    scheduling,
)
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.control.port_addresses import Ground
from kaon.server.store import followers, local_ips, port_bindings, ports, roles, rows, select
from kaon.server.store.addresses import Supply
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

DHCP = "network:dhcp"
"""The owner of a DHCP server's port."""

ROUTER_INTERFACE = "network:router_interface"
"""The owner of a router's leg in a subnet."""

_BINDING = ("binding:host_id", "binding:vnic_type", "binding:profile", "port_security_enabled")
"""What a port is bound by; `binding:vif_details` say whether it is filtered."""


# ---- verbs


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make ports, all or none."""

    def work(tx: Transaction) -> list[Row]:
        made: list[Row] = []
        counted: Counter[str] = Counter(body["project_id"] for body in bodies)
        grounds = _Grounds(tx, bodies, caller.project_id)
        for body in bodies:
            ground = grounds.of(body)
            if not policy.visible(caller, "networks", ground[0], ground[0]):
                raise NetworkNotFound(net_id=body["network_id"])
            quota_usage.reserve(tx, body["project_id"], "port", counted.pop(body["project_id"], 0), core.settings)
            policy.authorize(caller, "create_port", body, ground[0], body)
            qos_users.check(core, caller, tx, body.get("qos_policy_id"), backend=ground[0]["backend"], port_id="(new)")
            made.append(_made(core, tx, ground, body))
            if not grounds.shared:
                _store(core, tx, made[-1:])
        if grounds.shared:
            _store(core, tx, made)
            grounds.give_back()
        return [port_attributes.shown(core, row) for row in made]

    return following.write(core, work)


def show(core: Core, caller: Caller, port_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a port. Errors: PortNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    look = find_any if policy.sees_all(caller, "ports") else lambda tx, wanted: find(caller, tx, wanted)[0]
    return port_attributes.shown(core, core.store.read(lambda tx: look(tx, port_id)))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List ports."""
    seeing = policy.visibility(caller, "ports")
    try:
        found, has_more = core.store.read(lambda tx: ports.index(tx, bounded(core, query), seeing))
    except select.MarkerNotFound:
        raise PortNotFound(port_id=query.marker) from None
    if query.fields is None or "dns_assignment" in query.fields:
        found = [port_attributes.shown(core, row) for row in found]
    return Page(found, has_more)


def update(core: Core, caller: Caller, port_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a port."""

    def work(tx: Transaction) -> Row:
        row, ground = find(caller, tx, port_id)
        policy.authorize(caller, "update_port", row, ground[0], changes)
        check_revision(row, revision)
        fit = _fit_for_service(row, changes)
        qos_users.check_port_change(core, caller, tx, row, fit, ground[0]["backend"])
        after = _alter(core, tx, ground, row, fit, by_request=True)
        nova_events.port_updated(core, tx, after)
        return port_attributes.shown(core, after)

    return following.write(core, work)


def delete(core: Core, caller: Caller, port_id: str, revision: int | None = None) -> None:
    """Delete a port. Errors: ServicePortInUse for a port that a router or a floating IP stands on."""

    def work(tx: Transaction) -> None:
        row, ground = find(caller, tx, port_id)
        policy.authorize(caller, "delete_port", row, ground[0])
        check_revision(row, revision)
        _refuse_to_delete(port_id, ports.service_of(tx, port_id))
        if local_ips.of_local_port(tx, port_id):
            raise ServicePortInUse(port_id=port_id, reason="local IPs have its address")
        remove(core, tx, row)
        nova_events.port_deleted(core, tx, row)
        if row["device_owner"] == DHCP:
            scheduling.ensure_dhcp(core, tx, row["network_id"])

    following.write(core, work)


def find(caller: Caller, tx: Transaction, port_id: str) -> tuple[Row, Ground]:
    """Find a port that the caller may see, and what it stands on. Errors: PortNotFound."""
    row = ports.show(tx, port_id)
    if row is None:
        raise PortNotFound(port_id=port_id)
    ground = _ground(tx, row, caller.project_id)
    if not policy.visible(caller, "ports", row, ground[0]):
        raise PortNotFound(port_id=port_id)
    return row, ground


def find_any(tx: Transaction, port_id: str) -> Row:
    """Find a port whoever asks. Errors: PortNotFound."""
    row = ports.show(tx, port_id)
    if row is None:
        raise PortNotFound(port_id=port_id)
    return row


# ---- inside a transaction of others: no policy


def add(core: Core, tx: Transaction, body: Body, *, limited: bool = True) -> Row:
    """Make a port: quota of its project (none for ""), addresses, groups, binding, scopes and followers.

    body     as of the verb, but for what has a default; `network_id` and `project_id` are needed
    limited  its project's quota may refuse it; it is counted either way
    """
    count = quota_usage.reserve if limited else quota_usage.count_made
    count(tx, body["project_id"], "port", 1, core.settings)
    return _add(core, tx, _ground(tx, body), body)


def alter(core: Core, tx: Transaction, port: Row, changes: Body) -> Row:
    """Change a port (as `find_any` gave it), with all that follows."""
    return _alter(core, tx, _ground(tx, port), port, changes)


def remove(core: Core, tx: Transaction, port: Row) -> None:
    """Delete a port (as `find_any` gave it), with all that follows: its addresses are free, its floating IPs let go."""
    quota_usage.release(tx, port["project_id"], "port", 1)
    floatingips.dissociate_port(core, tx, port["id"])
    dns_records.port_changed(core, tx, port["id"])
    served = roles.served_by_port(tx, port["id"]) if port["device_owner"] == DHCP else None
    ipam.release(tx, port["fixed_ips"])
    prepared = port_scopes.prepared(tx, port)
    ports.delete(tx, port["id"])
    port_scopes.gone(tx, port, prepared)
    if served is not None:  # the server goes with its port, wherever that was bound meanwhile
        tx.touch(scopes.host(served["host"]), f"dhcp/{served['network_id']}")
        followers.settle(tx, [served["host"]], [scopes.network(served["network_id"])])


def stamp(tx: Transaction, port: Row) -> None:
    """Raise the revision of a port (as `find` gave it) because something that belongs to it changed."""
    ports.update(tx, port["id"], rows.raised(port, tx.now))
    port_scopes.changed(tx, port, port)


def rebind(tx: Transaction, port: Row, hosts: Collection[str]) -> None:
    """Raise the revision of a port (as `find` gave it) whose inactive bindings changed. hosts: they were or are there."""
    changed = {"moving": port_bindings.there_are(tx, port["id"]), **rows.raised(port, tx.now)}
    ports.update(tx, port["id"], changed)
    port_scopes.changed(tx, port, port | changed)
    port_scopes.follow_on(tx, port, hosts)


def become_parent(tx: Transaction, port_id: str, trunk_id: str | None) -> None:
    """Remember that a port is the parent of a trunk, or (None) no longer."""
    port = find_any(tx, port_id)
    changed = {"trunk_id": trunk_id, **rows.raised(port, tx.now)}
    ports.update(tx, port_id, changed)
    port_scopes.changed(tx, port, port | changed)


def replace_addresses(core: Core, tx: Transaction, port: Row, left: Sequence[ipam.FixedIp]) -> Row:
    """Leave a port these of its addresses only: its subnet goes. What is dropped is not made free."""
    dns_records.port_changed(core, tx, port["id"])
    for fixed_ip in port["fixed_ips"]:
        if fixed_ip not in left:
            ports.delete_address(tx, fixed_ip)
    changed = {"fixed_ips": list(left), **rows.raised(port, tx.now)}
    ports.update(tx, port["id"], changed)
    after = port | changed
    port_scopes.changed(tx, port, after)
    return after


def form_addresses(core: Core, tx: Transaction, network_id: str, subnet: Row) -> None:
    """Give every port of a network the address that it forms in a new subnet."""
    for port_id in ports.forming(tx, network_id, ipam.ROUTER_LEGS):
        dns_records.port_changed(core, tx, port_id)
        port = find_any(tx, port_id)
        if subnet["service_types"] and port["device_owner"] not in subnet["service_types"]:
            continue
        if not routed.is_there(core, tx, subnet, port):
            continue
        gained = ipam.formed([subnet], port, port["fixed_ips"])
        ports.insert_addresses(tx, port, gained, len(port["fixed_ips"]))
        changed = {"fixed_ips": port["fixed_ips"] + gained, **rows.raised(port, tx.now)}
        ports.update(tx, port_id, changed)
        port_scopes.changed(tx, port, port | changed)


# ---- how


def _ground(tx: Transaction, body: Body, viewer: str = "") -> Ground:
    """Read what a port stands on. viewer: the project that asks, for what the network is to it."""
    network, found, default_group = ports.ground(tx, body["network_id"], body["project_id"], viewer)
    if network is None:
        raise NetworkNotFound(net_id=body["network_id"])
    return network, found, default_group


class _Grounds:
    """What the ports of one request stand on: read once for a network and project, where nobody asks for what another may get.

    shared  it is: ports may then be stored together
    """

    def __init__(self, tx: Transaction, bodies: Sequence[Body], viewer: str) -> None:
        self.shared = not any(body.get("fixed_ips") is not None or body.get("mac_address") for body in bodies)
        self._tx, self._viewer = tx, viewer
        self._ahead = Counter((body["network_id"], body["project_id"]) for body in bodies)
        self._read: dict[tuple[str, str], Ground] = {}
        self._supplies: list[Supply] = []

    def of(self, body: Body) -> Ground:
        """Give what a port stands on. Errors: NetworkNotFound."""
        key = (body["network_id"], body["project_id"])
        if key not in self._read or not self.shared:
            self._read[key] = network, found, group = _ground(self._tx, body, self._viewer)
            if self.shared and self._ahead[key] > 1:
                supplies = [Supply(subnet["id"], self._ahead[key], subnet["next_free"]) for subnet in found]
                self._supplies += supplies
                found = [{**subnet, "supply": supply} for subnet, supply in zip(found, supplies, strict=True)]
                self._read[key] = network, found, group
        return self._read[key]

    def give_back(self) -> None:
        """Make free again what no port took."""
        for supply in self._supplies:
            supply.give_back(self._tx)


def _add(core: Core, tx: Transaction, ground: Ground, body: Body) -> Row:
    row = _made(core, tx, ground, body)
    _store(core, tx, [row])
    return row


def _made(core: Core, tx: Transaction, ground: Ground, body: Body) -> Row:
    """Make a port with all that it has, but store nothing of it."""
    network, _, _ = ground
    row = {**port_attributes.completed(core, body), **rows.fresh(new_id(), body["project_id"], tx.now), "status": "DOWN"}
    row["qos_network_policy_id"] = network["qos_policy_id"]
    _take_mac(core, tx, row)
    row["allowed_address_pairs"] = port_security.pairs(core, row, row["allowed_address_pairs"])
    row["port_security_enabled"] = port_security.enabled(network, body)
    row["security_groups"] = port_security.groups_of_new(core, tx, ground[2], row, body)
    if row["allowed_address_pairs"] and not row["port_security_enabled"]:
        raise AddressPairAndPortSecurityRequired
    found, row["ip_allocation"] = routed.for_new(core, tx, ground, row, body.get("fixed_ips"))
    row["fixed_ips"] = ipam.allocate(tx, network, found, row, body.get("fixed_ips"))
    binding.backend_of(core, network).validate_port(network, row)
    row |= binding.bind(core, tx, network, row)
    return row


def _store(core: Core, tx: Transaction, made: Sequence[Row]) -> None:
    """Store ports that were made, and tell whom they concern."""
    ports.insert(tx, made)
    for row in made:
        row["resource_request"] = ports.resource_request(tx, row)
        dns_records.port_changed(core, tx, row["id"])
    port_scopes.made(tx, made)


def _alter(  # noqa: PLR0913  # what it works with, and one switch
    core: Core, tx: Transaction, ground: Ground, before: Row, changes: Body, *, by_request: bool = False
) -> Row:
    """Change a port. by_request: not the network service itself wants it, so no floating IP may lose its way by it."""
    network, _, _ = ground
    after = before | changes
    port_attributes.change(core, before, after, changes)
    if after["mac_address"] != before["mac_address"]:
        _change_mac(core, tx, before, after)
    after["allowed_address_pairs"] = port_security.pairs(core, after, after["allowed_address_pairs"])
    port_security.check_change(before, after, changes)
    if sorted(after["security_groups"]) != sorted(before["security_groups"]):
        port_security.check_groups(tx, after["project_id"], after["security_groups"])
    meant = routed.for_changed(core, tx, ground, before, changes)
    after["fixed_ips"] = port_addresses.renewed(tx, meant, before, after, changes)
    binding.backend_of(core, network).validate_port(network, after)
    if any(after[key] != before[key] for key in _BINDING):
        after |= binding.bind(core, tx, network, after)
    if binding.wired_host(after) != binding.wired_host(before) or not after["admin_state_up"]:
        after["status"] = "DOWN"
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    if not changed:
        return before
    changed |= rows.raised(before, tx.now)
    if "fixed_ips" in changed:
        left = {fixed_ip["ip_address"] for fixed_ip in after["fixed_ips"]}
        if by_request and "fixed_ips" in changes:
            floatingips.refuse_to_strand(tx, before["id"], left)
        floatingips.dissociate_port(core, tx, before["id"], left)
    stored = _store_changes(tx, before, before | changed, changed)
    nova_events.status_changed(core, tx, stored, before["status"], stored["status"])
    dns_records.port_changed(core, tx, before["id"])
    return stored


def _store_changes(tx: Transaction, before: Row, after: Row, changed: dict[str, Any]) -> Row:
    if before["moving"]:
        after["moving"] = changed["moving"] = port_scopes.forget_bindings(tx, before, after)
    ports.update(tx, before["id"], changed)
    if "security_groups" in changed:
        ports.set_groups(tx, before["id"], after["security_groups"])
    if "allowed_address_pairs" in changed:
        ports.set_pairs(tx, before["id"], after["allowed_address_pairs"])
    port_scopes.changed(tx, before, after)
    return after


def _fit_for_service(before: Row, changes: Body) -> Body:
    """Refuse what would take a port away from the part of the service that has it; give what is left to change."""
    owner = before["device_owner"]
    if "mac_address" in changes and changes["mac_address"] != before["mac_address"] and owner.startswith("network:"):
        raise UnsupportedPortDeviceOwner(op="mac address update", port_id=before["id"], device_owner=owner)
    if owner != ROUTER_INTERFACE or "fixed_ips" not in changes:
        return changes
    has = {fixed_ip["subnet_id"]: fixed_ip["ip_address"] for fixed_ip in before["fixed_ips"]}
    # An address of the subnet, whichever: that is the one that it has.
    asked = [wish.get("ip_address") or has.get(wish["subnet_id"], "") for wish in changes["fixed_ips"]]
    if sorted(asked) != sorted(fixed_ip["ip_address"] for fixed_ip in before["fixed_ips"]):
        raise BadRequest(reason=f"Bad ports request: addresses of port {before['id']} are its router's and cannot change.")
    return {key: value for key, value in changes.items() if key != "fixed_ips"}


def _refuse_to_delete(port_id: str, service: tuple[str, str] | None) -> None:
    """Refuse to delete what something stands on. service: as `store.ports.service_of` gives it."""
    match service:
        case None:
            return
        case (ports.TRUNK_PARENT, trunk_id):
            raise PortInUseAsTrunkParent(port_id=port_id, trunk_id=trunk_id)
        case (ports.SUB_PORT, trunk_id):
            raise PortInUseAsSubPort(port_id=port_id, trunk_id=trunk_id)
        case (owner, _):
            raise ServicePortInUse(port_id=port_id, reason=f"has device owner {owner}")


def _take_mac(core: Core, tx: Transaction, row: Row) -> None:
    if row.get("mac_address") is None:
        row["mac_address"] = new_mac(core.settings.base_mac)  # if it is taken, the key says so and all begins again
    elif ports.mac_taken(tx, row["network_id"], row["mac_address"]):
        raise MacAddressInUse(net_id=row["network_id"], mac=row["mac_address"])


def _change_mac(core: Core, tx: Transaction, before: Row, after: Row) -> None:
    """Refuse a new MAC address that cannot be; null means one that is made here."""
    after["mac_address"] = after["mac_address"] or new_mac(core.settings.base_mac)
    if binding.wired_host(before):
        raise PortBound(
            port_id=before["id"],
            vif_type=before["binding:vif_type"],
            old_mac=before["mac_address"],
            new_mac=after["mac_address"],
        )
    if ports.mac_taken(tx, after["network_id"], after["mac_address"]):
        raise MacAddressInUse(net_id=after["network_id"], mac=after["mac_address"])
