"""Address translation of routers: the table `inet kaon` in each router's namespace. Pure.

    filter prerouting -150   flows that helpers are for (`conntrack_helpers.py`), once tracked and not yet translated
    nat prerouting  -100   daddr: floating -> fixed, wherever the packet comes from; or only single ports of it
    nat postrouting  100   what leaves by the gateway: saddr fixed -> floating, otherwise -> the gateway's address
                           what came in by another leg for a floating IP and leaves by one (hairpin): the same, so that
                           the answer comes back here and not straight to a neighbour that never asked its sender

    filter postrouting 150   what is not translated and goes to another address scope (`address_scopes.py`) is dropped

Traffic between networks of the router is not translated, nor is that which stays in one address scope, nor IPv6. What
changes are elements only; rules never do.
"""

from collections.abc import Iterator

from kaon.host.compile.address_scopes import CROSSING, Ways, compare_scopes, scope_sets
from kaon.host.compile.conntrack_helpers import helped, helper_objects
from kaon.host.compile.prefixes import first_of
from kaon.host.compile.security_groups import CompiledFilters
from kaon.host.compile.view import RouterView, View
from kaon.host.state.filters import TOGETHER, Chain, Collection, FilterState, Hook, Table, element, quoted
from kaon.host.state.names import gateway_leg, router_leg, router_namespace
from kaon.host.state.trouble import Waiting
from kaon.wire.floatingips import Forward

GATEWAY = "network:router_gateway"

FORWARDED = "forwarded"
"""Map: address, protocol and port outside -> address and port inside."""

FORWARDED_RANGES = "forwarded_ranges"
"""Map: address, protocol and ports outside -> address inside; the port stays."""


def compile_floatingips(view: View) -> CompiledFilters:
    """Say which tables the namespaces of the routers hosted here shall have.

    Routers without a gateway have none, unless their networks are of several address scopes.
    A namespace must exist before its table can: what is desired in a missing one is planned once it is there.
    """
    tables = {}
    waiting: list[Waiting] = []
    for router_id in view.hosted_routers():
        router = view.router(router_id)
        if router is None:
            waiting.append(Waiting(f"router/{router_id}", "the router itself is not known yet"))
            continue
        gateways = [leg.port_id for leg in router.legs.values() if leg.device_owner == GATEWAY]
        ways = compare_scopes(view, router)
        if router.router.admin_state_up and (gateways or ways.apart_v4 or ways.apart_v6):
            tables[(router_namespace(router_id), "inet")] = _table(view, router, ways, waiting)
    return CompiledFilters(FilterState(tables=tables), tuple(waiting))


def _gateway_addresses(view: View, router: RouterView, waiting: list[Waiting]) -> dict[str, str | None]:
    """Map each gateway's device to its first IPv4 address."""
    found = {}
    for leg in router.legs.values():
        if leg.device_owner != GATEWAY:
            continue
        network = view.network(leg.network_id)
        port = network.ports.get(leg.port_id) if network else None
        if port is None:
            waiting.append(Waiting(f"router/{router.router.id}", f"gateway port {leg.port_id} is not known yet"))
        address = first_of((fixed.ip_address for fixed in port.fixed_ips), 4) if port else None
        found[gateway_leg(leg.port_id)] = str(address) if address else None
    return found


