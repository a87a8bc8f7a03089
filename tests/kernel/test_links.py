"""Does the kernel agree about links, addresses, routes and forwarding? Two hosts of the test's own, with an underlay."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaon.host.compile.facts import HostFacts
from kaon.host.compile.links import compile_links
from kaon.host.kernel import netlink
from kaon.host.plan.links import Announce
from kaon.host.state.links import Bridge, Tap, Uplink
from kaon.host.state.names import bridge_name, router_namespace, tap_name, vxlan_name
from kaon.host.state.namespaces import Namespace
from kaon.host.state.network_state import LinkState
from link_rig import RigHost, rig_host
from link_scenes import Scene, mac

ETH_P_ARP = 0x0806

pytestmark = pytest.mark.root

V4 = {"a": "10.99.0.1", "b": "10.99.0.2"}
V6 = {"a": "fd99::1", "b": "fd99::2"}


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[RigHost, RigHost]]:
    """Two hosts with an underlay between them."""
    with rig_host(tmp_path / "a") as a, rig_host(tmp_path / "b") as b:
        beyond = f"/proc/{os.getpid()}/fd/{b.descriptor}"
        a.sh(f"ip link add eth0 mtu 1600 type veth peer name eth0 mtu 1600 netns {beyond}")
        for host, n in ((a, 1), (b, 2)):
            host.sh(f"ip addr add 10.99.0.{n}/24 dev eth0; ip addr add fd99::{n}/64 dev eth0 nodad; ip link set eth0 up")
        yield a, b


def listen(device: str, protocol: int) -> socket.socket:
    """Hear what passes a device."""
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    heard.bind((device, protocol))
    heard.settimeout(0)
    return heard


def names(host: RigHost) -> list[str]:
    """List devices with what they are enslaved to, and namespaces."""
    devices = [
        " ".join(line.split()[1:2]) + " ".join(re.findall(r"master \S+", line)) for line in host.sh("ip -o link").splitlines()
    ]
    return devices + sorted(host.namespaces.names())


def desired(scene: Scene, host: RigHost, name: str, **physical: str) -> LinkState:
    """Compile what the host shall have, from what an agent would know; nothing is waited for."""
    compiled = compile_links(scene.view(name), HostFacts(name, scene.endpoints.get(name), physical, host.observe().devices))
    assert compiled.waiting == ()
    return compiled.state


def heard_senders(host: RigHost, heard: socket.socket, again: list[Announce], number: int) -> set[str]:
    """Collect the senders of ARP until there are so many, announcing again whenever it is quiet."""
    senders: set[str] = set()
    for _ in range(100):
        try:
            senders.add(socket.inet_ntoa(heard.recv(100)[28:32]))
        except BlockingIOError:
            assert host.run(lambda: host.door.apply(again)) == []
        if len(senders) == number:
            break
    return senders


def settle(scene: Scene, host: RigHost, name: str, **physical: str) -> LinkState:
    """Make the host as desired; a second look finds nothing to do."""
    state = desired(scene, host, name, **physical)
    assert host.converge(state) == []
    assert host.plan(state).steps == ()
    return state


@pytest.mark.parametrize("tunnels", [V4, V6], ids=["IPv4", "IPv6"])
def test_ports_of_a_network_meet_across_hosts(hosts: tuple[RigHost, RigHost], tunnels: dict[str, str]) -> None:
    """Two VMs of one VXLAN network on two hosts ping each other by IPv4 and IPv6, and ARP does not cross the tunnel."""
    a, b = hosts
    scene = Scene(tunnels)
    network = scene.network(7, "10.0.0.0/24", "fd00:7::/64")
    for number, host, name in ((1, a, "a"), (2, b, "b")):
        port = scene.port(number, network, name, f"10.0.0.1{number}", f"fd00:7::1{number}")
        host.vm(f"vm{number}", tap_name(port), mac(number), f"10.0.0.1{number}/24", f"fd00:7::1{number}/64")
    for host, name in ((a, "a"), (b, "b")):
        settle(scene, host, name)
    heard = b.run(lambda: listen(vxlan_name(7), ETH_P_ARP))
    a.sh("arping -c 1 -w 1 -I eth0 10.0.0.12", space="vm1")
    with heard, pytest.raises(BlockingIOError):
        heard.recv(100)
    assert a.reaches("10.0.0.12", "vm1", count=3)
    assert a.reaches("fd00:7::12", "vm1", count=3)
    assert b.reaches("10.0.0.11", "vm2", count=3)


def test_a_router_forwards_and_meets_the_outside(hosts: tuple[RigHost, RigHost]) -> None:
    """A router's namespace forwards between two networks and to a flat network, whose next hop learns floating IPs."""
    a, b = hosts
    scene = Scene(V4)
    red, blue = scene.network(1, "10.0.1.0/24", "fd00:1::/64"), scene.network(2, "10.0.2.0/24", "fd00:2::/64")
    outside = scene.network(3, "203.0.113.0/24", kind="flat", mtu=1500, physnet="public")
    router = scene.router(1, "b")
    scene.leg(11, router, red, "10.0.1.1", "fd00:1::1")
    scene.leg(12, router, blue, "10.0.2.1", "fd00:2::1")
    scene.leg(13, router, outside, "203.0.113.10", gateway=True)
    for number, network in ((1, red), (2, blue)):
        port = scene.port(number, network, "a", f"10.0.{number}.5", f"fd00:{number}::5")
        a.vm(f"vm{number}", tap_name(port), mac(number), f"10.0.{number}.5/24", f"fd00:{number}::5/64")
        a.sh(f"ip route add default via 10.0.{number}.1; ip route add default via fd00:{number}::1", space=f"vm{number}")
        scene.floating(number, router, outside, f"203.0.113.10{number}", f"10.0.{number}.5")
    b.vm("beyond", "eth1", mac(99), "203.0.113.1/24")
    heard = b.run(lambda: b.namespaces.run("beyond", lambda: listen("eth0", ETH_P_ARP)))
    settle(scene, a, "a")
    state = settle(scene, b, "b", public="eth1")
    with heard:
        # A link may run a moment after it was made, and what was said before is lost: it is said again, as the agent does.
        again = [Announce(address) for address in state.addresses if address.announced]
        assert heard_senders(b, heard, again, 3) == {"203.0.113.10", "203.0.113.101", "203.0.113.102"}
    assert a.reaches("10.0.2.5", "vm1", count=2)
    assert a.reaches("fd00:2::5", "vm1", count=2)
    assert a.reaches("203.0.113.10", "vm1")
    assert b.reaches("203.0.113.101", "beyond")
    assert "default via 203.0.113.1 dev qg-" in b.sh("ip route", space=router_namespace(router))


