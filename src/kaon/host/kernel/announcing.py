"""Telling an interface's neighbours that an address is here now: gratuitous ARP and unsolicited neighbour advertisements.

ARP (RFC 826, RFC 5227 3)    a request and a reply, sender and target both the address: hosts differ in which they heed
NA  (RFC 4861 7.2.6)         to all nodes, with the override flag and the MAC
"""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

_BROADCAST = b"\xff" * 6
_ALL_NODES = IPv6Address("ff02::1")
_ALL_NODES_MAC = b"\x33\x33\x00\x00\x00\x01"
_ETH_IPV6, _ETH_ARP = 0x86DD, 0x0806
_ICMPV6, _ADVERTISEMENT, _OVERRIDE = 58, 136, 0x20000000
_TARGET_MAC = 2
_HOPS = 255


def announce(device: str, mac: bytes, address: str) -> None:
    """Send the announcements of an address out of a device of the namespace that the thread is in. Errors: OSError."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC) as out:
        out.bind((device, 0))
        for frame in frames(mac, address):
            out.send(frame)


def frames(mac: bytes, address: str) -> list[bytes]:
    """Build the announcements of an address at a MAC, whole Ethernet frames."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return [_arp(mac, ip, operation) for operation in (1, 2)]
    return [_advertisement(mac, ip)]


def _arp(mac: bytes, ip: IPv4Address, operation: int) -> bytes:
    ethernet = _BROADCAST + mac + struct.pack(">H", _ETH_ARP)
    target = _BROADCAST if operation == 1 else mac
    return ethernet + struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + mac + ip.packed + target + ip.packed


def _advertisement(mac: bytes, ip: IPv6Address) -> bytes:
    body = struct.pack(">I", _OVERRIDE) + ip.packed + struct.pack(">BB", _TARGET_MAC, 1) + mac
    pseudo = ip.packed + _ALL_NODES.packed + struct.pack(">II", len(body) + 4, _ICMPV6)
    checksum = _checksum(pseudo + struct.pack(">BBH", _ADVERTISEMENT, 0, 0) + body)
    icmp = struct.pack(">BBH", _ADVERTISEMENT, 0, checksum) + body
    header = struct.pack(">IHBB", 6 << 28, len(icmp), _ICMPV6, _HOPS) + ip.packed + _ALL_NODES.packed
    return _ALL_NODES_MAC + mac + struct.pack(">H", _ETH_IPV6) + header + icmp


def _checksum(data: bytes) -> int:
    """Sum up 16-bit words in ones' complement (RFC 1071); `data` has an even length."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
