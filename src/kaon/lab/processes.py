"""Processes that the lab started, and the proof that a pid is still the one it started.

A pid alone proves nothing: it is used again. The start time (clock ticks since boot, field 22 of /proc/<pid>/stat, proc(5))
makes it one process for as long as the machine is up; the title that must stand in its command line is the second lock.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_LAUNCH_LIMIT_S = 30.0


class LabError(Exception):
    """The lab could not do what was asked; the message says what and why, in words for the person at the terminal."""


@dataclass(frozen=True)
class Process:
    """One process as recorded.

    pid      in the machine's own pid namespace
    started  clock ticks since boot
    title    text that stands in its command line
    """

    pid: int
    started: int
    title: str


def started_at(pid: int) -> int | None:
    """Start time of a living process in clock ticks since boot; None when there is none, or only its zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the name in parentheses, may hold spaces and parentheses itself: count from the last one.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(process: Process) -> bool:
    """Whether that very process lives: same pid, same start time, its title in its command line."""
    if started_at(process.pid) != process.started:
        return False
    try:
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return process.title in line


def send_signal(process: Process, number: signal.Signals) -> bool:
    """Signal the process if it is still ours; False when it is gone. The pid is held by a pidfd between proof and signal."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(process):
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        return True
    finally:
        os.close(descriptor)


def end(process: Process, number: signal.Signals = signal.SIGKILL, timeout_s: float = 10.0) -> bool:
    """Signal the process and wait until it is gone; False when it was gone before. LabError when it stays."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not send_signal(process, number):
            return False
        if not select.select([descriptor], [], [], timeout_s)[0]:
            raise LabError(f"process {process.pid} ({process.title}) does not end after {number.name} and {timeout_s:g} s")
        return True
    finally:
        os.close(descriptor)


def save(process: Process, path: Path) -> None:
    """Record the process in a file, in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(process)) + "\n")
    draft.replace(path)


def load(path: Path) -> Process | None:
    """The process recorded in the file, living or not; None when there is no such file."""
    try:
        fields = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return Process(pid=int(fields["pid"]), started=int(fields["started"]), title=str(fields["title"]))


def launch(order: Mapping[str, object], title: str) -> Process:
    """Have `kaon.lab.launch` start what `order` says, detached, and give its record. LabError with its words when it fails."""
    outcome = subprocess.run(  # noqa: S603  # our own module
        [sys.executable, "-m", "kaon.lab.launch", json.dumps(order)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LAUNCH_LIMIT_S,
        check=False,
    )
    if outcome.returncode != 0:
        raise LabError(f"{title} does not start: {outcome.stderr.strip() or outcome.stdout.strip()}")
    pid = int(outcome.stdout)
    until = time.monotonic() + _LAUNCH_LIMIT_S
    while (started := started_at(pid)) is not None and time.monotonic() < until:
        found = Process(pid, started, title)
        if is_alive(found):
            return found
        time.sleep(0.001)  # execve(2) closes what tells us of it a moment before the new command line can be read
    raise LabError(f"{title} ended as soon as it had started")


def daemon(argv: Sequence[str], *, inside: int | None, log: Path, title: str, env: Mapping[str, str] | None = None) -> Process:
    """Start a command detached, its output appended to `log`, in the namespaces of process `inside` (None: where we are)."""
    order = {"what": "daemon", "argv": list(argv), "inside": inside, "log": str(log), "env": dict(env or {})}
    return launch(order, title)
