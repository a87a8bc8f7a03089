"""Named network namespaces, compatible with `ip netns`: files below /run/netns on which a namespace is mounted.

`setns` moves the calling thread only, and everything here brings it back before it returns. Sockets stay in the
namespace that they were opened in: keep them, rather than entering again. Whoever holds a socket or descriptor of a
namespace keeps it and its devices alive after its name is gone, hence nothing is kept here.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from kaon.host.state.names import HOST

T = TypeVar("T")

NETNS_DIRECTORY = Path("/run/netns")

_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
_MNT_DETACH = 2
_OWN = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def _call(function: str, *arguments: object) -> None:
    """Call libc; raise its errno as OSError."""
    if getattr(_libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _mount(source: str, target: Path, flags: int) -> None:
    _call("mount", source.encode(), str(target).encode(), b"none", ctypes.c_ulong(flags), None)


class Namespaces:
    """The named namespaces of a host. The one of the thread that makes this object is the host's own.

    Use from one thread at a time.
    """

    def __init__(self, directory: Path = NETNS_DIRECTORY) -> None:
        """Remember where the calling thread is; `directory` need not exist yet."""
        self.directory = directory
        self._home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        self._nsfs = os.fstat(self._home).st_dev

    def names(self) -> frozenset[str]:
        """List the namespaces; a plain file below the directory is none."""
        try:
            entries = list(os.scandir(self.directory))
        except FileNotFoundError:
            return frozenset()
        return frozenset(entry.name for entry in entries if self.identity(entry.name) is not None)

    def identity(self, name: str) -> int | None:
        """Give a number that differs when another namespace has taken the name; None when there is none."""
        try:
            found = (self.directory / name).stat()
        except FileNotFoundError:
            return None
        return found.st_ino if found.st_dev == self._nsfs else None

    @contextmanager
    def opened(self, name: str) -> Iterator[int]:
        """Give an open descriptor of a namespace for the length of a `with`. Errors: FileNotFoundError."""
        if name == HOST:
            yield self._home
            return
        if self.identity(name) is None:
            raise FileNotFoundError(f"there is no namespace {name}")
        descriptor = os.open(self.directory / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Let the calling thread be in a namespace for the length of a `with`; `HOST` changes nothing."""
        if name == HOST:
            yield
            return
        with self.opened(name) as descriptor:
            _call("setns", descriptor, _CLONE_NEWNET)
        try:
            yield
        finally:
            self._go_home()

    def run(self, name: str, work: Callable[[], T]) -> T:
        """Run `work` in a namespace, in the calling thread."""
        with self.inside(name):
            return work()

    def create(self, name: str, prepare: Callable[[], None]) -> None:
        """Make a namespace; `prepare` runs in it before it has a name, so nobody ever sees it unmarked.

        Errors  FileExistsError when there is one of this name.
        """
        if self.identity(name) is not None:
            raise FileExistsError(f"namespace {name} exists")
        self._prepare_directory()
        target = self.directory / name
        _call("unshare", _CLONE_NEWNET)
        try:
            prepare()
            # A plain file under this name is what an interrupted creation leaves: mounting over it takes nothing away.
            target.touch(mode=0o444)
            _mount(_OWN, target, _MS_BIND)
        finally:
            self._go_home()

    def delete(self, name: str) -> None:
        """Take a namespace's name away; it goes with its last user. One that is not there is no error."""
        if self.identity(name) is not None:
            _call("umount2", str(self.directory / name).encode(), _MNT_DETACH)
        (self.directory / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Close what is kept of the host's own."""
        os.close(self._home)

    def _go_home(self) -> None:
        _call("setns", self._home, _CLONE_NEWNET)

    def _prepare_directory(self) -> None:
        """Make the directory a shared mount, as `ip netns` does: a name taken away here is gone in every mount namespace."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            _mount("", self.directory, _MS_SHARED | _MS_REC)
        except OSError:  # not a mount point yet
            _mount(str(self.directory), self.directory, _MS_BIND | _MS_REC)
            _mount("", self.directory, _MS_SHARED | _MS_REC)
