"""Linux namespaces and mounts: the few system calls that Python 3.11 has no words for.

Source: unshare(2), setns(2), mount(2), umount2(2), sethostname(2).
"""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
HOST_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2

KINDS = ("net", "uts", "ipc", "mnt", "pid")

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones. OSError when the kernel refuses."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def set_ns(descriptor: int, kind: int = 0) -> None:
    """Enter the namespace behind an open file; for a pid namespace only later children do. OSError when the kernel refuses."""
    _checked(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def enter(pid: int) -> None:
    """Enter all namespaces of process `pid`, as a host of the lab has them; its pid namespace is entered by later children."""
    descriptors = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in KINDS]
    try:
        for descriptor in descriptors:
            set_ns(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str | None = None) -> None:
    """Attach a file system to the tree of this mount namespace. OSError when the kernel refuses."""
    result = _libc.mount(
        source.encode(),
        target.encode(),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if data is None else data.encode(),
    )
    _checked(result, f"mount {source} on {target}")


def unmount(target: str) -> None:
    """Detach a mount from this mount namespace, in use or not. OSError when `target` is none."""
    _checked(_libc.umount2(target.encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def set_hostname(name: str) -> None:
    """Name this UTS namespace. OSError when the kernel refuses."""
    raw = name.encode()
    _checked(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")
