"""The carrier for one process: queues. Hosts are who they say they are, since they run in the server's own process."""

import itertools
import threading
from collections import deque

from kaon.bus.carrier import FromCarrier, HostCarrier, Lost, Received, ServerCarrier
from kaon.wire.codec import MAX_MESSAGE_BYTES

_QUEUE_MESSAGES = 1000


class MemoryServer(ServerCarrier):
    """The server's side; `connect` makes hosts' sides.

    queue_messages  how many messages may wait for one host
    """

    def __init__(self, queue_messages: int = _QUEUE_MESSAGES) -> None:
        self.queue_messages = queue_messages
        self._peers: dict[bytes, MemoryHost] = {}
        self._arrived: deque[FromCarrier] = deque()
        self._something = threading.Condition()
        self._woken = False
        self._numbers = itertools.count(1)
        self._closed = False

    def connect(self, host: str) -> "MemoryHost":
        """Make the side of a host. The host's name is taken as proved."""
        return MemoryHost(self, host)

    def receive(self, timeout_s: float) -> list[FromCarrier]:
        """See `ServerCarrier`."""
        with self._something:
            self._something.wait_for(lambda: self._arrived or self._woken, max(timeout_s, 0.0))
            self._woken = False
            events = list(self._arrived)
            self._arrived.clear()
            return events

    def send(self, peer: bytes, raw: bytes) -> bool:
        """See `ServerCarrier`."""
        with self._something:
            host = self._peers.get(peer)
        return host is not None and host.deliver(peer, raw)

    def wake(self) -> None:
        """See `ServerCarrier`."""
        with self._something:
            self._woken = True
            self._something.notify_all()

    def close(self) -> None:
        """See `ServerCarrier`."""
        with self._something:
            self._closed = True
            self._peers.clear()
            self._arrived.clear()

    def attach(self, host: "MemoryHost") -> bytes | None:
        """Connect a host: its new peer, or None when this side is closed. For `MemoryHost`."""
        with self._something:
            if self._closed:
                return None
            peer = next(self._numbers).to_bytes(5)
            self._peers[peer] = host
            return peer

    def detach(self, peer: bytes) -> None:
        """Take a connection away. For `MemoryHost`."""
        with self._something:
            if self._peers.pop(peer, None) is not None:
                self._arrived.append(Lost(peer))
                self._something.notify_all()

    def take(self, peer: bytes, host: str, raw: bytes) -> bool:
        """Take a message in. For `MemoryHost`."""
        if len(raw) > MAX_MESSAGE_BYTES:
            self.detach(peer)
            return False
        with self._something:
            if peer not in self._peers:
                return False
            self._arrived.append(Received(peer, host, raw))
            self._something.notify_all()
            return True


class MemoryHost(HostCarrier):
    """A host's side, connected from the start. Made by `MemoryServer.connect`."""

    def __init__(self, server: MemoryServer, host: str) -> None:
        self._server = server
        self._host = host
        self._arrived: deque[bytes] = deque()
        self._something = threading.Condition()
        self._woken = False
        self._peer: bytes | None = None
        self._connections = 0
        self._connect()

    def _connect(self) -> None:
        peer = self._server.attach(self)
        with self._something:
            self._peer = peer
            self._connections += peer is not None

    def receive(self, timeout_s: float) -> list[bytes]:
        """See `HostCarrier`."""
        with self._something:
            self._something.wait_for(lambda: self._arrived or self._woken, max(timeout_s, 0.0))
            self._woken = False
            messages = list(self._arrived)
            self._arrived.clear()
            return messages

    def send(self, raw: bytes) -> bool:
        """See `HostCarrier`."""
        return self._peer is not None and self._server.take(self._peer, self._host, raw)

    def connections(self) -> int:
        """See `HostCarrier`."""
        return self._connections

    def reconnect(self) -> None:
        """See `HostCarrier`. What had arrived and was not received yet is lost."""
        self.close()
        self._connect()

    def wake(self) -> None:
        """See `HostCarrier`."""
        with self._something:
            self._woken = True
            self._something.notify_all()

    def close(self) -> None:
        """See `HostCarrier`."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self._server.detach(peer)
        with self._something:
            self._arrived.clear()

    def deliver(self, peer: bytes, raw: bytes) -> bool:
        """Take a message in. For `MemoryServer`."""
        with self._something:
            if peer != self._peer or len(self._arrived) >= self._server.queue_messages:
                return False
            self._arrived.append(raw)
            self._something.notify_all()
            return True
