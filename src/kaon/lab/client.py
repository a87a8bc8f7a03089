"""The real `openstack` client, kept running: starting it takes a second or two, a command in a running one some milliseconds.

    lab ── commands, one a line ──> openstack (reads its standard input) ──> HTTP ──> the server
        <── JSON, then a mark ────

One client a project. It is told to print JSON; what it says that is neither JSON nor nothing is an error.
"""

import json
import os
import selectors
import shlex
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kaon.lab.processes import LabError

_MARK = "kaon-lab-mark"
_LIMIT_S = 120.0
# Commands that print nothing when they succeed, and so take no output format.
_SILENT = frozenset({"delete", "set", "unset", "add", "remove"})


class RefusedCommandError(LabError):
    """The client refused a command or the server a request; the text is the client's own."""


def client_path() -> str:
    """The `openstack` command beside this Python, or else on the PATH. LabError when there is none."""
    beside = Path(sys.prefix, "bin", "openstack")
    found = str(beside) if beside.exists() else shutil.which("openstack")
    if found is None:
        raise LabError("there is no openstack command: install python-openstackclient")
    return found


def _asks_json(words: list[str]) -> bool:
    return not _SILENT & set(words[:4])


class OpenStack:
    """A running `openstack` client of one cloud of a clouds.yaml. Safe to share between threads: one command at a time."""

    def __init__(self, clouds_file: Path, cloud: str) -> None:
        self.cloud = cloud
        self._lock = threading.Lock()
        env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        env |= {
            "OS_CLIENT_CONFIG_FILE": str(clouds_file),
            "OS_CLOUD": cloud,
            "PYTHONUNBUFFERED": "1",  # its answers go into a pipe
            "TERM": "dumb",
            "NO_PROXY": "127.0.0.1",
        }
        self._process = subprocess.Popen(  # noqa: S603  # the client itself, by path
            [client_path()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, bufsize=0
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    @property
    def _out(self) -> Any:
        return self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the client."""
        self._selector.close()
        self._process.kill()
        self._process.communicate()

    def run(self, *words: object) -> Any:
        """Run one command; give what it printed, decoded from JSON, or None. RefusedCommandError with its words when it failed.

        Several words may stand in one text: run("port show", port_id).
        """
        flat = [part for word in words for part in (shlex.split(word) if isinstance(word, str) else [str(word)])]
        wants_json = _asks_json(flat)
        line = shlex.join([*flat, "-f", "json"] if wants_json else flat)
        with self._lock:
            text = self._exchange(line)
        if not text:
            return None
        if wants_json:
            try:
                return json.loads(text)
            except ValueError:
                pass
        raise RefusedCommandError(f"openstack {shlex.join(flat)} ({self.cloud}): {text}")

    def _exchange(self, line: str) -> str:
        """Send a line, give all that is printed before the mark."""
        assert self._process.stdin is not None  # noqa: S101  # made with a pipe
        self._process.stdin.write(f"{line}\nshell echo {_MARK}\n".encode())
        until = time.monotonic() + _LIMIT_S
        heard = b""
        while not heard.rstrip().endswith(_MARK.encode()):
            if not self._selector.select(max(0.0, until - time.monotonic())):
                raise LabError(f"openstack {line}: no answer within {_LIMIT_S:g} s")
            piece = os.read(self._out.fileno(), 65536)
            if not piece:
                raise LabError(f"the openstack client ended: {heard.decode(errors='replace').strip()}")
            heard += piece
        return heard.decode(errors="replace").rstrip().removesuffix(_MARK).strip()
