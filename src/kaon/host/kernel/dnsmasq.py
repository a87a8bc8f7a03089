"""The door to dnsmasq: one process for each served network, inside its namespace, which outlives the agent.

    <run>/dhcp/<network id>/    hosts    reservations        rewritten whole, then SIGHUP
                                options  DHCP options        likewise
                                loaded   pid, start time and digest of what that process was last told to load
                                pid      dnsmasq's own
                                log      its warnings
    <state>/dhcp/<network id>/  leases   survives the host's reboot

How a fresh agent knows that a process is ours: its command line says `--pid-file=<run>/dhcp/<network id>/pid`. Nothing else is
believed, least of all a number in a file: numbers are reused. Which ranges it serves is read from the same command line, in
which namespace it lives from /proc. So there is nothing to remember, and nothing to disagree with.

dnsmasq puts itself into the background and returns only when its sockets are open, hence an exit code says whether it runs.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from kaon.host.kernel import daemons, dhcp_leases
from kaon.host.kernel.nftables import NamespaceGoneError
from kaon.host.plan.dhcp import DhcpPlan, DhcpStep, ReloadServer, StartServer, StopServer
from kaon.host.state.dhcp import DhcpHost, DhcpOption, DhcpRange, DhcpServer, DhcpState
from kaon.host.state.trouble import Trouble

START_TIMEOUT_S = 10.0

LOG_BYTES = 262_144
"""A longer log is begun anew: it lives in memory, and each reload adds to it. dnsmasq appends, so cutting is safe."""

RELEASED_AT_ONCE = 64
"""Leases given back before the answer is waited for: dnsmasq's socket holds about four times as many."""

SETTLED_S = 0.03
SETTLING_LOOKS = 10
"""A lease file that was written so lately is read again, so often at most."""

RELEASE_TRIES, RELEASE_TIMEOUT_S, LOOK_EVERY_S = 3, 1.0, 0.002
"""How often a release is said, how long its effect is waited for in the lease file, and how often that is looked at. dnsmasq
needs a millisecond."""

LEASES_AT_MOST = 16_777_216
"""Ranges are static, so the reservations are the limit; dnsmasq's own default of 1000 would cut a large network short."""

T = TypeVar("T")


class DhcpDoor(Protocol):
    """What the agent may ask of the DHCP servers of its host."""

    def observe(self, networks: Collection[str] | None = None) -> DhcpState:
        """Say which servers of ours there are: from the process table and their files.

        networks  only look for these, which is cheaper: their processes are taken to be the ones seen last
        """
        ...

    def apply(self, plan: DhcpPlan) -> list[Trouble]:
        """Do the steps in order; go on past a step that fails and say which did."""
        ...

    def lost(self) -> frozenset[str]:
        """Name the networks whose server has died since it was last seen. Cheap: for calling every other second."""
        ...


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    network_id: str
    arguments: tuple[str, ...]


