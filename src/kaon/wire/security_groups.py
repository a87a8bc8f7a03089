"""Security groups as hosts see them: entries of `group:<id>`."""

import msgspec


class SecurityGroup(msgspec.Struct, frozen=True, tag="group", kw_only=True):
    """The group itself. One in each group scope."""

    id: str
    stateful: bool = True

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return "group"


class Rule(msgspec.Struct, frozen=True, tag="rule", kw_only=True):
    """What the group lets in or out. None means any.

    direction       ingress or egress, as the port sees it
    ethertype       IPv4 or IPv6
    protocol        IANA name in lower case or decimal number, as text; icmp with IPv6 means ICMPv6
    port_range_min  first port; for ICMP the type
    port_range_max  last port; for ICMP the code
    remote_group_id a security group or an address group: whoever has an address in `members:<id>`
    """

    id: str
    direction: str
    ethertype: str
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"rule/{self.id}"
