"""Carries the outbox to another service: in batches, in order, again when it failed, and from one process at a time.

A message may arrive twice, when a process dies between telling and storing that it told; it is not lost by that.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from kaon.lib.log import Log
from kaon.server.peers.http import PeerUnavailable
from kaon.server.store import outbox
from kaon.server.store.engine import Store, Transaction

_log = Log(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


class Verdict(Enum):
    """What became of a message. LATER: refused for the time being, a bounded number of times."""

    TOLD = auto()
    DROPPED = auto()
    LATER = auto()


Send = Callable[[Sequence[outbox.Message]], Mapping[int, Verdict]]
"""Tells a batch; gives a verdict for each message by its id. Errors: PeerUnavailable: none was told, as far as one knows."""


@dataclass(frozen=True)
class Delivery:
    """How one service is told.

    peer        its name in the outbox
    interval_s  least time between two batches; also how often the outbox is looked into when nobody pokes
    turn_s      longest time that a batch takes; after that another process may speak to the service
    keep_s      a message older than that is worthless
    most        messages of a batch
    most_attempts    so often a message may be refused for the time being; 0: until it is too old
    longest_pause_s  before it is tried again; pauses begin with a second and double
    """

    peer: str
    send: Send
    interval_s: float = 2.0
    turn_s: float = 15.0
    keep_s: float = 600.0
    most: int = 200
    most_attempts: int = 6
    longest_pause_s: float = 30.0


class Courier:
    """A thread that tells one service. `poke` and `stop` may come from any thread. holder: names this process among others."""

    def __init__(self, store: Store, holder: str, delivery: Delivery) -> None:
        self._store = store
        self._holder = holder
        self._delivery = delivery
        self._poked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"courier-{delivery.peer}", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def poke(self) -> None:
        """Have the outbox looked into."""
        self._poked.set()

    def stop(self) -> None:
        """Finish the batch at hand and no other; see `join`."""
        self._stopping.set()
        self._poked.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the batch at hand, after `stop`."""
        self._thread.join(timeout_s)

    def round(self) -> int:
        """Tell one batch, if there is anything and it is our turn; give its length. Errors: PeerUnavailable, outages."""
        peer = self._delivery.peer
        if not self._store.read(lambda tx: outbox.waiting(tx, peer)):
            return 0
        batch, expired = self._store.write(self._take)
        if expired:
            _log.error("too old to be told", peer=peer, messages=expired)
        if not batch:
            return 0
        verdicts: Mapping[int, Verdict] = {}
        try:
            verdicts = self._delivery.send(batch)
        finally:
            self._store.write(lambda tx: self._settle(tx, batch, verdicts))
        return len(batch)

    def _take(self, tx: Transaction) -> tuple[list[outbox.Message], int]:
        how = self._delivery
        if not outbox.take_turn(tx, how.peer, self._holder, how.turn_s):
            return [], 0
        expired = outbox.expire(tx, how.peer, tx.now - timedelta(seconds=how.keep_s))
        batch = outbox.due(tx, how.peer, how.most)
        if not batch:
            outbox.end_turn(tx, how.peer, self._holder)
        return batch, expired

    def _settle(self, tx: Transaction, batch: Sequence[outbox.Message], verdicts: Mapping[int, Verdict]) -> None:
        later = [message for message in batch if verdicts.get(message.id) is Verdict.LATER]
        most = self._delivery.most_attempts
        hopeless = [message for message in later if 0 < most <= message.attempts + 1]
        for message in hopeless:
            _log.warning("refused too often, not told", peer=self._delivery.peer, **message.body)
        over = [one.id for one in batch if verdicts.get(one.id) in {Verdict.TOLD, Verdict.DROPPED}]
        outbox.remove(tx, [*over, *(message.id for message in hopeless)])
        longest = self._delivery.longest_pause_s
        pauses = [(one.id, min(longest, 2.0 ** min(one.attempts, 20))) for one in later if one not in hopeless]
        outbox.postpone(tx, pauses)
        outbox.end_turn(tx, self._delivery.peer, self._holder)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            self._poked.clear()
            try:
                told = self.round()
            except Exception as problem:  # noqa: BLE001  # whatever goes wrong, it is tried again; it is logged
                self._log(problem, pause)
                self._stopping.wait(pause)
                pause = min(_LONGEST_PAUSE_S, pause * 2)
                continue
            pause = _FIRST_PAUSE_S
            if 0 < told < self._delivery.most:
                self._stopping.wait(self._delivery.interval_s)  # what comes meanwhile goes with the next batch
            elif not told:
                self._poked.wait(max(1.0, self._delivery.interval_s))

    def _log(self, problem: Exception, pause: float) -> None:
        if isinstance(problem, PeerUnavailable):
            _log.warning("a service cannot be told", peer=self._delivery.peer, reason=str(problem), again_in_s=pause)
        else:
            _log.failed("telling a service failed", problem, peer=self._delivery.peer, again_in_s=pause)
