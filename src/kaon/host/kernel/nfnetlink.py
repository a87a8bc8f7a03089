"""A socket that speaks to netfilter: the generation of the rules, and tracked flows. Framing is `netlink_socket`'s.

    nfgenmsg   family u8 | version u8 | resource u16 big-endian, then attributes; netfilter's numbers are big-endian

Source: linux/netfilter/nfnetlink.h.
"""

import errno
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kaon.host.kernel.netlink_socket import Answer, NetlinkSocket, Request, attributes
from kaon.host.kernel.nftables import opened_in

_NETLINK_NETFILTER = 12
_SO_NETNS_COOKIE = 71
_GET_GENERATION = (10 << 8) | 16
_GENERATION_ID = 1
_HEADER_BYTES = 4


class _Socket(NetlinkSocket):
    def __init__(self) -> None:
        super().__init__(_NETLINK_NETFILTER)

    def cookie(self) -> int:
        return int(struct.unpack("=Q", self._socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0])


class Nfnetlink:
    """One socket in one namespace. While open it keeps the namespace alive: close it after use."""

    def __init__(self, namespace: Path | None = None) -> None:
        """Open it; None: where the process is. Errors: NamespaceGoneError, OSError."""
        self._socket = opened_in(namespace, _Socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the namespace go."""
        self._socket.close()

    def namespace_cookie(self) -> int:
        """Give the number of this namespace, which no other one gets until the machine restarts (Linux 5.14)."""
        return self._socket.cookie()

    def generation(self) -> int:
        """Give the generation of the rules: the kernel raises it by one for each transaction of anybody. Errors: OSError."""
        found = self._socket.get(_GET_GENERATION, _body(socket.AF_UNSPEC))
        told = attributes(found or b"", _HEADER_BYTES).get(_GENERATION_ID)
        if told is None:
            raise OSError(errno.EPROTO, "the kernel does not tell the generation of its rules")
        return int.from_bytes(told, "big")

    def dump(self, kind: int, family: int) -> list[bytes]:
        """Ask for all of a kind; give each one's attributes. Errors: OSError."""
        return [body[_HEADER_BYTES:] for body in self._socket.dump(kind, _body(family))]

    def ask(self, requests: Sequence[tuple[int, int, bytes]]) -> list[Answer]:
        """Send requests (type, family, attributes) together; give the answer to each. Errors: OSError."""
        return self._socket.ask([Request(kind, 0, _body(family) + payload) for kind, family, payload in requests])


def _body(family: int) -> bytes:
    return struct.pack(">BBH", family, 0, 0)
