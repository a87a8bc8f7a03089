"""The door to radvd: one process for each router that advertises, inside its namespace, which outlives the agent.

    <run>/ra/<router id>/   conf     what is advertised      rewritten whole, then SIGHUP
                            loaded   pid, start time and digest of what that process was last told to load
                            pid      radvd's own
                            log      its warnings

How a fresh agent knows that a process is ours: its command line says `--config=<run>/ra/<router id>/conf`; in which namespace
it lives is read from /proc. Nothing else is believed. A second process with the same command line, its child, is the part of
radvd that kept its rights, and ends with it; of the two the first leads their session.

radvd sends what a new configuration says at once, but takes back nothing of the old one: that is said by us
(`farewells`). Ended by SIGTERM it says that it is no router any more, so for a start anew it is killed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from kaon.host.kernel import daemons, farewells
from kaon.host.kernel.nftables import NamespaceGoneError, opened_in
from kaon.host.plan.advertisements import (
    AdvertisementPlan,
    AdvertisementStep,
    Farewell,
    ReloadAdvertiser,
    StartAdvertiser,
    StopAdvertiser,
)
from kaon.host.state.advertisements import AdvertisementState, Advertiser, legs_of, text_of
from kaon.host.state.names import router_namespace
from kaon.host.state.trouble import Trouble

START_TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.002

LOG_BYTES = 262_144
"""A longer log is begun anew: it lives in memory, and each reload adds to it. radvd appends, so cutting is safe."""

USER = "nobody"
"""Whom radvd becomes: it reads what tenants send."""


class AdvertisementDoor(Protocol):
    """What the agent may ask of the router advertisements of its host."""

    def observe(self) -> AdvertisementState:
        """Say which processes of ours there are: from the process table and their files."""
        ...

    def apply(self, plan: AdvertisementPlan) -> list[Trouble]:
        """Do the steps in order; go on past a step that fails and say which did."""
        ...

    def lost(self) -> frozenset[str]:
        """Name the routers whose process has died since it was last seen. Cheap: for calling every other second."""
        ...


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    router_id: str
    arguments: tuple[str, ...]


class Radvd:
    """The real door.

    run_dir    files that go with the host's reboot
    netns_dir  where namespaces have their names
    """

    def __init__(self, run_dir: Path, netns_dir: Path = Path("/run/netns")) -> None:
        self._run_dir = run_dir / "ra"
        self._netns_dir = netns_dir
        self._pids: dict[str, int] = {}

    def observe(self) -> AdvertisementState:
        """Read the process table and our directory."""
        processes = self._processes()
        known = {entry.name for entry in self._run_dir.iterdir() if entry.is_dir()} if self._run_dir.is_dir() else set()
        self._pids = {router_id: found[0].pid for router_id, found in processes.items()}
        return AdvertisementState({one: self._advertiser(one, processes.get(one, [])) for one in processes.keys() | known})

    def lost(self) -> frozenset[str]:
        """Look for the processes seen last."""
        gone = self._pids.keys() - self._seen_last(self._pids).keys()
        for router_id in gone:
            del self._pids[router_id]
        return frozenset(gone)

    def apply(self, plan: AdvertisementPlan) -> list[Trouble]:
        """Stop, start, reload."""
        troubles = []
        processes = self._seen_last(step.advertiser.router_id for step in plan.steps if isinstance(step, ReloadAdvertiser))
        if len(processes) != len(plan.steps):
            processes = self._processes()
        for step in plan.steps:
            try:
                self._apply_step(step, processes)
            except (OSError, ValueError, subprocess.SubprocessError) as error:  # ValueError: an empty pid file
                troubles.append(Trouble(step.owner, f"radvd: {daemons.said(error)}"))
        return troubles

    def _apply_step(self, step: AdvertisementStep, processes: dict[str, list[_Process]]) -> None:
        match step:
            case StopAdvertiser(router_id=router_id, namespace=namespace):
                _end(processes.get(router_id, ()), signal.SIGKILL if step.farewells is None else signal.SIGTERM)
                self._say(namespace, step.farewells or ())
                self._pids.pop(router_id, None)
                if (self._run_dir / router_id).exists():
                    shutil.rmtree(self._run_dir / router_id)
            case StartAdvertiser(advertiser=advertiser):
                self._start(advertiser, processes.get(advertiser.router_id, ()), step.farewells)
            case ReloadAdvertiser(advertiser=advertiser):
                found = processes.get(advertiser.router_id, ())
                if len(found) != 1:
                    self._start(advertiser, found, step.farewells)
                else:
                    self._write(advertiser, step.farewells)
                    os.kill(found[0].pid, signal.SIGHUP)
                    self._remember(advertiser, found[0].pid)

    def _start(self, advertiser: Advertiser, found: Iterable[_Process], takes_back: tuple[Farewell, ...]) -> None:
        namespace = self._netns_dir / advertiser.namespace
        if not namespace.exists():
            raise FileNotFoundError(f"namespace {advertiser.namespace} is not there yet")
        self._write(advertiser, takes_back)
        _end(found, signal.SIGKILL)
        directory = self._run_dir / advertiser.router_id
        (directory / "pid").unlink(missing_ok=True)
        command = ["nsenter", f"--net={namespace}", "radvd", *self._arguments(advertiser.router_id)]
        _run(command)
        self._remember(advertiser, _ready(directory / "pid"))

    def _arguments(self, router_id: str) -> list[str]:
        directory = self._run_dir / router_id
        return [
            f"--config={directory / 'conf'}",
            f"--pidfile={directory / 'pid'}",
            "--logmethod=logfile",
            f"--logfile={directory / 'log'}",
            f"--username={USER}",
        ]

    def _write(self, advertiser: Advertiser, takes_back: tuple[Farewell, ...]) -> None:
        """Write the configuration and take back what was in the old one, which alone tells of it.

        One that radvd refuses never takes the place of another: radvd would end with it.
        """
        directory = self._run_dir / advertiser.router_id
        directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        text = text_of(advertiser.legs)
        tried = directory / "conf.tried"
        daemons.write_atomically(tried, text)
        try:
            _run(["radvd", "--configtest", f"--config={tried}", "--logmethod=stderr_clean"])
            self._say(advertiser.namespace, takes_back)
            tried.replace(directory / "conf")
        finally:
            tried.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if (directory / "log").stat().st_size > LOG_BYTES:
                os.truncate(directory / "log", 0)

    def _remember(self, advertiser: Advertiser, pid: int) -> None:
        """Note what this very process was told to load: an agent that dies between a rewrite and its SIGHUP is found out."""
        record = daemons.record(pid, text_of(advertiser.legs))
        daemons.write_atomically(self._run_dir / advertiser.router_id / "loaded", record)
        self._pids[advertiser.router_id] = pid

    def _say(self, namespace: str, messages: Iterable[Farewell]) -> None:
        """Take back what was advertised, as far as the leg and the namespace are still there: nobody else could say it."""
        for message in messages:
            with contextlib.suppress(OSError, NamespaceGoneError):
                opened_in(self._netns_dir / namespace, partial(farewells.say, message))

    def _seen_last(self, routers: Iterable[str]) -> dict[str, list[_Process]]:
        found = {}
        for router_id in routers:
            process = self._process(self._pids[router_id]) if router_id in self._pids else None
            if process is not None and process.router_id == router_id:
                found[router_id] = [process]
        return found

    def _processes(self) -> dict[str, list[_Process]]:
        found: dict[str, list[_Process]] = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and (process := self._process(int(entry.name))) is not None:
                found.setdefault(process.router_id, []).append(process)
        return found

    def _process(self, pid: int) -> _Process | None:
        """Read a process, if its command line proves it ours."""
        arguments = daemons.arguments_of(pid)
        if Path(arguments[0]).name != "radvd":
            return None
        prefix = f"--config={self._run_dir}/"
        for word in arguments:
            router_id, _, rest = word.removeprefix(prefix).partition("/")
            if word.startswith(prefix) and rest == "conf" and daemons.leads_session(pid):
                return _Process(pid, router_id, tuple(arguments))
        return None

    def _advertiser(self, router_id: str, found: list[_Process]) -> Advertiser:
        """Read one back. Anything unreadable reads as different from whatever is desired, so that it is mended."""
        directory = self._run_dir / router_id
        text = daemons.read(directory / "conf")
        written = legs_of(text) or ()
        owner = f"router/{router_id}"
        if len(found) != 1:
            return Advertiser(router_id, "", (), alive=False, written=written, owner=owner)
        pid, namespace = found[0].pid, router_namespace(router_id)
        loaded = daemons.record(pid, text) == daemons.read(directory / "loaded")
        return Advertiser(
            router_id=router_id,
            namespace=namespace if daemons.is_inside(pid, self._netns_dir / namespace) else "",
            legs=written if loaded else (),
            written=written,
            owner=owner,
        )


def _run(command: list[str]) -> None:
    subprocess.run(  # noqa: S603 - our own words, no shell
        command, check=True, timeout=START_TIMEOUT_S, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True, cwd="/",
    )  # fmt: skip


def _end(processes: Iterable[_Process], first: signal.Signals) -> None:
    for process in processes:
        daemons.end(process.pid, process.arguments, first=first)


def _ready(pid_file: Path) -> int:
    """Wait until the process that has just been started would take a SIGHUP as it is meant, and give its pid.

    Errors  TimeoutError
    """
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        text = daemons.read(pid_file).strip()
        if text.isdigit() and daemons.heeds(int(text), signal.SIGHUP):
            return int(text)
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError("it does not get ready")
