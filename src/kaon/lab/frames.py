"""Ethernet frames for probes that must lie: wrong source addresses, ARP and neighbour advertisements for others. Pure.

Source: RFC 826 (ARP), RFC 791, RFC 8200, RFC 768 (UDP), RFC 4861 section 4.4 (neighbour advertisement), RFC 2464.
"""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

BROADCAST = "ff:ff:ff:ff:ff:ff"
_ETH_IPV4, _ETH_ARP, _ETH_IPV6 = 0x0800, 0x0806, 0x86DD
_UDP, _ICMPV6 = 17, 58
_NEIGHBOUR_ADVERTISEMENT = 136
_OVERRIDE = 0x20000000


class Ends(NamedTuple):
    """Two addresses of one kind."""

    source: str
    target: str


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _sum(data: bytes) -> int:
    """RFC 1071."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ethernet(source: str, target: str, kind: int, payload: bytes) -> bytes:
    return (_mac(target) + _mac(source) + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def arp(*, source_mac: str, sender_mac: str, sender_ip: str, target_ip: str, reply: bool = False) -> bytes:
    """A broadcast ARP request (or unasked reply): `sender_ip` is at `sender_mac`. source_mac stands in the frame's head."""
    sender = _mac(sender_mac) + IPv4Address(sender_ip).packed
    target = b"\0" * 6 + IPv4Address(target_ip).packed
    return _ethernet(
        source_mac, BROADCAST, _ETH_ARP, struct.pack("!HHBBH", 1, _ETH_IPV4, 6, 4, 2 if reply else 1) + sender + target
    )


def _pseudo(source: IPv6Address | IPv4Address, target: IPv6Address | IPv4Address, length: int, protocol: int) -> bytes:
    """The pseudo header that checksums of upper layers cover (RFC 768, RFC 8200 section 8.1)."""
    if source.version == 6:  # noqa: PLR2004  # the protocol's own number
        return source.packed + target.packed + struct.pack("!IxxxB", length, protocol)
    return source.packed + target.packed + struct.pack("!xBH", protocol, length)


def udp(*, macs: Ends, ips: Ends, port: int, payload: bytes) -> bytes:
    """One UDP datagram, IPv4 or IPv6 by its addresses, from port 4000."""
    source, target = ip_address(ips.source), ip_address(ips.target)
    length = 8 + len(payload)
    head = struct.pack("!HHH", 4000, port, length)
    total = _sum(_pseudo(source, target, length, _UDP) + head + b"\0\0" + payload) or 0xFFFF
    segment = head + struct.pack("!H", total) + payload
    if isinstance(source, IPv6Address):
        packet = struct.pack("!IHBB", 6 << 28, length, _UDP, 64) + source.packed + target.packed + segment
        return _ethernet(macs.source, macs.target, _ETH_IPV6, packet)
    bare = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, _UDP, 0) + source.packed + target.packed
    header = bare[:10] + struct.pack("!H", _sum(bare)) + bare[12:]
    return _ethernet(macs.source, macs.target, _ETH_IPV4, header + segment)


def neighbour_advertisement(*, source_mac: str, claimed_mac: str, source_ip: str, claimed_ip: str) -> bytes:
    """An unasked neighbour advertisement to all nodes that says `claimed_ip` is at `claimed_mac`."""
    source, claimed, target = IPv6Address(source_ip), IPv6Address(claimed_ip), IPv6Address("ff02::1")
    rest = struct.pack("!I", _OVERRIDE) + claimed.packed + b"\x02\x01" + _mac(claimed_mac)
    length = 4 + len(rest)
    head = struct.pack("!BBH", _NEIGHBOUR_ADVERTISEMENT, 0, 0)
    total = _sum(_pseudo(source, target, length, _ICMPV6) + head + rest)
    packet = struct.pack("!IHBB", 6 << 28, length, _ICMPV6, 255) + source.packed + target.packed
    return _ethernet(source_mac, "33:33:00:00:00:01", _ETH_IPV6, packet + head[:2] + struct.pack("!H", total) + rest)
