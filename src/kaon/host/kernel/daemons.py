"""What is common to daemons that outlive the agent: proved by their command line, ended by a handle, told by files."""

import contextlib
import hashlib
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

END_TIMEOUT_S = 2.0
"""How long a process may take to obey SIGTERM before SIGKILL. dnsmasq and radvd need a millisecond."""


def arguments_of(pid: int) -> list[str]:
    """Read a process's command line; one empty word where there is none: no such process, or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return [""]


def start_time(pid: int) -> str:
    """Field 22 of /proc/<pid>/stat (man proc): in clock ticks since boot; with the pid it names a process for good.

    Empty when there is no such process.
    """
    words = _status(pid)
    return words[19] if words else ""


def leads_session(pid: int) -> bool:
    """Tell whether a process leads its session, as daemons do and helpers do not: /proc/<pid>/stat (man proc), field 6."""
    words = _status(pid)
    return bool(words) and words[3] == str(pid)


def _status(pid: int) -> list[str]:
    return read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def heeds(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process does something of its own with a signal: it catches or blocks it (man proc, SigCgt and SigBlk)."""
    lines = (line.split() for line in read(Path(f"/proc/{pid}/status")).splitlines() if line.startswith(("SigCgt:", "SigBlk:")))
    return any(int(mask, 16) >> (number - 1) & 1 for _, mask in lines)


def is_inside(pid: int, namespace: Path) -> bool:
    """Tell whether a process is in the network namespace that has this name today: one made anew under it is another."""
    with contextlib.suppress(OSError):
        inside, named = Path(f"/proc/{pid}/ns/net").stat(), namespace.stat()
        return (inside.st_dev, inside.st_ino) == (named.st_dev, named.st_ino)
    return False


def end(pid: int, arguments: Sequence[str], *, first: signal.Signals = signal.SIGTERM) -> None:
    """End a process proved ours by its command line, read again on a handle that cannot come to mean another process."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            if arguments_of(pid) != list(arguments):
                return
            signal.pidfd_send_signal(handle, first)
            if not _ended(handle):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                _ended(handle)
        finally:
            os.close(handle)


def _ended(handle: int) -> bool:
    """Wait until a process has ended; False when it has not in time. Not `select`, which ends at descriptor 1023."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(END_TIMEOUT_S * 1000))


def record(pid: int, *texts: str) -> str:
    """Say which texts this very process was told to load, as a line of a file."""
    digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()
    return f"{pid} {start_time(pid)} {digest}\n"


def read(path: Path) -> str:
    """Read a file, empty where there is none."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def write_atomically(path: Path, text: str) -> None:
    """Replace a file: a reader sees the old or the new, never a half. Readable by all: the daemons drop their rights."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o644)
    new.replace(path)


def said(error: Exception) -> str:
    """Give the words of a command that failed, or of another error."""
    if isinstance(error, subprocess.CalledProcessError):
        return (error.stderr or b"").decode(errors="replace").strip() or f"ended with {error.returncode}"
    return str(error)
