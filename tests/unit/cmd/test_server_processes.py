"""`kaon server` as processes: what it starts, starts again, ends, and refuses to start with."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_S = 40.0


def free_port() -> int:
    """Find a TCP port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Server:
    """A server with files of its own."""

    def __init__(self, directory: Path, **options: object) -> None:
        self.directory = directory
        self.port = free_port()
        self.bus_port = free_port()
        self.file = directory / "server.conf"
        chosen = {"bind_port": self.port, "state_path": directory / "state"} | options
        lines = ["[DEFAULT]", *(f"{name} = {value}" for name, value in chosen.items())]
        lines += ["[bus]", f"bind = tcp://127.0.0.1:{self.bus_port}"]
        self.file.write_text("\n".join(lines) + "\n")
        self.log = directory / "log"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it."""
        with self.log.open("ab") as log, subprocess.Popen(self.command(), stderr=log) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(PATIENCE_S)

    def command(self) -> list[str]:
        """Give the words that start it."""
        return [sys.executable, "-m", "kaon.cmd.main", "server", "--config-file", str(self.file)]

    def answers(self) -> bool:
        """Tell whether the API answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(line), contextlib.suppress(OSError):
            line.request("GET", "/v2.0/networks")
            return line.getresponse().status == 200
        return False

    def refusal(self) -> tuple[int, str]:
        """Start it, and give its exit code and what it says."""
        done = subprocess.run(self.command(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return done.returncode, done.stderr


def children(pid: int) -> dict[int, str]:
    """Map the pids of a process' children to their command lines."""
    found = {}
    for pid_text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            found[int(pid_text)] = Path(f"/proc/{pid_text}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_one_process_serves_everything(tmp_path: Path) -> None:
    """With SQLite and one worker there are no children, and SIGTERM ends it with code 0."""
    server = Server(tmp_path)
    with server.running() as process:
        until(server.answers)
        until(lambda: "the feed serves hosts" in server.log.read_text())
        assert children(process.pid) == {}
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_workers_are_started_again_and_ended(tmp_path: Path) -> None:
    """Two workers and a bus process; what is killed comes back; SIGTERM ends all of them."""
    server = Server(tmp_path, api_workers=2)
    with server.running() as process:
        until(server.answers)
        until(lambda: len(children(process.pid)) == 3)
        first = children(process.pid)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(children(process.pid)) == 3 and not first.keys() & children(process.pid).keys())
        until(server.answers)
        second = children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert all(gone(pid) for pid in second)


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    """A supervisor that is killed takes its processes with it, and another can begin at once."""
    server = Server(tmp_path, api_workers=2)
    with server.running() as process:
        until(server.answers)
        until(lambda: len(children(process.pid)) == 3)
        family = children(process.pid)
        process.kill()
        until(lambda: all(gone(pid) for pid in family))
    with server.running():
        until(server.answers)


def test_nothing_outlives_a_supervisor_killed_while_its_processes_start(tmp_path: Path) -> None:
    """Killed in the moment in which its processes begin to run, a supervisor takes them with it all the same."""
    server = Server(tmp_path, api_workers=2)
    with server.running() as process:
        until(lambda: len(children(process.pid)) == 3)
        family = children(process.pid)
        process.kill()
        until(lambda: all(gone(pid) for pid in family))


def test_another_can_begin_as_soon_as_one_has_ended(tmp_path: Path) -> None:
    """A server with workers that was told to end leaves both of its ports at once; the next one serves hosts and users."""
    server = Server(tmp_path, api_workers=2)
    for _ in range(2):
        with server.running() as process:
            until(server.answers)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        for port in (server.port, server.bus_port):
            with socket.create_server(("127.0.0.1", port)):
                pass
    assert "Address already in use" not in server.log.read_text()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"bind_host": "0.0.0.0"}, "loopback"),  # noqa: S104  # refused is the point
        ({"auth_strategy": "http_basic"}, "user_file"),
        ({"auth_strategy": "keystone"}, "[keystone_authtoken]: auth_type"),
        ({"auth_strategy": "magic"}, "auth_strategy"),
        ({"api_workers": "many"}, "api_workers"),
        ({"base_mac": "zz"}, "base_mac"),
        ({"bind_host": "192.0.2.1", "auth_strategy": "none"}, "loopback"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, options: dict[str, object], reason: str) -> None:
    """A configuration that cannot be used ends the server with code 2, and the reason names the option."""
    code, said = Server(tmp_path, **options).refusal()
    assert (code, reason in said) == (2, True), said
    assert "Traceback" not in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A configuration file that is not there is an error: nobody meant the defaults."""
    server = Server(tmp_path)
    server.file.unlink()
    code, said = server.refusal()
    assert (code, str(server.file) in said) == (2, True), said


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A database URL that leads nowhere ends the server with code 2."""
    server = Server(tmp_path)
    with server.file.open("a") as file:
        file.write("[database]\nconnection = sqlite:////proc/nowhere/kaon.sqlite\n")
    code, said = server.refusal()
    assert (code, "database" in said) == (2, True), said
    assert "Traceback" not in said
