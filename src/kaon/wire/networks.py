"""Networks as a host sees them: entries of `network:<id>`."""

import msgspec


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One of several pieces that a network is made of; as in `Network`."""

    network_type: str
    segmentation_id: int | None = None
    physical_network: str | None = None


class Network(msgspec.Struct, frozen=True, tag="network", kw_only=True):
    """The network itself. One in each network scope.

    network_type      vxlan, flat, vlan or local; empty where there are several segments
    segmentation_id   VNI or VLAN id; None for flat and local
    physical_network  name of the provider network; None for tunnels
    mtu               bytes of an IP packet on the network
    external          floating IPs and router gateways may live here
    segments          where there are several: a host is on the first that it reaches
    """

    id: str
    network_type: str
    mtu: int
    segmentation_id: int | None = None
    physical_network: str | None = None
    external: bool = False
    admin_state_up: bool = True
    dns_domain: str = ""
    segments: tuple[Segment, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return "network"


class Endpoint(msgspec.Struct, frozen=True, tag="endpoint", kw_only=True):
    """A host that has at least one port of the network, and where its tunnels end (IPv4 or IPv6 text; None: no tunnels)."""

    host: str
    tunnel_ip: str | None

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"host/{self.host}"
