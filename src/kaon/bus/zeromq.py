"""The brokerless carrier: ZeroMQ ROUTER and DEALER over TCP, CURVE on every connection.

The server answers ZAP (ZeroMQ RFC 27) itself, in the thread that calls `receive`: a key is looked up in `AuthorizedHosts`, and
travels with each message of the connection as its user id. Whose it is, is asked for each message: a key that is taken away
counts no longer, on a connection that stands neither. ROUTER_MANDATORY tells of a peer that is gone;
ROUTER_HANDOVER stays off, so that nobody can take over a connection by its routing id. Either side notices a dead peer by
ZMTP heartbeats.
"""

import contextlib
import os
import struct
import threading
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils import z85

from kaon.bus.carrier import FromCarrier, HostCarrier, Lost, Received, ServerCarrier
from kaon.wire.codec import MAX_MESSAGE_BYTES

HostOf = Callable[[bytes], str | None]
"""Names the host that a public key of 32 bytes belongs to."""

MAX_FROM_HOST_BYTES = 2 * 1024 * 1024
"""No host has more to say at once: five hundred reasons of five hundred characters."""

_ZAP = "inproc://zeromq.zap.01"
_ZAP_DOMAIN = b"kaon"
_BATCH = 1000
_BATCH_BYTES = 8 * 1024 * 1024
_FROM_HOST_QUEUE = 64
_SERVER_QUEUE = 500
_HOST_QUEUE = 1000
_CONNECTED = zmq.EVENT_HANDSHAKE_SUCCEEDED
_EVENT = struct.Struct("=Hi")
"""The first frame of a monitor's message: the event, and a descriptor. Source: zmq_socket_monitor(3)."""


