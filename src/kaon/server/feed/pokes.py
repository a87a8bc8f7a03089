"""Pokes: "look into the journal", from the processes of the API to the one of the bus. Lost ones cost at most a second."""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path


class Poker:
    """Pokes whoever listens on a UNIX socket; it does not matter whether anybody does. Any thread may call it."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def __call__(self) -> None:
        """Poke."""
        with contextlib.suppress(OSError):  # nobody listens, or enough pokes wait already
            self._socket.sendto(b"!", self._path)

    def close(self) -> None:
        """Poke no more."""
        self._socket.close()


class PokeListener:
    """Calls `poke` for what arrives on a UNIX socket, in a thread of its own. Errors: OSError when it cannot be made."""

    def __init__(self, path: Path, poke: Callable[[], None]) -> None:
        self._path = path
        self._poke = poke
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._run, name="pokes", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                if self._socket.recv(1) == b".":
                    return
            except OSError:
                return
            self._poke()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ending:
            ending.sendto(b".", str(self._path))
            self._thread.join(1.0)
        self._socket.close()
        self._path.unlink(missing_ok=True)
