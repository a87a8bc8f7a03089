"""Ground to stand on for tests that touch the kernel: network and mount namespaces that the test made itself.

A test runs in a child process in namespaces of its own, with an empty /run. When the child ends, the kernel takes away
everything that was made there. The test machine's own namespace is never touched.
"""

import ctypes
import functools
import os
import select
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kaon.host.kernel.nftables import opened_in
from kaon.host.state.names import bridge_name, tap_name
from kaon.wire.ports import HostPort

_NEW_NET_AND_MOUNT = 0x4000_0000 | 0x0002_0000
_PRIVATE_RECURSIVE = 0x40000 | 0x4000
_PATIENCE_S = 5.0
_REFUSED_S = 0.4
"""How long a packet is waited for that should not come."""


def on_own_ground(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test in a child with its own network and /run; what it raises is raised here, as text."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            said = b""
            try:
                _move()
                test(*args, **kwargs)
            except BaseException:  # noqa: BLE001 - told to the parent
                said = traceback.format_exc().encode()
            sys.stdout.flush()
            os.write(writing, said[-60000:])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        if said:
            raise AssertionError(said.decode())

    return run


def _move() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    steps = (
        lambda: libc.unshare(_NEW_NET_AND_MOUNT),
        lambda: libc.mount(b"none", b"/", None, _PRIVATE_RECURSIVE, None),
        lambda: libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None),
    )
    for step in steps:
        if step():
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    Path("/run/netns").mkdir()
    command("ip link set lo up")


def command(text: str, given: str | None = None) -> str:
    """Run a command and give what it printed."""
    done = subprocess.run(text.split(), input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{text}: {done.stderr or done.stdout}")
    return done.stdout


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for a state; fail when it does not come."""
    end = time.monotonic() + _PATIENCE_S
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        select.select((), (), (), 0.02)


@dataclass(slots=True)
class Node:
    """A namespace with one interface, `eth0`: a VM, or somebody outside."""

    name: str
    mac: str
    addresses: tuple[str, ...]
    listeners: list[socket.socket] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Where its namespace stands."""
        return Path("/run/netns") / self.name

    def run(self, text: str) -> str:
        """Run a command inside."""
        return command(f"ip netns exec {self.name} {text}")

    def open_socket(self, address: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """Open a socket inside, of the family of an address."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = opened_in(self.path, lambda: socket.socket(family, kind))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.settimeout(_PATIENCE_S)
        return opened

    def listen(self, port: int, *addresses: str) -> "Node":
        """Take TCP connections, on all addresses when none is named."""
        for address in addresses or ("0.0.0.0", "::"):  # noqa: S104 - in a namespace of the test
            listener = self.open_socket(address)
            if ":" in address:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
            listener.listen(8)
            self.listeners.append(listener)
        return self

    def connect(self, address: str, port: int, source_port: int = 0) -> socket.socket | None:
        """Open a TCP connection; None when nobody answers in time."""
        client = self.open_socket(address)
        client.bind(("::" if ":" in address else "0.0.0.0", source_port))  # noqa: S104 - in a namespace of the test
        client.settimeout(_REFUSED_S)
        try:
            client.connect((address, port))
        except (TimeoutError, OSError):
            client.close()
            return None
        return client

    def reaches(self, address: str, port: int) -> bool:
        """Tell whether a TCP connection can be opened."""
        client = self.connect(address, port)
        if client is not None:
            client.close()
        return client is not None

    def pings(self, address: str, *options: str) -> bool:
        """Tell whether an echo comes back."""
        words = ["ip", "netns", "exec", self.name, "ping", "-c1", "-W1", *options, address]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def frames(self) -> socket.socket:
        """See every frame that arrives at eth0, and send any."""
        opened = opened_in(self.path, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        opened.bind(("eth0", 3))
        opened.settimeout(_REFUSED_S)
        return opened

    def sends(self, *frames: bytes) -> None:
        """Send frames as they are."""
        with self.frames() as raw:
            for frame in frames:
                raw.send(frame)


def echoes(client: socket.socket, server: socket.socket) -> bool:
    """Tell whether a byte still gets from one end of a connection to the other and back."""
    for end in (client, server):
        end.settimeout(_REFUSED_S)
    try:
        client.send(b"a")
        if not server.recv(1):
            return False
        server.send(b"b")
        return bool(client.recv(1))
    except (TimeoutError, OSError):
        return False


def throughput(sender: Node, receiver: Node, *, source: str = "", to: str = "", count: int = 3_000_000) -> float:
    """Send bytes by TCP to port 9000; give kilobits a second, from the first byte read to the last."""
    source, to = source or sender.addresses[0], to or receiver.addresses[0]
    receiver.listen(9000, "0.0.0.0")  # noqa: S104 - in a namespace of the test
    client = sender.open_socket(to)
    client.bind((source, 0))
    client.connect((to, 9000))
    listener = receiver.listeners.pop()
    server, _ = listener.accept()
    writing = threading.Thread(target=client.sendall, args=(bytes(count),))
    writing.start()
    left, began = count - len(server.recv(1)), time.monotonic()
    while left:
        left -= len(server.recv(min(left, 1 << 16)))
    took = time.monotonic() - began
    writing.join()
    for one in (client, server, listener):
        one.close()
    return count * 8 / 1000 / took


def make_bridge(network_id: str) -> None:
    """Make a network's bridge as the links slice does: shown to the inet hooks, silent itself."""
    name = bridge_name(network_id)
    command(f"ip link add {name} type bridge forward_delay 0 mcast_snooping 0 nf_call_iptables 1 nf_call_ip6tables 1")
    for key in ("iptables", "ip6tables", "arptables"):
        Path(f"/proc/sys/net/bridge/bridge-nf-call-{key}").write_text("0", encoding="ascii")
    Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1", encoding="ascii")
    command(f"ip link set {name} up")


def make_vm(port: HostPort, *, attach: bool = True) -> Node:
    """Make a VM on a port: a namespace, its tap, its addresses (all /24 and /64)."""
    node = make_node(f"vm-{port.id[:8]}", port.mac_address, tuple(ip.ip_address for ip in port.fixed_ips), tap_name(port.id))
    if attach:
        attach_port(port)
    return node


def attach_port(port: HostPort) -> None:
    """Make a tap a member of its network's bridge."""
    command(f"ip link set {tap_name(port.id)} master {bridge_name(port.network_id)}")


def make_node(name: str, mac: str, addresses: Iterable[str], device: str) -> Node:
    """Make a namespace with eth0, whose other end is `device` here."""
    node = Node(name, mac, tuple(addresses))
    command(f"ip netns add {name}")
    command(f"ip link add {device} type veth peer name eth0 address {mac} netns {name}")
    Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6").write_text("1", encoding="ascii")
    node.run("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0 net.ipv4.tcp_syn_retries=1")
    lines = [f"addr add {one}/{64 if ':' in one else 24} dev eth0" for one in node.addresses]
    command(f"ip -n {name} -batch -", "\n".join(["link set lo up", *lines, "link set eth0 up", ""]))
    command(f"ip link set {device} up")
    return node
