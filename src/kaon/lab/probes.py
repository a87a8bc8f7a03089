"""Probes: who reaches whom, with exact loss. Each runs a program of `kaon.lab.inside` in a node and reads its outcome."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kaon.lab.nodes import argv_inside, program
from kaon.lab.processes import LabError

_LIMIT_S = 60.0


@dataclass(frozen=True)
class PingReport:
    """What came of a run of pings: counts, the sequence numbers (from 0) never answered, round trips in milliseconds.

    refused  how many our own kernel would not send; they are among the lost
    """

    sent: int
    received: int
    duplicates: int
    refused: int
    lost: tuple[int, ...]
    rtt_max_ms: float
    rtt_median_ms: float


@dataclass(frozen=True)
class ConnectReport:
    """What came of one TCP connection. who: the host name of the responder; seen_as: the address it saw us by."""

    connected: bool
    who: str
    seen_as: str
    error: str


@dataclass(frozen=True)
class FlowReport:
    """What came of a long-lived TCP flow. error: empty when it lived until we ended it."""

    sent: int
    echoed: int
    error: str


class Running:
    """A probe under way; the end of its standard input stops it. A context manager, so that none is left behind."""

    def __init__(self, pid: int, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # programs of the lab
            argv_inside(pid, argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._report: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def wait_word(self) -> str:
        """The next line it prints: "up" or "ready" first. LabError when it ends without one."""
        assert self._process.stdout is not None  # noqa: S101  # made with a pipe
        line = self._process.stdout.readline().strip()
        if not line:
            raise LabError(f"the probe ended: {self._process.communicate()[1].strip()}")
        return line

    def wait_end(self) -> None:
        """Wait until it ends by itself."""
        assert self._process.stdout is not None  # noqa: S101  # made with a pipe
        line = "begin"
        while line and not line.startswith("{"):
            line = self._process.stdout.readline()
        self._report = json.loads(line) if line else None

    def stop(self) -> dict[str, Any]:
        """Tell it to stop and give its report. LabError when it has none."""
        if self._report is None:
            out, errors = self._process.communicate(timeout=_LIMIT_S)
            lines = out.strip().splitlines()
            if not lines or not lines[-1].startswith("{"):
                raise LabError(f"the probe said nothing: {errors.strip()}")
            self._report = json.loads(lines[-1])
        return self._report


class PingFlow(Running):
    """Pings under way."""

    def report(self) -> PingReport:
        """Stop and say what was lost."""
        fields = self.stop()
        return PingReport(**{**fields, "lost": tuple(fields["lost"])})


class TcpFlow(Running):
    """A long-lived TCP flow under way."""

    def report(self) -> FlowReport:
        """Stop and say how it went."""
        return FlowReport(**self.stop())


class FrameCount(Running):
    """A count of frames under way."""

    def report(self) -> int:
        """Stop and say how many were seen."""
        return int(self.stop()["seen"])


def ping_flow(pid: int, target: str, *, interval_s: float = 0.01, longest_s: float = 300.0) -> PingFlow:
    """Start pings at a fixed interval and return at the first answer; every request counts, also those before it."""
    flow = PingFlow(pid, program("ping", target, str(interval_s), str(longest_s), "1.0"))
    word = flow.wait_word()
    if word != "up":
        flow.__exit__(None, None, None)
        raise LabError(f"{target} never answered: {word}")
    return flow


def ping(pid: int, target: str, *, count: int = 3, interval_s: float = 0.1, wait_s: float = 1.0) -> PingReport:
    """Send a few pings and say what came back."""
    with PingFlow(pid, program("ping", target, str(interval_s), str(count * interval_s - interval_s / 2), str(wait_s))) as flow:
        flow.wait_end()
        return flow.report()


def connect(pid: int, target: str, port: int, *, timeout_s: float = 2.0) -> ConnectReport:
    """Open one TCP connection to a responder."""
    with Running(pid, program("tcp", "connect", target, str(port), str(timeout_s))) as one:
        return ConnectReport(**one.stop())


def tcp_flow(pid: int, target: str, port: int, *, interval_s: float = 0.1) -> TcpFlow:
    """Open a TCP flow to a responder and return at its first echo. LabError when none comes."""
    flow = TcpFlow(pid, program("tcp", "hold", target, str(port), str(interval_s)))
    word = flow.wait_word()
    if word != "up":
        flow.__exit__(None, None, None)
        raise LabError(f"no flow to {target} port {port}: {word}")
    return flow


def send_frames(pid: int, frames: Sequence[bytes], *, interface: str = "eth0", count: int = 5, interval_s: float = 0.02) -> int:
    """Send raw frames; give how many."""
    with Running(
        pid, program("frames", "send", interface, str(count), str(interval_s), *(frame.hex() for frame in frames))
    ) as one:
        return int(one.stop()["sent"])


def count_frames(pid: int, pattern: bytes, *, interface: str = "eth0") -> FrameCount:
    """Start counting frames that hold the pattern, in either direction, inside tunnels too; returns once it counts."""
    counting = FrameCount(pid, program("frames", "count", interface, pattern.hex()))
    counting.wait_word()
    return counting
