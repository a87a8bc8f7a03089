"""Bytes of rtnetlink, and a socket that sends many requests in one system call.

Why not pyroute2's own sockets: one costs four descriptors and an event loop, and we keep one for each namespace; its
messages take 20 times as long as these for a thousand forwarding entries, and six times for a dump of links.

    struct nlmsghdr { u32 len; u16 type; u16 flags; u32 seq; u32 pid; }     then a family's own header, then attributes
    struct nlattr   { u16 len; u16 type; }                                  len without padding; each padded to 4 bytes

Sources: netlink(7), rtnetlink(7), linux/netlink.h.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

REQUEST, ACK, ROOT_AND_MATCH = 0x01, 0x04, 0x300
REPLACE, EXCL, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30

AF_BRIDGE = 7

_ERROR, _DONE = 2, 3
_DUMP_INTERRUPTED = 0x10
_CAPPED, _HAS_ATTRIBUTES = 0x100, 0x200
_NESTED = 0x8000
_TYPE_MASK = 0x3FFF
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_ERROR_TEXT = 1
_GROUP_LINK = 1

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_SIGNED = struct.Struct("=i")

BATCH = 100
"""Requests in one system call: their answers must fit the receive buffer."""

_RECEIVE_BYTES = 1 << 20
_DUMP_TRIES = 10


@dataclass(frozen=True, slots=True)
class Request:
    """One request: message type, flags beside REQUEST and ACK, the family's header with attributes."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the kernel said to a request: 0 or an errno, with its own words where it has any."""

    number: int
    text: str = ""

    def __str__(self) -> str:
        """Say it to an operator."""
        return f"{os.strerror(self.number)}: {self.text}" if self.text else os.strerror(self.number)


def attribute(kind: int, payload: bytes) -> bytes:
    """Frame an attribute."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(-length % 4)


def nest(kind: int, *attributes: bytes) -> bytes:
    """Frame attributes inside an attribute."""
    return attribute(kind | _NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Frame text with its closing zero."""
    return attribute(kind, value.encode() + b"\0")


def u32(kind: int, value: int) -> bytes:
    """Frame an unsigned 32-bit number."""
    return attribute(kind, struct.pack("=I", value))


def u8(kind: int, value: int) -> bytes:
    """Frame an unsigned byte."""
    return attribute(kind, bytes((value,)))


def attributes(body: bytes, offset: int = 0) -> dict[int, bytes]:
    """Read attributes from `offset` on; of several of a kind the last counts."""
    found = {}
    end = len(body)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def string(payload: bytes) -> str:
    """Read text without its closing zero."""
    return payload.rstrip(b"\0").decode(errors="replace")


def number(payload: bytes) -> int:
    """Read an unsigned number of one, two or four bytes in host order."""
    return int.from_bytes(payload, "little" if struct.pack("=H", 1)[0] else "big")


class RouteSocket:
    """A netlink socket in the namespace that the thread is in when it is made."""

    def __init__(self) -> None:
        self._socket = _open()
        self._sequence = 0

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Send requests, many in one system call, and give the answer to each."""
        answers: list[Answer] = []
        for start in range(0, len(requests), BATCH):
            answers += self._ask_some(requests[start : start + BATCH])
        return answers

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """Ask for all of a kind; give each message from the family's header on. Taken again while the kernel says it moved."""
        for _ in range(_DUMP_TRIES):
            found = self._dump_once(kind, body)
            if found is not None:
                return found
        raise OSError(errno.EAGAIN, "the kernel's tables moved during every dump")

    def get(self, kind: int, body: bytes) -> bytes | None:
        """Ask for one thing, from the family's header on; None when there is none."""
        self._sequence += 1
        self._socket.send(_pack(Request(kind, 0, body), self._sequence, ack=False))
        while True:
            for got, _, sequence, found in self._receive():
                if sequence == self._sequence:
                    return None if got == _ERROR else found

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _ask_some(self, requests: Sequence[Request]) -> list[Answer]:
        first = self._sequence + 1
        self._sequence += len(requests)
        self._socket.send(b"".join(_pack(request, first + i) for i, request in enumerate(requests)))
        answers: dict[int, Answer] = {}
        while len(answers) < len(requests):
            for kind, flags, sequence, body in self._receive():
                if kind == _ERROR and first <= sequence <= self._sequence:
                    answers[sequence] = _answer(flags, body)
        return [answers[first + i] for i in range(len(requests))]

    def _dump_once(self, kind: int, body: bytes) -> list[bytes] | None:
        self._sequence += 1
        self._socket.send(_pack(Request(kind, ROOT_AND_MATCH, body), self._sequence, ack=False))
        found: list[bytes] = []
        interrupted = False
        while True:
            for got, flags, sequence, payload in self._receive():
                if sequence != self._sequence:
                    continue
                interrupted = interrupted or bool(flags & _DUMP_INTERRUPTED)
                if got == _DONE:
                    return None if interrupted else found
                if got == _ERROR:
                    answer = _answer(flags, payload)
                    raise OSError(answer.number, str(answer))
                found.append(payload)

    def _receive(self) -> Iterator[tuple[int, int, int, bytes]]:
        return _split(self._socket.recv(_RECEIVE_BYTES))


class LinkEvents:
    """A socket that hears of every change of links in the namespace it is made in."""

    def __init__(self) -> None:
        self._socket = _open(_GROUP_LINK)
        self._socket.settimeout(0)

    def fileno(self) -> int:
        """Give the descriptor; it is readable when something has happened."""
        return self._socket.fileno()

    def read(self) -> tuple[list[tuple[int, bytes]], bool]:
        """Read (message type, body) of what has happened without waiting, and whether some of it was lost."""
        events: list[tuple[int, bytes]] = []
        lost = False
        while True:
            try:
                raw = self._socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                return events, lost
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True
                continue
            events.extend((kind, body) for kind, _, _, body in _split(raw))

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def _open(groups: int = 0) -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    opened.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
    opened.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    opened.bind((0, groups))
    return opened


def _pack(request: Request, sequence: int, *, ack: bool = True) -> bytes:
    flags = request.flags | REQUEST | (ACK if ack else 0)
    length = _HEADER.size + len(request.body)
    return _HEADER.pack(length, request.kind, flags, sequence, 0) + request.body + bytes(-length % 4)


def _split(raw: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(raw):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(raw, offset)
        yield kind, flags, sequence, raw[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _answer(flags: int, body: bytes) -> Answer:
    code = -_SIGNED.unpack_from(body)[0]
    said = ""
    if code and flags & _HAS_ATTRIBUTES and flags & _CAPPED:
        said = string(attributes(body, _SIGNED.size + _HEADER.size).get(_ERROR_TEXT, b""))
    return Answer(code, said)
