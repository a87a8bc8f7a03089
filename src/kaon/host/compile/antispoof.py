"""What a port may say it is: its MAC, its addresses, and nobody's DHCP server or router. Pure.

One chain of `bridge kaon` for each filtered port. It drops what is forged and returns for the rest. Checked are the
Ethernet source, the IP source, the sender of ARP (RFC 826) and the target of neighbour advertisements (RFC 4861 §4.4).
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_network

from kaon.host.compile.prefixes import elements_of, link_local, prefixes_of
from kaon.wire.ports import HostPort

_ANY = "0.0.0.0"  # noqa: S104 - no socket: the sender of an ARP probe and of a first DHCP request


def addresses_by_mac(port: HostPort) -> dict[str, tuple[str, ...]]:
    """Map each MAC that the port may use to the addresses and prefixes it may use with it, link-local ones included."""
    by_mac: dict[str, list[str]] = {port.mac_address: [fixed.ip_address for fixed in port.fixed_ips]}
    for pair in port.allowed_address_pairs:
        by_mac.setdefault(pair.mac_address or port.mac_address, []).append(pair.ip_address)
    return {mac: (*addresses, link_local(mac)) for mac, addresses in sorted(by_mac.items())}


@lru_cache(maxsize=8192)  # a port's rules follow from the port alone, and most ports are as they were
def spoof_rules(port: HostPort) -> tuple[str, ...]:
    """Write the chain that a port's frames pass first."""
    by_mac = addresses_by_mac(port)
    return (
        f"ether saddr != {_set(by_mac)} drop",
        *_arp_rules(by_mac),
        *_ipv4_rules(by_mac),
        *_ipv6_rules(by_mac),
        "drop",
    )


def _arp_rules(by_mac: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A sender of 0.0.0.0 is a probe for duplicates (RFC 5227): it claims nothing."""
    return (
        *(
            f"ether saddr {mac} arp saddr ether {mac} arp saddr ip {_set(elements_of((*addresses, _ANY), 4))} return"
            for mac, addresses in by_mac.items()
        ),
        "ether type arp drop",
    )


def _ipv4_rules(by_mac: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return (
        "meta protocol ip udp sport 67 udp dport 68 drop",
        f"ip saddr {_ANY} ip daddr 255.255.255.255 udp sport 68 udp dport 67 return",
        *(
            f"ether saddr {mac} ip saddr {_set(elements_of(addresses, 4))} return"
            for mac, addresses in by_mac.items()
            if elements_of(addresses, 4)
        ),
        "ether type ip drop",
    )


def _ipv6_rules(by_mac: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The target of an advertisement is read as bytes: nft 1.0.6 has no name for it.

    The unspecified source is for duplicate address detection, router solicitation and the joining of groups before it.
    """
    return (
        "icmpv6 type { nd-router-advert, nd-redirect } drop",
        "meta protocol ip6 udp sport 547 udp dport 546 drop",
        *(
            f"ether saddr {mac} icmpv6 type nd-neighbor-advert @th,64,128 != {_targets(addresses)} drop"
            for mac, addresses in by_mac.items()
        ),
        "ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } return",
        *(f"ether saddr {mac} ip6 saddr {_set(elements_of(addresses, 6))} return" for mac, addresses in by_mac.items()),
    )


def _set(elements: Mapping[str, object] | tuple[str, ...]) -> str:
    return "{ " + ", ".join(elements) + " }"


def _targets(addresses: tuple[str, ...]) -> str:
    """Write the IPv6 addresses and prefixes as 16-byte numbers and ranges."""
    shown = []
    for prefix in prefixes_of((text for text in addresses if ip_network(text, strict=False).version == 6), 6):  # noqa: PLR2004 - IPv6
        first, last = int(prefix[0]), int(prefix[-1])
        shown.append(f"{first:#034x}" if first == last else f"{first:#034x}-{last:#034x}")
    return "{ " + ", ".join(shown) + " }"
