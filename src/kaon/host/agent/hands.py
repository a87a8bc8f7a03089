"""The thread that touches the kernel: it carries out what the loop says, and nobody else calls a door.

It waits on two descriptors: one tells that there is something in the mailbox, one that devices came or went.
"""

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kaon.host.agent.loop import EVERYTHING, Loop, Slice, Supervise, Work
from kaon.host.agent.repeats import Repeats
from kaon.host.agent.report import Reporter, applied, realised
from kaon.host.agent.settings import AgentSettings
from kaon.host.agent.work import Worker
from kaon.host.compile.view import View
from kaon.host.state.trouble import Trouble
from kaon.lib.log import Log
from kaon.wire.messages import Realised

_log = Log(__name__)

_LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Desired:
    """The complete picture has changed.

    fresh  it is the server's for the first time: everything is looked at
    """

    view: View
    revisions: Mapping[str, int]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """What was desired is worth nothing any more."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A server knows this agent: from now, or anew."""


@dataclass(frozen=True, slots=True)
class News:
    """What is now true on the host and was not said before."""

    applied: Mapping[str, int] = field(default_factory=dict)
    realised: tuple[Realised, ...] = ()


class Hands(threading.Thread):
    """The thread. `put` hands it messages; it hands news to `tell`, which must only queue them.

    saved  the complete picture of an earlier start, or None
    """

    def __init__(self, worker: Worker, settings: AgentSettings, saved: View | None, tell: Callable[[News], None]) -> None:
        super().__init__(name="hands", daemon=True)
        self._worker = worker
        self._settled = settings.settled
        self._compared = False
        self._tell = tell
        self._view = saved
        self._revisions: Mapping[str, int] = {}
        self._reporter = Reporter()
        self._loop = Loop(settings.loop, time.monotonic(), rebooted=not self._settled.exists(), saved=saved is not None)
        self._repeats = Repeats()
        self._mailbox: deque[Desired | Nothing | Joined] = deque()
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopped = False

    def put(self, message: Desired | Nothing | Joined) -> None:
        """Hand over a message. Any thread may call it."""
        self._mailbox.append(message)
        self._wake()

    def stop(self) -> None:
        """Let the thread end after the work at hand. Any thread may call it. The kernel stays as it is."""
        self._stopped = True
        self._wake()

    def run(self) -> None:
        """Work until stopped. Whatever gets past `_work` ends the thread, and thereby the agent."""
        try:
            self._serve()
        finally:
            self._tell(News())

    def _serve(self) -> None:
        while not self._stopped:
            for action in self._loop.tick(time.monotonic()):
                match action:
                    case Supervise():
                        self._loop.daemons_died(time.monotonic(), self._worker.lost())
                    case Work(look=look, stale=stale):
                        self._work(look, stale=stale)
            again = self._repeats.due(time.monotonic())
            for trouble in self._worker.announce(again) if again else ():
                _log.warning("not announced again", owner=trouble.owner, reason=trouble.reason)
            self._wait()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._waker, b"!")

    def _wait(self) -> None:
        now = time.monotonic()
        deadlines = [self._loop.next_deadline(now), self._repeats.next_deadline()]
        timeout = min((max(0.0, deadline - now) for deadline in deadlines if deadline is not None), default=_LONGEST_WAIT_S)
        ready, _, _ = select.select([self._woken, self._worker.fileno()], [], [], min(timeout, _LONGEST_WAIT_S))
        if self._woken in ready:
            os.read(self._woken, 4096)
        while self._mailbox:
            self._open(self._mailbox.popleft())
        if len(ready) > (self._woken in ready):
            self._loop.devices_changed(time.monotonic(), self._worker.drain())

    def _open(self, message: Desired | Nothing | Joined) -> None:
        now = time.monotonic()
        match message:
            case Desired(view=view, revisions=revisions, fresh=fresh):
                self._view, self._revisions = view, revisions
                if fresh:
                    self._reporter = Reporter()
                    self._loop.in_sync(now)
                else:
                    self._loop.desired_changed(now)
            case Nothing():
                self._view, self._revisions = None, {}
                self._loop.out_of_sync()
            case Joined():
                self._loop.server_heard(now)
                self._tell(News(*self._reporter.everything()))

    def _work(self, look: frozenset[Slice], *, stale: bool) -> None:
        if self._view is None:
            return
        began = time.monotonic()
        view, revisions = self._view, self._revisions
        try:
            outcome = self._worker.work(view, look)
        except Exception as error:  # noqa: BLE001 - the agent outlives its bugs: what runs keeps running, and it is tried again
            _log.failed("work failed", error)
            self._worker.forget()
            self._loop.finished(time.monotonic(), [Trouble("", repr(error))], complete_look=False)
            return
        now = time.monotonic()
        self._repeats.made(now, outcome.announced)
        self._loop.finished(now, outcome.troubles, complete_look=look == EVERYTHING)
        if not stale:
            news = News(*self._reporter.news(realised(view, outcome), applied(view, revisions, outcome)))
            if news.applied or news.realised:
                self._tell(news)
        if not self._settled.exists():
            self._settled.touch()
        for trouble in outcome.troubles:
            _log.warning("not done", owner=trouble.owner, reason=trouble.reason, transient=trouble.transient)
        if outcome.steps or not self._compared:
            self._compared = True  # once, even if nothing differed: it tells when this agent had looked at everything
            _log.info("worked", steps=outcome.steps, seconds=round(now - began, 4), looked=" ".join(sorted(look)), stale=stale)
