"""Floating IPs: the five verbs. Each has a port of its own on the external network, and leads to an address of another port.

Or it leads nowhere as a whole, and forwards single ports (`port_forwardings`).
"""

from collections.abc import Collection, Sequence

from kaon.lib.ids import new_id
from kaon.model import errors
from kaon.model.errors.gateways import FipInUseByPortForwarding
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import (
    binding,
    dns_records,
    following,
    networks,
    nova_events,
    policy,
    ports,
    qos_users,
    quota_usage,
    router_legs,
)
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import floatingips as floating
from kaon.server.store import local_ips, ndp_proxies, port_forwardings, realised, rows, select
from kaon.server.store import routers as routers_rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

OWNER = "network:floatingip"
DOWN = "DOWN"

_NOWHERE = {"port_id": None, "fixed_ip_address": None, "router_id": None}


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Create floating IPs, all or none.

    Errors  OverQuota, PolicyNotAuthorized, NetworkNotFound, BadRequest (not external), ExternalIpAddressExhausted,
            IpAddressAlreadyAllocated, those of leading to a port: PortNotFound, BadRequest, FloatingIPPortAlreadyAssociated,
            ExternalGatewayForFloatingIPNotFound.
    """
    return following.write(core, lambda tx: [_create(core, tx, caller, body) for body in bodies])


def show(core: Core, caller: Caller, floatingip_id: str, fields: frozenset[str] | None = None) -> Row:
    """Show a floating IP. Errors: FloatingIPNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, floatingip_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List floating IPs. Errors: FloatingIPNotFound (the marker)."""
    seeing = policy.visibility(caller, "floatingips")
    try:
        return Page(*core.store.read(lambda tx: floating.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise errors.FloatingIPNotFound(floatingip_id=query.marker) from None


def update(core: Core, caller: Caller, floatingip_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a floating IP: `port_id` null lets go, as does an empty change; another leads there; without it nothing moves.

    Errors  FloatingIPNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, FipInUseByPortForwarding, those of leading
            to a port.
    """

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, floatingip_id)
        policy.authorize(caller, "update_floatingip", row, body=changes)
        check_revision(row, revision)
        if row["forwards"] and changes.get("port_id") is not None:
            raise FipInUseByPortForwarding(id=floatingip_id)
        qos_users.check_change(core, caller, tx, row["qos_policy_id"], changes)
        changed: Row = {key: changes[key] for key in ("description", "qos_policy_id", "distributed") if key in changes}
        if not changes or {"port_id", "router_id"} & changes.keys() or changes.get("fixed_ip_address") is not None:
            leads = _lead(tx, caller, row, changes)
            binding.router_backend(core).validate_floatingip(row | leads)
            changed |= leads
            if any(leads[key] != row[key] for key in leads):
                changed["status"] = DOWN
        changed |= rows.raised(row, tx.now)
        floating.update(tx, floatingip_id, changed)
        _touch(tx, floatingip_id, row, row | changed)
        nova_events.floatingip_changed(core, tx, (row["port_id"], changed.get("port_id")))
        dns_records.floatingip_changed(core, tx, floatingip_id)
        return find(caller, tx, floatingip_id)

    return following.write(core, work)


