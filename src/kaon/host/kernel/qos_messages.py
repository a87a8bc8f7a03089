"""Traffic control as rtnetlink messages: what is asked, and what is read. Bytes only.

Rates are given without the table of times that old kernels wanted (`_ETHERNET`: the kernel computes them), and the depth of a
bucket only as time: so what is read is to the bit what was asked.

Sources: linux/pkt_sched.h, linux/pkt_cls.h, linux/tc_act/tc_mirred.h, linux/rtnetlink.h (struct tcmsg), linux/if_link.h.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from kaon.host.kernel import link_requests as links
from kaon.host.kernel import netlink_socket as nl
from kaon.host.kernel import rtnetlink as rt
from kaon.host.state.names import alias_of
from kaon.host.state.qos import HANDLE, PRIORITY, RECEIVER_PRIORITY, SENDER_PRIORITY, Bucket, Intermediate, Redirect

ROOT = 0xFFFF_FFFF
CLSACT = 0xFFFF_FFF1
CLSACT_HANDLE = 0xFFFF_0000
INGRESS, EGRESS = 0xFFFF_FFF2, 0xFFFF_FFF3
"""Parents of the filters for what comes in by a device, and for what goes out."""

KIND, OPTIONS = 1, 2
_TBF_PARAMETERS, _TBF_RATE64 = 1, 4
_ETHERNET = 1
_U32_SELECTOR, _U32_ACTIONS = 5, 7
_TERMINAL = 1
_ACTION_KIND, _ACTION_OPTIONS = 1, 2
_MIRRED_PARAMETERS = 2
_STOLEN, _TO_EGRESS = 4, 1
_ALL_PROTOCOLS, _IPV4 = 0x0003, 0x0800
_OURS = frozenset({PRIORITY, SENDER_PRIORITY, RECEIVER_PRIORITY})
_SOURCE_AT, _DESTINATION_AT = 12, 16
_NODE = 0xFFF
"""Bits of a filter's handle; a table has none of them."""
_AF_SPEC, _AF_INET6, _ADDRESS_GENERATION, _NO_ADDRESSES = 26, 10, 8, 1

_MESSAGE = struct.Struct("=BxxxiIII")
_TBF = struct.Struct("=BBHhHI12xIII")
_SELECTOR = struct.Struct("=BBBxHHhhI")
_KEY = struct.Struct("=4s4sii")
_MIRRED = struct.Struct("=IIiiiiI")
_MOST_U32 = 0xFFFF_FFFF


def header(index: int = 0, handle: int = 0, parent: int = 0, info: int = 0) -> bytes:
    """Start a message of traffic control: struct tcmsg."""
    return _MESSAGE.pack(0, index, handle, parent, info)


def creation(device: Intermediate) -> nl.Request:
    """Ask for a device that packets only wait in. Fails when the name is taken."""
    info = nl.nest(links.LINKINFO, nl.text(links.INFO_KIND, "ifb"))
    own = nl.text(links.IFNAME, device.device) + nl.u32(links.IFGROUP, links.GROUP)
    return nl.Request(rt.NEWLINK, nl.CREATE | nl.EXCL, links.link_header() + own + info)


def without_addresses(index: int) -> nl.Request:
    """Ask that the kernel gives a device no IPv6 address when it comes up."""
    return links.setting(index, nl.nest(_AF_SPEC, nl.nest(_AF_INET6, nl.u8(_ADDRESS_GENERATION, _NO_ADDRESSES))))


def marking(device: Intermediate, index: int) -> nl.Request:
    """Ask to mark a device as ours and to bring it up."""
    return links.setting(index, nl.text(links.IFALIAS, alias_of(device.owner)), up=device.up)


def bucket(index: int, wanted: Bucket) -> nl.Request:
    """Ask for a bucket as root queue. Over one of ours it is a change in place, over the kernel's default it replaces that."""
    rate = min(wanted.rate, _MOST_U32)
    options = nl.attribute(_TBF_PARAMETERS, _TBF.pack(0, _ETHERNET, 0, 0, 0, rate, wanted.queue, wanted.depth, 0))
    if wanted.rate > _MOST_U32:
        options += nl.attribute(_TBF_RATE64, struct.pack("=Q", wanted.rate))
    body = header(index, HANDLE, ROOT) + nl.text(KIND, "tbf") + nl.nest(OPTIONS, options)
    return nl.Request(rt.NEWQDISC, nl.CREATE | nl.REPLACE, body)


def bucket_removal(index: int) -> nl.Request:
    """Ask for the kernel's default instead of our bucket."""
    return nl.Request(rt.DELQDISC, 0, header(index, HANDLE, ROOT))


def classifier(index: int) -> nl.Request:
    """Ask for a place for filters; "there already" is as good."""
    return nl.Request(rt.NEWQDISC, nl.CREATE | nl.EXCL, header(index, CLSACT_HANDLE, CLSACT) + nl.text(KIND, "clsact"))


def classifier_removal(index: int) -> nl.Request:
    """Ask to take the place for filters away, and every filter with it."""
    return nl.Request(rt.DELQDISC, 0, header(index, CLSACT_HANDLE, CLSACT))


