"""What an operator decides about the control plane. Nothing else stands here, so that it can be read without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DEFAULT_QUOTAS: Mapping[str, int] = {
    "network": 100,
    "subnet": 100,
    "subnetpool": -1,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "router_route": 30,
    "rbac_policy": 10,
    "security_group": 10,
    "security_group_rule": 100,
    "trunk": -1,
}
"""Neutron's defaults; -1 is unlimited."""


@dataclass(frozen=True)
class ServerSettings:
    """What an operator decides about the control plane.

    base_mac                 generated MAC addresses begin with it (its zero octets at the end are random)
    vni_ranges               inclusive ranges of VXLAN network identifiers
    flat_networks            names of physical networks that flat networks may use; "*" allows any
    type_drivers             types that networks may have; those that no back end wires can be made, and their ports not bound
    vlan_ranges              physical network -> inclusive ranges of VLAN ids that the server may choose; without any it
                             carries VLANs whose id an administrator names
    gre_ranges, geneve_ranges  inclusive ranges of their network identifiers
    tenant_network_types     tried in order for a network whose type is not given
    external_network_type    for an external network whose type is not given; empty: as any other
    default_availability_zones  for networks and routers that name none; empty: any zone
    underlay_mtu             bytes; networks get what remains of it
    overlay_ip_version       of the underlay's addresses: tunnels over IPv6 need 20 bytes more
    quotas                   limit by resource for projects without their own; -1 unlimited; empty: no quota is kept
    max_dns_nameservers      per subnet
    max_subnet_host_routes   per subnet
    max_allowed_address_pair per port
    dns_domain               of names that ports have; "openstacklocal": the operator chose none
    dhcp_agents_per_network  hosts that serve a network
    agent_down_time_s        an agent not heard of for so long is dead
    default_backend          name of the back end for networks that do not choose
    page_limit               largest page of a list; 0: no limit
    notify_nova_of_status    Nova is told when ports of servers become ACTIVE or DOWN
    notify_nova_of_data      Nova is told when such ports, or floating IPs of theirs, change or are deleted
    external_dns             names of ports and floating IPs are published by another service
    """

    base_mac: str = "fa:16:3e:00:00:00"
    vni_ranges: Sequence[tuple[int, int]] = ((1, 16777215),)
    flat_networks: Sequence[str] = ("*",)
    type_drivers: Sequence[str] = ("flat", "vxlan")
    vlan_ranges: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    gre_ranges: Sequence[tuple[int, int]] = ()
    geneve_ranges: Sequence[tuple[int, int]] = ()
    tenant_network_types: Sequence[str] = ("vxlan",)
    external_network_type: str = ""
    default_availability_zones: Sequence[str] = ()
    underlay_mtu: int = 1500
    overlay_ip_version: int = 4
    quotas: Mapping[str, int] = field(default_factory=lambda: DEFAULT_QUOTAS)
    max_dns_nameservers: int = 5
    max_subnet_host_routes: int = 20
    max_allowed_address_pair: int = 10
    dns_domain: str = "openstacklocal"
    dhcp_agents_per_network: int = 1
    agent_down_time_s: float = 75.0
    default_backend: str = "linux"
    page_limit: int = 0
    notify_nova_of_status: bool = False
    notify_nova_of_data: bool = False
    external_dns: bool = False
