"""Sets of addresses as prefixes of one IP version. IPv4 and IPv6 alike."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from kaon.lib.addresses import IPV4, Prefix


def bits(version: int) -> int:
    """Tell how long an address of IP version 4 or 6 is."""
    return 32 if version == IPV4 else 128


def prefix_at(number: int, length: int, version: int) -> Prefix:
    """Make a prefix of its first address as a number and its length. Errors: ValueError for bits right of the length."""
    return IPv4Network((number, length)) if version == IPV4 else IPv6Network((number, length))


def compact(prefixes: Iterable[Prefix]) -> list[Prefix]:
    """Give the fewest prefixes that hold the same addresses, in the order of addresses."""
    given = list(prefixes)
    four = [prefix for prefix in given if isinstance(prefix, IPv4Network)]
    six = [prefix for prefix in given if isinstance(prefix, IPv6Network)]
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def without(prefixes: Iterable[Prefix], removed: Iterable[Prefix]) -> list[Prefix]:
    """Give the fewest prefixes that hold the addresses of the first which are in none of the second."""
    left = compact(prefixes)
    for gone in compact(removed):
        left = [part for prefix in left for part in _less(prefix, gone)]
    return compact(left)


def covers(prefixes: Iterable[Prefix], inside: Iterable[Prefix]) -> bool:
    """Tell whether each address of the second is in the first."""
    return not without(inside, prefixes)


def _less(prefix: Prefix, gone: Prefix) -> Iterable[Prefix]:
    if not prefix.overlaps(gone):
        return (prefix,)
    if gone.prefixlen <= prefix.prefixlen:
        return ()
    return around(prefix, gone)


def around(prefix: Prefix, part: Prefix) -> list[Prefix]:
    """Give what is left of a prefix when a part of it is cut out: one prefix of each length between the two."""
    version, width = prefix.version, bits(prefix.version)
    number = int(part.network_address)
    lengths = range(part.prefixlen, prefix.prefixlen, -1)
    halves = ((number >> (width - length) ^ 1) << (width - length) for length in lengths)
    return [prefix_at(half, length, version) for half, length in zip(halves, lengths, strict=True)]
