"""rtnetlink: numbers of its messages, its socket, and its events. Framing is `netlink_socket`'s.

Why not pyroute2: `docs/adr/0006-netlink-in-our-own-words.md`.

Sources: rtnetlink(7), linux/rtnetlink.h.
"""

import errno
import socket

from kaon.host.kernel.netlink_socket import NetlinkSocket, messages, opened

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWQDISC, DELQDISC, GETQDISC = 36, 37, 38
NEWTFILTER, DELTFILTER, GETTFILTER = 44, 45, 46

AF_BRIDGE = 7

_GROUP_LINK = 1
_RECEIVE_BYTES = 1 << 18


class RouteSocket(NetlinkSocket):
    """One that speaks of links, addresses, routes and neighbours."""

    def __init__(self) -> None:
        super().__init__(socket.NETLINK_ROUTE)


class LinkEvents:
    """A socket that hears of every change of links in the namespace it is made in."""

    def __init__(self) -> None:
        self._socket = opened(socket.NETLINK_ROUTE, _GROUP_LINK)
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
            events.extend((kind, body) for kind, _, _, body in messages(raw))

    def close(self) -> None:
        """Close it."""
        self._socket.close()
