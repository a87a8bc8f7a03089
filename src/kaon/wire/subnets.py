"""Subnets as a host sees them: entries of `network:<id>`, and the DHCP role in `host:<h>`."""

import msgspec


class HostRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route handed to the clients of a subnet (RFC 3442)."""

    destination: str
    nexthop: str


class Subnet(msgspec.Struct, frozen=True, tag="subnet", kw_only=True):
    """A subnet of the network. Addresses and prefixes are canonical text of either family.

    address_scope_id  where its addresses mean something; None: in the scope that has no name
    """

    id: str
    ip_version: int
    cidr: str
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    address_scope_id: str | None = None

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"subnet/{self.id}"


class ServedNetwork(msgspec.Struct, frozen=True, tag="served", kw_only=True):
    """In `host:<h>`: this host runs a DHCP server for the network, on this port of its own."""

    network_id: str
    port_id: str

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"dhcp/{self.network_id}"
