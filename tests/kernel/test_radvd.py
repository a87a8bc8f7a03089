"""Router advertisements on the real kernel: a test-made namespace, a real radvd, and who listens on the wire."""

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from kaon.host.kernel.nftables import opened_in
from kaon.host.kernel.radvd import LOG_BYTES, Radvd
from kaon.host.plan.advertisements import ReloadAdvertiser, StartAdvertiser, plan_advertisements
from kaon.host.state.advertisements import AdvertisedPrefix, AdvertisementState, Advertiser, AdvertisingLeg

pytestmark = pytest.mark.root

SOON_S = 5.0
LEG = AdvertisingLeg("qr-leg", 1450, other=True, prefixes=(AdvertisedPrefix("fd00::/64", autonomous=True),))
WITH_DNS = replace(LEG, dns_servers=tuple(f"fd00:53::{number}" for number in range(1, 6)), domains=("a.example",))
ROUTER, PREFIX, MTU, DNS_SERVERS, DOMAINS = 134, 3, 5, 25, 31


def run(*command: str) -> str:
    """Run a command and give what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@dataclass(frozen=True)
class Said:
    """A router advertisement: flags, lifetime, and options as (type, all after type and length)."""

    flags: int
    lifetime_s: int
    hops: int
    source: IPv6Address
    options: tuple[tuple[int, bytes], ...]

    def option(self, kind: int) -> bytes:
        """Give the first option of a type, empty when there is none."""
        return next((value for one, value in self.options if one == kind), b"")

    @property
    def prefixes(self) -> dict[str, tuple[int, int]]:
        """Map each prefix to its flags and how long it is preferred, in seconds."""
        found = [value for kind, value in self.options if kind == PREFIX]
        return {str(IPv6Address(value[14:30])): (value[1], int.from_bytes(value[6:10], "big")) for value in found}


@dataclass(frozen=True)
class Net:
    """A router's namespace with a leg, and a socket that hears what comes out of it."""

    router_id: str
    space: str
    directory: Path
    ear: socket.socket

    def door(self) -> Radvd:
        """Open the door as a fresh agent would."""
        return Radvd(self.directory)

    def wanted(self, *legs: AdvertisingLeg) -> AdvertisementState:
        """Desire these legs; without any the router is hosted and silent."""
        one = Advertiser(self.router_id, self.space, legs, owner=f"router/{self.router_id}")
        return AdvertisementState({self.router_id: one} if legs else {}, frozenset({self.router_id}))

    def reach(self, desired: AdvertisementState) -> list[type]:
        """Bring it there, and check that nothing is left to do; give the kinds of steps."""
        door = self.door()
        plan = plan_advertisements(desired, door.observe())
        assert door.apply(plan) == []
        assert not plan_advertisements(desired, self.door().observe())
        return [type(step) for step in plan.steps]

    def pid(self) -> int:
        """Give the process of the router, as it says itself."""
        return int((self.directory / "ra" / self.router_id / "pid").read_text())

    def hear(self, *, within_s: float = SOON_S) -> Said | None:
        """Wait for the next router advertisement."""
        end = time.monotonic() + within_s
        while (left := end - time.monotonic()) > 0 and select.select([self.ear], [], [], left)[0]:
            frame = self.ear.recv(9000)
            if frame[12:14] == b"\x86\xdd" and frame[20] == socket.IPPROTO_ICMPV6 and frame[54] == ROUTER:
                lifetime_s = int.from_bytes(frame[60:62], "big")
                return Said(frame[59], lifetime_s, frame[21], IPv6Address(frame[22:38]), options(frame[70:]))
        return None


def options(raw: bytes) -> tuple[tuple[int, bytes], ...]:
    """Take the options of an advertisement apart (RFC 4861 4.6)."""
    found = []
    while raw:
        length = raw[1] * 8
        found.append((raw[0], raw[2:length]))
        raw = raw[length:]
    return tuple(found)


def listening() -> socket.socket:
    """Hear all that comes to eth0 in the namespace that the thread is in."""
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
    ear.bind(("eth0", 0))
    return ear


