"""A server that knows one host and holds scopes in memory: enough of the talk to drive an agent."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from zmq.utils import z85

from kaon.bus.carrier import Received
from kaon.bus.keys import make_keys
from kaon.bus.zeromq import ZeroMQServer
from kaon.wire.codec import decode_from_host, encode
from kaon.wire.entries import Entry
from kaon.wire.messages import (
    Heartbeat,
    Hello,
    Nudge,
    Pull,
    Realised,
    RealisedKind,
    Report,
    Snapshot,
    Taken,
    Welcome,
    digest_of,
)

PATIENCE_S = 15.0


class StandIn:
    """The server. `put` replaces scopes whole; what the host reports is in `realised` and `applied`."""

    def __init__(self, directory: Path, host: str) -> None:
        self.host = host
        server, client = make_keys(), make_keys()
        self.server_key, self.secret = z85.decode(server.public.encode()), z85.decode(client.secret.encode())
        self.endpoint = f"ipc://{directory}/bus"
        known = z85.decode(client.public.encode())
        self._carrier = ZeroMQServer(
            self.endpoint, z85.decode(server.secret.encode()), lambda key: host if key == known else None, heartbeat_s=0.5
        )
        self.scopes: dict[str, tuple[int, tuple[Entry, ...]]] = {f"host:{host}": (1, ())}
        self.realised: dict[tuple[RealisedKind, str], Realised] = {}
        self.applied: dict[str, int] = {}
        self.hellos = 0
        self._peer: bytes | None = None
        self._news = threading.Condition()
        self._revision = 1
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._outbox: list[bytes] = []
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._ending = True
        self._carrier.wake()
        self._thread.join()
        self._carrier.close()

    def put(self, scopes: dict[str, tuple[Entry, ...]], *gone: str) -> int:
        """Replace scopes, take others away, tell the host; give the revision that they now have."""
        with self._news:
            self._revision += 1
            self.scopes.update({name: (self._revision, entries) for name, entries in scopes.items()})
            for name in gone:
                self.scopes.pop(name, None)
            self._outbox.append(encode(Nudge(revisions=dict.fromkeys(scopes, self._revision))))
        self._carrier.wake()
        return self._revision

    def wait(self, what: str, true: Callable[[], bool]) -> float:
        """Wait until something is true of what was reported; give the seconds that it took."""
        began = time.monotonic()
        with self._news:
            assert self._news.wait_for(true, PATIENCE_S), f"{what}: {self.realised} {self.applied}"
        return time.monotonic() - began

    def is_up(self, kind: RealisedKind, identity: str, revision: int = 0) -> bool:
        """Tell whether something was reported as done."""
        thing = self.realised.get((kind, identity))
        return thing is not None and thing.up and thing.revision >= revision

    def _run(self) -> None:
        while not self._ending:
            for event in self._carrier.receive(1.0):
                if isinstance(event, Received):
                    self._peer = event.peer
                    self._hear(event.raw)
            with self._news:
                outbox, self._outbox = self._outbox, []
            for raw in outbox:
                if self._peer is not None:
                    self._carrier.send(self._peer, raw)

    def _hear(self, raw: bytes) -> None:
        assert self._peer is not None
        with self._news:
            message = decode_from_host(raw)
            match message:
                case Hello() | Heartbeat():
                    self.hellos += isinstance(message, Hello)
                    revisions = {name: scope[0] for name, scope in self.scopes.items()}
                    matches = message.digest == digest_of("one", revisions)
                    told = {} if matches else revisions
                    self._say(Welcome(epoch="one", heartbeat_s=1.0, matches=matches, revisions=told))
                case Pull(scopes=scopes):
                    for name in scopes:
                        if name in self.scopes:
                            revision, entries = self.scopes[name]
                            self._say(Snapshot(scope=name, revision=revision, entries=entries))
                case Report():
                    self.realised.update(((thing.kind, thing.id), thing) for thing in message.realised)
                    self.applied.update(message.applied)
                    self._say(Taken(sequence=message.sequence))
            self._news.notify_all()

    def _say(self, message: Welcome | Snapshot | Taken) -> None:
        assert self._peer is not None
        self._carrier.send(self._peer, encode(message))
