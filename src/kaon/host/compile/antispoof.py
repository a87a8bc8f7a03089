"""What a port may say it is: its MAC, its addresses, and nobody's DHCP server or router. Pure.

Two chains of `bridge kaon` for each filtered port: `spoof_<port>` drops what is forged and returns for the rest,
`claims_<port>` is asked about neighbour advertisements. Checked are the Ethernet source, the IP source, the sender of ARP
(RFC 826) and the target of neighbour advertisements (RFC 4861 §4.4).

Why so few sets in braces: each is a set of its own in the kernel, and nft asks for each one by itself whenever it lists.
With a thousand ports that made listing take seconds; some rules more cost nothing.
"""

from collections.abc import Mapping
from functools import lru_cache

from kaon.host.compile.prefixes import elements_of, link_local, prefixes_of
from kaon.wire.ports import HostPort

REMEMBERED = 8192
"""Ports on a host, generously: a port's rules follow from the port alone, and most ports are as they were."""

_FEW = 4

_ANY = "0.0.0.0"  # noqa: S104 - no socket: the sender of an ARP probe and of a first DHCP request


def addresses_by_mac(port: HostPort) -> dict[str, tuple[str, ...]]:
    """Map each MAC that the port may use to the addresses and prefixes it may use with it, link-local ones included."""
    by_mac: dict[str, list[str]] = {port.mac_address: [fixed.ip_address for fixed in port.fixed_ips]}
    for pair in port.allowed_address_pairs:
        by_mac.setdefault(pair.mac_address or port.mac_address, []).append(pair.ip_address)
    return {mac: (*addresses, link_local(mac)) for mac, addresses in sorted(by_mac.items())}


SHARED: Mapping[str, tuple[str, ...]] = {
    "never": (
        "meta protocol ip udp sport 67 udp dport 68 drop",
        "meta protocol ip6 udp sport 547 udp dport 546 drop",
        "icmpv6 type { nd-router-advert, nd-redirect } drop",
    ),
    "unspecified": (
        "icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } return",
        "drop",
    ),
}
"""Chains that all ports share: what no port may say, and what it may say before it has an IPv6 address: detect duplicates,
look for routers, join groups."""


@lru_cache(maxsize=REMEMBERED)
def spoof_rules(port: HostPort) -> tuple[str, ...]:
    """Write the chain that a port's frames pass first.

    A sender of 0.0.0.0 in ARP is a probe for duplicates (RFC 5227): it claims nothing.
    """
    by_mac = addresses_by_mac(port)
    rules = [f"ether saddr != {_one_or_set(tuple(by_mac))} drop", "jump never"]
    for mac, addresses in by_mac.items():
        senders = elements_of((*addresses, _ANY), 4)
        rules.extend(f"ether saddr {mac} arp saddr ether {mac} arp saddr ip {one} return" for one in _few(senders))
    rules.append("ether type arp drop")
    rules.append(f"ip saddr {_ANY} ip daddr 255.255.255.255 udp sport 68 udp dport 67 return")
    for mac, addresses in by_mac.items():
        rules.extend(f"ether saddr {mac} ip saddr {one} return" for one in _few(elements_of(addresses, 4)))
    rules.append("ether type ip drop")
    rules.append(f"icmpv6 type nd-neighbor-advert jump claims_{port.id}")
    rules.append("ip6 saddr :: goto unspecified")
    for mac, addresses in by_mac.items():
        rules.extend(f"ether saddr {mac} ip6 saddr {one} return" for one in _few(elements_of(addresses, 6)))
    return (*rules, "drop")


@lru_cache(maxsize=REMEMBERED)
def claim_rules(port: HostPort) -> tuple[str, ...]:
    """Write the chain that a port's neighbour advertisements pass: the target must be its own.

    The target is read as bytes: nft 1.0.6 has no name for it.
    """
    rules: list[str] = []
    for mac, addresses in addresses_by_mac(port).items():
        rules.extend(f"ether saddr {mac} @th,64,128 {one} return" for one in _few(_targets(addresses)))
    return (*rules, "drop")


def _one_or_set(elements: tuple[str, ...]) -> str:
    return elements[0] if len(elements) == 1 else "{ " + ", ".join(elements) + " }"


def _few(elements: tuple[str, ...]) -> tuple[str, ...]:
    """Give what a rule each is written for: every element when they are few, otherwise all of them as one set."""
    return elements if len(elements) <= _FEW else (_one_or_set(elements),)


def _targets(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Write the IPv6 addresses and prefixes as 16-byte numbers and ranges."""
    shown = []
    for prefix in prefixes_of(addresses, 6):
        first, last = int(prefix[0]), int(prefix[-1])
        shown.append(f"{first:#034x}" if first == last else f"{first:#034x}-{last:#034x}")
    return tuple(shown)
