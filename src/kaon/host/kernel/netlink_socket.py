"""Netlink, whatever the family: messages, attributes, and a socket that sends many requests in one system call.

    struct nlmsghdr { u32 len; u16 type; u16 flags; u32 seq; u32 pid; }     then a family's own header, then attributes
    struct nlattr   { u16 len; u16 type; }                                  len without padding; each padded to 4 bytes

An answer that is late or lost must not stop the agent: whoever waits gives up after a while with an OSError. What comes later
carries the number of a question that is no longer asked, and is not heeded.

Sources: netlink(7), linux/netlink.h.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

REQUEST, ACK, DUMP = 0x01, 0x04, 0x300
REPLACE, EXCL, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800

_ERROR, _DONE = 2, 3
_DUMP_INTERRUPTED = 0x10
_CAPPED, _HAS_ATTRIBUTES = 0x100, 0x200
_NESTED = 0x8000
_TYPE_MASK = 0x3FFF
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_ERROR_TEXT = 1

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_SIGNED = struct.Struct("=i")

BATCH = 100
"""Requests in one system call: their answers must fit the receive buffer."""

_BUFFER_BYTES = 1 << 20
_RECEIVE_BYTES = 1 << 18
_DUMP_TRIES = 10
_TIMEOUT_S = 10.0
"""The kernel answers at once or not at all."""


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


class NetlinkSocket:
    """A netlink socket in the namespace that the thread is in when it is made. While open it keeps that namespace alive.

    Every method raises OSError: with the kernel's errno, or when it does not answer in time, or an answer was dropped.
    """

    def __init__(self, protocol: int) -> None:
        self._socket = opened(protocol)
        self._socket.settimeout(_TIMEOUT_S)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

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
        self._socket.send(_pack(Request(kind, DUMP, body), self._sequence, ack=False))
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
        return messages(self._socket.recv(_RECEIVE_BYTES))


def opened(protocol: int, groups: int = 0) -> socket.socket:
    """Open a plain socket that also hears of these groups."""
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    made.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
    made.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    made.bind((0, groups))
    return made


def _pack(request: Request, sequence: int, *, ack: bool = True) -> bytes:
    flags = request.flags | REQUEST | (ACK if ack else 0)
    length = _HEADER.size + len(request.body)
    return _HEADER.pack(length, request.kind, flags, sequence, 0) + request.body + bytes(-length % 4)


def messages(raw: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Cut what was received into messages: type, flags, sequence, body."""
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
