"""Networks -> bridges, tunnels, uplinks, and where the remote ports are. Pure.

Only networks with something of ours on them get anything: a port bound here, a DHCP server, a router's leg.
"""

from dataclasses import replace
from ipaddress import ip_address

import msgspec

from kaon.host.compile.facts import CompiledLinks, HostFacts
from kaon.host.compile.view import NetworkView, View
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Link, Uplink, Vxlan
from kaon.host.state.names import HOST, bridge_mac, bridge_name, vxlan_name
from kaon.host.state.namespaces import Sysctl, bridge_sysctls, member_sysctls
from kaon.host.state.network_state import LinkState, merge
from kaon.host.state.trouble import Waiting


def compile_networks(view: View, facts: HostFacts) -> CompiledLinks:
    """Make the bridges of this host, and the ways out of them."""
    parts: list[LinkState] = []
    waiting: list[Waiting] = []
    for network_id in sorted(_local_networks(view)):
        network = view.network(network_id)
        if network is None:
            waiting.append(Waiting(f"network/{network_id}", f"the scope of network {network_id} is not held"))
            continue
        parts.append(_bridge(network))
        part = _way_out(_where_we_are(network, facts), facts)
        parts.append(part.state)
        waiting.extend(part.waiting)
    return CompiledLinks(merge(parts), tuple(waiting))


def host_link(owner: str, link: Link) -> LinkState:
    """Put a link of the host's namespace into a state, with the host itself kept off its IPv6."""
    switches = bridge_sysctls(link.name) if isinstance(link, Bridge) else member_sysctls(link.name)
    return LinkState(
        links=frozenset({link}),
        sysctls=frozenset(Sysctl(HOST, key, value, owner=owner) for key, value in switches.items()),
    )


def _local_networks(view: View) -> set[str]:
    networks = {port.network_id for port in view.ports().values()} | set(view.served_networks())
    for router_id in view.hosted_routers():
        router = view.router(router_id)
        if router is not None:
            networks.update(leg.network_id for leg in router.legs.values())
    return networks


def _bridge(view: NetworkView) -> LinkState:
    network = view.network
    owner = f"network/{network.id}"
    name = bridge_name(network.id)
    return host_link(owner, Bridge(name=name, mac=bridge_mac(network.id), mtu=network.mtu, owner=owner))


def _where_we_are(view: NetworkView, facts: HostFacts) -> NetworkView:
    """Give a network with the segment that this host is on, where it has several: the first that it reaches."""
    network = view.network
    for one in network.segments:
        if facts.tunnel_ip is not None if one.physical_network is None else one.physical_network in facts.physical:
            here = msgspec.structs.replace(
                network,
                network_type=one.network_type,
                segmentation_id=one.segmentation_id,
                physical_network=one.physical_network,
            )
            return replace(view, network=here)
    return view


def _way_out(view: NetworkView, facts: HostFacts) -> CompiledLinks:
    network = view.network
    match network.network_type:
        case "vxlan":
            return _tunnels(view, facts)
        case "flat":
            return _uplink(view, facts)
        case "local":
            return CompiledLinks(LinkState())
        case "":
            waiting = Waiting(f"network/{network.id}", "this host is on none of its segments")
            return CompiledLinks(LinkState(), (waiting,))
        case other:
            waiting = Waiting(f"network/{network.id}", f"networks of type {other} are not known to this host")
            return CompiledLinks(LinkState(), (waiting,))


def _uplink(view: NetworkView, facts: HostFacts) -> CompiledLinks:
    network = view.network
    owner = f"network/{network.id}"
    interface = facts.physical.get(network.physical_network or "")
    if interface is None:
        reason = f"no interface is mapped to physical network {network.physical_network}"
        return CompiledLinks(LinkState(), (Waiting(owner, reason),))
    if interface not in facts.devices:
        reason = f"interface {interface} of physical network {network.physical_network} is not there"
        return CompiledLinks(LinkState(), (Waiting(owner, reason),))
    return CompiledLinks(LinkState(links=frozenset({Uplink(interface, bridge_name(network.id), owner=owner)})))


def _tunnels(view: NetworkView, facts: HostFacts) -> CompiledLinks:
    network = view.network
    owner = f"network/{network.id}"
    if facts.tunnel_ip is None:
        return CompiledLinks(LinkState(), (Waiting(owner, "this host has no tunnel address"),))
    if network.segmentation_id is None:
        return CompiledLinks(LinkState(), (Waiting(owner, "the network has no VNI"),))
    device = vxlan_name(network.segmentation_id)
    tunnel = Vxlan(
        name=device,
        vni=network.segmentation_id,
        local=facts.tunnel_ip,
        mtu=network.mtu,
        bridge=bridge_name(network.id),
        port=facts.vxlan_port,
        owner=owner,
    )
    remotes, waiting = _remotes(view, facts.host, facts.tunnel_ip)
    forwarding = {ForwardingEntry(device, FLOOD_MAC, remote, owner=owner) for remote in remotes.values()}
    neighbours = set()
    for port in view.ports.values():
        remote = remotes.get(port.host or "")
        if remote is None:
            continue
        forwarding.add(ForwardingEntry(device, port.mac_address, remote, owner=owner))
        forwarding.add(ForwardingEntry(device, port.mac_address, None, owner=owner))
        for fixed in port.fixed_ips:
            neighbours.add(Neighbour(bridge_name(network.id), fixed.ip_address, port.mac_address, owner=owner))
    state = LinkState(forwarding=frozenset(forwarding), neighbours=frozenset(neighbours))
    return CompiledLinks(merge((host_link(owner, tunnel), state)), waiting)


def _remotes(view: NetworkView, host: str, tunnel_ip: str) -> tuple[dict[str, str], tuple[Waiting, ...]]:
    """Map each other host of the network to where its tunnels end; leave out those that ours cannot reach."""
    version = ip_address(tunnel_ip).version
    remotes: dict[str, str] = {}
    waiting = []
    for endpoint in view.endpoints.values():
        if endpoint.host == host or endpoint.tunnel_ip is None:
            continue
        if ip_address(endpoint.tunnel_ip).version != version:
            reason = f"host {endpoint.host} tunnels by {endpoint.tunnel_ip}, this host by IPv{version}"
            waiting.append(Waiting("", reason))
            continue
        remotes[endpoint.host] = endpoint.tunnel_ip
    return remotes, tuple(waiting)