def test_a_fresh_door_changes_nothing(hosts: tuple[RigHost, RigHost]) -> None:
    """A second agent finds what the first left, as desired, down to the index of every device."""
    _, b = hosts
    scene = Scene(V4)
    red = scene.network(1, "10.0.1.0/24", "fd00:1::/64")
    scene.dhcp(20, red, "b", "10.0.1.2", "fd00:1::2")
    scene.leg(11, scene.router(1, "b", ("192.168.0.0/16", "10.0.1.9")), red, "10.0.1.1", "fd00:1::1")
    scene.port(1, red, "a", "10.0.1.5", "fd00:1::5")
    state = settle(scene, b, "b")
    before = b.sh("ip -o link; bridge fdb; ip neigh")
    b.stop_door()
    b.start_door()
    assert b.plan(state).steps == ()
    assert b.converge(state) == []
    assert before == b.sh("ip -o link; bridge fdb; ip neigh")


def test_nothing_of_ours_is_left_and_nothing_of_others_is_touched(hosts: tuple[RigHost, RigHost]) -> None:
    """Emptied, the host has what it had before, foreign bridges and foreign qrouter- namespaces included."""
    _, b = hosts
    scene = Scene(V4)
    red = scene.network(1, "10.0.1.0/24")
    port = scene.port(1, red, "b", "10.0.1.5")
    scene.leg(11, scene.router(1, "b"), red, "10.0.1.1")
    b.vm("vm1", tap_name(port), mac(1), "10.0.1.5/24")
    b.sh("ip link add brqstranger type bridge; ip link add kaon-like type veth peer name other")
    b.run(lambda: b.namespaces.create("qrouter-stranger", lambda: None))
    before = names(b)
    settle(scene, b, "b")
    assert b.converge(LinkState()) == []
    assert before == names(b)


