"""Work in a process of its own, for the sake of what it imports: the memory of it goes with that process."""

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class AsideError(Exception):
    """The process ended without an answer; its last words, if any, stand on standard error."""


def aside(work: Callable[[], T]) -> T:
    """Do `work` in a child and give what it gives, or raise what it raises; both must be picklable.

    Only before the first thread is started: a child has none but its own. Errors: those of `work`; AsideError.
    """
    with begun(work) as result:
        return result()


@contextmanager
def begun(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Begin `work` as `aside` does; what is handed out waits for the answer. The end of the block waits for the child."""
    answer_in, answer_out = os.pipe()
    child = os.fork()
    if not child:
        os.close(answer_in)
        _answer(work, answer_out)
    os.close(answer_out)
    answer: list[bytes] = []

    def result() -> T:
        answer.append(file.read())
        if not answer[0]:
            raise AsideError("a process that prepares the start ended without an answer")
        given, problem = pickle.loads(answer[0])  # noqa: S301  # our own child wrote it
        if problem is not None:
            raise problem
        return given  # type: ignore[no-any-return]  # what `work` gave

    with os.fdopen(answer_in, "rb") as file:
        try:
            yield result
        finally:
            if not answer:
                file.read()
            os.waitpid(child, 0)


def _answer(work: Callable[[], object], out: int) -> None:
    """Write (result, None) or (None, exception), and end the process without any of the parent's ceremonies."""
    try:
        try:
            answer = pickle.dumps((work(), None))
        except Exception as problem:  # noqa: BLE001  # whatever it is, the parent raises it
            answer = pickle.dumps((None, problem))
        with os.fdopen(out, "wb") as file:
            file.write(answer)
    finally:
        sys.stderr.flush()
        os._exit(0)
