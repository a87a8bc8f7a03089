"""Floating IPs as hosts see them: entries of `router:<id>`."""

import msgspec


class FloatingIp(msgspec.Struct, frozen=True, tag="fip", kw_only=True):
    """An address of the external network that stands for a fixed address behind the router.

    revision  the floating IP's revision_number; what the router's host reports once it translates so
    """

    id: str
    revision: int
    floating_network_id: str
    floating_ip_address: str
    fixed_ip_address: str
    port_id: str

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"floatingip/{self.id}"
