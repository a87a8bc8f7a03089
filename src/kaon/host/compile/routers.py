"""Routers hosted here -> namespaces with legs, addresses and routes. Translation and filters are another slice. Pure."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from kaon.host.compile.facts import CompiledLinks
from kaon.host.compile.networks import host_link
from kaon.host.compile.ports import addresses_of, namespace_state
from kaon.host.compile.view import NetworkView, RouterView, View
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.links import VethPair
from kaon.host.state.names import bridge_name, gateway_leg, router_leg, router_namespace, tap_name
from kaon.host.state.namespaces import NAMESPACE_SYSCTLS, ROUTER_SYSCTLS
from kaon.host.state.network_state import LinkState, merge
from kaon.host.state.routes import Hop, Route
from kaon.host.state.trouble import Waiting
from kaon.wire.ports import NetworkPort, RouterPort

GATEWAY = "network:router_gateway"

_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass(frozen=True, slots=True)
class _Leg:
    """A leg whose network is known."""

    device: str
    gateway: bool
    port: NetworkPort
    network: NetworkView


def compile_routers(view: View) -> CompiledLinks:
    """Make the namespaces of the routers that this host forwards for. A router that is down forwards nothing and has none."""
    parts: list[LinkState] = []
    waiting: list[Waiting] = []
    for router_id in view.hosted_routers():
        owner = f"router/{router_id}"
        router = view.router(router_id)
        if router is None:
            waiting.append(Waiting(owner, f"the scope of router {router_id} is not held"))
        elif not router.router.admin_state_up:
            waiting.append(Waiting(owner, "the router is administratively down"))
        else:
            part = _router(view, router)
            parts.append(part.state)
            waiting.extend(part.waiting)
    return CompiledLinks(merge(parts), tuple(waiting))


def _router(view: View, router: RouterView) -> CompiledLinks:
    router_id = router.router.id
    owner = f"router/{router_id}"
    namespace = router_namespace(router_id)
    legs: list[_Leg] = []
    waiting: list[Waiting] = []
    for leg in sorted(router.legs.values(), key=lambda leg: leg.port_id):
        found = _leg(view, leg)
        if isinstance(found, str):
            waiting.append(Waiting(owner, found))
        else:
            legs.append(found)
    floating, unplaced = _floating_addresses(router, namespace, legs)
    routes, unreachable = _routes(router, namespace, legs)
    state = merge(
        (
            namespace_state(namespace, owner, (NAMESPACE_SYSCTLS | ROUTER_SYSCTLS).items()),
            *(_leg_state(leg, namespace, owner) for leg in legs),
            LinkState(addresses=floating, routes=routes),
        )
    )
    return CompiledLinks(state, (*waiting, *unplaced, *unreachable))


def _leg(view: View, leg: RouterPort) -> _Leg | str:
    """Find a leg's MAC and addresses, or say what is missing."""
    network = view.network(leg.network_id)
    if network is None:
        return f"the scope of network {leg.network_id} is not held"
    port = network.ports.get(leg.port_id)
    if port is None:
        return f"port {leg.port_id} is not on network {leg.network_id}"
    if not network.network.admin_state_up:
        return f"network {leg.network_id} is administratively down"
    bound = view.ports().get(leg.port_id)
    if bound is not None and not bound.admin_state_up:
        return f"port {leg.port_id} is administratively down"
    gateway = leg.device_owner == GATEWAY
    return _Leg(gateway_leg(port.id) if gateway else router_leg(port.id), gateway, port, network)


def _leg_state(leg: _Leg, namespace: str, owner: str) -> LinkState:
    network = leg.network.network
    pair = VethPair(
        name=tap_name(leg.port.id),
        bridge=bridge_name(network.id),
        namespace=namespace,
        peer=leg.device,
        mac=leg.port.mac_address,
        mtu=network.mtu,
        owner=f"port/{leg.port.id}",
    )
    addresses = frozenset(
        InterfaceAddress(namespace, leg.device, cidr, announced=True, owner=owner)
        for cidr in addresses_of(leg.port, leg.network)
    )
    return merge((host_link(pair.owner, pair), LinkState(addresses=addresses)))


