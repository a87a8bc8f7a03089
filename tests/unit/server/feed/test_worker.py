"""The thread that asks the database: an outage is waited for, a question that is wrong is not."""

import threading
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from kaon.server.feed.worker import Job, Result, Worker

PATIENCE_S = 20.0


def _outage() -> Result:
    raise OperationalError("select", {}, Exception("too many variables"))


def _run(answers: Callable[[], object], *jobs: Job) -> list[str]:
    """Have jobs done, until the last of them is; give what was delivered."""
    told: list[str] = []
    done = threading.Event()

    def deliver(result: Result) -> None:
        result()

    worker = Worker("test-worker", deliver, answers)
    for number, job in enumerate(jobs):
        worker.put((str(number),), Job(job.ask, lambda number=number: told.append(f"{number} failed")))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
    worker.put(("last",), Job(lambda: done.set, done.set))
    worker.start()
    assert done.wait(PATIENCE_S)
    worker.stop()
    worker.join(PATIENCE_S)
    return told


def test_a_question_that_fails_alone_keeps_nobody_waiting() -> None:
    """What fails again and again though the database answers is given up, and the next question is asked."""
    assert ["0 failed"] == _run(lambda: None, Job(_outage, lambda: None))


def test_an_outage_is_waited_for() -> None:
    """While the database answers nobody, a question is asked until it is answered."""
    tries: list[int] = []

    def ask() -> Result:
        tries.append(1)
        return _outage() if len(tries) < 6 else lambda: None

    assert _run(_outage, Job(ask, lambda: None)) == []
    assert len(tries) == 6
