"""DHCP servers on the real kernel: a test-made namespace, a real dnsmasq, real clients."""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kaon.host.kernel.dnsmasq import LOG_BYTES, Dnsmasq
from kaon.host.plan.dhcp import ReloadServer, StartServer, plan_dhcp
from kaon.host.state.dhcp import DhcpHost, DhcpOption, DhcpRange, DhcpServer, DhcpState

pytestmark = pytest.mark.root

MAC = "fa:16:3e:00:00:05"
OTHER_MAC = "fa:16:3e:00:00:06"


def run(*command: str) -> str:
    """Run a command and give what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@dataclass(frozen=True)
class Net:
    """A namespace with a DHCP leg, and one with a client, joined by a cable."""

    network_id: str
    server: str
    client: str
    directory: Path

    def door(self) -> Dnsmasq:
        """Open the door as a fresh agent would."""
        return Dnsmasq(self.directory / "run", self.directory / "state")

    def plug(self) -> None:
        """Lay the cable anew."""
        run("ip", "-n", self.server, "link", "add", "ns-leg", "type", "veth", "peer", "name", "eth0", "netns", self.client)
        for address in ("10.0.0.2/24", "fd00::2/64"):
            run("ip", "-n", self.server, "address", "add", address, "dev", "ns-leg", *(["nodad"] if ":" in address else []))
        run("ip", "-n", self.server, "link", "set", "ns-leg", "up")
        self.become(MAC)

    def become(self, mac_address: str) -> None:
        """Give the client's card this address."""
        run("ip", "-n", self.client, "link", "set", "eth0", "down")
        run("ip", "-n", self.client, "link", "set", "eth0", "address", mac_address)
        run("ip", "netns", "exec", self.client, "sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0")
        run("ip", "-n", self.client, "link", "set", "eth0", "up")
        deadline = time.monotonic() + 10
        while "fe80" not in run("ip", "-n", self.client, "-6", "address", "show", "dev", "eth0", "-tentative"):
            assert time.monotonic() < deadline, "the client's card gets no link-local address"

    def ask(self, *options: str, tries: int = 5) -> dict[str, str]:
        """Run a DHCP client once and give what it learnt, empty when nobody answered."""
        script = self.directory / "learn"
        script.write_text(f'#!/bin/sh\n[ "$1" = bound ] && env > {self.directory}/learnt\nexit 0\n')
        script.chmod(0o755)
        learnt = self.directory / "learnt"
        learnt.unlink(missing_ok=True)
        subprocess.run(
            ["ip", "netns", "exec", self.client, "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f",
             "-t", str(tries), "-T", "1", "-s", str(script), "-O", "staticroutes", "-O", "mtu", *options],
            check=False, capture_output=True, timeout=30,
        )  # fmt: skip
        lines = learnt.read_text().splitlines() if learnt.exists() else []
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def ask_v6(self, kind: str = "LL") -> str:
        """Run a DHCPv6 client without a past, with a DUID of this kind, and give what it wrote of its lease."""
        files = [self.directory / f"v6.{name}" for name in ("leases", "pid")]
        for file in files:
            file.unlink(missing_ok=True)
        words = ["-lf", str(files[0]), "-pf", str(files[1]), "-sf", "/bin/true"]
        command = ["ip", "netns", "exec", self.client, "timeout", "20", "dhclient", "-6", "-1", "-D", kind, *words, "eth0"]
        subprocess.run(command, check=False, capture_output=True, timeout=30)
        pid = files[1].read_text().strip() if files[1].exists() else ""
        if pid and Path(f"/proc/{pid}").exists():
            os.kill(int(pid), signal.SIGKILL)
        return files[0].read_text() if files[0].exists() else ""

    def leases(self) -> dict[str, str]:
        """Say who has which address, as a fresh agent would."""
        return dict(self.door().observe().servers[self.network_id].leases)


