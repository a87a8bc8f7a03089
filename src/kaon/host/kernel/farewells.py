"""Saying on a leg what hosts shall believe no more: a router advertisement with lifetimes of zero (RFC 4861, RFC 8106).

An address that a host has formed in a prefix becomes deprecated: it is used only for what goes on with it, and gone after
two hours (RFC 4862 5.5.3 forbids less). What is on the link is not taken back: the neighbours may still be there.
"""

import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network

from kaon.host.plan.advertisements import Farewell
from kaon.host.state.advertisements import ROUTER_LIFETIME_S

_ALL_NODES = "ff02::1"
_TYPE, _MANAGED, _OTHER = 134, 0x80, 0x40
_PREFIX, _DNS_SERVERS, _DOMAINS = 3, 25, 31
_AUTONOMOUS = 0x40
_HOPS = 255
_UNIT = 8


def say(farewell: Farewell) -> None:
    """Send a farewell out of its leg, in the namespace that the thread is in. Errors: OSError."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMPV6) as out:
        index = socket.if_nametoindex(farewell.device)
        for option, value in (
            (socket.IPV6_MULTICAST_IF, index),
            (socket.IPV6_MULTICAST_HOPS, _HOPS),
            (socket.IPV6_MULTICAST_LOOP, 0),
        ):
            out.setsockopt(socket.IPPROTO_IPV6, option, value)
        out.sendto(message(farewell), (_ALL_NODES, 0, 0, index))  # by this destination's scope the source is link-local


def message(farewell: Farewell) -> bytes:
    """Write the ICMPv6 message; the kernel fills in its checksum."""
    flags = (_MANAGED if farewell.managed else 0) | (_OTHER if farewell.other else 0)
    lifetime = 0 if farewell.router else ROUTER_LIFETIME_S
    head = struct.pack(">BBHBBHII", _TYPE, 0, 0, 0, flags, lifetime, 0, 0)
    options = [_prefix(prefix) for prefix in farewell.prefixes]
    if farewell.dns_servers:
        options.append(_option(_DNS_SERVERS, b"".join(IPv6Address(server).packed for server in farewell.dns_servers)))
    if farewell.domains:
        options.append(_option(_DOMAINS, _padded(_names(farewell.domains))))
    return head + b"".join(options)


def _prefix(text: str) -> bytes:
    prefix = IPv6Network(text)
    return struct.pack(">BBBBIII", _PREFIX, 4, prefix.prefixlen, _AUTONOMOUS, 0, 0, 0) + prefix.network_address.packed


def _option(kind: int, value: bytes) -> bytes:
    """Write an option that has a lifetime, zero, ahead of its value (RFC 8106 5)."""
    return struct.pack(">BBHI", kind, 1 + len(value) // _UNIT, 0, 0) + value


def _names(domains: Iterable[str]) -> bytes:
    labels = ((label.encode() for label in domain.split(".")) for domain in domains)
    return b"".join(b"".join(bytes((len(label),)) + label for label in words) + b"\0" for words in labels)


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % _UNIT)
