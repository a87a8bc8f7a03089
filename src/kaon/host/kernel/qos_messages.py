"""Traffic control as rtnetlink messages: what is asked, and what is read. Bytes only.

Rates are given without the table of times that old kernels wanted (`_ETHERNET`: the kernel computes them), and the depth of a
bucket only as time: so what is read is to the bit what was asked.

Sources: linux/pkt_sched.h, linux/pkt_cls.h, linux/tc_act/tc_mirred.h, linux/rtnetlink.h (struct tcmsg), linux/if_link.h.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from kaon.host.kernel import link_requests as links
from kaon.host.kernel import netlink_socket as nl
from kaon.host.kernel import rtnetlink as rt
from kaon.host.state.names import alias_of
from kaon.host.state.qos import HANDLE, PRIORITY, Bucket, Intermediate

ROOT = 0xFFFF_FFFF
CLSACT = 0xFFFF_FFF1
CLSACT_HANDLE = 0xFFFF_0000
INGRESS = 0xFFFF_FFF2
"""Parent of the filters for what comes in by a device."""

KIND, OPTIONS = 1, 2
_TBF_PARAMETERS, _TBF_RATE64 = 1, 4
_ETHERNET = 1
_U32_SELECTOR, _U32_ACTIONS = 5, 7
_TERMINAL = 1
_ACTION_KIND, _ACTION_OPTIONS = 1, 2
_MIRRED_PARAMETERS = 2
_STOLEN, _TO_EGRESS = 4, 1
_ALL_PROTOCOLS = 0x0003
_AF_SPEC, _AF_INET6, _ADDRESS_GENERATION, _NO_ADDRESSES = 26, 10, 8, 1

_MESSAGE = struct.Struct("=BxxxiIII")
_TBF = struct.Struct("=BBHhHI12xIII")
_SELECTOR = struct.Struct("=BBBxHHhhI")
_KEY = struct.Struct("=IIii")
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


def redirection(index: int, to: int) -> nl.Request:
    """Ask that whatever comes in goes out by another device first."""
    mirred = nl.attribute(_MIRRED_PARAMETERS, _MIRRED.pack(0, 0, _STOLEN, 0, 0, _TO_EGRESS, to))
    action = nl.nest(1, nl.text(_ACTION_KIND, "mirred"), nl.nest(_ACTION_OPTIONS, mirred))
    everything = _SELECTOR.pack(_TERMINAL, 0, 1, 0, 0, 0, 0, 0) + _KEY.pack(0, 0, 0, 0)
    options = nl.nest(OPTIONS, nl.attribute(_U32_SELECTOR, everything), nl.nest(_U32_ACTIONS, action))
    return nl.Request(rt.NEWTFILTER, nl.CREATE | nl.EXCL, _our_filters(index) + nl.text(KIND, "u32") + options)


def redirection_removal(index: int) -> nl.Request:
    """Ask to take our filters away from what comes in."""
    return nl.Request(rt.DELTFILTER, 0, _our_filters(index))


def _our_filters(index: int) -> bytes:
    protocol = int.from_bytes(_ALL_PROTOCOLS.to_bytes(2, "big"), "little" if struct.pack("=H", 1)[0] else "big")
    return header(index, 0, INGRESS, PRIORITY << 16 | protocol)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queueing discipline as dumped. bucket: of a TBF."""

    index: int
    handle: int
    parent: int
    kind: str
    bucket: Bucket | None = None


def queues(socket: rt.RouteSocket) -> Iterator[Queue]:
    """Dump the queueing disciplines of a namespace."""
    for body in socket.dump(rt.GETQDISC, header()):
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
    """A filter for what comes in, as dumped. to: index of the device that it redirects to, 0: it does something else."""

    priority: int
    kind: str
    to: int = 0


def incoming_filters(socket: rt.RouteSocket, index: int) -> Iterator[Filter]:
    """Dump the filters for what comes in by a device, and the tables that they stand in."""
    for body in socket.dump(rt.GETTFILTER, header(index, 0, INGRESS)):
        info = _MESSAGE.unpack_from(body)[-1]
        found = nl.attributes(body, _MESSAGE.size)
        kind = nl.string(found.get(KIND, b""))
        yield Filter(info >> 16, kind, _redirected(found.get(OPTIONS, b"")) if kind == "u32" else 0)


def _redirected(options: bytes) -> int:
    actions = nl.attributes(nl.attributes(options).get(_U32_ACTIONS, b""))
    for action in actions.values():
        found = nl.attributes(action)
        parameters = nl.attributes(found.get(_ACTION_OPTIONS, b"")).get(_MIRRED_PARAMETERS)
        if nl.string(found.get(_ACTION_KIND, b"")) == "mirred" and parameters:
            return int(_MIRRED.unpack_from(parameters)[-1])
    return 0
