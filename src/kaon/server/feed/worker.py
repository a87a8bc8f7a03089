"""One thread that asks the database, so that the loop that speaks with hosts never waits for it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kaon.lib.log import Log
from kaon.server.feed.database import is_outage

_log = Log(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_PATIENT_TRIES = 4

Result = Callable[[], None]
"""What is to be done with an answer, in the thread of the loop."""


@dataclass(frozen=True, slots=True)
class Job:
    """One question.

    ask     runs in the worker's thread; gives what to do with the answer
    failed  what to do when the question itself is wrong; an outage is waited for instead. What fails again and again while
            the database answers others is wrong: else one host's question could keep all others waiting
    """

    ask: Callable[[], Result]
    failed: Result


class Worker:
    """Jobs in order, each key at most once: a later job of the same key takes the place of the one that still waits.

    deliver  takes results; called in the worker's thread
    answers  asks the database something simple; raises when it does not answer
    """

    def __init__(self, name: str, deliver: Callable[[Result], None], answers: Callable[[], object]) -> None:
        self._deliver = deliver
        self._answers = answers
        self._jobs: dict[tuple[str, ...], Job] = {}
        self._change = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def put(self, key: tuple[str, ...], job: Job) -> None:
        """Have a job done."""
        with self._change:
            self._jobs[key] = job
            self._change.notify()

    def stop(self) -> None:
        """Finish the job at hand and no other. It does not wait for that: see `join`."""
        self._stopping.set()
        with self._change:
            self._change.notify()

    def join(self, timeout_s: float) -> None:
        """Wait for the job at hand, after `stop`."""
        self._thread.join(timeout_s)

    def _next(self) -> tuple[tuple[str, ...], Job] | None:
        with self._change:
            self._change.wait_for(lambda: self._jobs or self._stopping.is_set())
            if self._stopping.is_set():
                return None
            key = next(iter(self._jobs))
            return key, self._jobs.pop(key)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            result = self._ask(*item)
            if result is not None:
                self._deliver(result)

    def _ask(self, key: tuple[str, ...], job: Job) -> Result | None:
        pause = _FIRST_PAUSE_S
        tries = 0
        while not self._stopping.is_set():
            tries += 1
            try:
                return job.ask()
            except Exception as problem:  # noqa: BLE001  # hosts are served whatever one question does; it is logged
                if not is_outage(problem) or (tries >= _PATIENT_TRIES and self._is_there()):
                    _log.failed("a question to the database failed", problem, job=key)
                    return job.failed
                _log.warning("the database does not answer", job=key, reason=str(problem), again_in_s=pause)
            self._stopping.wait(pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2)
        return None

    def _is_there(self) -> bool:
        try:
            self._answers()
        except Exception as problem:  # noqa: BLE001  # whatever it was, that is no answer
            _log.warning("the database is out of reach", reason=str(problem))
            return False
        return True
