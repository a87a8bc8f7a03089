"""Start one process of the lab and print its pid: `python -m kaon.lab.launch ORDER` (a JSON object; see `kaon.lab.processes`).

Two orders:
    node    a pid-1 process in new namespaces, inside those of another one when asked (a VM inside a host)
    daemon  a command in the namespaces of a node, or where we are

A process of its own, because namespaces are entered by threads and only left by ending; and because the pid that counts is the
one the machine sees, which a process in a pid namespace cannot tell. It is told by the kernel: the new process sends one byte,
and the credentials that travel with it are translated to the reader's pid namespace (unix(7), SO_PASSCRED).
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from kaon.lab.namespaces import (
    HOST_NAMESPACES,
    MS_BIND,
    MS_PRIVATE,
    MS_REC,
    enter,
    mount,
    set_hostname,
    unmount,
    unshare,
)

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


def _mounts_below(folder: str) -> list[str]:
    """Mount points at or below a folder, the innermost first. Source: proc(5), mountinfo; a space is written in octal there."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].replace("\\040", " ") for line in lines]
    return [point for point in reversed(points) if point == folder or point.startswith(folder + "/")]


def _private_run() -> None:
    """A fresh /run.

    What was mounted below the old one is detached first: a copy of a named network namespace's mount would keep that namespace
    and its devices alive after its owner has deleted it.
    """
    for point in _mounts_below("/run"):
        with contextlib.suppress(OSError):  # the innermost may go with an outer one
            unmount(point)
    mount("tmpfs", "/run", "tmpfs", data="mode=755,size=256m")
    for folder in ("netns", "lock"):
        Path("/run", folder).mkdir()


def _bind_back(kept: dict[str, int]) -> None:
    """Show again what new mounts hid, by descriptors opened before."""
    for path, descriptor in kept.items():
        if Path(path).exists():
            continue
        Path(path).mkdir(parents=True)
        mount(f"/proc/self/fd/{descriptor}", path, None, MS_BIND | MS_REC)


def _own_resolver() -> None:
    """A VM's /etc/resolv.conf is a file of its own, in this mount namespace only; the DHCP script writes /run/resolv.conf."""
    own = Path("/run/resolv.conf")
    own.touch()
    if Path("/etc/resolv.conf").exists():
        mount(str(own), "/etc/resolv.conf", None, MS_BIND)


def _furnish(order: dict[str, Any]) -> None:
    """Make new namespaces into a host or VM: own mounts, own name, loopback up."""
    kept = {path: os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in order["keep"]}
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    set_hostname(order["hostname"])
    if order["disk"]:
        mount(order["disk"], "/var/lib", None, MS_BIND)
    _private_run()
    mount("sysfs", "/sys", "sysfs")
    _bind_back(kept)
    if order["resolver"]:
        _own_resolver()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607  # where it lies differs between systems


def _settle(log: int) -> None:
    """Leave the starter's terminal, folder and session behind."""
    os.setsid()
    os.chdir("/")
    os.umask(0o022)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)


def _tell(line: socket.socket, error: BaseException) -> NoReturn:
    line.sendall(b"E" + f"{type(error).__name__}: {error}".encode())
    os._exit(1)


def _be_node(order: dict[str, Any], line: socket.socket, log: int) -> NoReturn:
    """Become pid 1 of new namespaces: the grandchild does, since a pid namespace begins with the next fork."""
    try:
        unshare(HOST_NAMESPACES)
        if os.fork():
            os._exit(0)
        _furnish(order)
        _settle(log)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps orphans of this host by itself; exec keeps it so
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        line.sendall(b"R")
        os.execvp("sleep", [order["title"], "infinity"])  # noqa: S606, S607  # the title in its command line proves whose it is
    except BaseException as error:  # noqa: BLE001  # whatever it was, the starter must hear of it
        _tell(line, error)


def _be_daemon(order: dict[str, Any], line: socket.socket, log: int) -> NoReturn:
    """Become the command: the grandchild does.

    The child is the first to live in the node's pid namespace, and an orphan goes to the init of the namespace that its
    parent lived in. Were the command the child itself, it would go to the machine's init, and the node could not end until
    that has reaped it.
    """
    try:
        if os.fork():
            os._exit(0)
        _settle(log)
        for name in (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, signal.SIG_DFL)
        line.sendall(b"R")
        os.execvpe(order["argv"][0], order["argv"], {**os.environ, **order["env"]})  # noqa: S606  # what the lab was told
    except BaseException as error:  # noqa: BLE001  # whatever it was, the starter must hear of it
        _tell(line, error)


def _outcome(line: socket.socket) -> int:
    """The pid of the process at the other end once it runs. SystemExit with its words when it failed."""
    pid = 0
    while True:
        data, extra, _flags, _address = line.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        if not data:
            break
        for _level, kind, raw in extra:
            if kind == socket.SCM_CREDENTIALS:
                pid = _CREDENTIALS.unpack(raw[: _CREDENTIALS.size])[0]
        if data.startswith(b"E"):
            raise SystemExit(data[1:].decode(errors="replace"))
    if not pid:
        raise SystemExit("it ended without a word")
    return pid


def main() -> None:
    """Carry out the order given as the only argument; print the pid."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)  # before another mount namespace hides it
    if order["inside"] is not None:
        enter(order["inside"])
    child = os.fork()
    if child == 0:
        ours.close()
        if order["what"] == "node":
            _be_node(order, theirs, log)
        _be_daemon(order, theirs, log)
    theirs.close()
    os.waitpid(child, 0)
    sys.stdout.write(f"{_outcome(ours)}\n")


if __name__ == "__main__":
    main()