@pytest.fixture
def net() -> Iterator[Net]:
    """Make namespaces under names of this run, and remove them with all processes inside."""
    network_id = f"kt-{os.getpid()}-{os.urandom(3).hex()}"
    made = Net(network_id, f"qdhcp-{network_id}", f"{network_id}-vm", Path(tempfile.mkdtemp(prefix="kaon-dhcp-")))
    made.directory.chmod(0o755)
    try:
        for namespace in (made.server, made.client):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        made.plug()
        yield made
    finally:
        for namespace in (made.server, made.client):
            for pid in run("ip", "netns", "pids", namespace).split():
                os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "delete", namespace)
        shutil.rmtree(made.directory)


def served(net: Net, *hosts: DhcpHost) -> DhcpState:
    """Desire a server with these reservations."""
    server = DhcpServer(
        network_id=net.network_id,
        namespace=net.server,
        ranges=(DhcpRange("four", "10.0.0.0", "255.255.255.0", 3600), DhcpRange("six", "fd00::", "64", 3600)),
        hosts=tuple(sorted(hosts)),
        options=(
            DhcpOption("", "option:domain-name", "kaon.example"),
            DhcpOption("", "option:mtu", "1450"),
            DhcpOption("four", "option:classless-static-route", "10.9.0.0/16,10.0.0.9,0.0.0.0/0,10.0.0.1"),
            DhcpOption("four", "option:dns-server", "10.0.0.53,10.0.0.54"),
            DhcpOption("four", "option:router", "10.0.0.1"),
            DhcpOption("six", "option6:dns-server", "[fd00::53]"),
        ),
        owner=f"dhcp/{net.network_id}",
    )
    return DhcpState({net.network_id: server})


def reach(door: Dnsmasq, desired: DhcpState) -> None:
    """Apply without trouble."""
    assert door.apply(plan_dhcp(desired, door.observe())) == []


def pid_of(net: Net) -> int:
    """Read the server's pid."""
    return int((net.directory / "run" / "dhcp" / net.network_id / "pid").read_text())


FIVE = DhcpHost(MAC, ("10.0.0.5",), "host-10-0-0-5")
FIVE_V6 = DhcpHost(MAC, ("fd00::5",), "host-10-0-0-5")


def test_client_learns_what_was_reserved(net: Net) -> None:
    """A client gets its reserved address, routes, name servers, MTU, domain and name."""
    reach(net.door(), served(net, FIVE, FIVE_V6))
    learnt = net.ask()
    assert learnt["ip"] == "10.0.0.5"
    assert learnt["router"] == "10.0.0.1"
    assert learnt["dns"] == "10.0.0.53 10.0.0.54"
    assert learnt["mtu"] == "1450"
    assert learnt["domain"] == "kaon.example"
    assert learnt["hostname"] == "host-10-0-0-5"
    assert learnt["staticroutes"] == "10.9.0.0/16 10.0.0.9 0.0.0.0/0 10.0.0.1"


def test_options_of_a_port_reach_that_port_only(net: Net) -> None:
    """They count more than those of the subnet; another client hears nothing of them, and IPv6 has its own."""
    five = replace(FIVE, tag="port-5", hostname="db")
    own = (
        DhcpOption("port-5", "66", "10.0.0.8"),
        DhcpOption("port-5", "option6:dns-server", "[fd00::8]"),
        DhcpOption("port-5", "option:bootfile-name", "pxelinux.0"),
        DhcpOption("port-5", "option:dns-server", "10.0.0.99"),
    )
    six = DhcpHost(OTHER_MAC, ("10.0.0.6",), "host-10-0-0-6")
    desired = served(net, five, replace(FIVE_V6, tag="port-5", hostname="db"), six)
    server = desired.servers[net.network_id]
    desired = DhcpState({net.network_id: replace(server, options=(*server.options, *own))})
    door = net.door()
    reach(door, desired)
    assert not plan_dhcp(desired, door.observe())
    learnt = net.ask("-O", "bootfile", "-O", "tftp")
    assert (learnt["ip"], learnt["hostname"], learnt["dns"]) == ("10.0.0.5", "db", "10.0.0.99")
    assert (learnt.get("bootfile") or learnt["boot_file"], learnt["tftp"]) == ("pxelinux.0", "10.0.0.8")
    assert "dhcp6.name-servers fd00::8;" in net.ask_v6()
    net.become(OTHER_MAC)
    other = net.ask("-O", "bootfile", "-O", "tftp")
    assert (other["ip"], other["dns"]) == ("10.0.0.6", "10.0.0.53 10.0.0.54")
    assert not {"bootfile", "boot_file", "tftp"} & other.keys()


