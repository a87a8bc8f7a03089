"""Nodes: hosts, the wires between them, the outside. Each is a pid-1 process; ending it is a power cut.

Every node's record is a file `node` in its directory; every daemon started in it, a file `<name>.daemon` beside that.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import kaon
from kaon.lab import processes
from kaon.lab.processes import LabError, Process
from kaon.lab.topology import (
    EXTERNAL_CIDR,
    EXTERNAL_CIDR_V6,
    EXTERNAL_GATEWAY,
    EXTERNAL_GATEWAY_V6,
    EXTERNAL_MTU,
    INTERNET,
    INTERNET_V6,
    UNDERLAY_MTU,
    HostSpec,
    Lab,
)

_COMMAND_LIMIT_S = 120.0
_HIDDEN = ("/run", "/var/lib")  # what a host has of its own


@dataclass(frozen=True)
class Kind:
    """What sort of node.

    inside    pid of the node it lives in, as the machine sees it; None: on the machine
    disk      what it sees as /var/lib; None: the same as around it
    resolver  it has a resolv.conf of its own
    """

    inside: int | None = None
    disk: Path | None = None
    resolver: bool = False


def _kept() -> list[str]:
    """Where this very Python and Kaon live, as far as a host's own mounts would hide it."""
    places = {sys.prefix, sys.base_prefix, str(Path(kaon.__file__).resolve().parent.parent)}
    return sorted(place for place in places if any(place.startswith(f"{hidden}/") for hidden in _HIDDEN))


def start_node(lab: Lab, name: str, directory: Path, kind: Kind = Kind()) -> Process:
    """Start a node and record it; give the running one when it runs already."""
    record = directory / "node"
    running = processes.load(record)
    if running is not None and processes.is_alive(running):
        return running
    directory.mkdir(parents=True, exist_ok=True)
    order = {
        "what": "node",
        "title": lab.title(name),
        "hostname": name.rpartition("/")[2],
        "inside": kind.inside,
        "disk": None if kind.disk is None else str(kind.disk),
        "resolver": kind.resolver,
        "keep": _kept(),
        "log": str(directory / "node.log"),
    }
    node = processes.launch(order, lab.title(name))
    processes.save(node, record)
    return node


def node(lab: Lab, name: str) -> Process:
    """The living node. LabError when it is not there."""
    found = processes.load(lab.host_directory(name) / "node")
    if found is None or not processes.is_alive(found):
        raise LabError(f"{name} of lab {lab.name} is not running")
    return found


def program(name: str, *arguments: str) -> list[str]:
    """The command that runs a program of `kaon.lab.inside`, without site packages: it starts in 15 ms."""
    path = Path(str(resources.files("kaon.lab.inside").joinpath(f"{name}.py")))
    return [sys.executable, "-I", "-S", str(path), *arguments]


