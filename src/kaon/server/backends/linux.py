"""Linux bridges, VXLAN and nftables, made by Kaon's own agent on every host.

Hosts pull their scopes, so there is nothing to reconcile here; what they report is what is true, and goes to the sink as it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kaon.lib.addresses import IPV4, IPV6
from kaon.model.qos_rules import BY_NAME as KINDS
from kaon.server.backends import checking
from kaon.server.backends.protocol import Binding, Capabilities, Change, HostFacts, StatusSink
from kaon.wire.messages import Realised

_VXLAN_UNDER = {IPV4: 50, IPV6: 70}  # outer IP, UDP 8, VXLAN 8, inner Ethernet 14

CAPABILITIES: Final = Capabilities(
    network_types=frozenset({"vxlan", "flat"}),
    tunnel_types=frozenset({"vxlan"}),
    vnic_types=frozenset({"normal"}),
    ip_versions=frozenset({IPV4, IPV6}),
    ipv6_ra_modes=frozenset({"slaac", "dhcpv6-stateless", "dhcpv6-stateful"}),
    ipv6_address_modes=frozenset({"slaac", "dhcpv6-stateless", "dhcpv6-stateful"}),
    dhcp_shortest_prefix={IPV4: 0, IPV6: 64},  # dnsmasq takes no shorter one
    security_groups=True,
    routers=True,
    floatingip_versions=frozenset({IPV4}),
    gateway_outside_subnet=False,
    overhead={"vxlan": _VXLAN_UNDER, "flat": {IPV4: 0, IPV6: 0}},
    status_from="hosts",
    qos_rules=frozenset(KINDS),  # limits and marks by hosts; minimum rates by Placement, which finds a host for them
)


@dataclass
class LinuxBackend:
    """The back end of Kaon's agent."""

    name: str = "linux"
    capabilities: Capabilities = CAPABILITIES
    _sink: StatusSink | None = None

    def start(self, sink: StatusSink) -> None:
        """Remember where reports go."""
        self._sink = sink

    def reported(self, host: str, things: Sequence[Realised], applied: Mapping[str, int]) -> None:
        """Hand a report on: an agent says what is true of its host in the words of the sink."""
        if self._sink is None:
            raise RuntimeError(f"back end {self.name} was not started")
        self._sink.realised(host, things, applied)

    def validate_network(self, network: Mapping[str, Any]) -> None:
        """Refuse types of networks that no agent makes."""
        checking.network(self.name, self.capabilities, network)

    def validate_subnet(self, network: Mapping[str, Any], subnet: Mapping[str, Any]) -> None:  # noqa: ARG002  # of the protocol
        """Refuse subnets that no agent serves."""
        checking.subnet(self.name, self.capabilities, subnet)

    def validate_port(self, network: Mapping[str, Any], port: Mapping[str, Any]) -> None:  # noqa: ARG002  # of the protocol
        """Refuse what no agent filters. A kind of interface that none wires shows when it is bound."""
        checking.port(self.name, self.capabilities, port)

    def validate_router(self, router: Mapping[str, Any]) -> None:  # noqa: ARG002  # of the protocol
        """Refuse no router."""
        checking.router(self.name, self.capabilities)

    def validate_router_port(self, router: Mapping[str, Any], subnets: Sequence[Mapping[str, Any]]) -> None:  # noqa: ARG002  # of the protocol
        """Refuse legs that no agent makes."""
        checking.router_port(self.name, self.capabilities, subnets)

    def validate_floatingip(self, floatingip: Mapping[str, Any]) -> None:
        """Refuse addresses that no agent translates."""
        checking.floatingip(self.name, self.capabilities, floatingip)

    def bind(self, network: Mapping[str, Any], port: Mapping[str, Any], host: HostFacts) -> Binding | None:
        """Plug a tap, named after the port, that the agent puts into its bridge.

        The host must reach the physical network, or have an end of the tunnels; hardware is nothing that the agent wires.
        """
        if port["binding:vnic_type"] not in self.capabilities.vnic_types:
            return None
        if network["network_type"] not in self.capabilities.network_types:
            return None
        physical = network["physical_network"]
        if physical not in host.physical_networks if physical else not host.tunnels:
            return None
        return Binding("tap", {"port_filter": port["port_security_enabled"], "connectivity": "l2"})

    def reconcile(self, changes: Collection[Change]) -> None:
        """Do nothing: the hosts pull."""