def test_client_learns_its_ipv6_address(net: Net) -> None:
    """DHCPv6 finds the reservation by MAC."""
    reach(net.door(), served(net, FIVE, FIVE_V6))
    assert "iaaddr fd00::5 {" in net.ask_v6()


def test_planning_again_is_empty(net: Net) -> None:
    """What was applied is observed as desired, also after a client came."""
    door, desired = net.door(), served(net, FIVE, FIVE_V6)
    reach(door, desired)
    assert not plan_dhcp(desired, door.observe())
    net.ask()
    assert door.observe().servers[net.network_id].leases == {"10.0.0.5": MAC}
    assert not plan_dhcp(desired, door.observe())


def test_restarted_agent_adopts(net: Net) -> None:
    """A fresh door finds the process and leaves it alone."""
    desired = served(net, FIVE)
    reach(net.door(), desired)
    pid = pid_of(net)
    assert not plan_dhcp(desired, net.door().observe())
    assert pid_of(net) == pid


def test_new_reservation_is_reloaded(net: Net) -> None:
    """A reservation made later is served by the same process, and one taken away no longer."""
    door = net.door()
    reach(door, served(net))
    pid = pid_of(net)
    assert net.ask(tries=1) == {}
    plan = plan_dhcp(served(net, FIVE), door.observe())
    assert [type(step) for step in plan.steps] == [ReloadServer]
    assert door.apply(plan) == []
    assert net.ask()["ip"] == "10.0.0.5"
    reach(door, served(net))
    assert net.ask(tries=2) == {}
    assert pid_of(net) == pid


@pytest.mark.parametrize("naming", [(), ("-C",), ("-x", "0x3d:ff6b616f6e")])
def test_address_of_another_is_given_on(net: Net, naming: tuple[str, ...]) -> None:
    """An address whose old holder still has a lease is given to the new one at once, by the same process.

    The holder named itself as udhcpc does by default, not at all, or in words of its own.
    """
    door = net.door()
    reach(door, served(net, FIVE))
    pid = pid_of(net)
    assert net.ask(*naming)["ip"] == "10.0.0.5"
    net.become(OTHER_MAC)
    reach(door, served(net, replace(FIVE, mac_address=OTHER_MAC)))
    assert net.ask()["ip"] == "10.0.0.5"
    assert net.leases() == {"10.0.0.5": OTHER_MAC}
    assert pid_of(net) == pid


def test_ipv6_address_of_another_is_given_on(net: Net) -> None:
    """The same for IPv6, whose leases do not name a MAC."""
    door = net.door()
    reach(door, served(net, FIVE_V6))
    pid = pid_of(net)
    assert "iaaddr fd00::5 {" in net.ask_v6()
    (first,) = net.leases().values()
    net.become(OTHER_MAC)
    reach(door, served(net, replace(FIVE_V6, mac_address=OTHER_MAC)))
    assert net.leases() == {}
    assert "iaaddr fd00::5 {" in net.ask_v6()
    (second,) = net.leases().values()
    assert first != second
    assert pid_of(net) == pid


def test_lease_goes_with_its_reservation(net: Net) -> None:
    """When a port is deleted its leases of both families are given back; those of others stay, and so does the process."""
    door = net.door()
    six = DhcpHost(OTHER_MAC, ("10.0.0.6",), "host-10-0-0-6")
    reach(door, served(net, FIVE, FIVE_V6, six))
    pid = pid_of(net)
    net.ask()
    net.ask_v6()
    net.become(OTHER_MAC)
    net.ask()
    assert net.leases().keys() == {"10.0.0.5", "fd00::5", "10.0.0.6"}
    reach(door, served(net, six))
    assert net.leases() == {"10.0.0.6": OTHER_MAC}
    assert pid_of(net) == pid
    assert not plan_dhcp(served(net, six), door.observe())


