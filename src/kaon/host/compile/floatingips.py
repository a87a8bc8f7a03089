"""Address translation of routers: the table `inet kaon` in each router's namespace. Pure.

    nat prerouting  -100   daddr: floating -> fixed, wherever the packet comes from
    nat postrouting  100   what leaves by the gateway: saddr fixed -> floating, otherwise -> the gateway's address
                           what came in by another leg for a floating IP and leaves by one (hairpin): the same, so that
                           the answer comes back here and not straight to a neighbour that never asked its sender

Traffic between networks of the router is not translated, nor is IPv6. What changes are elements only; rules never do.
"""

from kaon.host.compile.prefixes import first_of
from kaon.host.compile.security_groups import CompiledFilters
from kaon.host.compile.view import RouterView, View
from kaon.host.state.filters import Chain, Collection, FilterState, Hook, Table, element, quoted
from kaon.host.state.names import gateway_leg, router_leg, router_namespace
from kaon.host.state.trouble import Waiting

GATEWAY = "network:router_gateway"


def compile_floatingips(view: View) -> CompiledFilters:
    """Say which tables the namespaces of the routers hosted here shall have. Routers without a gateway have none.

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
        if router.router.admin_state_up and gateways:
            tables[(router_namespace(router_id), "inet")] = _table(view, router, waiting)
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


def _table(view: View, router: RouterView, waiting: list[Waiting]) -> Table:
    gateways = _gateway_addresses(view, router, waiting)
    owner = (f"router/{router.router.id}",)
    incoming: dict[str, str] = {}
    outgoing: dict[str, str] = {}
    for floatingip in sorted(router.floatingips.values(), key=lambda one: one.id):
        incoming.setdefault(floatingip.floating_ip_address, floatingip.fixed_ip_address)
        outgoing.setdefault(floatingip.fixed_ip_address, floatingip.floating_ip_address)
    sources = {device: address for device, address in gateways.items() if address and router.router.enable_snat}
    hairpin = next((address for _, address in sorted(gateways.items()) if address), None)
    inside = [router_leg(leg.port_id) for leg in router.legs.values() if leg.device_owner != GATEWAY]
    sources.update({device: hairpin for device in inside if hairpin})
    owners = tuple(f"floatingip/{one}" for one in sorted(router.floatingips)) + owner
    return Table(
        chains={
            "arriving": Chain(
                hook=Hook("nat", "prerouting", -100), rules=("dnat ip to ip daddr map @floating",), owners=owners
            ),
            "leaving": Chain(hook=Hook("nat", "postrouting", 100), rules=_LEAVING, owners=owners),
        },
        collections={
            "outside": Collection("set", "type ifname;", frozenset(map(quoted, gateways)), owners),
            "floating": Collection("map", "type ipv4_addr : ipv4_addr;", _elements(incoming), owners),
            "fixed": Collection("map", "type ipv4_addr : ipv4_addr;", _elements(outgoing), owners),
            "source": Collection(
                "map",
                "type ifname : ipv4_addr;",
                frozenset(element(quoted(device), address) for device, address in sources.items()),
                owner,
            ),
        },
    )


_HAIRPIN = "iifname != @outside oifname != @outside ct status dnat"
_LEAVING = (
    "oifname @outside snat ip to ip saddr map @fixed",
    "oifname @outside snat ip to oifname map @source",
    f"{_HAIRPIN} snat ip to ip saddr map @fixed",
    f"{_HAIRPIN} snat ip to oifname map @source",
)


def _elements(addresses: dict[str, str]) -> frozenset[str]:
    return frozenset(element(key, value) for key, value in addresses.items())
