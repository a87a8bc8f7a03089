"""Rules of security groups, as nft text and as grants. Pure."""

from ipaddress import ip_network

from kaon.host.compile.prefixes import element_of
from kaon.host.state.flows import Grant
from kaon.wire.security_groups import Rule

ICMP = 1
ICMPV6 = 58

PROTOCOLS = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "hopopt": 0,
    "icmp": ICMP,
    "icmpv6": ICMPV6,
    "igmp": 2,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": ICMPV6,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
"""Neutron's names of protocols and their numbers (IANA, Assigned Internet Protocol Numbers)."""

WITH_PORTS = frozenset({6, 17, 33, 132, 136})
"""TCP, UDP, DCCP, SCTP, UDP-Lite: ports are the first four bytes of the header."""


def member_set(group_id: str, version: int) -> str:
    """Name the set of the addresses of a group's members."""
    return f"grp_{group_id}_v{version}"


def grant_of(rule: Rule) -> Grant:
    """Say what a rule allows.

    Errors  ValueError when a protocol's name or an address is not known: the rule then allows nothing.
    """
    version = 6 if rule.ethertype == "IPv6" else 4
    remote = None
    if rule.remote_group_id:
        remote = member_set(rule.remote_group_id, version)
    elif rule.remote_ip_prefix:
        prefix = ip_network(rule.remote_ip_prefix, strict=False)
        if prefix.version != version:
            raise ValueError(f"rule {rule.id}: {rule.remote_ip_prefix} is not {rule.ethertype}")
        remote = str(prefix) if prefix.prefixlen else None
    protocol = _number(rule.protocol, version)
    return Grant(
        direction=rule.direction,
        family=version,
        protocol=protocol,
        first=rule.port_range_min if protocol is not None else None,
        last=rule.port_range_max if protocol is not None else None,
        remote=remote,
    )


def _number(protocol: str | None, version: int) -> int | None:
    """`ip` means any protocol; `icmp` with IPv6 means ICMPv6, by name and by number; as in Neutron."""
    if protocol in {None, "any", "ip"}:
        return None
    number = int(protocol) if protocol.isdigit() else PROTOCOLS.get(protocol)
    if number is None or not 0 <= number <= 255:  # noqa: PLR2004 - one byte
        raise ValueError(f"protocol {protocol!r} is not known")
    return ICMPV6 if version == 6 and number == ICMP else number  # noqa: PLR2004 - IPv6


def text_of(grant: Grant) -> str:
    """Write a grant as a rule of nft."""
    ip = "ip" if grant.family == 4 else "ip6"  # noqa: PLR2004 - IPv4
    words = [f"meta nfproto ipv{grant.family}"]
    if grant.remote is not None:
        end = "saddr" if grant.direction == "ingress" else "daddr"
        remote = f"@{grant.remote}" if grant.remote.startswith("grp_") else element_of(ip_network(grant.remote))
        words.append(f"{ip} {end} {remote}")
    if grant.protocol is not None:
        words.append(f"meta l4proto {grant.protocol}")
        words.extend(_header_words(grant))
    return " ".join([*words, "accept"])


def _header_words(grant: Grant) -> tuple[str, ...]:
    if grant.protocol in WITH_PORTS and (grant.first is not None or grant.last is not None):
        first = 0 if grant.first is None else grant.first
        last = 65535 if grant.last is None else grant.last
        return (f"th dport {first}" if first == last else f"th dport {first}-{last}",)
    if grant.protocol in {ICMP, ICMPV6} and grant.first is not None:
        name = "icmp" if grant.protocol == ICMP else "icmpv6"
        code = () if grant.last is None else (f"{name} code {grant.last}",)
        return (f"{name} type {grant.first}", *code)
    return ()