@pytest.fixture
def net() -> Iterator[Net]:
    """Make namespaces under names of this run, and remove them with all processes of ours."""
    router_id = f"kt-{os.getpid()}-{os.urandom(3).hex()}"
    space, client, directory = f"qrouter-{router_id}", f"{router_id}-vm", Path(tempfile.mkdtemp(prefix="kaon-ra-"))
    directory.chmod(0o755)
    made = []
    try:
        for namespace in (space, client):
            run("ip", "netns", "add", namespace)
            made.append(namespace)
        switches = ("all.forwarding=1", "default.accept_dad=0")
        run("ip", "netns", "exec", space, "sysctl", "-qw", *(f"net.ipv6.conf.{switch}" for switch in switches))
        run("ip", "-n", space, "link", "add", "qr-leg", "type", "veth", "peer", "name", "eth0", "netns", client)
        for namespace, device in ((client, "eth0"), (space, "qr-leg")):
            run("ip", "-n", namespace, "link", "set", device, "up")
        with opened_in(Path("/run/netns") / client, listening) as ear:
            yield Net(router_id, space, directory, ear)
    finally:
        Radvd(directory).apply(plan_advertisements(AdvertisementState(), Radvd(directory).observe()))
        for namespace in made:
            run("ip", "netns", "delete", namespace)
        shutil.rmtree(directory)


def test_what_is_desired_is_on_the_wire(net: Net) -> None:
    """Flags, prefix, MTU, more name servers than one statement takes, domain; from the link-local address, hop limit 255."""
    assert net.reach(net.wanted(WITH_DNS)) == [StartAdvertiser]
    said = net.hear()
    assert said is not None
    assert (said.flags, said.lifetime_s, said.hops, said.source.is_link_local) == (0x40, 300, 255, True)
    assert said.prefixes == {"fd00::": (0xC0, 14400)}
    assert int.from_bytes(said.option(MTU)[2:], "big") == 1450
    servers = b"".join(value[6:] for kind, value in said.options if kind == DNS_SERVERS)
    assert servers == b"".join(IPv6Address(server).packed for server in WITH_DNS.dns_servers)
    assert said.option(DOMAINS)[6:].startswith(b"\x01a\x07example\0")


def test_a_change_is_said_at_once_by_the_same_process(net: Net) -> None:
    """What went is taken back first, what is there now is said next; and nothing is done when nothing has changed."""
    net.reach(net.wanted(WITH_DNS))
    net.hear()
    pid = net.pid()
    assert net.reach(net.wanted(WITH_DNS)) == []
    changed = replace(LEG, managed=True, prefixes=(AdvertisedPrefix("fd01::/64", autonomous=True),))
    began = time.monotonic()
    assert net.reach(net.wanted(changed)) == [ReloadAdvertiser]
    taken_back, said = net.hear(), net.hear()
    assert time.monotonic() - began < 2.0
    assert taken_back is not None
    assert (taken_back.flags, taken_back.lifetime_s, taken_back.hops) == (0xC0, 300, 255)
    assert taken_back.prefixes == {"fd00::": (0x40, 0)}
    assert [taken_back.option(kind)[2:6] for kind in (DNS_SERVERS, DOMAINS)] == [bytes(4)] * 2
    assert said is not None
    assert (said.flags, said.prefixes, said.option(DNS_SERVERS)) == (0xC0, {"fd01::": (0xC0, 14400)}, b"")
    assert net.pid() == pid