def delete(core: Core, caller: Caller, floatingip_id: str, revision: int | None = None) -> None:
    """Delete a floating IP and its port. Errors: FloatingIPNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, floatingip_id)
        policy.authorize(caller, "delete_floatingip", row)
        check_revision(row, revision)
        _remove(core, tx, row)

    following.write(core, work)


def remove_unused(core: Core, tx: Transaction, network_id: str) -> None:
    """Delete the floating IPs of a network that lead nowhere: it is about to go."""
    for row in floating.unused(tx, network_id):
        _remove(core, tx, row)


def _remove(core: Core, tx: Transaction, row: Row) -> None:
    if row["forwards"]:
        raise FipInUseByPortForwarding(id=row["id"])
    port_id = floating.delete(tx, row["id"])
    if port_id is not None:
        ports.remove(core, tx, ports.find_any(tx, port_id))
    quota_usage.release(tx, row["project_id"], "floatingip", 1)
    realised.forget(tx, [row["id"]])
    _touch(tx, row["id"], row, row)
    nova_events.floatingip_changed(core, tx, (row["port_id"],))
    dns_records.floatingip_changed(core, tx, row["id"])


def dissociate_port(core: Core, tx: Transaction, port_id: str, left: Collection[str] = ()) -> None:
    """Let go of a port that is about to be deleted or to keep only the addresses `left`: floating IPs stay, leading nowhere."""
    for row in floating.of_port(tx, port_id):
        if row["fixed_ip_address"] in left:
            continue
        dns_records.floatingip_changed(core, tx, row["id"])
        floating.update(tx, row["id"], {**_NOWHERE, "status": DOWN, **rows.raised(row, tx.now)})
        _touch(tx, row["id"], row, row)
    lost = [one for one in port_forwardings.of_port(tx, port_id) if one["internal_ip_address"] not in left]
    forward_no_more(tx, lost)
    ndp_proxies.forget_addresses(tx, port_id, left)
    local_ips.forget_addresses(tx, port_id, left)


def forward(tx: Transaction, row: Row, router_id: str) -> None:
    """Store that a floating IP (as `find` gave it) forwards ports, through this router; which ones has changed."""
    changed = {"forwards": True, "router_id": router_id, **rows.raised(row, tx.now)}
    floating.update(tx, row["id"], changed)
    _touch(tx, row["id"], row, row | changed)


def forward_no_more(tx: Transaction, gone: Collection[Row]) -> None:
    """Forget port forwardings; a floating IP without any is on no router."""
    for floatingip_id in sorted({one["floatingip_id"] for one in gone}):
        row = floating.show(tx, floatingip_id)
        assert row is not None  # noqa: S101  # they go with it; tells mypy
        ids = {one["id"] for one in gone}
        port_forwardings.delete(tx, ids & {one["id"] for one in row["port_forwardings"]})
        changed = rows.raised(row, tx.now)
        if all(one["id"] in ids for one in row["port_forwardings"]):
            changed |= {"forwards": False, "router_id": None, "status": DOWN}
        floating.update(tx, floatingip_id, changed)
        _touch(tx, floatingip_id, row, row | changed)


def refuse_to_strand(tx: Transaction, port_id: str, left: Collection[str]) -> None:
    """Refuse that a port keeps only the addresses `left` while a floating IP leads to another. Errors: BadRequest."""
    for row in floating.of_port(tx, port_id):
        if row["fixed_ip_address"] not in left:
            reason = f"floating IP {row['floating_ip_address']} leads to {row['fixed_ip_address']} of port {port_id}"
            raise errors.BadRequest(reason=f"Bad port request: {reason}, which it must keep.")


def stamp(tx: Transaction, row: Row) -> None:
    """Raise the revision of a floating IP (as `find` gave it) because something that belongs to it changed."""
    floating.update(tx, row["id"], rows.raised(row, tx.now))
    _touch(tx, row["id"], row, row)


def find(caller: Caller, tx: Transaction, floatingip_id: str) -> Row:
    """Find a floating IP that the caller may see. Errors: FloatingIPNotFound."""
    row = floating.show(tx, floatingip_id)
    if row is None or not policy.visible(caller, "floatingips", row):
        raise errors.FloatingIPNotFound(floatingip_id=floatingip_id)
    return row


def _create(core: Core, tx: Transaction, caller: Caller, body: Body) -> Row:
    project_id = body["project_id"]
    given = {key: value for key, value in body.items() if value is not None}
    quota_usage.reserve(tx, project_id, "floatingip", 1, core.settings)
    policy.authorize(caller, "create_floatingip", body, body=given)
    network = networks.find(caller, tx, body["floating_network_id"])
    if not network["router:external"]:
        raise errors.BadRequest(reason=f"Network {network['id']} is not a valid external network")
    qos_users.check(core, caller, tx, given.get("qos_policy_id"))
    identity = new_id()
    wish = {"subnet_id": given.get("subnet_id"), "ip_address": given.get("floating_ip_address")}
    wish = {key: value for key, value in wish.items() if value is not None}
    outside = {
        "project_id": "",  # the address is the network's; members neither see nor delete its port
        "network_id": network["id"],
        "device_owner": OWNER,
        "device_id": identity,
        **({"fixed_ips": [wish]} if wish else {}),
    }
    port = ports.add(core, tx, outside)
    row = rows.fresh(identity, project_id, tx.now) | {
        "description": given.get("description", ""),
        "dns_name": given.get("dns_name", ""),
        "dns_domain": given.get("dns_domain", ""),
        "qos_policy_id": given.get("qos_policy_id"),
        "qos_network_policy_id": network["qos_policy_id"],
        "floating_network_id": network["id"],
        "floating_ip_address": _outside_address(port),
        "distributed": given.get("distributed"),
        "status": DOWN,
    }
    if bool(row["dns_name"]) != bool(row["dns_domain"]):
        raise errors.BadRequest(reason="dns_name and dns_domain cannot be specified one without the other")
    row |= _lead(tx, caller, row | _NOWHERE, given)
    binding.router_backend(core).validate_floatingip(row)
    floating.insert(tx, row, port["id"])
    _touch(tx, identity, row, row)
    nova_events.floatingip_changed(core, tx, (row["port_id"],))
    dns_records.floatingip_changed(core, tx, identity)
    return find(caller, tx, identity)


def _lead(tx: Transaction, caller: Caller, row: Row, changes: Body) -> Row:
    """Find where a floating IP is to lead: port_id, fixed_ip_address, router_id; where a router is named alone, the port stays.

    Errors  BadRequest, PortNotFound, FloatingIPPortAlreadyAssociated, ExternalGatewayForFloatingIPNotFound, those of `_router`.
    """
    stays = "router_id" in changes and "port_id" not in changes and row["port_id"] is not None
    port_id = row["port_id"] if stays else changes.get("port_id")
    address = changes.get("fixed_ip_address") or (row["fixed_ip_address"] if stays else None)
    if port_id is None:
        if address is not None or changes.get("router_id") is not None:
            raise errors.BadRequest(reason="fixed_ip_address and router_id cannot be given without port_id")
        return dict(_NOWHERE) | ({"router_id": row["router_id"]} if row.get("forwards") else {})
    port, _ = ports.find(caller, tx, port_id)
    if not caller.is_admin and port["project_id"] != row["project_id"]:
        raise errors.BadRequest(reason=f"Port {port_id} is of another project than the floating IP")
    fixed_ip = _inside_address(port, address)
    same = floating.of_address(tx, row["floating_network_id"], port_id, fixed_ip["ip_address"])
    if same is not None and same["id"] != row["id"]:
        raise errors.FloatingIPPortAlreadyAssociated(
            fixed_ip=fixed_ip["ip_address"],
            port_id=port_id,
            floating_ip_address=same["floating_ip_address"],
            net_id=row["floating_network_id"],
        )
    if changes.get("router_id") is not None:
        chosen = _router(tx, caller, changes["router_id"], row["floating_network_id"])
        return {"port_id": port_id, "fixed_ip_address": fixed_ip["ip_address"], "router_id": chosen}
    router_id = floating.router_between(tx, fixed_ip["subnet_id"], row["floating_network_id"])
    if router_id is None:
        raise errors.ExternalGatewayForFloatingIPNotFound(
            subnet_id=fixed_ip["subnet_id"], external_network_id=row["floating_network_id"], port_id=port_id
        )
    return {"port_id": port_id, "fixed_ip_address": fixed_ip["ip_address"], "router_id": router_id}


def _router(tx: Transaction, caller: Caller, router_id: str, network_id: str) -> str:
    """Find the router that is to translate, though it may be none of the port's own: others lead there.

    Errors  RouterNotFound, Conflict when its gateway is elsewhere.
    """
    router = router_legs.find(caller, tx, router_id)
    if network_id not in {leg["network_id"] for leg in routers_rows.legs(tx, router["id"], routers_rows.GATEWAY)}:
        raise errors.Conflict(reason=f"Router {router_id} has no gateway on network {network_id}")
    return router_id


def _inside_address(port: Row, wanted: str | None) -> dict[str, str]:
    """Choose the address of a port that is meant: the one that is named, or its only IPv4 address."""
    candidates = [fixed_ip for fixed_ip in port["fixed_ips"] if wanted in {None, fixed_ip["ip_address"]}]
    if wanted is None:
        candidates = [fixed_ip for fixed_ip in candidates if ":" not in fixed_ip["ip_address"]]
    if not candidates:
        missing = f"fixed IP address {wanted}" if wanted is not None else "fixed IPv4 address"
        raise errors.BadRequest(reason=f"Port {port['id']} has no {missing}")
    if len(candidates) > 1:
        raise errors.BadRequest(reason=f"Port {port['id']} has several fixed IPv4 addresses; fixed_ip_address must say which")
    return dict(candidates[0])


def _outside_address(port: Row) -> str:
    """Give the address of the floating port: its IPv4 one, as floating IPs stand for IPv4 addresses."""
    for fixed_ip in port["fixed_ips"]:
        if ":" not in fixed_ip["ip_address"]:
            return str(fixed_ip["ip_address"])
    raise errors.BadRequest(reason=f"External network {port['network_id']} has no IPv4 subnet for a floating IP")


def _touch(tx: Transaction, floatingip_id: str, before: Row, after: Row) -> None:
    for router_id in sorted({row["router_id"] for row in (before, after)} - {None}):
        tx.touch(scopes.router(router_id), f"floatingip/{floatingip_id}")