class _Waker:
    """A pipe that ends a poll from any thread."""

    def __init__(self) -> None:
        self.fd, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._open = True

    def wake(self) -> None:
        """End the poll that waits, or the next one."""
        with self._lock, contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            if self._open:  # the number of a closed descriptor may be somebody else's by now
                os.write(self._in, b"!")

    def drain(self) -> None:
        """Forget the calls so far."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 4096):
                pass

    def close(self) -> None:
        """Close both ends."""
        with self._lock:
            self._open = False
            os.close(self._in)
            os.close(self.fd)


def _common(socket: zmq.Socket[bytes], heartbeat_s: float) -> None:
    """Set what both sides have in common."""
    socket.ipv6 = True
    socket.linger = 0
    socket.heartbeat_ivl = int(heartbeat_s * 1000)
    socket.heartbeat_timeout = int(heartbeat_s * 3000)
    socket.handshake_ivl = 10_000
    socket.tcp_keepalive = 1
    socket.tcp_keepalive_idle = 30
    socket.tcp_keepalive_intvl = 10
    socket.tcp_keepalive_cnt = 3


class ZeroMQServer(ServerCarrier):
    """The server's side.

    endpoint     where to listen: tcp://address:port, IPv6 in brackets; port 0 takes a free one, see `endpoint`
    secret       the server's secret key, 32 bytes
    host_of      who may connect
    heartbeat_s  a peer that leaves three of these unanswered is gone

    Errors  OSError (zmq.ZMQError) when the endpoint cannot be bound.
    """

    def __init__(
        self, endpoint: str, secret: bytes, host_of: HostOf, *, heartbeat_s: float = 5.0, queue_messages: int = _SERVER_QUEUE
    ) -> None:
        self._host_of = host_of
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._context.max_sockets = 64
        self._zap = self._context.socket(zmq.REP)
        self._zap.linger = 0
        self._zap.bind(_ZAP)
        self._router = self._context.socket(zmq.ROUTER)
        _common(self._router, heartbeat_s)
        self._router.router_mandatory = 1
        self._router.maxmsgsize = MAX_FROM_HOST_BYTES
        self._router.sndhwm = queue_messages
        self._router.rcvhwm = _FROM_HOST_QUEUE  # for each host; beyond it TCP makes the host wait
        self._router.backlog = 1024
        self._router.curve_server = 1
        self._router.curve_secretkey = z85.encode(secret)
        self._router.zap_domain = _ZAP_DOMAIN
        self._monitor = self._router.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._waker = _Waker()
        self._poller = zmq.Poller()
        for source in (self._zap, self._router, self._monitor, self._waker.fd):
            self._poller.register(source, zmq.POLLIN)
        self._by_fd: dict[int, bytes] = {}
        self._pending: list[FromCarrier] = []
        self.refused = 0
        try:
            self._router.bind(endpoint)
        except zmq.ZMQError:
            self.close()
            raise
        self.endpoint = self._router.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def receive(self, timeout_s: float) -> list[FromCarrier]:
        """See `ServerCarrier`."""
        events, self._pending = self._pending, []
        timeout_ms = 0 if events else max(0, int(timeout_s * 1000 + 0.999))
        for source, _ in self._poller.poll(timeout_ms):
            if source is self._zap:
                self._authenticate()
            elif source is self._router:
                self._read(events)
            elif source == self._waker.fd:
                self._waker.drain()
        self._notice_lost(events)
        return events

    def _read(self, events: list[FromCarrier]) -> None:
        size = 0
        while len(events) < _BATCH and size < _BATCH_BYTES:
            try:
                frames = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            if len(frames) != 2:  # noqa: PLR2004  # routing id and message
                continue
            identity, body = frames
            peer = bytes(identity.bytes)
            size += len(body)
            # A descriptor may have changed hands: what was lost before this message arrived is told first.
            self._notice_lost(events)
            host = self._host_of(z85.decode(str(body.get("User-Id"))))
            if host is None:
                self.refused += 1
                events.append(Lost(peer))
                continue
            self._by_fd[int(body.get(zmq.SRCFD))] = peer
            events.append(Received(peer, host, bytes(body.bytes)))

    def _notice_lost(self, events: list[FromCarrier]) -> None:
        while True:
            try:
                frames = self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            _event, descriptor = _EVENT.unpack(frames[0])
            peer = self._by_fd.pop(descriptor, None)
            if peer is not None:
                events.append(Lost(peer))

    def _authenticate(self) -> None:
        """Answer one ZAP request: 200 with the host's key as user id, or 300."""
        try:
            frames = self._zap.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return
        version, request = frames[0], frames[1]
        known = False
        if version == b"1.0" and len(frames) == 7 and frames[2] == _ZAP_DOMAIN and frames[5] == b"CURVE":  # noqa: PLR2004  # RFC 27
            known = self._host_of(frames[6]) is not None
        self.refused += not known
        # 300 lets the host try again, for its key may still be brought here; after 400 libzmq never would.
        answer = (b"300", b"unknown key", b"") if not known else (b"200", b"", z85.encode(frames[6]))
        self._zap.send_multipart([b"1.0", request, *answer, b""])

    def send(self, peer: bytes, raw: bytes) -> bool:
        """See `ServerCarrier`."""
        try:
            self._router.send_multipart([peer, raw], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                self._pending.append(Lost(peer))
                return False
            raise
        return True

    def wake(self) -> None:
        """See `ServerCarrier`."""
        self._waker.wake()

    def close(self) -> None:
        """See `ServerCarrier`."""
        self._router.disable_monitor()
        self._monitor.close(0)
        self._router.close(0)
        self._zap.close(0)
        self._context.term()
        self._waker.close()


class ZeroMQHost(HostCarrier):
    """A host's side. It connects by itself, again and again, at most every ten seconds.

    endpoint    where the server listens
    server_key  the server's public key, 32 bytes
    secret      the host's own secret key, 32 bytes
    """

    def __init__(self, endpoint: str, server_key: bytes, secret: bytes, *, heartbeat_s: float = 5.0) -> None:
        self._endpoint = endpoint
        self._server_key = z85.encode(server_key)
        self._secret = z85.encode(secret)
        self._heartbeat_s = heartbeat_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._waker = _Waker()
        self._connections = 0
        self._open()

    def _open(self) -> None:
        self._dealer = self._context.socket(zmq.DEALER)
        _common(self._dealer, self._heartbeat_s)
        self._dealer.immediate = 1  # nothing is queued for a server that is not there
        self._dealer.maxmsgsize = MAX_MESSAGE_BYTES
        self._dealer.sndhwm = _HOST_QUEUE
        self._dealer.rcvhwm = _HOST_QUEUE
        self._dealer.reconnect_ivl = 200
        self._dealer.reconnect_ivl_max = 10_000
        self._dealer.connect_timeout = 10_000
        self._dealer.curve_serverkey = self._server_key
        self._dealer.curve_secretkey = self._secret
        self._dealer.curve_publickey = zmq.curve_public(self._secret)
        self._monitor: Any = self._dealer.get_monitor_socket(_CONNECTED)
        self._poller = zmq.Poller()
        for source in (self._dealer, self._monitor, self._waker.fd):
            self._poller.register(source, zmq.POLLIN)
        self._dealer.connect(self._endpoint)

    def receive(self, timeout_s: float) -> list[bytes]:
        """See `HostCarrier`."""
        messages: list[bytes] = []
        for source, _ in self._poller.poll(max(0, int(timeout_s * 1000 + 0.999))):
            if source is self._dealer:
                self._read(messages)
            elif source is self._monitor:
                self._notice_connected()
            else:
                self._waker.drain()
        return messages

    def _read(self, messages: list[bytes]) -> None:
        for _ in range(_BATCH):
            try:
                messages.append(b"".join(self._dealer.recv_multipart(zmq.NOBLOCK)))
            except zmq.Again:
                return

    def _notice_connected(self) -> None:
        while True:
            try:
                self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._connections += 1

    def send(self, raw: bytes) -> bool:
        """See `HostCarrier`."""
        try:
            self._dealer.send(raw, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def connections(self) -> int:
        """See `HostCarrier`."""
        return self._connections

    def reconnect(self) -> None:
        """See `HostCarrier`."""
        self._shut()
        self._open()

    def wake(self) -> None:
        """See `HostCarrier`."""
        self._waker.wake()

    def _shut(self) -> None:
        self._dealer.disable_monitor()
        self._monitor.close(0)
        self._dealer.close(0)

    def close(self) -> None:
        """See `HostCarrier`."""
        self._shut()
        self._context.term()
        self._waker.close()
