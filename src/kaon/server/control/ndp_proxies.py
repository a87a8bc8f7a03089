"""NDP proxies: the five verbs; and whether a router may have some (`settle`)."""

from collections.abc import Collection, Sequence

from kaon.lib.ids import new_id
from kaon.model.errors import BadRequest
from kaon.model.errors.gateways import (
    AddressScopeConflict,
    InvalidAddress,
    NDPProxyNotFound,
    PortUnreachableRouter,
    RouterGatewayNotValid,
    RouterNDPProxyNotEnable,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, ports, router_gateways, router_legs
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import ndp_proxies, networks, routers, rows, select
from kaon.server.store.engine import Transaction

_SCOPE = "ipv6_address_scope"


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Have routers answer for addresses, all or none.

    Errors  PolicyNotAuthorized, PortNotFound, RouterNotFound, PortUnreachableRouter, RouterNDPProxyNotEnable, BadRequest,
            InvalidAddress, AddressScopeConflict.
    """
    return following.write(core, lambda tx: [_create(tx, caller, body) for body in bodies])


def show(core: Core, caller: Caller, proxy_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find an NDP proxy. Errors: NDPProxyNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, proxy_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List NDP proxies. Errors: NDPProxyNotFound (the marker)."""
    seeing = policy.visibility(caller, "ndp_proxies")
    try:
        return Page(*core.store.read(lambda tx: ndp_proxies.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise NDPProxyNotFound(id=query.marker) from None


def update(core: Core, caller: Caller, proxy_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change an NDP proxy. Errors: NDPProxyNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> Row:
        row = _find(caller, tx, proxy_id)
        policy.authorize(caller, "update_ndp_proxy", row, body=changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        ndp_proxies.update(tx, proxy_id, changed)
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, proxy_id: str, revision: int | None = None) -> None:
    """Delete an NDP proxy. Errors: NDPProxyNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> None:
        row = _find(caller, tx, proxy_id)
        policy.authorize(caller, "delete_ndp_proxy", row)
        check_revision(row, revision)
        ndp_proxies.delete(tx, proxy_id)

    following.write(core, work)


def settle(tx: Transaction, router: Row) -> None:
    """Refuse that a router (as it now is) answers for others where nobody could ask it. Errors: RouterGatewayNotValid."""
    gateway = router["external_gateway_info"]
    if gateway is None:
        raise RouterGatewayNotValid(router_id=router["id"], reason="it has no gateway")
    if not router_gateways.has_ipv6(gateway["external_fixed_ips"]):
        raise RouterGatewayNotValid(router_id=router["id"], reason="its gateway has no IPv6 address")
    if _scope_of(tx, gateway["network_id"]) is None:
        reason = f"external network {gateway['network_id']} has no IPv6 address scope"
        raise RouterGatewayNotValid(router_id=router["id"], reason=reason)


def _find(caller: Caller, tx: Transaction, proxy_id: str) -> Row:
    row = ndp_proxies.show(tx, proxy_id)
    if row is None or not policy.visible(caller, "ndp_proxies", row):
        raise NDPProxyNotFound(id=proxy_id)
    return row


def _create(tx: Transaction, caller: Caller, body: Body) -> Row:
    policy.authorize(caller, "create_ndp_proxy", body, body=body)
    port, _ = ports.find(caller, tx, body["port_id"])
    router = router_legs.find(caller, tx, body["router_id"])
    routers.lock(tx, router["id"])  # its gateway and interfaces stay
    joined = {leg["subnet_id"] for leg in routers.attached(tx, router["id"])}
    there = {leg["network_id"] for leg in routers.legs(tx, router["id"])}
    if port["network_id"] not in there:
        raise PortUnreachableRouter(port_id=port["id"], router_id=router["id"])
    if not router["enable_ndp_proxy"]:
        raise RouterNDPProxyNotEnable(router_id=router["id"])
    address = _address(port, router, joined, body.get("ip_address"))
    outside, inside = _scope_of(tx, router["external_gateway_info"]["network_id"]), _scope_of(tx, port["network_id"])
    if outside != inside:
        raise AddressScopeConflict(ext_address_scope=outside, internal_address_scope=inside)
    given = {"name": "", "description": "", **body, "ip_address": address}
    row = given | rows.fresh(new_id(), body["project_id"], tx.now)
    ndp_proxies.insert(tx, row)
    return row


def _address(port: Row, router: Row, joined: Collection[str], wanted: str | None) -> str:
    """Find the address that the router is to answer for: the one that is named, or the first that it reaches.

    Errors  BadRequest, PortUnreachableRouter, InvalidAddress.
    """
    has = {one["ip_address"]: one["subnet_id"] for one in port["fixed_ips"] if ":" in one["ip_address"]}
    if not has:
        raise BadRequest(reason=f"Bad ndp_proxy request: port {port['id']} has no IPv6 address.")
    if wanted is None:
        for address, subnet_id in has.items():
            if subnet_id in joined:
                return str(address)
        raise PortUnreachableRouter(port_id=port["id"], router_id=router["id"])
    if wanted not in has:
        raise InvalidAddress(address=wanted, reason=f"port {port['id']} does not have it")
    if has[wanted] not in joined:
        raise InvalidAddress(address=wanted, reason=f"router {router['id']} does not reach it")
    return wanted


def _scope_of(tx: Transaction, network_id: str) -> str | None:
    network = networks.show(tx, network_id, "")
    found: str | None = network[_SCOPE] if network is not None else None
    return found
