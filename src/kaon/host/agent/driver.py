"""An agent's main thread: it moves messages between the carrier, the session and the hands, and never waits for the kernel.

So heartbeats go on while a thousand ports are being wired. Ending it ends nothing on the host.
"""

import fcntl
import random
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kaon.bus.carrier import HostCarrier
from kaon.host.agent import cache
from kaon.host.agent.hands import Desired, Hands, Joined, News, Nothing
from kaon.host.agent.session import (
    Action,
    InSync,
    Introduction,
    OutOfSync,
    RefusedBy,
    Saved,
    SaveState,
    ScopesChanged,
    Send,
    Session,
)
from kaon.host.agent.settings import AgentSettings
from kaon.host.agent.work import Doors, Worker
from kaon.lib.log import Log
from kaon.wire.codec import BadMessage, decode_from_server, encode

_log = Log(__name__)

STOP_TIMEOUT_S = 30.0
"""How long the work at hand may take to end. What it leaves undone the next agent finds."""


class AnotherAgentError(Exception):
    """An agent runs on this host already."""


class HandsGoneError(Exception):
    """The agent cannot work any more. Its successor begins by looking at everything."""


@contextmanager
def only_agent(lock: Path) -> Iterator[None]:
    """Be the only agent of the host, as long as this lasts. The kernel lets the lock go with the process.

    Errors  AnotherAgentError; OSError when the file cannot be made
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnotherAgentError(f"another agent of this host holds {lock}") from error
        yield


class Agent:
    """One agent, from its start to its end."""

    def __init__(self, settings: AgentSettings, carrier: HostCarrier, doors: Doors) -> None:
        self._settings = settings
        self._carrier = carrier
        self._news: deque[News] = deque()
        self._stopped = False
        self._joined = False
        saved = cache.load(settings.saved, settings.host)
        introduction = Introduction(
            host=settings.host,
            instance=secrets.token_hex(8),
            roles=settings.roles,
            tunnel_ip=settings.tunnel_ip,
            physical_networks=tuple(sorted(settings.physical)),
            configurations={
                "bridge_mappings": ",".join(f"{key}:{value}" for key, value in sorted(settings.physical.items())),
                "availability_zone": settings.availability_zone,
                **settings.resources,
            },
        )
        self._session = Session(introduction, random=random.Random().random, saved=saved)  # noqa: S311 - spreads retries only
        settings.settled.parent.mkdir(parents=True, exist_ok=True)
        view = self._session.view() if self._session.holds_state() else None
        self._hands = Hands(Worker(doors, settings.facts, settings.dhcp), settings, view, self._tell)

    def stop(self) -> None:
        """Let `run` return soon. Any thread and any signal handler may call it."""
        self._stopped = True
        self._carrier.wake()

    def run(self) -> None:
        """Serve until stopped. Everything that was made stays as it is."""
        self._hands.start()
        _log.info("started", host=self._settings.host, roles=" ".join(self._settings.roles), instance=self._session.instance)
        try:
            self._serve()
        finally:
            self._hands.stop()
            self._hands.join(STOP_TIMEOUT_S)
            self._carrier.close()
            _log.info("stopped", host=self._settings.host)

    def _serve(self) -> None:
        connections = self._carrier.connections()
        self._do(self._session.start(time.monotonic()))
        while not self._stopped:
            if not self._hands.is_alive():
                raise HandsGoneError("the thread that touches the kernel has ended; the log says why")
            now = time.monotonic()
            messages = self._carrier.receive(max(0.0, self._session.next_deadline(now) - now))
            now = time.monotonic()
            if self._carrier.connections() != connections:
                connections = self._carrier.connections()
                self._do(self._session.reconnected(now))
            self._read(now, messages)
            while self._news:
                news = self._news.popleft()
                self._do(self._session.report(now, news.applied, news.realised))
            self._do(self._session.tick(now))

    def _read(self, now: float, messages: Iterable[bytes]) -> None:
        """Take in all that has arrived, and hand over the picture once: many scopes that come together are one change."""
        actions: list[Action] = []
        for raw in messages:
            try:
                actions += self._session.receive(now, decode_from_server(raw))
            except BadMessage as error:
                _log.warning("message not understood", reason=str(error))
        self._do(actions)
        if self._session.joined != self._joined:
            self._joined = self._session.joined
            _log.info("joined" if self._joined else "server lost")
            if self._joined:
                self._hands.put(Joined())

    def _do(self, actions: Iterable[Action]) -> None:
        changed = fresh = False
        for action in actions:
            match action:
                case Send(message=message):
                    self._carrier.send(encode(message))
                case ScopesChanged():
                    changed = True
                case InSync():
                    changed = fresh = True
                    _log.info("in sync", scopes=len(self._session.revisions()))
                case OutOfSync(reason=reason):
                    changed = fresh = False
                    _log.warning("out of sync", reason=reason)
                    self._hands.put(Nothing())
                case SaveState(state=state):
                    self._save(state)
                case RefusedBy(reason=reason, retry_after_s=retry_after_s):
                    _log.warning("refused by the server", reason=reason, retry_after_s=retry_after_s)
        if changed and self._session.in_sync:
            self._hands.put(Desired(self._session.view(), self._session.revisions(), fresh=fresh))

    def _save(self, state: Saved) -> None:
        try:
            cache.save(self._settings.saved, self._settings.host, state)
        except OSError as error:
            _log.warning("picture not saved", path=str(self._settings.saved), reason=str(error))

    def _tell(self, news: News) -> None:
        """Queue news of the hands, and wake up for them."""
        self._news.append(news)
        self._carrier.wake()