def redirection(index: int, to: int, wanted: Redirect) -> nl.Request:
    """Ask that what passes a device goes out by another one first."""
    mirred = nl.attribute(_MIRRED_PARAMETERS, _MIRRED.pack(0, 0, _STOLEN, 0, 0, _TO_EGRESS, to))
    action = nl.nest(1, nl.text(_ACTION_KIND, "mirred"), nl.nest(_ACTION_OPTIONS, mirred))
    selector = _SELECTOR.pack(_TERMINAL, 0, 1, 0, 0, 0, 0, 0) + _key(wanted)
    options = nl.nest(OPTIONS, nl.attribute(_U32_SELECTOR, selector), nl.nest(_U32_ACTIONS, action))
    protocol = socket.htons(_IPV4 if wanted.address else _ALL_PROTOCOLS)
    info = _priority(wanted) << 16 | protocol
    body = header(index, 0, parent(leaving=wanted.leaving), info) + nl.text(KIND, "u32") + options
    return nl.Request(rt.NEWTFILTER, nl.CREATE | nl.EXCL, body)


def filter_removal(index: int, found: "Filter", *, leaving: bool) -> nl.Request:
    """Ask to take one filter away."""
    return nl.Request(rt.DELTFILTER, 0, header(index, found.handle, parent(leaving=leaving), found.info))


def parent(*, leaving: bool) -> int:
    """Say where the filters of a direction stand."""
    return EGRESS if leaving else INGRESS


def _priority(wanted: Redirect) -> int:
    """Directions differ in priority: the kernel keeps the u32 filters of both in one place, and lists those of one priority."""
    if not wanted.address:
        return PRIORITY
    return RECEIVER_PRIORITY if wanted.leaving else SENDER_PRIORITY


def _key(wanted: Redirect) -> bytes:
    """Compare the address, or nothing."""
    if not wanted.address:
        return _KEY.pack(bytes(4), bytes(4), 0, 0)
    return _KEY.pack(b"\xff" * 4, ip_address(wanted.address).packed, _DESTINATION_AT if wanted.leaving else _SOURCE_AT, 0)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queueing discipline as dumped. bucket: of a TBF."""

    index: int
    handle: int
    parent: int
    kind: str
    bucket: Bucket | None = None


def queues(asked: rt.RouteSocket) -> Iterator[Queue]:
    """Dump the queueing disciplines of a namespace."""
    for body in asked.dump(rt.GETQDISC, header()):
        _, index, handle, parent, _ = _MESSAGE.unpack_from(body)
        found = nl.attributes(body, _MESSAGE.size)
        kind = nl.string(found.get(KIND, b""))
        yield Queue(index, handle, parent, kind, _bucket(found.get(OPTIONS, b"")) if kind == "tbf" else None)


def _bucket(options: bytes) -> Bucket | None:
    found = nl.attributes(options)
    if _TBF_PARAMETERS not in found:
        return None
    *_, rate, limit, depth, _ = _TBF.unpack_from(found[_TBF_PARAMETERS])
    if _TBF_RATE64 in found:
        rate = struct.unpack("=Q", found[_TBF_RATE64])[0]
    return Bucket(rate, depth, limit)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a device, as dumped, or a table that such stand in.

    info     priority and protocol
    ours     it can be one of ours
    to       index of the device that it redirects to; 0: it does something else
    address  IPv4 address that it is about; empty: none
    """

    handle: int
    info: int
    ours: bool
    to: int = 0
    address: str = ""

    @property
    def is_redirection(self) -> bool:
        """Tell a filter of ours from a table; one whose device is gone leads to none."""
        return self.ours and bool(self.handle & _NODE)


def filters(asked: rt.RouteSocket, index: int, *, leaving: bool) -> list[Filter]:
    """Dump the filters of a direction of a device, and their tables."""
    found = []
    for body in asked.dump(rt.GETTFILTER, header(index, 0, parent(leaving=leaving))):
        _, _, handle, _, info = _MESSAGE.unpack_from(body)
        told = nl.attributes(body, _MESSAGE.size)
        ours = nl.string(told.get(KIND, b"")) == "u32" and info >> 16 in _OURS
        options = nl.attributes(told.get(OPTIONS, b"")) if ours else {}
        address = _address(options.get(_U32_SELECTOR, b"")) if info >> 16 != PRIORITY else ""
        found.append(Filter(handle, info, ours, _redirected(options), address))
    return found


def _address(selector: bytes) -> str:
    if len(selector) < _SELECTOR.size + _KEY.size:
        return ""
    return str(ip_address(_KEY.unpack_from(selector, _SELECTOR.size)[1]))


def _redirected(options: dict[int, bytes]) -> int:
    for action in nl.attributes(options.get(_U32_ACTIONS, b"")).values():
        found = nl.attributes(action)
        parameters = nl.attributes(found.get(_ACTION_OPTIONS, b"")).get(_MIRRED_PARAMETERS)
        if nl.string(found.get(_ACTION_KIND, b"")) == "mirred" and parameters:
            return int(_MIRRED.unpack_from(parameters)[-1])
    return 0