def test_release_that_is_not_heard_ends_in_a_start(net: Net) -> None:
    """Where the leg has no address near the lease there is no way to say it: the process is started without the lease."""
    door = net.door()
    reach(door, served(net, FIVE))
    pid = pid_of(net)
    net.ask()
    net.become(OTHER_MAC)
    run("ip", "-n", net.server, "link", "set", "lo", "down")
    reach(door, served(net, replace(FIVE, mac_address=OTHER_MAC)))
    assert net.leases() == {}
    assert pid_of(net) != pid
    assert net.ask()["ip"] == "10.0.0.5"


def test_log_is_bounded(net: Net) -> None:
    """What the process has said is cut off now and then: it says something at each reload, and lives in memory."""
    door = net.door()
    reach(door, served(net))
    log = net.directory / "run" / "dhcp" / net.network_id / "log"
    with log.open("a") as file:
        file.write("x" * LOG_BYTES)
    reach(door, served(net, FIVE))
    net.ask()
    assert log.stat().st_size < LOG_BYTES


def test_leg_made_anew_is_heard(net: Net) -> None:
    """The server answers on a leg that was deleted and made again."""
    reach(net.door(), served(net, FIVE))
    pid = pid_of(net)
    run("ip", "-n", net.server, "link", "delete", "ns-leg")
    net.plug()
    assert net.ask()["ip"] == "10.0.0.5"
    assert pid_of(net) == pid


def test_dead_server_is_started_again(net: Net) -> None:
    """A killed process is noticed, and a new one serves from the same leases."""
    door, desired = net.door(), served(net, FIVE)
    reach(door, desired)
    net.ask()
    handle = os.pidfd_open(pid_of(net))
    os.kill(pid_of(net), signal.SIGKILL)
    assert select.select([handle], [], [], 5)[0] == [handle]
    os.close(handle)
    assert door.lost() == {net.network_id}
    plan = plan_dhcp(desired, door.observe())
    assert [type(step) for step in plan.steps] == [StartServer]
    assert door.apply(plan) == []
    assert door.lost() == frozenset()
    assert net.ask()["ip"] == "10.0.0.5"


def test_half_done_reload_is_found_out(net: Net) -> None:
    """Files that were rewritten without telling the process are told again."""
    door = net.door()
    reach(door, served(net))
    (net.directory / "run" / "dhcp" / net.network_id / "hosts").write_text(f"{FIVE.line}\n")
    assert plan_dhcp(served(net, FIVE), net.door().observe())
    reach(net.door(), served(net, FIVE))
    assert net.ask()["ip"] == "10.0.0.5"


def test_stopped_server_leaves_nothing(net: Net) -> None:
    """With its network go process, files and leases."""
    door = net.door()
    reach(door, served(net, FIVE))
    net.ask()
    reach(door, DhcpState())
    assert run("ip", "netns", "pids", net.server) == ""
    assert list(net.directory.rglob(net.network_id)) == []
    assert door.observe() == DhcpState()


def test_foreign_server_is_left_alone(net: Net) -> None:
    """A dnsmasq that others run, and a pid file that names it, do not make it ours."""
    foreign = ["dnsmasq", "--conf-file=/dev/null", "--port=0", f"--pid-file={net.directory}/foreign", "--interface=lo"]
    run("ip", "netns", "exec", net.client, *foreign)
    pid = int((net.directory / "foreign").read_text())
    planted = net.directory / "run" / "dhcp" / net.network_id
    planted.mkdir(parents=True)
    (planted / "pid").write_text(f"{pid}\n")
    door = net.door()
    assert door.observe().servers[net.network_id].alive is False
    reach(door, DhcpState())
    assert Path(f"/proc/{pid}").exists()


def test_missing_namespace_is_trouble(net: Net) -> None:
    """A server whose namespace is not there yet is reported for its owner, and the others are started."""
    door = net.door()
    desired = served(net, FIVE)
    lost = replace(desired.servers[net.network_id], network_id="a-lost", namespace="qdhcp-a-lost", owner="dhcp/a-lost")
    troubles = door.apply(plan_dhcp(DhcpState({**desired.servers, "a-lost": lost}), door.observe()))
    assert [trouble.owner for trouble in troubles] == ["dhcp/a-lost"]
    assert net.ask()["ip"] == "10.0.0.5"