class Dnsmasq:
    """The real door.

    run_dir     files that go with the host's reboot
    state_dir   files that survive it
    netns_dir   where namespaces have their names
    """

    def __init__(self, run_dir: Path, state_dir: Path, netns_dir: Path = Path("/run/netns")) -> None:
        self._run_dir = run_dir / "dhcp"
        self._state_dir = state_dir / "dhcp"
        self._netns_dir = netns_dir
        self._pids: dict[str, int] = {}

    def observe(self, networks: Collection[str] | None = None) -> DhcpState:
        """Read the process table and our directories."""
        processes = self._processes() if networks is None else self._seen_last(networks)
        known = self._known_networks() if networks is None else {one for one in networks if self._has_files(one)}
        servers = {}
        for network_id in processes.keys() | known:
            found = processes.get(network_id, [])
            servers[network_id] = self._server(network_id, found[0] if len(found) == 1 else None)
        if networks is None:
            self._pids = {network_id: found[0].pid for network_id, found in processes.items()}
        return DhcpState(servers)

    def lost(self) -> frozenset[str]:
        """Look for the processes seen last."""
        gone = set()
        for network_id, pid in tuple(self._pids.items()):
            process = _process(pid, self._run_dir)
            if process is None or process.network_id != network_id:
                gone.add(network_id)
                del self._pids[network_id]
        return frozenset(gone)

    def apply(self, plan: DhcpPlan) -> list[Trouble]:
        """Stop, start, reload."""
        troubles = []
        reloaded = [step.server.network_id for step in plan.steps if isinstance(step, ReloadServer)]
        processes = self._seen_last(reloaded) if len(reloaded) == len(plan.steps) else self._processes()
        for step in plan.steps:
            try:
                self._apply_step(step, processes)
            except (OSError, ValueError, subprocess.SubprocessError) as error:  # ValueError: an empty pid file
                troubles.append(Trouble(step.owner, f"dnsmasq: {daemons.said(error)}"))
        return troubles

    def _apply_step(self, step: DhcpStep, processes: dict[str, list[_Process]]) -> None:
        match step:
            case StopServer(network_id=network_id):
                self._end(processes.get(network_id, ()))
                self._pids.pop(network_id, None)
                for directory in (self._run_dir / network_id, self._state_dir / network_id):
                    if directory.exists():
                        shutil.rmtree(directory)
            case StartServer(server=server, release=release):
                self._end(processes.get(server.network_id, ()))
                self._start(server, release)
            case ReloadServer(server=server, release=release):
                found = processes.get(server.network_id, ())
                if len(found) != 1 or not self._released(server, release):
                    self._end(found)
                    self._start(server, release)
                else:
                    self._write(server)
                    os.kill(found[0].pid, signal.SIGHUP)
                    self._remember(server, found[0].pid)

    def _released(self, server: DhcpServer, addresses: Collection[str]) -> bool:
        """Give leases back to the running process; False when it did not hear: then only a start without them helps."""
        path = self._leases(server.network_id)
        for first in range(0, len(addresses), RELEASED_AT_ONCE):
            waiting = list(addresses)[first : first + RELEASED_AT_ONCE]
            for _ in range(RELEASE_TRIES):
                file = dhcp_leases.read_leases(_read_settled(path))
                waiting = [address for address in waiting if address in file.leases]
                if not waiting:
                    break
                try:
                    held = [file.leases[address] for address in waiting]
                    dhcp_leases.release(self._netns_dir / server.namespace, held, file.server_duid)
                except (OSError, NamespaceGoneError):
                    return False
                _wait_for_release(path, waiting)
            if _held(path, waiting):
                return False
        return True

    def _start(self, server: DhcpServer, release: Collection[str]) -> None:
        namespace = self._netns_dir / server.namespace
        if not namespace.exists():
            raise FileNotFoundError(f"namespace {server.namespace} is not there yet")
        self._write(server)
        _prune_leases(self._leases(server.network_id), release)
        command = ["nsenter", f"--net={namespace}", "dnsmasq", *self._arguments(server)]
        subprocess.run(  # noqa: S603 - our own words, no shell
            command, check=True, timeout=START_TIMEOUT_S, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, cwd="/",
        )  # fmt: skip
        pid = int((self._run_dir / server.network_id / "pid").read_text())
        self._remember(server, pid)

    def _arguments(self, server: DhcpServer) -> list[str]:
        """Build the command line.

        --conf-file         there is none; without this /etc/dnsmasq.conf would be read
        --port=0            no DNS: names are served elsewhere
        --interface=ns-*    a pattern on purpose: for one plain name dnsmasq binds its socket to the device's index, and
                            would be deaf after the leg is made anew
        --dhcp-ignore       clients without a reservation hear nothing: another server of the network may know them
        --dhcp-authoritative  a client that asks for its old address is answered although no lease is remembered here
        """
        directory = self._run_dir / server.network_id
        return [
            "--conf-file=/dev/null",
            "--port=0",
            "--no-hosts",
            "--no-resolv",
            "--no-ping",
            "--bind-dynamic",
            "--interface=ns-*",
            "--except-interface=lo",
            "--dhcp-authoritative",
            "--dhcp-ignore=tag:!known",
            f"--dhcp-lease-max={LEASES_AT_MOST}",
            "--quiet-dhcp",
            "--quiet-dhcp6",
            f"--log-facility={directory / 'log'}",
            f"--pid-file={directory / 'pid'}",
            f"--dhcp-hostsfile={directory / 'hosts'}",
            f"--dhcp-optsfile={directory / 'options'}",
            f"--dhcp-leasefile={self._leases(server.network_id)}",
            *(f"--dhcp-range={served.line}" for served in server.ranges),
        ]

    def _end(self, processes: Iterable[_Process]) -> None:
        """End processes that are proved ours; the proof is repeated on a handle that cannot come to mean another process."""
        for process in processes:
            daemons.end(process.pid, process.arguments)

    def _leases(self, network_id: str) -> Path:
        return self._state_dir / network_id / "leases"

    def _write(self, server: DhcpServer) -> None:
        directory = self._run_dir / server.network_id
        for each in (directory, self._leases(server.network_id).parent):
            each.mkdir(parents=True, exist_ok=True, mode=0o755)
        daemons.write_atomically(directory / "hosts", _text(host.line for host in server.hosts))
        daemons.write_atomically(directory / "options", _text(option.line for option in server.options))
        with contextlib.suppress(FileNotFoundError):
            if (directory / "log").stat().st_size > LOG_BYTES:
                os.truncate(directory / "log", 0)

    def _remember(self, server: DhcpServer, pid: int) -> None:
        """Note what this very process was told to load: an agent that dies between a rewrite and its SIGHUP is found out."""
        texts = _text(host.line for host in server.hosts), _text(option.line for option in server.options)
        daemons.write_atomically(self._run_dir / server.network_id / "loaded", daemons.record(pid, *texts))
        self._pids[server.network_id] = pid

    def _seen_last(self, networks: Collection[str]) -> dict[str, list[_Process]]:
        found = {}
        for network_id in networks:
            process = _process(self._pids[network_id], self._run_dir) if network_id in self._pids else None
            if process is not None and process.network_id == network_id:
                found[network_id] = [process]
        return found

    def _has_files(self, network_id: str) -> bool:
        return any((root / network_id).is_dir() for root in (self._run_dir, self._state_dir))

    def _known_networks(self) -> set[str]:
        return {
            entry.name
            for root in (self._run_dir, self._state_dir)
            if root.is_dir()
            for entry in root.iterdir()
            if entry.is_dir()
        }

    def _processes(self) -> dict[str, list[_Process]]:
        found: dict[str, list[_Process]] = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and (process := _process(int(entry.name), self._run_dir)) is not None:
                found.setdefault(process.network_id, []).append(process)
        return found

    def _server(self, network_id: str, process: _Process | None) -> DhcpServer:
        """Read one server back. Anything unreadable reads as different from whatever is desired, so that it is mended."""
        directory = self._run_dir / network_id
        owner = f"dhcp/{network_id}"
        file = dhcp_leases.read_leases(_read_settled(self._leases(network_id)))
        leases = {address: lease.holder for address, lease in file.leases.items()}
        hosts_text, options_text = daemons.read(directory / "hosts"), daemons.read(directory / "options")
        written = tuple(host for line in hosts_text.splitlines() if (host := DhcpHost.parse(line)) is not None)
        if process is None:
            return DhcpServer(network_id, "", (), alive=False, leases=leases, written=written, owner=owner)
        ranges = _all(DhcpRange.parse(word.partition("=")[2]) for word in process.arguments if word.startswith("--dhcp-range="))
        loaded = daemons.record(process.pid, hosts_text, options_text) == daemons.read(directory / "loaded")
        hosts = _all(DhcpHost.parse(line) for line in hosts_text.splitlines())
        options = _all(DhcpOption.parse(line) for line in options_text.splitlines())
        return DhcpServer(
            network_id=network_id,
            namespace=self._namespace(process, network_id),
            ranges=ranges or (),
            hosts=(hosts or ()) if loaded else (),
            options=(options or ()) if loaded else (),
            leases=leases,
            written=written,
            owner=owner,
        )

    def _namespace(self, process: _Process, network_id: str) -> str:
        """Name the namespace of the process, if it is the one of today: a namespace made anew under its name is another."""
        name = f"qdhcp-{network_id}"
        return name if daemons.is_inside(process.pid, self._netns_dir / name) else ""


