"""Named network namespaces, and the kernel's switches in them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Namespace:
    """A named namespace of ours, with `lo` up. Proof that it is ours: the alias on its `lo`."""

    name: str
    up: bool = True
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Sysctl:
    """A switch below /proc/sys/net of one namespace.

    key  path below /proc/sys/net, such as "ipv4/ip_forward"
    Of those that the kernel has, only the desired ones count: actual knows more of them, and none is ever taken back.
    """

    namespace: str
    key: str
    value: str
    owner: str = field(default="", compare=False)


ROUTER_SYSCTLS: dict[str, str] = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    # Loose: replies may come back by another leg than they left; a source without any route is still dropped.
    "ipv4/conf/all/rp_filter": "2",
    # A leg answers ARP only for its own addresses, so tenants cannot see floating IPs from inside, nor each other's legs.
    "ipv4/conf/all/arp_ignore": "1",
    "ipv4/conf/all/arp_announce": "2",
}
"""What a router's namespace has beside `NAMESPACE_SYSCTLS`."""

NAMESPACE_SYSCTLS: dict[str, str] = {
    # Deleting the first address of a subnet must not take the others with it.
    "ipv4/conf/all/promote_secondaries": "1",
    # Addresses come from IPAM, which knows them to be free; waiting for duplicates would only delay the first packet.
    "ipv6/conf/all/accept_dad": "0",
    "ipv6/conf/default/accept_dad": "0",
    # No address may appear that nobody asked for.
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/autoconf": "0",
}
"""What every namespace of ours has."""


def member_sysctls(device: str) -> dict[str, str]:
    """Give the switches that keep the host itself off the IPv6 of a bridge's member: no link-local address, no RS, no MLD."""
    return {f"ipv6/conf/{device}/disable_ipv6": "1"}


def bridge_sysctls(device: str) -> dict[str, str]:
    """Give the switches that keep a bridge silent in IPv6 and yet let it answer for its neighbours.

    With IPv6 disabled the kernel takes no IPv6 neighbours on the device. In the order of their keys: no address of its own
    must be decided before IPv6 is on.
    """
    return {
        f"ipv6/conf/{device}/accept_ra": "0",
        f"ipv6/conf/{device}/addr_gen_mode": "1",
        f"ipv6/conf/{device}/disable_ipv6": "0",
    }
