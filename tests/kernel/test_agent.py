"""The agent as an operator has it: a process in a host of its own, the real kernel, a server to talk to."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from stand_in import StandIn

from kaon.wire.entries import Entry
from kaon.wire.messages import RealisedKind
from kaon.wire.networks import Endpoint, Network
from kaon.wire.ports import FixedIp, HostPort, NetworkPort
from kaon.wire.security_groups import Rule, SecurityGroup
from kaon.wire.subnets import ServedNetwork, Subnet

pytestmark = pytest.mark.root

NET = "11111111-1111-4111-8111-111111111111"
SUB = "22222222-2222-4222-8222-222222222222"
GROUP = "33333333-3333-4333-8333-333333333333"
DHCP_PORT = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"


def run(*command: str) -> str:
    """Run a command and give what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def port_id(number: int) -> str:
    """Name a port: its first eleven characters are its own."""
    return f"{number:08x}-{number:02x}00-4000-8000-000000000000"


def tap(number: int) -> str:
    """Name the device of a port."""
    return f"tap{port_id(number)[:11]}"


def host_port(number: int, revision: int = 1) -> HostPort:
    """Bind a port to the host."""
    return HostPort(
        id=port_id(number),
        revision=revision,
        network_id=NET,
        mac_address=f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}",
        fixed_ips=(FixedIp(SUB, f"10.0.{number >> 8}.{number & 255}"),),
        security_groups=(GROUP,),
        device_owner="compute:nova",
    )