def _process(pid: int, run_dir: Path) -> _Process | None:
    """Read a process, if its command line proves it ours. A zombie has no command line."""
    arguments = daemons.arguments_of(pid)
    if Path(arguments[0]).name != "dnsmasq":
        return None
    prefix = f"--pid-file={run_dir}/"
    for word in arguments:
        network_id, _, rest = word.removeprefix(prefix).partition("/")
        if word.startswith(prefix) and rest == "pid":
            return _Process(pid, network_id, tuple(arguments))
    return None


def _read_settled(path: Path) -> str:
    """Read a lease file once it is a moment old: dnsmasq writes it anew in place, and until it is done it tells too little."""
    for _ in range(SETTLING_LOOKS):
        text = daemons.read(path)
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime < SETTLED_S:
                time.sleep(SETTLED_S / 2)
                continue
        break
    return text


def _prune_leases(path: Path, release: Collection[str]) -> None:
    """Take from a lease file what is to be released."""
    text = daemons.read(path)
    kept = dhcp_leases.without(text, release)
    if kept != text:
        daemons.write_atomically(path, kept)


def _held(path: Path, addresses: Collection[str]) -> bool:
    """Tell whether one of these addresses has a lease. The file is rewritten in place: for a moment it tells too little."""
    leases = dhcp_leases.read_leases(daemons.read(path)).leases
    return any(address in leases for address in addresses)


def _wait_for_release(path: Path, addresses: Collection[str]) -> None:
    """Wait until none of these addresses has a lease, or the time is up. No descriptor tells of it."""
    end = time.monotonic() + RELEASE_TIMEOUT_S
    while _held(path, addresses) and time.monotonic() < end:
        time.sleep(LOOK_EVERY_S)


def _all(values: Iterable[T | None]) -> tuple[T, ...] | None:
    listed = tuple(values)
    known = tuple(value for value in listed if value is not None)
    return known if len(known) == len(listed) else None


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
