"""The demo as a person runs it: it shows what it promises, and takes away all that it made."""

import os
import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

KAON = [sys.executable, "-m", "kaon.cmd.main"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its output has no colours, since it goes into a pipe."""
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "COLUMNS": "120"})


def machine() -> dict[str, str]:
    """What of the machine's own a lab could have changed, and no other test may either."""
    commands = {
        "devices": "ip -o link | cut -d' ' -f2 | sort",
        "addresses": "ip -o -4 addr | cut -d' ' -f2-7",
        "filter": "nft -s list ruleset",
        "resolver": "cat /etc/resolv.conf",
    }
    return {name: run("sh", "-c", line).stdout for name, line in commands.items()}


def traces(name: str) -> list[str]:
    """Lines of the machine's mounts, namespaces, processes and of the directory of labs that hold the lab's name."""
    line = "cat /proc/self/mountinfo; ip netns list; ps -eo args; ls /run/kaon-lab"
    return [found for found in run("sh", "-c", line).stdout.splitlines() if name in found]


def test_the_demo_shows_that_packets_pass_stays_up_and_is_removed_without_a_trace() -> None:
    """Exit status 0 and the whole picture; the commands it offers work; `down` leaves the machine as it was."""
    name = f"t{os.getpid()}-demo"
    before = machine()
    try:
        demo = run(*KAON, "lab", "demo", "--name", name)
        assert demo.returncode == 0, demo.stdout + demo.stderr
        for word in ("Hosts", "Networks", "VMs", "Who reaches whom", "expected", "seen", "first DHCP lease", "Try next"):
            assert word in demo.stdout
        for row in (
            r"red-1 .* 10\.0\.0\.11 +│ 10\.0\.0\.11 ",  # what the API shows, what was leased
            r"red-x +│ red-1 +│ tcp 80, no rule lets it in +│ — +│ — ",
            r"red-x +│ red-1 +│ tcp 80, a rule opens it +│ red-1 +│ red-1 ",
            r"red-x +│ red-1 +│ tcp 22, still closed +│ — +│ — ",
            r"red-x +│ red-1 +│ established flow, rule removed +│ — +│ — ",
        ):
            assert re.search(row, demo.stdout), (row, demo.stdout)
        assert re.search(r"All \d+ checks came as expected", demo.stdout)
        client, shell, end = [line.strip() for line in demo.stdout.strip().splitlines()[-3:]]
        assert "red-1" in run("sh", "-c", client).stdout
        assert "10.0.0.11/24" in run("sh", "-c", f"{shell} ip -4 addr show eth0").stdout
        assert run(*KAON, "lab", "status", "--name", name).returncode == 0
        assert run(*KAON, "lab", "demo", "--name", name).returncode == 1, "a second demo of the same name is refused"
        assert run("sh", "-c", end).returncode == 0
    finally:
        run(*KAON, "lab", "down", "--name", name)
    assert machine() == before
    assert traces(name) == []