@dataclass
class Host:
    """A namespace that stands for a host, the agent in it, and the server it talks to."""

    name: str
    directory: Path
    server: StandIn
    agent: subprocess.Popen[bytes] | None = None
    ports: dict[int, HostPort] = field(default_factory=dict)

    def start(self, **told: object) -> None:
        """Start the agent."""
        settings = {
            "host": self.server.host,
            "directory": str(self.directory),
            "endpoint": self.server.endpoint,
            "server_key": self.server.server_key.hex(),
            "secret": self.server.secret.hex(),
            **told,
        }
        script = Path(__file__).with_name("agent_process.py")
        command = ["nsenter", f"--net=/run/netns/{self.name}", sys.executable, str(script), json.dumps(settings)]
        with (self.directory / "log").open("ab") as log:
            self.agent = subprocess.Popen(command, stderr=log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the agent; give its exit code."""
        assert self.agent is not None
        self.agent.send_signal(number)
        return self.agent.wait(20)

    def scopes(self) -> dict[str, tuple[Entry, ...]]:
        """Say what the host shall have: its ports, on one network with DHCP."""
        leg = NetworkPort(
            id=DHCP_PORT, revision=1, mac_address="fa:16:3e:ff:ff:02", fixed_ips=(FixedIp(SUB, "10.0.255.2"),),
            host=self.server.host, device_owner="network:dhcp",
        )  # fmt: skip
        bound = HostPort(
            id=DHCP_PORT,
            revision=1,
            network_id=NET,
            mac_address=leg.mac_address,
            fixed_ips=leg.fixed_ips,
            device_owner="network:dhcp",
        )
        ports = [
            NetworkPort(
                id=one.id, revision=one.revision, mac_address=one.mac_address, fixed_ips=one.fixed_ips, host=self.server.host
            )
            for one in self.ports.values()
        ]
        return {
            f"host:{self.server.host}": (ServedNetwork(network_id=NET, port_id=DHCP_PORT), bound, *self.ports.values()),
            f"network:{NET}": (
                Network(id=NET, network_type="vxlan", mtu=1450, segmentation_id=7),
                Subnet(id=SUB, ip_version=4, cidr="10.0.0.0/16", gateway_ip="10.0.0.1"),
                Endpoint(host=self.server.host, tunnel_ip="192.0.2.1"),
                Endpoint(host="other", tunnel_ip="192.0.2.2"),
                leg,
                *ports,
            ),
            f"group:{GROUP}": (SecurityGroup(id=GROUP), Rule(id="r", direction="egress", ethertype="IPv4")),
        }

    def plug(self, number: int) -> None:
        """Make a VM's device."""
        run("ip", "-n", self.name, "link", "add", tap(number), "type", "veth", "peer", "name", f"vm{number}")

    def dnsmasq_pid(self) -> int:
        """Read the DHCP server's pid."""
        return int((self.directory / "run" / "dhcp" / NET / "pid").read_text())

    def cpu_s(self) -> float:
        """Say how much processor time the agent has used (man proc, /proc/<pid>/stat)."""
        assert self.agent is not None
        words = Path(f"/proc/{self.agent.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def links(self) -> set[str]:
        """Name the host's devices."""
        return {link["ifname"] for link in json.loads(run("ip", "-n", self.name, "-j", "link"))}


@pytest.fixture
def host() -> Iterator[Host]:
    """Make a host, and remove it with all processes inside."""
    name = f"kt-{os.getpid()}-{os.urandom(3).hex()}"
    directory = Path(tempfile.mkdtemp(prefix="kaon-agent-"))
    directory.chmod(0o755)
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    made = Host(name, directory, StandIn(directory, name))
    try:
        yield made
    finally:
        if made.agent is not None and made.agent.poll() is None:
            made.end(signal.SIGKILL)
        made.server.close()
        for pid_file in directory.glob("run/dhcp/*/pid"):
            pid = int(pid_file.read_text())
            if str(directory) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
        for space in directory.glob("netns/*"):
            run("umount", str(space))
        subprocess.run(["umount", str(directory / "netns")], check=False, capture_output=True)
        run("ip", "netns", "delete", name)
        sys.stderr.write((directory / "log").read_text() if (directory / "log").exists() else "")
        shutil.rmtree(directory)


def test_port_is_wired(host: Host) -> None:
    """A port is up when its device is plugged, on its bridge and filtered, and its reservation is loaded."""
    host.ports[1] = host_port(1)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("lease", lambda: host.server.is_up(RealisedKind.LEASE, port_id(1)))
    assert not host.server.is_up(RealisedKind.PORT, port_id(1))
    host.plug(1)
    host.server.wait("port", lambda: host.server.is_up(RealisedKind.PORT, port_id(1)))
    host.server.wait("DHCP leg", lambda: host.server.is_up(RealisedKind.PORT, DHCP_PORT))
    assert host.server.applied[f"network:{NET}"] == host.server.scopes[f"network:{NET}"][0]
    run("ip", "-n", host.name, "link", "delete", tap(1))
    host.server.wait("port goes", lambda: not host.server.realised[RealisedKind.PORT, port_id(1)].up)


def test_times(host: Host) -> None:
    """With a hundred ports one more costs the agent little, and a restart takes seconds.

    Wall-clock times are noted only: they are the machine's as much as ours. `bench` measures them.
    """
    for number in range(1, 101):
        host.ports[number] = host_port(number)
        host.plug(number)
    host.server.put(host.scopes())
    host.start()
    started = host.server.wait(
        "ports", lambda: all(host.server.is_up(RealisedKind.PORT, port_id(one)) for one in range(1, 101))
    )
    took, before_s = [], host.cpu_s()
    for number in range(101, 106):
        host.plug(number)
        host.ports[number] = host_port(number)
        host.server.put(host.scopes())
        took.append(host.server.wait("new", lambda number=number: host.server.is_up(RealisedKind.PORT, port_id(number))))
    plugged = []
    for number in range(106, 109):
        host.ports[number] = host_port(number)
        revision = host.server.put(host.scopes())
        host.server.wait("known", lambda revision=revision: host.server.applied.get(f"host:{host.name}") == revision)
        host.plug(number)
        plugged.append(host.server.wait("plugged", lambda number=number: host.server.is_up(RealisedKind.PORT, port_id(number))))
    cpu = (host.cpu_s() - before_s) / 8
    before, pid = host.links(), host.dnsmasq_pid()
    assert host.end() == 0
    host.server.realised.clear()
    host.start()
    again = host.server.wait("again", lambda: all(host.server.is_up(RealisedKind.PORT, port_id(one)) for one in range(1, 109)))
    assert (host.links(), host.dnsmasq_pid()) == (before, pid)
    assert host.agent is not None
    rss = next(line for line in Path(f"/proc/{host.agent.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    times = f"first 100: {started:.2f} s, one more: {took}, plugged: {plugged}, restart: {again:.2f} s"
    sys.stdout.write(f"{times}, CPU of one: {cpu:.3f} s, {rss}\n")
    assert cpu < 0.1
    assert again < 5


def test_killed_agent_is_succeeded(host: Host) -> None:
    """What changed while no agent ran is made by the next one, and only that; daemons go on."""
    for number in (1, 2):
        host.ports[number] = host_port(number)
        host.plug(number)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("both", lambda: all(host.server.is_up(RealisedKind.PORT, port_id(one)) for one in (1, 2)))
    pid = host.dnsmasq_pid()
    index = json.loads(run("ip", "-n", host.name, "-j", "link", "show", "vxlan-7"))[0]["ifindex"]
    host.end(signal.SIGKILL)
    del host.ports[1]
    host.ports[3] = host_port(3)
    host.plug(3)
    revision = host.server.put(host.scopes())
    host.start()
    host.server.wait("third", lambda: host.server.is_up(RealisedKind.PORT, port_id(3)))
    host.server.wait("applied", lambda: host.server.applied.get(f"host:{host.name}") == revision)
    masters = {link["ifname"]: link.get("master") for link in json.loads(run("ip", "-n", host.name, "-j", "link"))}
    bridge = f"brq{NET[:11]}"
    assert (masters[tap(1)], masters[tap(2)], masters[tap(3)]) == (None, bridge, bridge)
    assert json.loads(run("ip", "-n", host.name, "-j", "link", "show", "vxlan-7"))[0]["ifindex"] == index
    assert host.dnsmasq_pid() == pid


def test_nothing_remains(host: Host) -> None:
    """When the last port and the DHCP role go, no device, namespace, rule, lease or process of ours remains."""
    host.ports[1] = host_port(1)
    host.plug(1)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("port", lambda: host.server.is_up(RealisedKind.PORT, port_id(1)))
    host.server.wait("lease", lambda: host.server.is_up(RealisedKind.LEASE, port_id(1)))
    handle = os.pidfd_open(host.dnsmasq_pid())
    revision = host.server.put({f"host:{host.name}": ()}, f"network:{NET}", f"group:{GROUP}")
    host.server.wait("applied", lambda: host.server.applied.get(f"host:{host.name}") == revision)
    host.server.wait("gone", lambda: host.server.realised[RealisedKind.PORT, port_id(1)].gone)
    assert select.select([handle], [], [], 5)[0] == [handle]
    os.close(handle)
    assert host.links() == {"lo", tap(1), "vm1"}
    assert list((host.directory / "netns").iterdir()) == []
    assert run("ip", "netns", "exec", host.name, "nft", "list", "ruleset") == ""
    assert list(host.directory.glob("*/dhcp/*")) == []


def test_agents_killed_at_any_moment_are_succeeded(host: Host) -> None:
    """Each is killed when something new has appeared; the last makes the rest, and knows what all of them made as ours."""
    for number in (1, 2):
        host.ports[number] = host_port(number)
        host.plug(number)
    host.server.put(host.scopes())
    run_dir = host.directory / "run" / "dhcp" / NET
    moments: tuple[Callable[[], bool], ...] = (
        lambda: "kaon" in run("ip", "netns", "exec", host.name, "nft", "list", "tables"),
        lambda: any((host.directory / "netns").glob("qdhcp-*")),
        lambda: f"brq{NET[:11]}" in host.links(),
        lambda: "vxlan-7" in host.links(),
        lambda: f"tap{DHCP_PORT[:11]}" in host.links(),
        lambda: f"master brq{NET[:11]}" in run("ip", "-n", host.name, "link", "show", tap(1)),
        run_dir.is_dir,
        (run_dir / "pid").exists,
        (run_dir / "loaded").exists,
    )
    for came in moments:
        host.start()
        deadline = time.monotonic() + 20
        while not came():
            assert time.monotonic() < deadline
        host.end(signal.SIGKILL)
    host.server.realised.clear()
    host.start()
    host.server.wait("ports", lambda: all(host.server.is_up(RealisedKind.PORT, port_id(one)) for one in (1, 2)))
    host.server.wait("lease", lambda: host.server.is_up(RealisedKind.LEASE, port_id(1)))
    handle = os.pidfd_open(host.dnsmasq_pid())
    servers = [one for one in Path("/proc").glob("[0-9]*/cmdline") if str(run_dir) in _text_of(one)]
    assert [one.parent.name for one in servers] == [str(host.dnsmasq_pid())]
    revision = host.server.put({f"host:{host.name}": ()}, f"network:{NET}", f"group:{GROUP}")
    host.server.wait("applied", lambda: host.server.applied.get(f"host:{host.name}") == revision)
    assert select.select([handle], [], [], 5)[0] == [handle]
    os.close(handle)
    assert host.links() == {"lo", tap(1), tap(2), "vm1", "vm2"}
    assert list((host.directory / "netns").iterdir()) == []
    assert run("ip", "netns", "exec", host.name, "nft", "list", "ruleset") == ""
    assert list(host.directory.glob("*/dhcp/*")) == []


def _text_of(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def test_dead_daemon_comes_back(host: Host) -> None:
    """A killed dnsmasq is started again, without being asked."""
    host.ports[1] = host_port(1)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("lease", lambda: host.server.is_up(RealisedKind.LEASE, port_id(1)))
    pid = host.dnsmasq_pid()
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while host.dnsmasq_pid() == pid or not Path(f"/proc/{host.dnsmasq_pid()}").exists():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)


def test_second_agent_is_refused(host: Host) -> None:
    """While one agent holds the host, another ends at once."""
    host.server.put(host.scopes())
    host.start()
    host.server.wait("hello", lambda: host.server.hellos > 0)
    first = host.agent
    host.start()
    assert host.agent is not None
    assert host.agent.wait(20) == 1
    host.agent = first


def test_rebooted_host_without_server(host: Host) -> None:
    """After a reboot with the server out of reach the last saved state is applied."""
    host.ports[1] = host_port(1)
    host.plug(1)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("port", lambda: host.server.is_up(RealisedKind.PORT, port_id(1)))
    saved = host.directory / "state" / "agent" / "picture"
    deadline = time.monotonic() + 15
    while not saved.exists():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.05)
    host.end()
    run("ip", "-n", host.name, "link", "set", tap(1), "nomaster")
    (host.directory / "run" / "agent" / "settled").unlink()
    host.start(offline_after_s=0.5, endpoint=f"ipc://{host.directory}/nobody")
    while "master" not in run("ip", "-n", host.name, "link", "show", tap(1)):
        assert time.monotonic() < deadline + 10
        select.select([], [], [], 0.05)


def test_what_others_break_is_mended(host: Host) -> None:
    """A deleted bridge is made again with all that was on it; a stranger's bridge and table stay."""
    host.ports[1] = host_port(1)
    host.plug(1)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("port", lambda: host.server.is_up(RealisedKind.PORT, port_id(1)))
    run("ip", "-n", host.name, "link", "add", "brq-stranger", "type", "bridge")
    run("ip", "netns", "exec", host.name, "nft", "add", "table", "inet", "stranger")
    run("ip", "-n", host.name, "link", "delete", f"brq{NET[:11]}")
    deadline = time.monotonic() + 10
    while f"master brq{NET[:11]}" not in run("ip", "-n", host.name, "link", "show", tap(1)):
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)
    assert "brq-stranger" in host.links()
    assert "stranger" in run("ip", "netns", "exec", host.name, "nft", "list", "tables")


def test_reservation_is_not_lost_without_agent(host: Host) -> None:
    """While no agent runs, the DHCP server does, and the next agent leaves it alone."""
    host.ports[1] = host_port(1)
    host.server.put(host.scopes())
    host.start()
    host.server.wait("lease", lambda: host.server.is_up(RealisedKind.LEASE, port_id(1)))
    pid = host.dnsmasq_pid()
    assert host.end() == 0
    assert Path(f"/proc/{pid}").exists()
    host.server.realised.clear()
    host.start()
    host.server.wait("lease again", lambda: host.server.is_up(RealisedKind.LEASE, port_id(1)))
    assert host.dnsmasq_pid() == pid
