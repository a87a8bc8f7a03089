"""The parent of a server's processes: starts them, starts them again when they die, ends them when it is told to.

They are forked from it, after it has imported what they need: what they have in common stands in memory once, and a process
serves at once. It has one thread, so nothing is lost in a child that a thread would have gone on with.
"""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kaon.lib.log import Log

_log = Log(__name__)

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_LIVED_WELL_S = 30.0
_END_S = 10.0


_FAILED = 1
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_M_ARENA_MAX, _ARENAS = -8, 2
"""Of glibc's malloc: threads share two heaps; with one for each thread, what one gave back would be of no use to the others."""


@dataclass(slots=True)
class Part:
    """A process that should be there.

    name     told in logs and in lists of processes, of which the first 15 characters
    work     what it does; gives its exit code
    pid      0: it is not there
    pause_s  before it is started again, should it die soon
    """

    name: str
    work: Callable[[], int]
    pid: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S


def supervise(parts: Sequence[Part]) -> None:
    """Run the parts of a server until SIGTERM or SIGINT. The database must be up to date, and this the only thread."""
    if threading.active_count() > 1:
        raise RuntimeError("a process with several threads cannot be divided")
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    gc.collect()
    gc.freeze()  # looking for cycles in what is shared would write to it, and every process would have its own
    while True:
        now = time.monotonic()
        for part in parts:
            _look_after(part, now)
        pending = [part.start_at - now for part in parts if not part.pid]
        got = signal.sigtimedwait(_SIGNALS, max(0.0, min([1.0, *pending])))
        if got is not None and got.si_signo != signal.SIGCHLD:
            break
    _end([part.pid for part in parts if part.pid])


def _look_after(part: Part, now: float) -> None:
    if part.pid:
        ended, status = os.waitpid(part.pid, os.WNOHANG)
        if not ended:
            return
        part.pause_s = _FIRST_PAUSE_S if now - part.started_at > _LIVED_WELL_S else min(_LONGEST_PAUSE_S, part.pause_s * 2)
        code = os.waitstatus_to_exitcode(status)
        _log.error("a process died", name=part.name, code=code, again_in_s=part.pause_s)
        part.pid = 0
        part.start_at = now + part.pause_s
    if now >= part.start_at:
        part.pid = _begin(part)
        part.started_at = now


def _begin(part: Part) -> int:
    """Start a process; give its pid."""
    supervisor = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = _FAILED
    try:
        _follow(supervisor, part.name)
        code = part.work()
    except KeyboardInterrupt:
        code = 0
    except Exception as problem:  # noqa: BLE001  # whatever it was, the supervisor starts another; it is logged
        _log.failed("a process failed", problem, name=part.name)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _follow(supervisor: int, name: str) -> None:
    """End when the supervisor ends, however it ends; and take signals, which it had blocked."""
    # SIGKILL, for nothing may outlive a supervisor that was killed: a process that is starting, or waits for the database,
    # would be late to notice anything else. Whoever ends the supervisor kindly has it end its children kindly.
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NAME, f"kaon {name}".encode(), 0, 0, 0)
    with contextlib.suppress(AttributeError):  # other C libraries have no such thing
        libc.mallopt(_M_ARENA_MAX, _ARENAS)
    if os.getppid() != supervisor:
        os._exit(0)  # it ended before we could ask to be told
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _end(living: Sequence[int]) -> None:
    for pid in living:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_S
    for pid in living:
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                break
            signal.sigtimedwait({signal.SIGCHLD}, 0.1)