def test_a_name_that_others_hold_is_reported(hosts: tuple[RigHost, RigHost]) -> None:
    """A bridge and a namespace of our names, made by someone else, stay as they are; who is concerned is told."""
    _, b = hosts
    scene = Scene(V4)
    red, blue = scene.network(1, "10.0.1.0/24"), scene.network(2, "10.0.2.0/24")
    port = scene.port(1, red, "b", "10.0.1.5")
    b.vm("vm1", tap_name(port), mac(1), "10.0.1.5/24")
    router = scene.router(1, "b")
    scene.leg(12, router, blue, "10.0.2.1")
    b.sh(f"ip link add {bridge_name(red)} type bridge")
    b.run(lambda: b.namespaces.create(router_namespace(router), lambda: None))
    before = b.sh(f"ip -d -o link show {bridge_name(red)}")
    state = desired(scene, b, "b")
    troubles = b.converge(state)
    assert {f"network/{red}", f"port/{port}", f"router/{router}"} <= {trouble.owner for trouble in troubles}
    assert before == b.sh(f"ip -d -o link show {bridge_name(red)}")
    assert b.plan(state).steps == ()


def test_drift_is_mended(hosts: tuple[RigHost, RigHost]) -> None:
    """What someone changes behind our back (MAC, MTU, switches, entries, routes, devices) is found and set right."""
    _, b = hosts
    scene = Scene(V4)
    red = scene.network(1, "10.0.1.0/24", "fd00:1::/64")
    port = scene.port(1, red, "b", "10.0.1.5")
    scene.port(2, red, "a", "10.0.1.6", "fd00:1::6")
    router = scene.router(1, "b", ("192.168.0.0/16", "10.0.1.9"))
    scene.leg(11, router, red, "10.0.1.1", "fd00:1::1")
    b.vm("vm1", tap_name(port), mac(1), "10.0.1.5/24")
    state = settle(scene, b, "b")
    bridge, space, tap = bridge_name(red), router_namespace(router), tap_name(port)
    for command, inside in (
        (f"ip link set {bridge} address 02:00:00:00:00:99", ""),
        (f"ip link set {bridge} mtu 1400 type bridge mcast_snooping 1 nf_call_iptables 0", ""),
        (f"ip link set {bridge} down", ""),
        (f"bridge link set dev {vxlan_name(1)} neigh_suppress off learning on", ""),
        (f"ip link set {vxlan_name(1)} nomaster", ""),
        (f"bridge fdb append 00:00:00:00:00:00 dev {vxlan_name(1)} dst 10.99.0.77 self", ""),
        (f"bridge fdb del {mac(2)} dev {vxlan_name(1)} self", ""),
        (f"ip neigh replace 10.0.1.6 lladdr 02:00:00:00:00:98 nud permanent dev {bridge}", ""),
        (f"ip link set {tap} nomaster mtu 1300 down", ""),
        (f"sysctl -qw net.ipv6.conf.{bridge}.addr_gen_mode=0", ""),
        (f"sysctl -qw net.ipv6.conf.{tap}.disable_ipv6=0", ""),
        (f"ip link del {bridge}", ""),
        (f"ip link del {vxlan_name(1)}", ""),
        ("ip link set lo down", space),
        ("sysctl -qw net.ipv4.ip_forward=0", space),
        ("ip route del 192.168.0.0/16", space),
        ("ip addr add 10.0.1.77/24 dev $(ls /proc/sys/net/ipv4/conf | grep qr-)", space),
        ("ip link set $(ls /proc/sys/net/ipv4/conf | grep qr-) down", space),
        ("ip link set $(ls /proc/sys/net/ipv4/conf | grep qr-) address 02:00:00:00:00:97", space),
        ("ip link del $(ls /proc/sys/net/ipv4/conf | grep qr-)", space),
    ):
        b.sh(command, space=inside)
        assert b.plan(state).steps != (), command
        assert b.converge(state) == [], command
        assert b.plan(state).steps == (), command
    assert b.reaches("10.0.1.1", "vm1")


