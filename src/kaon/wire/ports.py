"""Ports as hosts see them, in four scopes: on the port's own host, on its network, in its groups, at its router."""

import msgspec

from kaon.wire.qos_rules import QosRule


class FixedIp(msgspec.Struct, frozen=True):
    """One address of a port."""

    subnet_id: str
    ip_address: str


class AddressPair(msgspec.Struct, frozen=True):
    """A further MAC and address or prefix that the port may use."""

    mac_address: str
    ip_address: str


class DhcpOption(msgspec.Struct, frozen=True):
    """A DHCP option of one port. name: the field's word, or a number; version: 4 or 6."""

    name: str
    value: str
    version: int = 4


class HostPort(msgspec.Struct, frozen=True, tag="port", kw_only=True):
    """In `host:<h>`: a port bound to this host, with all that wiring and filtering it needs.

    revision  the port's revision_number; what the host reports once it is wired so
    qos       the rules that count for its traffic
    """

    id: str
    revision: int
    network_id: str
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    admin_state_up: bool = True
    device_owner: str = ""
    device_id: str = ""
    port_security_enabled: bool = True
    security_groups: tuple[str, ...] = ()
    allowed_address_pairs: tuple[AddressPair, ...] = ()
    qos: tuple[QosRule, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"port/{self.id}"


class NetworkPort(msgspec.Struct, frozen=True, tag="netport", kw_only=True):
    """In `network:<id>`: who has which MAC and addresses, and where; and what its DHCP server tells it.

    host      None while the port is not bound
    dns_name  what its clients are called; empty: as its address says
    """

    id: str
    revision: int
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    host: str | None = None
    device_owner: str = ""
    name: str = ""
    dns_name: str = ""
    dhcp_options: tuple[DhcpOption, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"port/{self.id}"


class GroupMember(msgspec.Struct, frozen=True, tag="member", kw_only=True):
    """In `members:<group id>`: the addresses and prefixes of one port of the group, allowed address pairs included."""

    port_id: str
    addresses: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"port/{self.port_id}"


class RouterPort(msgspec.Struct, frozen=True, tag="leg", kw_only=True):
    """In `router:<id>`: a leg of the router. MAC and addresses stand in the network's scope and are not copied here.

    device_owner  network:router_interface or network:router_gateway
    """

    port_id: str
    network_id: str
    device_owner: str

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"port/{self.port_id}"
