"""Leases of a running dnsmasq: what its lease file says, and how one is given back without a restart.

A lease is dnsmasq's own memory; it forgets one when the client releases it. So we say what the client would say, inside the
server's namespace and to the server alone, as dnsmasq's own `dhcp_release` does:

    IPv4  DHCPRELEASE (RFC 2131 4.4.6) to the address of the leg in the lease's subnet. Sent "out of" the leg it is looped
          back by the kernel, and arrives as if on the leg.
    IPv6  RELEASE (RFC 8415 18.2.7) to all servers, from the leg, with hop limit 0: the kernel loops it back and puts
          nothing on the wire. dnsmasq refuses it by unicast.

Both name the server, so no other server on the network could take them for its own.

The file, a lease a line; after a line `duid <server's DUID>` come those of IPv6:

    expiry mac  address hostname client-id      client-id: bytes in hex with colons, or *
    expiry iaid address hostname duid           iaid: decimal, after a T for temporary addresses
"""

import os
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from kaon.host.kernel.nftables import opened_in

_WORDS = 5
_V4_PORT, _V6_PORT = 67, 547
_ALL_SERVERS = "ff02::1:2"
_COOKIE = b"\x63\x82\x53\x63"
_TYPE, _SERVER, _CLIENT, _END = 53, 54, 61, b"\xff"
_RELEASE_V4, _RELEASE_V6 = 7, 8
_CLIENT_V6, _SERVER_V6, _IA_NA, _IA_TA, _IA_ADDRESS, _ELAPSED = 1, 2, 3, 4, 5, 8
_BOOTP = struct.Struct(">BBBBIHH4s4s4s4s16s192x")


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease as the file has it.

    holder     MAC for IPv4, DUID for IPv6, as text
    client_id  what the client calls itself, empty when it did not say; for IPv6 the DUID
    iaid       identity association of an IPv6 lease (RFC 8415)
    temporary  IPv6: of a temporary address
    """

    address: str
    holder: str
    client_id: bytes
    iaid: int = 0
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class LeaseFile:
    """All leases by address, and how the server calls itself in IPv6."""

    leases: dict[str, Lease]
    server_duid: bytes = b""


def read_leases(text: str) -> LeaseFile:
    """Read a lease file; lines that are none are left out."""
    leases: dict[str, Lease] = {}
    server_duid = b""
    six = False
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["duid"]:
            six, server_duid = True, _bytes(words[-1])
        elif len(words) == _WORDS:
            number, address, client = words[1], words[2], words[4]
            if not six:
                leases[address] = Lease(address, number, _bytes(client))
            elif number.removeprefix("T").isdigit():
                leases[address] = Lease(address, client, _bytes(client), int(number.removeprefix("T")), number.startswith("T"))
    return LeaseFile(leases, server_duid)


def without(text: str, addresses: Iterable[str]) -> str:
    """Take the leases of these addresses out of a lease file's text."""
    gone = set(addresses)
    lines = [line for line in text.splitlines() if not (len(words := line.split()) == _WORDS and words[2] in gone)]
    return "".join(f"{line}\n" for line in lines)


def release(namespace: Path, leases: Sequence[Lease], server_duid: bytes) -> None:
    """Tell the dnsmasq of a namespace that these leases are given back. Whether it heard stands in its file.

    Errors  NamespaceGoneError; OSError when the namespace has no leg (a device `ns-...`)
    """
    four = [lease for lease in leases if ":" not in lease.address]
    six = [lease for lease in leases if ":" in lease.address]
    if four:
        opened_in(namespace, lambda: _release_v4(four))
    if six:
        opened_in(namespace, lambda: _release_v6(six, server_duid))


def _release_v4(leases: Iterable[Lease]) -> None:
    _, device = _leg()
    for lease in leases:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
            sender.connect((lease.address, _V4_PORT))  # nothing is sent: the route says which address of the leg is near it
            server = sender.getsockname()[0]
            sender.connect((server, _V4_PORT))
            sender.send(message_v4(lease, server, os.urandom(4)))


def _release_v6(leases: Iterable[Lease], server_duid: bytes) -> None:
    index, _ = _leg()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        for option, value in (
            (socket.IPV6_MULTICAST_IF, index),
            (socket.IPV6_MULTICAST_LOOP, 1),
            (socket.IPV6_MULTICAST_HOPS, 0),
        ):
            sender.setsockopt(socket.IPPROTO_IPV6, option, value)
        for lease in leases:
            sender.sendto(message_v6(lease, server_duid, os.urandom(3)), (_ALL_SERVERS, _V6_PORT, 0, index))


def _leg() -> tuple[int, str]:
    """Find the leg in the namespace that the thread is in."""
    for index, name in socket.if_nameindex():
        if name.startswith("ns-"):
            return index, name
    raise FileNotFoundError("the namespace has no leg to its network")


def message_v4(lease: Lease, server: str, transaction: bytes) -> bytes:
    """Write a DHCPRELEASE: the address is the client's (ciaddr), and the server is named, as it must be."""
    hardware = bytes.fromhex(lease.holder.replace(":", ""))
    zero = bytes(4)
    head = _BOOTP.pack(
        1, 1, len(hardware), 0, int.from_bytes(transaction, "big"), 0, 0,
        IPv4Address(lease.address).packed, zero, zero, zero, hardware,
    )  # fmt: skip
    options = _option_v4(_TYPE, bytes((_RELEASE_V4,))) + _option_v4(_SERVER, IPv4Address(server).packed)
    if lease.client_id:
        options += _option_v4(_CLIENT, lease.client_id)
    return head + _COOKIE + options + _END


def message_v6(lease: Lease, server_duid: bytes, transaction: bytes) -> bytes:
    """Write a RELEASE of one address."""
    address = _option_v6(_IA_ADDRESS, IPv6Address(lease.address).packed + bytes(8))
    identity = struct.pack(">I", lease.iaid)
    association = (
        _option_v6(_IA_TA, identity + address) if lease.temporary else _option_v6(_IA_NA, identity + bytes(8) + address)
    )
    names = _option_v6(_CLIENT_V6, lease.client_id) + _option_v6(_SERVER_V6, server_duid)
    return bytes((_RELEASE_V6,)) + transaction + names + _option_v6(_ELAPSED, bytes(2)) + association


def _option_v4(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value))) + value


def _option_v6(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return b""
