"""Floating IPs as hosts see them: entries of `router:<id>`."""

import msgspec

from kaon.wire.qos_rules import QosRule


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """Ports of a floating IP that lead to ports of an address inside: to as many, in their order, or all to one.

    protocol  tcp, udp, sctp or dccp
    """

    protocol: str
    external_first: int
    external_last: int
    internal_ip_address: str
    internal_first: int
    internal_last: int


class FloatingIp(msgspec.Struct, frozen=True, tag="fip", kw_only=True):
    """An address of the external network that stands for a fixed address behind the router, or forwards single ports.

    revision          the floating IP's revision_number; what the router's host reports once it translates so
    fixed_ip_address  empty: it stands for none, and so has no `port_id`
    qos               the rules that count for its traffic; ingress is towards the fixed address
    """

    id: str
    revision: int
    floating_network_id: str
    floating_ip_address: str
    fixed_ip_address: str = ""
    port_id: str = ""
    qos: tuple[QosRule, ...] = ()
    forwards: tuple[Forward, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"floatingip/{self.id}"
