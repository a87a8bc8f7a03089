"""Hosts for tests of links: each is a thread in a network namespace of its own, with its own directory of namespaces.

Whatever such a thread starts is in its namespace, too. Nothing touches the namespace of the machine.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from kaon.host.kernel.namespaces import Namespaces
from kaon.host.kernel.netlink import NetlinkLinks
from kaon.host.plan.links import LinkPlan, plan_links
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.trouble import Trouble

T = TypeVar("T")

_libc = ctypes.CDLL(None, use_errno=True)


class RigHost:
    """One host."""

    def __init__(self, directory: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.directory = directory
        self.run(self._enter)
        self.start_door()

    def _enter(self) -> None:
        assert _libc.unshare(0x40000000) == 0, os.strerror(ctypes.get_errno())
        self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def run(self, work: Callable[[], T]) -> T:
        """Run something on the host."""
        return self._thread.submit(work).result()

    def sh(self, command: str, *, check: bool = True, space: str = "") -> str:
        """Run a command line on the host, or in a namespace of it; give what it says."""
        enter = ["nsenter", f"--net={self.directory / space}"] if space else []
        done = self.run(
            lambda: subprocess.run([*enter, "sh", "-c", command], check=False, capture_output=True, text=True, timeout=30)
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def reaches(self, address: str, space: str = "", count: int = 1) -> bool:
        """Ping an address."""
        answer = self.sh(f"ping -c {count} -i 0.02 -w 4 {address} >/dev/null && echo yes", check=False, space=space)
        return "yes" in answer

    def start_door(self) -> None:
        """Open the door, as a fresh agent does."""
        self.namespaces, self.door = self.run(self._open_door)

    def _open_door(self) -> tuple[Namespaces, NetlinkLinks]:
        namespaces = Namespaces(self.directory)
        return namespaces, NetlinkLinks(namespaces)

    def stop_door(self) -> None:
        """Close the door, as an agent that goes."""
        self.run(self.door.close)
        self.run(self.namespaces.close)

    def observe(self) -> Observed:
        """Look."""
        return self.run(self.door.observe)

    def plan(self, desired: LinkState) -> LinkPlan:
        """Look and plan."""
        return plan_links(desired, self.observe())

    def converge(self, desired: LinkState) -> list[Trouble]:
        """Look, plan and apply; give all troubles."""
        plan = self.plan(desired)
        return [*plan.troubles, *self.run(lambda: self.door.apply(plan.steps))]

    def vm(self, name: str, tap: str, mac: str, *cidrs: str) -> None:
        """Plug a VM: a namespace with eth0, whose other end is the tap."""
        self.run(lambda: self.namespaces.create(name, lambda: None))
        path = self.directory / name
        self.sh(f"ip link add {tap} type veth peer name eth0 address {mac} netns {path}")
        self.sh("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0", space=name)
        self.sh("ip link set lo up; ip link set eth0 up", space=name)
        for cidr in cidrs:
            self.sh(f"ip addr add {cidr} dev eth0 {'nodad' if ':' in cidr else ''}", space=name)

    def close(self) -> None:
        """Take everything away."""
        self.stop_door()
        for path in tuple(self.directory.iterdir()) if self.directory.exists() else ():
            self.run(lambda name=path.name: Namespaces(self.directory).delete(name))
        _libc.umount2(str(self.directory).encode(), 2)
        self._thread.shutdown()
        os.close(self.descriptor)


@contextmanager
def rig_host(directory: Path) -> Iterator[RigHost]:
    """Lend a host."""
    host = RigHost(directory)
    try:
        yield host
    finally:
        host.close()
