"""Addresses and prefixes as nft's interval sets take them. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Prefix = IPv4Network | IPv6Network

_UNIVERSE = 0


def prefixes_of(texts: Iterable[str], version: int) -> tuple[Prefix, ...]:
    """Read addresses and prefixes, keep those of one IP version, and drop what another one covers.

    nft refuses elements that overlap. Neighbours are not merged: a member that comes or goes must touch no other element.
    Errors  ValueError on text that is no address.
    """
    found = {_read(text) for text in texts}
    kept: list[Prefix] = []
    covered: set[Prefix] = set()
    for prefix in sorted((one for one in found if one.version == version), key=_order):
        if not any(_supernet(prefix, length) in covered for length in {one.prefixlen for one in covered}):
            covered.add(prefix)
            kept.append(prefix)
    return tuple(sorted(kept, key=lambda one: (int(one.network_address), one.prefixlen)))


@lru_cache(maxsize=65536)  # reading is most of what compiling filters costs, and most addresses are as they were
def _read(text: str) -> Prefix:
    return ip_network(text, strict=False)


def _order(prefix: Prefix) -> tuple[int, int]:
    return prefix.prefixlen, int(prefix.network_address)


def _supernet(prefix: Prefix, length: int) -> Prefix:
    return prefix if length >= prefix.prefixlen else prefix.supernet(new_prefix=length)


def element_of(prefix: Prefix) -> str:
    """Write a prefix as a set's element: a bare address when it is one."""
    return str(prefix.network_address) if prefix.prefixlen == prefix.max_prefixlen else str(prefix)


def elements_of(texts: Iterable[str], version: int) -> tuple[str, ...]:
    """Write addresses and prefixes as elements of an interval set; everything at once becomes two halves.

    Why two halves: nft takes a prefix of length 0 in a rule but not in all sets.
    """
    elements: list[str] = []
    for prefix in prefixes_of(texts, version):
        parts = prefix.subnets() if prefix.prefixlen == _UNIVERSE else (prefix,)
        elements.extend(element_of(part) for part in parts)
    return tuple(elements)


def link_local(mac_address: str) -> str:
    """Derive the IPv6 link-local address of a MAC (RFC 4291, appendix A: modified EUI-64)."""
    octets = [int(part, 16) for part in mac_address.split(":")]
    identifier = bytes([octets[0] ^ 0x02, *octets[1:3], 0xFF, 0xFE, *octets[3:6]])
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + identifier))


def first_of(addresses: Iterable[str], version: int) -> IPv4Address | IPv6Address | None:
    """Find the first plain address of a version."""
    for text in addresses:
        prefix = _read(text)
        if prefix.version == version:
            return prefix.network_address
    return None