def argv_inside(pid: int, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` in the namespaces of a node. Source: nsenter(1)."""
    return ["nsenter", "-t", str(pid), "--net", "--mount", "--uts", "--ipc", "--pid", "--", *argv]


def run_inside(
    pid: int, argv: Sequence[str], *, text: str = "", timeout_s: float = _COMMAND_LIMIT_S, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command in a node to its end. LabError with its words when it fails and `check`."""
    outcome = subprocess.run(  # noqa: S603  # what the lab was told
        argv_inside(pid, argv), input=text, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if check and outcome.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {outcome.stderr.strip() or outcome.stdout.strip() or outcome.returncode}")
    return outcome


def ip_batch(pid: int, lines: Sequence[str]) -> None:
    """Carry out `ip` commands in the network namespace of a node; pids in them are the machine's. LabError when one fails."""
    command = ["nsenter", "-t", str(pid), "--net", "--", "ip", "-batch", "-"]
    outcome = subprocess.run(  # noqa: S603  # the lab's own words
        command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=_COMMAND_LIMIT_S, check=False
    )
    if outcome.returncode != 0:
        raise LabError(f"ip: {outcome.stderr.strip()}")


def start_wires(lab: Lab) -> Process:
    """The namespace with the underlay's and the external segment's bridges: no address, no forwarding, no way out."""
    directory = lab.host_directory("underlay")
    fresh = not _runs(directory)
    wires = start_node(lab, "underlay", directory)
    if fresh:
        ip_batch(
            wires.pid,
            [
                f"link add under mtu {UNDERLAY_MTU} type bridge mcast_snooping 0",
                "link set under up",
                f"link add extern mtu {EXTERNAL_MTU} type bridge mcast_snooping 0",
                "link set extern up",
            ],
        )
    return wires


def _runs(directory: Path) -> bool:
    found = processes.load(directory / "node")
    return found is not None and processes.is_alive(found)


def start_host(lab: Lab, spec: HostSpec) -> Process:
    """Start a host, plugged into the underlay (and the external segment); give the running one when it runs already."""
    wires = node(lab, "underlay")
    directory = lab.host_directory(spec.name)
    if _runs(directory):
        return node(lab, spec.name)
    disk = lab.disk(spec.name)
    for folder in ("kaon", "misc"):
        (disk / folder).mkdir(parents=True, exist_ok=True)
    host = start_node(lab, spec.name, directory, Kind(disk=disk))
    try:
        _plug_underlay(wires, host, spec)
        if spec.external:
            _plug_external(wires, host, f"e{spec.number}")
    except LabError:
        processes.end(host)  # half a host would be taken for a whole one the next time
        raise
    return host


def _plug_underlay(wires: Process, host: Process, spec: HostSpec) -> None:
    _take_away(wires, f"u{spec.number}")
    ip_batch(
        wires.pid,
        [
            f"link add u{spec.number} mtu {UNDERLAY_MTU} type veth peer name eth0 mtu {UNDERLAY_MTU} netns {host.pid}",
            f"link set u{spec.number} master under up",
        ],
    )
    ip_batch(
        host.pid,
        [
            f"addr add {spec.tunnel_ip}/24 dev eth0",
            f"addr add {spec.tunnel_ip_v6}/64 dev eth0 nodad",
            "link set eth0 up",
        ],
    )


def _plug_external(wires: Process, host: Process, port: str) -> None:
    _take_away(wires, port)
    ip_batch(
        wires.pid,
        [
            f"link add {port} mtu {EXTERNAL_MTU} type veth peer name eth1 mtu {EXTERNAL_MTU} netns {host.pid}",
            f"link set {port} master extern up",
        ],
    )
    # As an operator would leave an interface that is to be bridged: up, with no address of its own.
    run_inside(host.pid, ["sysctl", "-qw", "net.ipv6.conf.eth1.disable_ipv6=1"])
    ip_batch(host.pid, ["link set eth1 up"])


def _take_away(wires: Process, port: str) -> None:
    """A dead host's wire goes when the kernel has cleaned up, a moment after its death; do not wait, take it away."""
    shown = run_inside(wires.pid, ["ip", "link", "show", port], check=False)
    if shown.returncode == 0:
        run_inside(wires.pid, ["ip", "link", "del", port], check=False)


def start_outside(lab: Lab) -> Process:
    """The world beyond the external network: its router 203.0.113.1, and a host 198.51.100.1 behind that (IPv6 likewise)."""
    wires = node(lab, "underlay")
    directory = lab.host_directory("outside")
    if _runs(directory):
        return node(lab, "outside")
    outside = start_node(lab, "outside", directory)
    _plug_external(wires, outside, "outside")
    run_inside(outside.pid, ["sysctl", "-qw", "net.ipv6.conf.eth1.disable_ipv6=0"])
    length, length_v6 = EXTERNAL_CIDR.partition("/")[2], EXTERNAL_CIDR_V6.partition("/")[2]
    ip_batch(
        outside.pid,
        [
            f"addr add {EXTERNAL_GATEWAY}/{length} dev eth1",
            f"addr add {EXTERNAL_GATEWAY_V6}/{length_v6} dev eth1 nodad",
            f"addr add {INTERNET}/32 dev lo",
            f"addr add {INTERNET_V6}/128 dev lo nodad",
        ],
    )
    return outside


def start_daemon(lab: Lab, host: str, name: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> Process:
    """Start a recorded command in a host; the running one when it runs already. Its output: <name>.log beside the record."""
    directory = lab.host_directory(host)
    record = directory / f"{name}.daemon"
    running = processes.load(record)
    if running is not None and processes.is_alive(running):
        return running
    inside = node(lab, host).pid
    started = processes.daemon(argv, inside=inside, log=directory / f"{name}.log", title=" ".join(argv), env=env)
    processes.save(started, record)
    return started


def daemon(lab: Lab, host: str, name: str) -> Process | None:
    """The living daemon of that name; None when there is none."""
    found = processes.load(lab.host_directory(host) / f"{name}.daemon")
    return found if found is not None and processes.is_alive(found) else None


def start_responder(lab: Lab, host: str, *ports: int) -> Process:
    """Have a node answer on TCP and UDP ports (see `kaon.lab.inside.respond`); returns once it listens."""
    name = "respond-" + "-".join(str(port) for port in ports)
    started = start_daemon(lab, host, name, program("respond", *(str(port) for port in ports)))
    await_listening(started, ports)
    return started


def await_listening(process: Process, ports: Sequence[int]) -> None:
    """Wait until all TCP ports are listened on in the namespaces of a process. LabError when it ends or takes too long."""
    until = time.monotonic() + _COMMAND_LIMIT_S
    wanted = {f":{port:04X}" for port in ports}
    while True:
        # Source: proc_net_tcp(5): local address as HEX:PORT in the second column, state 0A is LISTEN.
        with contextlib.suppress(FileNotFoundError):
            rows = [line.split() for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]]
            if wanted <= {row[1][-5:] for row in rows if row[3] == "0A"}:
                return
        if not processes.is_alive(process) or time.monotonic() > until:
            raise LabError(f"{process.title} does not listen on {sorted(ports)}")
        time.sleep(0.02)


def start_forwarder(lab: Lab, host: str, port: int, *, listen_port: int = 0) -> int:
    """Carry connections from the machine's loopback to the same of a host; give the port to connect to."""
    record, told = lab.directory / "forwarder.daemon", lab.directory / "forwarder.port"
    running = processes.load(record)
    if running is None or not processes.is_alive(running):
        told.unlink(missing_ok=True)
        target = [str(told), "127.0.0.1", str(port), str(lab.host_directory(host) / "node"), str(listen_port)]
        argv = [sys.executable, "-m", "kaon.lab.forwarder", *target]
        running = processes.daemon(argv, inside=None, log=lab.directory / "forwarder.log", title=" ".join(argv))
        processes.save(running, record)
    until = time.monotonic() + _COMMAND_LIMIT_S
    while not told.exists():
        if not processes.is_alive(running) or time.monotonic() > until:
            words = (lab.directory / "forwarder.log").read_text().strip().splitlines()
            raise LabError(f"the forwarder does not listen: {words[-1] if words else 'no word'}")
        time.sleep(0.02)
    return int(told.read_text())


def power_cut(lab: Lab, host: str) -> bool:
    """End a host without a warning: its processes, namespaces, VMs and devices go; its disk stays. False when it was off."""
    found = processes.load(lab.host_directory(host) / "node")
    return found is not None and processes.end(found)


def remove(lab: Lab) -> list[str]:
    """End every recorded process of the lab and remove its directory; give the names of what was ended."""
    ended = []
    for record in sorted([*lab.directory.glob("*.daemon"), *lab.directory.glob("hosts/*/node")]):
        found = processes.load(record)
        if found is not None and processes.end(found):
            ended.append(record.parent.name if record.name == "node" else record.stem)
    shutil.rmtree(lab.directory, ignore_errors=True)
    if lab.root.is_dir() and not os.listdir(lab.root):  # noqa: PTH208  # emptiness only
        lab.root.rmdir()
    return ended
