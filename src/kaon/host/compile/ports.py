"""Ports bound to this host -> taps on bridges, and the legs of DHCP servers. Routers' legs are in `routers`. Pure."""

from collections.abc import Iterable
from ipaddress import ip_interface

from kaon.host.compile.facts import CompiledLinks, HostFacts
from kaon.host.compile.networks import host_link
from kaon.host.compile.view import NetworkView, View
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.links import Tap, VethPair
from kaon.host.state.names import bridge_name, dhcp_leg, dhcp_namespace, tap_name
from kaon.host.state.namespaces import NAMESPACE_SYSCTLS, Namespace, Sysctl
from kaon.host.state.network_state import LinkState, merge
from kaon.host.state.trouble import Waiting
from kaon.wire.ports import HostPort, NetworkPort
from kaon.wire.subnets import ServedNetwork

LEG_OWNERS = frozenset(
    {
        "network:dhcp",
        "network:router_interface",
        "network:router_gateway",
    }
)
"""Device owners of ports that this host makes itself; every other port is plugged by someone else."""


def compile_ports(view: View, facts: HostFacts) -> CompiledLinks:
    """Enslave what is plugged, and make the legs of DHCP servers."""
    parts: list[LinkState] = []
    waiting: list[Waiting] = []
    for port_id, port in sorted(view.ports().items()):
        if port.device_owner in LEG_OWNERS:
            continue
        part = _tap(port, view.network(port.network_id), facts)
        if isinstance(part, Waiting):
            waiting.append(Waiting(f"port/{port_id}", part.reason))
        else:
            parts.append(part)
    for network_id, served in sorted(view.served_networks().items()):
        part = _dhcp_leg(served, view.network(network_id), view.ports().get(served.port_id))
        if isinstance(part, Waiting):
            waiting.append(part)
        else:
            parts.append(part)
    return CompiledLinks(merge(parts), tuple(waiting))


def addresses_of(port: NetworkPort, network: NetworkView) -> tuple[str, ...]:
    """List a port's addresses with the prefix lengths of their subnets; those of subnets not known are left out."""
    return tuple(
        str(ip_interface(f"{fixed.ip_address}/{network.subnets[fixed.subnet_id].cidr.rpartition('/')[2]}"))
        for fixed in port.fixed_ips
        if fixed.subnet_id in network.subnets
    )


def namespace_state(name: str, owner: str, switches: Iterable[tuple[str, str]]) -> LinkState:
    """Make a namespace with its switches."""
    return LinkState(
        namespaces=frozenset({Namespace(name, owner=owner)}),
        sysctls=frozenset(Sysctl(name, key, value, owner=owner) for key, value in switches),
    )


def _tap(port: HostPort, network: NetworkView | None, facts: HostFacts) -> LinkState | Waiting:
    """A port that is administratively down, or on a network that is, is on no bridge: nothing passes."""
    owner = f"port/{port.id}"
    name = tap_name(port.id)
    if network is None:
        return Waiting(owner, f"the scope of network {port.network_id} is not held")
    if not port.admin_state_up:
        return Waiting(owner, "the port is administratively down")
    if not network.network.admin_state_up:
        return Waiting(owner, "its network is administratively down")
    if name not in facts.devices:
        return Waiting(owner, f"device {name} is not plugged")
    return host_link(owner, Tap(name, bridge_name(port.network_id), network.network.mtu, owner=owner))


def _dhcp_leg(served: ServedNetwork, network: NetworkView | None, bound: HostPort | None) -> LinkState | Waiting:
    owner = f"dhcp/{served.network_id}"
    if network is None:
        return Waiting(owner, f"the scope of network {served.network_id} is not held")
    port = network.ports.get(served.port_id)
    if port is None:
        return Waiting(owner, f"the DHCP port {served.port_id} is not on the network")
    if not network.network.admin_state_up:
        return Waiting(owner, "its network is administratively down")
    if bound is not None and not bound.admin_state_up:
        return Waiting(owner, f"the DHCP port {served.port_id} is administratively down")
    namespace = dhcp_namespace(served.network_id)
    device = dhcp_leg(port.id)
    pair = VethPair(
        name=tap_name(port.id),
        bridge=bridge_name(served.network_id),
        namespace=namespace,
        peer=device,
        mac=port.mac_address,
        mtu=network.network.mtu,
        owner=f"port/{port.id}",
    )
    addresses = frozenset(InterfaceAddress(namespace, device, cidr, owner=owner) for cidr in addresses_of(port, network))
    space = namespace_state(namespace, owner, NAMESPACE_SYSCTLS.items())
    return merge((space, host_link(pair.owner, pair), LinkState(addresses=addresses)))
