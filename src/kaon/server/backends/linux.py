"""Linux bridges, VXLAN and nftables, made by Kaon's own agent on every host.

Hosts pull their scopes and report what they made true, so there is nothing to reconcile here, and status comes from them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kaon.lib.addresses import IPV4, IPV6
from kaon.server.backends import checking
from kaon.server.backends.protocol import Binding, Capabilities, Change, HostFacts, StatusSink

_VXLAN_UNDER = {IPV4: 50, IPV6: 70}  # outer IP, UDP 8, VXLAN 8, inner Ethernet 14


@dataclass(frozen=True)
class LinuxBackend:
    """The back end of Kaon's agent."""

    name: str = "linux"
    capabilities: Capabilities = Capabilities(  # noqa: RUF009  # frozen
        network_types=frozenset({"vxlan", "flat"}),
        tunnel_types=frozenset({"vxlan"}),
        vnic_types=frozenset({"normal"}),
        ip_versions=frozenset({IPV4, IPV6}),
        ipv6_modes=frozenset({"slaac", "dhcpv6-stateless", "dhcpv6-stateful"}),
        security_groups=True,
        gateway_outside_subnet=False,
        overhead={"vxlan": _VXLAN_UNDER, "flat": {IPV4: 0, IPV6: 0}},
        status_from="hosts",
    )

    def start(self, sink: StatusSink) -> None:
        """Do nothing: the hosts report."""

    def validate_network(self, network: Mapping[str, Any]) -> None:
        """Refuse types of networks that no agent makes."""
        checking.network(self.name, self.capabilities, network)

    def validate_subnet(self, network: Mapping[str, Any], subnet: Mapping[str, Any]) -> None:  # noqa: ARG002  # of the protocol
        """Refuse subnets that no agent serves."""
        checking.subnet(self.name, self.capabilities, subnet)

    def validate_port(self, network: Mapping[str, Any], port: Mapping[str, Any]) -> None:  # noqa: ARG002  # of the protocol
        """Refuse kinds of interfaces that no agent wires."""
        checking.port(self.name, self.capabilities, port)

    def bind(self, network: Mapping[str, Any], port: Mapping[str, Any], host: HostFacts) -> Binding | None:
        """Plug a tap, named after the port, that the agent puts into its bridge; the host must reach the physical network."""
        physical = network["physical_network"]
        if physical and physical not in host.physical_networks:
            return None
        return Binding("tap", {"port_filter": port["port_security_enabled"], "connectivity": "l2"})

    def reconcile(self, changes: Collection[Change]) -> None:
        """Do nothing: the hosts pull."""
