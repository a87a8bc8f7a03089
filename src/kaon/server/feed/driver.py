"""The loop of the bus process: carries out what the bus' server end asks for, with a carrier and the database.

The loop's own thread speaks with hosts and never with the database. One worker reads, so that answers come in the order of
their snapshots; another writes. Both are bounded: a job that asks what a waiting one asks takes its place.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from kaon.bus.carrier import Received, ServerCarrier
from kaon.bus.live import Follow, Heard, Load, Note, Record, Register, Send, ServerAction, Times
from kaon.bus.server_end import ServerEnd
from kaon.lib.log import Log
from kaon.model.errors import Refused as RefusedByControl
from kaon.server.control.core import Core
from kaon.server.feed import database
from kaon.server.feed.worker import Job, Result, Worker
from kaon.wire.codec import encode

_log = Log(__name__)

_TAIL_EVERY_S = 1.0
_HEARD_EVERY_S = 3.0
_PLACE_EVERY_S = 30.0
_TRIM_EVERY_S = 600.0
_STOP_S = 5.0
_SAME_NOTE_S = 5.0


class Feed:
    """Serves hosts until `stop`. `run` it in a thread or a process of its own; `poke` and `stop` may come from any thread.

    carrier  already listening; `run` closes it at the end
    """

    def __init__(self, core: Core, carrier: ServerCarrier, times: Times | None = None) -> None:
        self._core = core
        self._carrier = carrier
        self._end = ServerEnd("", times)
        self._tail = database.Tail(core)
        self._results: deque[Result] = deque()
        self._reader = Worker("feed-reads", self._deliver, core.store.epoch)
        self._writer = Worker("feed-writes", self._deliver, core.store.epoch)
        self._notes: dict[tuple[str, object], tuple[float, int]] = {}
        self._poked = threading.Event()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._heard: set[str] = set()
        self._follow_lock = threading.Lock()
        self._to_follow: set[str] = set()
        self._asked: set[str] = set()
        self._now = time.monotonic()
        self._due: dict[Callable[[], None], tuple[float, float]] = {
            self._look: (_TAIL_EVERY_S, 0.0),
            self._save_heard: (_HEARD_EVERY_S, 0.0),
            self._place: (_PLACE_EVERY_S, self._now + _PLACE_EVERY_S),
            self._trim: (_TRIM_EVERY_S, self._now + _TRIM_EVERY_S),
        }
        core.store.on_commit(self.poke)

    def poke(self) -> None:
        """Have the journal looked into."""
        self._poked.set()
        self._carrier.wake()

    def stop(self) -> None:
        """End `run`."""
        self._stopping.set()
        self._carrier.wake()

    def run(self) -> None:
        """Let the back ends begin, and serve hosts until `stop`."""
        database.start_backends(self._core)
        self._reader.start()
        self._writer.start()
        self._read("epoch", self._learn_epoch)
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._reader.stop()
            self._writer.stop()
            self._carrier.close()  # before anything that may take its time: the next server wants to listen here
            deadline = time.monotonic() + _STOP_S
            for worker in (self._reader, self._writer):
                worker.join(max(0.0, deadline - time.monotonic()))

    def _turn(self) -> None:
        """Do one round of the loop: wait for something, take it in, do what follows."""
        self._now = time.monotonic()
        soonest = min(self._end.next_deadline(self._now), *(at for _, at in self._due.values()))
        events = self._carrier.receive(max(0.0, min(soonest - self._now, _TAIL_EVERY_S)))
        self._now = time.monotonic()
        while self._results:
            self._results.popleft()()
        if self._ready.is_set():  # before the epoch is known nobody can be welcomed; hosts ask again
            for event in events:
                if isinstance(event, Received):
                    self._do(self._end.received(self._now, event.peer, event.host, event.raw))
                else:
                    self._do(self._end.lost(self._now, event.peer))
        if self._poked.is_set():
            self._poked.clear()
            self._look()
        for duty, (every, at) in self._due.items():
            if self._now >= at:
                self._due[duty] = (every, self._now + every)
                duty()
        self._do(self._end.tick(self._now))

    def _deliver(self, result: Result) -> None:
        self._results.append(result)
        self._carrier.wake()

    # Duties

    def _learn_epoch(self) -> Result:
        epoch = self._core.store.epoch()
        self._tail.read()

        def learned() -> None:
            self._end.epoch = epoch
            self._ready.set()
            _log.info("the feed serves hosts", epoch=epoch)

        return learned

    def _look(self) -> None:
        def ask() -> Result:
            moved = self._tail.read()
            return lambda: self._do(self._end.journal_moved(self._now, moved)) if moved else None

        self._read("tail", ask)

    def _save_heard(self) -> None:
        names, self._heard = self._heard, set()
        if names:
            self._write("heard", lambda: database.heard(self._core, names))

    def _place(self) -> None:
        self._write("place", lambda: database.place_waiting(self._core))

    def _trim(self) -> None:
        self._write("trim", lambda: database.trim(self._core))

    # Actions

    def _do(self, actions: Iterable[ServerAction]) -> None:
        for action in actions:
            match action:
                case Send():
                    raw = action.message if isinstance(action.message, bytes) else encode(action.message)
                    if not self._carrier.send(action.peer, raw):
                        self._end.unsent(self._now, action)
                case Load():
                    self._load(action)
                case Follow():
                    self._follow(action)
                case Register():
                    self._register(action)
                case Heard():
                    self._heard.add(action.host)
                case Record():
                    self._record(action)
                case Note():
                    self._note(action)

    def _note(self, note: Note) -> None:
        """Log, but the same of one host only once in a while: it decides how much it sends, not how much is kept."""
        key = (note.event, note.fields.get("host"))
        since, kept_back = self._notes.get(key, (float("-inf"), 0))
        if self._now - since < _SAME_NOTE_S:
            self._notes[key] = (since, kept_back + 1)
            return
        self._notes[key] = (self._now, 0)
        _log.warning(note.event, **note.fields, **({"kept_back": kept_back} if kept_back else {}))

    def _load(self, load: Load) -> None:
        def ask() -> Result:
            revision, raw = database.load(self._core, load.scope, load.from_revision)
            return lambda: self._do(self._end.loaded(self._now, load, revision, raw))

        key = ("load", load.scope, str(load.from_revision))
        self._reader.put(key, Job(ask, failed=lambda: self._end.failed(load)))

    def _follow(self, follow: Follow) -> None:
        with self._follow_lock:
            self._to_follow |= follow.hosts
            self._asked |= follow.asked
        hosts: set[str] = set()
        asked: set[str] = set()

        def ask() -> Result:
            # All that gathered until now is read at once. The sets outlive an attempt that fails.
            with self._follow_lock:
                hosts.update(self._to_follow)
                asked.update(self._asked)
                self._to_follow, self._asked = set(), set()
            found = database.follow(self._core, hosts, asked)
            return lambda: self._do(self._end.following(self._now, found))

        self._read("follow", ask)

    def _register(self, action: Register) -> None:
        host, hello = action.host, action.hello

        def ask() -> Result:
            try:
                database.register(self._core, hello)
            except RefusedByControl as refusal:
                reason = str(refusal)
                return lambda: self._do(self._end.refused(host, hello.instance, reason))
            return lambda: self._do(self._end.registered(self._now, host, hello.instance))

        def failed() -> None:
            self._do(self._end.refused(host, hello.instance, "the server failed to register the host"))

        self._heard.add(host)
        self._writer.put(("register", host), Job(ask, failed))

    def _record(self, action: Record) -> None:
        host, report = action.host, action.report

        def ask() -> Result:
            database.record(self._core, host, report)
            return lambda: self._do(self._end.recorded(host, report.instance, report.sequence))

        self._writer.put(("record", host), Job(ask, failed=_nothing))

    def _read(self, name: str, ask: Callable[[], Result]) -> None:
        self._reader.put((name,), Job(ask, failed=_nothing))

    def _write(self, name: str, work: Callable[[], None]) -> None:
        def ask() -> Result:
            work()
            return _nothing

        self._writer.put((name,), Job(ask, failed=_nothing))


def _nothing() -> None:
    """Nothing follows."""
