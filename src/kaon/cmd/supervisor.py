"""The parent of a server's processes: starts them, starts them again when they die, ends them when it is told to."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kaon.lib.log import Log

_log = Log(__name__)

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_LIVED_WELL_S = 30.0
_END_S = 10.0


@dataclass(slots=True)
class _Child:
    """A process that should be there.

    inherits  descriptors that it is given
    pause_s   before it is started again, should it die soon
    """

    name: str
    command: Sequence[str]
    inherits: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S


def supervise(files: Sequence[Path], workers: int, listener: socket.socket) -> None:
    """Run the parts of a server until SIGTERM or SIGINT. The database must be up to date."""
    configured = [word for file in files for word in ("--config-file", str(file))]
    kaon = [sys.executable, "-m", "kaon.cmd.main", "server", *configured]
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    api = [*kaon, "--part", "api", "--socket", str(listener.fileno())]
    bus = [*kaon, "--part", "bus"]
    shared = (listener.fileno(),)
    children = [_Child("bus", bus), *(_Child(f"api {number}", api, shared) for number in range(1, workers + 1))]
    while True:
        now = time.monotonic()
        for child in children:
            _look_after(child, now)
        pending = [child.start_at - now for child in children if child.process is None]
        got = signal.sigtimedwait(_SIGNALS, max(0.0, min([1.0, *pending])))
        if got is not None and got.si_signo != signal.SIGCHLD:
            break
    _end(children)


def _look_after(child: _Child, now: float) -> None:
    if child.process is not None and child.process.poll() is not None:
        child.pause_s = _FIRST_PAUSE_S if now - child.started_at > _LIVED_WELL_S else min(_LONGEST_PAUSE_S, child.pause_s * 2)
        _log.error("a process died", name=child.name, code=child.process.returncode, again_in_s=child.pause_s)
        child.process = None
        child.start_at = now + child.pause_s
    if child.process is None and now >= child.start_at:
        child.process = subprocess.Popen(child.command, pass_fds=child.inherits, env=_environment())  # noqa: S603  # our own command
        child.started_at = now


def _end(children: Sequence[_Child]) -> None:
    living = [child.process for child in children if child.process is not None]
    for process in living:
        process.terminate()
    deadline = time.monotonic() + _END_S
    for process in living:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        if process.poll() is None:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    """Tell children who the supervisor is, so that they can tell whether it still is their parent."""
    return {**os.environ, "KAON_SUPERVISOR": str(os.getpid())}