def test_who_asks_is_answered(net: Net) -> None:
    """A solicitation has an answer long before the next advertisement of its own accord."""
    net.reach(net.wanted(LEG))
    net.hear()
    run("ip", "netns", "exec", f"{net.router_id}-vm", "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1")
    run("ip", "netns", "exec", f"{net.router_id}-vm", "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
    assert net.hear(within_s=10.0) is not None


def test_a_router_that_stops_says_so_and_leaves_nothing(net: Net) -> None:
    """It is no default router any more, its prefix deprecated; process and files are gone."""
    net.reach(net.wanted(LEG))
    net.hear()
    net.reach(net.wanted())
    said = [one for one in (net.hear(), net.hear()) if one is not None]
    assert {one.lifetime_s for one in said} == {0}
    assert said[-1].prefixes == {"fd00::": (0x40, 0)}
    assert run("ip", "netns", "pids", net.space) == ""
    assert list(net.directory.rglob(net.router_id)) == []


def test_a_router_that_moves_away_says_nothing(net: Net) -> None:
    """Elsewhere it goes on under the same address: VMs keep it."""
    net.reach(net.wanted(LEG))
    net.hear()
    net.reach(AdvertisementState())
    assert list(net.directory.rglob(net.router_id)) == []
    assert net.hear(within_s=0.5) is None


def test_a_dead_process_is_started_again(net: Net) -> None:
    """A killed process is noticed; the new one advertises, and none says that there is no router."""
    door = net.door()
    door.apply(plan_advertisements(net.wanted(LEG), door.observe()))
    net.hear()
    handle = os.pidfd_open(net.pid())
    os.kill(net.pid(), signal.SIGKILL)
    assert select.select([handle], [], [], 5)[0] == [handle]
    os.close(handle)
    assert (door.lost(), door.lost()) == ({net.router_id}, frozenset())
    assert net.reach(net.wanted(LEG)) == [StartAdvertiser]
    said = net.hear()
    assert said is not None
    assert said.lifetime_s == 300


def test_a_half_done_reload_is_found_out(net: Net) -> None:
    """A file that was rewritten without telling the process is told again."""
    net.reach(net.wanted(LEG))
    net.hear()
    conf = net.directory / "ra" / net.router_id / "conf"
    conf.write_text(conf.read_text().replace("fd00::", "fd01::"))
    changed = replace(LEG, prefixes=(AdvertisedPrefix("fd01::/64", autonomous=True),))
    assert net.reach(net.wanted(changed)) == [ReloadAdvertiser]
    said = net.hear()
    assert said is not None
    assert said.prefixes.keys() == {"fd01::"}


def test_what_radvd_refuses_takes_nothing_from_what_runs(net: Net) -> None:
    """It is told with radvd's words; the process goes on with what it had."""
    net.reach(net.wanted(LEG))
    pid = net.pid()
    door = net.door()
    (trouble,) = door.apply(plan_advertisements(net.wanted(replace(LEG, domains=("on",))), door.observe()))
    assert trouble.owner == f"router/{net.router_id}"
    assert "syntax error" in trouble.reason
    assert net.reach(net.wanted(LEG)) == []
    assert net.pid() == pid


def test_a_namespace_made_anew_has_a_new_process(net: Net) -> None:
    """And where there is none it is told; other routers are served."""
    net.reach(net.wanted(LEG))
    door, lost = net.door(), "a-lost"
    other = Advertiser(lost, f"qrouter-{lost}", (LEG,), owner=f"router/{lost}")
    both = AdvertisementState({**net.wanted(WITH_DNS).advertisers, lost: other})
    assert [trouble.owner for trouble in door.apply(plan_advertisements(both, door.observe()))] == [f"router/{lost}"]
    found = door.observe().advertisers
    assert found[net.router_id].legs == (WITH_DNS,)
    assert lost not in found
    pid = net.pid()
    run("ip", "netns", "delete", net.space)
    run("ip", "netns", "add", net.space)
    assert net.reach(net.wanted(LEG)) == [StartAdvertiser]
    assert net.pid() != pid
    assert not Path(f"/proc/{pid}/cmdline").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""


def test_a_foreign_process_is_left_alone(net: Net) -> None:
    """A radvd that others run, and a pid file that names it, do not make it ours."""
    conf = net.directory / "foreign.conf"
    conf.write_text("interface qr-leg { AdvSendAdvert on; };\n")
    pid_file = net.directory / "foreign.pid"
    foreign = ["radvd", f"--config={conf}", f"--pidfile={pid_file}", "--logmethod=none"]
    run("ip", "netns", "exec", net.space, *foreign)
    pid = int(pid_file.read_text())
    try:
        planted = net.directory / "ra" / net.router_id
        planted.mkdir(parents=True)
        (planted / "pid").write_text(f"{pid}\n")
        assert net.door().observe().advertisers[net.router_id].alive is False
        net.reach(AdvertisementState())
        assert Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    finally:
        os.kill(pid, signal.SIGKILL)


def test_log_is_bounded(net: Net) -> None:
    """What the process has said is cut off now and then: it lives in memory."""
    net.reach(net.wanted(LEG))
    log = net.directory / "ra" / net.router_id / "log"
    with log.open("a") as file:
        file.write("x" * LOG_BYTES)
    net.reach(net.wanted(WITH_DNS))
    net.hear()
    assert log.stat().st_size < LOG_BYTES
