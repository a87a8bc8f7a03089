"""A socket that speaks to netfilter: the generation of the rules, and tracked flows.

Message layouts (linux/netlink.h, linux/netfilter/nfnetlink.h); lengths in native order, netfilter's numbers big-endian:

    nlmsghdr   length u32 | type u16 | flags u16 | sequence u32 | port u32
    nfgenmsg   family u8 | version u8 | resource u16 big-endian
    attribute  length u16 | type u16 | payload, padded to 4 bytes
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from kaon.host.kernel.nftables import opened_in

_NETLINK_NETFILTER = 12
_SO_NETNS_COOKIE = 71
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_GET_GENERATION = (10 << 8) | 16
_GENERATION_ID = 1
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_RECEIVE_BYTES = 1 << 18
_TYPE_MASK = 0x3FFF
_TIMEOUT_S = 10.0
"""The kernel answers at once or not at all."""


def attribute(kind: int, payload: bytes) -> bytes:
    """Write one attribute."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def attributes(payload: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Read the attributes of a message or of a nest: type (without its flags) and payload."""
    offset, end = 0, len(payload)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, payload[offset + 4 : offset + length]
        offset += (length + 3) & ~3


class Nfnetlink:
    """One socket in one namespace. While open it keeps the namespace alive: close it after use."""

    def __init__(self, namespace: Path | None = None) -> None:
        """Open it; None: where the process is. Errors: NamespaceGoneError, OSError."""
        self._socket = opened_in(namespace, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER))
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * _RECEIVE_BYTES)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the namespace go."""
        self._socket.close()

    def namespace_cookie(self) -> int:
        """Give the number of this namespace, which no other one gets until the machine restarts (Linux 5.14)."""
        return int(struct.unpack("=Q", self._socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0])

    def generation(self) -> int:
        """Give the generation of the rules: the kernel raises it by one for each transaction of anybody."""
        for body in self.ask(_GET_GENERATION, socket.AF_UNSPEC):
            for kind, payload in attributes(body):
                if kind == _GENERATION_ID:
                    return int(struct.unpack(">I", payload)[0])
        raise OSError(errno.EPROTO, "the kernel does not tell the generation of its rules")

    def ask(self, kind: int, family: int, payload: bytes = b"", *, dump: bool = False) -> list[memoryview]:
        """Send a request and gather the bodies of the answers, behind nfgenmsg. Errors: OSError with the kernel's errno."""
        self._sequence += 1
        body = struct.pack(">BBH", family, 0, 0) + payload
        flags = _REQUEST | (_DUMP if dump else _ACK)
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0) + body)
        answers: list[memoryview] = []
        while not self._receive(answers):
            pass
        return answers

    def _receive(self, answers: list[memoryview]) -> bool:
        """Read what is there; True when the last part of the answer was among it."""
        data = memoryview(self._socket.recv(_RECEIVE_BYTES))
        offset = 0
        while offset + _HEADER.size <= len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
            body = data[offset + _HEADER.size : offset + length]
            offset += (length + 3) & ~3
            if sequence != self._sequence:
                continue
            if kind in {_ERROR, _DONE}:
                code = -struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0  # noqa: PLR2004 - an int
                if code:
                    raise OSError(code, os.strerror(code))
                return True
            answers.append(body[4:])
        return False