def test_a_plugged_tap_is_told_of(hosts: tuple[RigHost, RigHost]) -> None:
    """The door's descriptor becomes readable when a tap comes or goes, and what we do ourselves is no news."""
    _, b = hosts
    scene = Scene(V4)
    red = scene.network(1, "10.0.1.0/24")
    scene.leg(11, scene.router(1, "b"), red, "10.0.1.1")
    settle(scene, b, "b")
    assert b.run(b.door.drain) == frozenset()
    b.vm("vm1", "tapnew", mac(1))
    assert b.run(b.door.drain) == {"tapnew"}
    b.observe()
    b.sh("ip link del tapnew")
    assert b.run(b.door.drain) == {"tapnew"}


def descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_more_namespaces_than_sockets_are_kept(hosts: tuple[RigHost, RigHost], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many routers a host has, it holds a bounded number of descriptors, and finds all as they shall be."""
    monkeypatch.setattr(netlink, "KEPT_SOCKETS", 3)
    host = hosts[0]
    wanted = LinkState(namespaces=frozenset(Namespace(router_namespace(f"{n}"), owner=f"router/{n}") for n in range(8)))
    before = descriptors()
    for _ in range(2):
        assert host.converge(wanted) == []
    assert host.observe().state.namespaces == wanted.namespaces
    assert descriptors() <= before + 3
    assert host.converge(LinkState()) == []
    assert descriptors() <= before


def test_what_only_looks_like_a_namespace_does_not_blind_us(hosts: tuple[RigHost, RigHost]) -> None:
    """A namespace of another kind under a name like ours is others', and all the rest is looked at and made."""
    host = hosts[0]
    odd, good = Namespace(router_namespace("odd"), owner="router/odd"), Namespace(router_namespace("good"), owner="router/good")
    assert host.converge(LinkState(namespaces=frozenset({good}))) == []
    host.sh(f"touch {host.directory}/{odd.name}; mount --bind /proc/self/ns/uts {host.directory}/{odd.name}")
    assert host.observe().foreign_namespaces == {odd.name}
    troubles = host.converge(LinkState(namespaces=frozenset({odd, good})))
    assert [trouble.owner for trouble in troubles] == ["router/odd"]
    assert host.observe().state.namespaces == {good}


def test_a_physical_network_gets_another_interface(hosts: tuple[RigHost, RigHost]) -> None:
    """After a start with another mapping the bridge has the new uplink, and never had both."""
    host = hosts[0]
    bridge = bridge_name("11111111-1111-4111-8111-111111111111")
    made = Bridge(bridge, mac(9), 1500, owner="network/11111111-1111-4111-8111-111111111111")
    host.sh("ip link add phys1 type veth peer name far1; ip link add phys2 type veth peer name far2")

    def with_uplink(name: str) -> LinkState:
        return LinkState(links=frozenset({made, Uplink(name, bridge, owner=made.owner)}))

    assert host.converge(with_uplink("phys1")) == []
    steps = host.plan(with_uplink("phys2")).steps
    assert [(type(step).__name__, getattr(step.what, "name", "")) for step in steps] == [
        ("Remove", "phys1"),
        ("Change", "phys2"),
    ]
    assert host.converge(with_uplink("phys2")) == []
    assert f"master {bridge}" in host.sh("ip link show phys2")
    assert "master" not in host.sh("ip link show phys1")


def test_a_tap_that_went_and_came_back_is_noticed(hosts: tuple[RigHost, RigHost]) -> None:
    """Between two looks a VM was rebooted: its tap has the same name and is on no bridge. It is told, and joined again."""
    host = hosts[0]
    bridge = bridge_name("11111111-1111-4111-8111-111111111111")
    made = Bridge(bridge, mac(9), 1500, owner="network/11111111-1111-4111-8111-111111111111")
    tap = tap_name("22222222-2222-4222-8222-222222222222")
    host.sh(f"ip link add {tap} type veth peer name vm")
    wanted = LinkState(links=frozenset({made, Tap(tap, bridge, 1500, owner="port/22222222-2222-4222-8222-222222222222")}))
    assert host.converge(wanted) == []
    host.run(host.door.drain)
    host.sh(f"ip link del {tap}; ip link add {tap} type veth peer name vm")
    assert tap in host.run(host.door.drain)
    assert host.converge(wanted) == []
    assert f"master {bridge}" in host.sh(f"ip link show {tap}")