def _floating_addresses(
    router: RouterView, namespace: str, legs: list[_Leg]
) -> tuple[frozenset[InterfaceAddress], tuple[Waiting, ...]]:
    """Put floating IPs on the gateway leg, alone in their prefix: it answers for them, and nothing else follows."""
    gateways = {leg.network.network.id: leg.device for leg in legs if leg.gateway}
    addresses = set()
    waiting = []
    for floating in router.floatingips.values():
        owner = f"floatingip/{floating.id}"
        device = gateways.get(floating.floating_network_id)
        if device is None:
            waiting.append(Waiting(owner, f"the router has no leg on network {floating.floating_network_id}"))
            continue
        address = ip_address(floating.floating_ip_address)
        cidr = f"{address}/{address.max_prefixlen}"
        addresses.add(InterfaceAddress(namespace, device, cidr, announced=True, owner=owner))
    return frozenset(addresses), tuple(waiting)


def _routes(router: RouterView, namespace: str, legs: list[_Leg]) -> tuple[frozenset[Route], tuple[Waiting, ...]]:
    """Put together the ways out by the gateway and the router's extra routes; where both name a destination, the latter win."""
    owner = f"router/{router.router.id}"
    hops: dict[str, set[Hop]] = {}
    waiting = []
    for leg in legs:
        if leg.gateway:
            for destination, hop in _gateway_routes(leg):
                hops.setdefault(destination, set()).add(hop)
    extra: dict[str, set[Hop]] = {}
    for route in router.router.routes:
        device = _device_towards(route.nexthop, legs)
        if device is None:
            waiting.append(Waiting(owner, f"next hop {route.nexthop} is on no network of the router"))
            continue
        destination = str(ip_network(route.destination, strict=False))
        extra.setdefault(destination, set()).add(Hop(device, str(ip_address(route.nexthop))))
    routes = (
        Route(namespace, destination, tuple(sorted(onward, key=_hop_order)), owner=owner)
        for destination, onward in (hops | extra).items()
    )
    return frozenset(routes), tuple(waiting)


def _gateway_routes(leg: _Leg) -> list[tuple[str, Hop]]:
    """Say what the gateway leg reaches: everything by its subnets' gateways, and the network's other subnets directly.

    The first subnet of a family with a gateway gives the default. A gateway outside its subnet's prefix is allowed by
    Neutron; it is reached on the link.
    """
    routes: list[tuple[str, Hop]] = []
    with_default: set[int] = set()
    own = [leg.network.subnets[fixed.subnet_id] for fixed in leg.port.fixed_ips if fixed.subnet_id in leg.network.subnets]
    for subnet in own:
        if subnet.gateway_ip is None or subnet.ip_version in with_default:
            continue
        with_default.add(subnet.ip_version)
        gateway = ip_address(subnet.gateway_ip)
        if gateway not in ip_network(subnet.cidr) and not gateway.is_link_local:
            routes.append((f"{gateway}/{gateway.max_prefixlen}", Hop(leg.device)))
        routes.append((_DEFAULT[subnet.ip_version], Hop(leg.device, str(gateway))))
    attached = {subnet.cidr for subnet in own}
    others = {subnet.cidr for subnet in leg.network.subnets.values()} - attached
    routes.extend((str(ip_network(cidr)), Hop(leg.device)) for cidr in sorted(others))
    return routes


def _device_towards(nexthop: str, legs: list[_Leg]) -> str | None:
    address = ip_address(nexthop)
    for leg in legs:
        for fixed in leg.port.fixed_ips:
            subnet = leg.network.subnets.get(fixed.subnet_id)
            if subnet is not None and address in ip_network(subnet.cidr):
                return leg.device
    return None


def _hop_order(hop: Hop) -> tuple[str, str]:
    return (hop.device, hop.gateway or "")
