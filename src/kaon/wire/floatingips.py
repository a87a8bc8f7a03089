"""Floating IPs as hosts see them: entries of `router:<id>`."""

import msgspec

from kaon.wire.qos_rules import QosRule


class FloatingIp(msgspec.Struct, frozen=True, tag="fip", kw_only=True):
    """An address of the external network that stands for a fixed address behind the router.

    revision  the floating IP's revision_number; what the router's host reports once it translates so
    qos       the rules that count for its traffic; ingress is towards the fixed address
    """

    id: str
    revision: int
    floating_network_id: str
    floating_ip_address: str
    fixed_ip_address: str
    port_id: str
    qos: tuple[QosRule, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"floatingip/{self.id}"