def _table(view: View, router: RouterView, ways: Ways, waiting: list[Waiting]) -> Table:
    gateways = _gateway_addresses(view, router, waiting)
    owner = (f"router/{router.router.id}",)
    incoming: dict[str, str] = {}
    outgoing: dict[str, str] = {}
    for floatingip in sorted(router.floatingips.values(), key=lambda one: one.id):
        if not floatingip.fixed_ip_address:
            continue
        incoming.setdefault(floatingip.floating_ip_address, floatingip.fixed_ip_address)
        outgoing.setdefault(floatingip.fixed_ip_address, floatingip.floating_ip_address)
    sources = {device: address for device, address in gateways.items() if address and router.router.enable_snat}
    hairpin = next((address for _, address in sorted(gateways.items()) if address), None)
    inside = [router_leg(leg.port_id) for leg in router.legs.values() if leg.device_owner != GATEWAY]
    sources.update({device: hairpin for device in inside if hairpin})
    owners = tuple(f"floatingip/{one}" for one in sorted(router.floatingips)) + owner
    return Table(
        chains={
            "arriving": Chain(hook=Hook("nat", "prerouting", -100), rules=_ARRIVING, owners=owners),
            "leaving": Chain(hook=Hook("nat", "postrouting", 100), rules=_LEAVING, owners=owners),
            "helped": Chain(hook=Hook("filter", "prerouting", -150), rules=helped(router.router.helpers), owners=owner),
            "crossing": Chain(hook=Hook("filter", "postrouting", 150), rules=CROSSING, owners=owner),
        },
        collections={
            "outside": Collection("set", "type ifname;", frozenset(map(quoted, gateways)), owners),
            **scope_sets(ways, owner),
            **helper_objects(router.router.helpers, owner),
            "floating": Collection("map", "type ipv4_addr : ipv4_addr;", _elements(incoming), owners),
            "fixed": Collection("map", "type ipv4_addr : ipv4_addr;", _elements(outgoing), owners),
            FORWARDED: Collection("map", f"type {_PORT} : ipv4_addr . inet_service;", _single_ports(router), owners),
            FORWARDED_RANGES: Collection("map", f"type {_PORT} : ipv4_addr; flags interval;", _ranges(router), owners),
            "source": Collection(
                "map",
                "type ifname : ipv4_addr;",
                frozenset(element(quoted(device), address) for device, address in sources.items()),
                owner,
            ),
        },
    )


_PORT = "ipv4_addr . inet_proto . inet_service"
_WITH_PORTS = "meta l4proto { tcp, udp, sctp, dccp } dnat ip to ip daddr . meta l4proto . th dport map"
_ARRIVING = (
    "dnat ip to ip daddr map @floating",
    f"{_WITH_PORTS} @{FORWARDED}",
    f"{_WITH_PORTS} @{FORWARDED_RANGES}",
)
_HAIRPIN = "iifname != @outside oifname != @outside ct status dnat"
_LEAVING = (
    "oifname @outside snat ip to ip saddr map @fixed",
    f"iifname . oifname @{TOGETHER} accept",
    "oifname @outside snat ip to oifname map @source",
    f"{_HAIRPIN} snat ip to ip saddr map @fixed",
    f"{_HAIRPIN} snat ip to oifname map @source",
)


def _elements(addresses: dict[str, str]) -> frozenset[str]:
    return frozenset(element(key, value) for key, value in addresses.items())


def _forwards(router: RouterView) -> Iterator[tuple[str, Forward]]:
    """Give every way with the floating address that it begins at."""
    for floatingip in sorted(router.floatingips.values(), key=lambda one: one.id):
        yield from ((floatingip.floating_ip_address, way) for way in floatingip.forwards)


def _stays(way: Forward) -> bool:
    """Say whether several ports lead to the same ports inside: nft has one element for all of them."""
    outside = (way.external_first, way.external_last)
    return way.external_first != way.external_last and outside == (way.internal_first, way.internal_last)


def _single_ports(router: RouterView) -> frozenset[str]:
    elements = set()
    for address, way in _forwards(router):
        if _stays(way):
            continue
        step = 0 if way.internal_first == way.internal_last else 1
        for at in range(way.external_last - way.external_first + 1):
            key = f"{address} . {way.protocol} . {way.external_first + at}"
            elements.add(element(key, f"{way.internal_ip_address} . {way.internal_first + at * step}"))
    return frozenset(elements)


def _ranges(router: RouterView) -> frozenset[str]:
    return frozenset(
        element(f"{address} . {way.protocol} . {way.external_first}-{way.external_last}", way.internal_ip_address)
        for address, way in _forwards(router)
        if _stays(way)
    )
