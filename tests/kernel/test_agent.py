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
from collections.abc import Iterator
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
            id=DHCP_PORT, revision=1, network_id=NET, mac_address=leg.mac_address, fixed_ips=leg.fixed_ips, device_owner="network:dhcp"
        )
        ports = [
            NetworkPort(id=one.id, revision=one.revision, mac_address=one.mac_address, fixed_ips=one.fixed_ips, host=self.server.host)
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
    """With a hundred ports one more is wired within 300 ms, a plugged device within 100 ms, and a restart takes seconds."""
    for number in range(1, 101):
        host.ports[number] = host_port(number)
        host.plug(number)
    host.server.put(host.scopes())
    host.start()
    started = host.server.wait("ports", lambda: all(host.server.is_up(RealisedKind.PORT, port_id(one)) for one in range(1, 101)))
    took = []
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
    before, pid = host.links(), host.dnsmasq_pid()
    assert host.end() == 0
    host.server.realised.clear()
    host.start()
    again = host.server.wait("again", lambda: all(host.server.is_up(RealisedKind.PORT, port_id(one)) for one in range(1, 109)))
    assert (host.links(), host.dnsmasq_pid()) == (before, pid)
    assert host.agent is not None
    rss = next(line for line in Path(f"/proc/{host.agent.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    print(f"first 100: {started:.2f} s, one more: {took}, plugged: {plugged}, restart: {again:.2f} s, {rss}")
    assert max(took) < 0.3
    assert max(plugged) < 0.1
    assert again < 5
