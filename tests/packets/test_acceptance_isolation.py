"""Who reaches whom: two projects with the same addresses, security groups, routers, floating IPs, and VMs that lie.

Points 1, 2 and 5 of what shows that first light is done.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from kaon.lab import cloud, demo, frames, nodes, probes, vms
from kaon.lab.cloud import Cloud, Guest
from kaon.lab.topology import ECHO_PORT, INTERNET

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

STRANGE_MAC = "fa:16:3e:99:99:99"

World = dict[str, Guest]


@pytest.fixture(scope="module")
def world(tenants: Cloud) -> World:
    """red-1, red-2 (red-a), red-3 (red-b, routed), blue-1, blue-2: as in the demo."""
    with ThreadPoolExecutor(2) as pool:
        red, blue = pool.submit(demo.build_red, tenants), pool.submit(demo.build_blue, tenants)
        return {guest.name: guest for guest in (*red.result(), *blue.result())}


@contextmanager
def rule(tenants: Cloud, project: str, group: str, *options: str) -> Iterator[None]:
    """A rule of a security group for as long as the block lasts."""
    made = tenants.clients[project].run("security group rule create --ingress", *options, group)
    try:
        yield
    finally:
        tenants.clients[project].run("security group rule delete", made["id"])


@contextmanager
def floating_ip(tenants: Cloud, guest: Guest) -> Iterator[str]:
    """A floating IP of a VM for as long as the block lasts."""
    client = tenants.clients[guest.project]
    made = client.run("floating ip create --port", guest.port_id, cloud.PUBLIC)
    try:
        yield str(made["floating_ip_address"])
    finally:
        client.run("floating ip delete", made["id"])


def test_vms_have_the_addresses_that_the_api_shows(tenants: Cloud, world: World) -> None:
    """Every VM's lease is its port's fixed IP, and red and blue have the same ones."""
    for guest in world.values():
        shown = tenants.clients[guest.project].run("port show", guest.port_id)
        assert vms.address(guest.vm) == cloud.address_of(shown)
        assert shown["status"] == "ACTIVE"
    assert world["red-1"].address == world["blue-1"].address
    assert world["red-2"].address == world["blue-2"].address


def test_a_project_reaches_its_own_and_nobody_elses(world: World) -> None:
    """Across hosts, on one network and by the router; the wrong project is not reached though it has the address dialled."""
    seen = demo.matrix(tuple(world.values()))
    assert [check for check in seen if not check.holds] == []
    assert {(check.source, check.target) for check in seen if check.expected != demo.NOBODY} >= {
        ("red-1", "red-2"),
        ("red-2", "red-1"),
        ("red-1", "red-3"),
        ("red-3", "red-2"),
        ("blue-1", "blue-2"),
    }


def test_whole_packets_pass_between_hosts(world: World) -> None:
    """A packet of the network's full MTU crosses from host to host unfragmented, both ways."""
    one, other = world["red-1"], world["red-2"]
    size = one.network.mtu - 28  # IPv4 and ICMP headers
    for source, target in ((one, other), (other, one)):
        command = ["ping", "-M", "do", "-c", "2", "-i", "0.2", "-W", "2", "-s", str(size), target.address]
        assert nodes.run_inside(source.vm.pid, command, check=False).returncode == 0


def test_the_default_group_lets_nobody_in_from_outside_it(tenants: Cloud, world: World) -> None:
    """A VM of another group on the same network is not let in; what a group's member began is answered."""
    client = tenants.clients["red"]
    client.run("security group create strangers")
    stranger = cloud.launch(tenants, world["red-1"].network, "compute2", "stranger", "--security-group", "strangers")
    try:
        for name in ("red-1", "red-2"):
            assert cloud.who_answers(stranger.vm.pid, world[name].address) == ""
            assert probes.ping(stranger.vm.pid, world[name].address).received == 0
            assert cloud.who_answers(world[name].vm.pid, stranger.address) == ""
        with rule(tenants, "red", "strangers", "--protocol", "tcp", "--dst-port", "80"):
            assert (
                cloud.comes_true(lambda: cloud.who_answers(world["red-1"].vm.pid, stranger.address), "stranger") == "stranger"
            )
            assert cloud.who_answers(stranger.vm.pid, world["red-1"].address) == ""
    finally:
        cloud.remove(tenants, stranger)
        client.run("security group delete strangers")


def test_a_rule_opens_one_port_and_its_removal_ends_what_it_let_in(tenants: Cloud, world: World) -> None:
    """A rule for TCP 80 opens that port and no other; removed, a flow that was established through it stops too."""
    client = tenants.clients["red"]
    client.run("security group create closed")
    guest = cloud.launch(tenants, world["red-1"].network, "compute1", "closed", "--security-group", "closed")
    asker = world["red-2"].vm.pid
    try:
        assert cloud.who_answers(asker, guest.address, 80) == ""
        with rule(tenants, "red", "closed", "--protocol", "tcp", "--dst-port", "80"):
            assert cloud.comes_true(lambda: cloud.who_answers(asker, guest.address, 80), "closed") == "closed"
            assert cloud.who_answers(asker, guest.address, 22) == ""
            assert probes.ping(asker, guest.address).received == 0
            flow = probes.tcp_flow(asker, guest.address, 80, interval_s=0.05)
        with flow:
            # Once new connections are refused, the established one is silent too: its last word has no answer.
            assert cloud.comes_true(lambda: cloud.who_answers(asker, guest.address, 80), "") == ""
            report = flow.report()
            assert report.sent == report.echoed + 1
    finally:
        cloud.remove(tenants, guest)
        client.run("security group delete closed")


def test_the_outside_sees_a_project_by_its_routers_address(tenants: Cloud, world: World) -> None:
    """A VM without a floating IP reaches the outside and is seen by the gateway's address; without a router it does not."""
    gateway = demo.gateway_address(tenants, "red-router")
    seen = cloud.comes_true(lambda: cloud.asks(world["red-2"].vm.pid, INTERNET, ECHO_PORT).seen_as, gateway)
    assert gateway == seen
    assert not cloud.asks(world["blue-1"].vm.pid, INTERNET, ECHO_PORT).connected


def test_a_floating_ip_is_reached_and_is_gone_when_removed(tenants: Cloud, world: World) -> None:
    """The outside reaches a VM at its floating IP on the port that a rule opens, and the VM is seen by it; removed, neither."""
    outside = nodes.node(tenants.lab, "outside").pid
    guest = world["red-1"]
    with rule(tenants, "red", "default", "--protocol", "tcp", "--dst-port", "80"):
        with floating_ip(tenants, guest) as address:
            assert cloud.comes_true(lambda: cloud.who_answers(outside, address), guest.name) == guest.name
            assert cloud.who_answers(outside, address, 22) == ""
            assert cloud.asks(guest.vm.pid, INTERNET, ECHO_PORT).seen_as == address
        assert cloud.comes_true(lambda: cloud.who_answers(outside, address), "") == ""
        gateway = demo.gateway_address(tenants, "red-router")
        assert cloud.comes_true(lambda: cloud.asks(guest.vm.pid, INTERNET, ECHO_PORT).seen_as, gateway) == gateway


def claims(liar: Guest, victim: Guest, neighbour: Guest) -> dict[str, bytes]:
    """Claims by ARP and neighbour discovery to have what is another's."""
    mac, to = liar.vm.mac_address, neighbour.address
    return {
        "sender MAC": frames.arp(source_mac=mac, sender_mac=STRANGE_MAC, sender_ip=liar.address, target_ip=to),
        "sender IP": frames.arp(source_mac=mac, sender_mac=mac, sender_ip=victim.address, target_ip=to),
        "reply": frames.arp(source_mac=mac, sender_mac=mac, sender_ip=victim.address, target_ip=to, reply=True),
        "advertisement": frames.neighbour_advertisement(
            source_mac=mac, claimed_mac=mac, source_ip="fe80::bad", claimed_ip="fe80::bad"
        ),
    }


def test_a_lie_does_not_leave_its_port(tenants: Cloud, world: World) -> None:
    """Frames with another's IP, MAC or ARP claim reach no neighbour, on this host or another; honest ones are seen there."""
    liar, victim, far = world["red-1"], world["red-2"], world["red-3"]
    neighbour = cloud.launch(tenants, liar.network, liar.vm.host, "neighbour")

    def lie(source_mac: str, source_ip: str, payload: bytes) -> list[bytes]:
        """The same to the neighbour on this host and to the one on another."""
        return [
            frames.udp(
                macs=frames.Ends(source_mac, to.vm.mac_address), ips=frames.Ends(source_ip, to.address), port=9, payload=payload
            )
            for to in (neighbour, victim)
        ]

    marks = {name: f"kaon-{name}-mark".encode() for name in ("honest", "address", "mac", "both")}
    mine, mac = liar.address, liar.vm.mac_address
    lies = {
        "honest": lie(mac, mine, marks["honest"]),
        "address": lie(mac, far.address, marks["address"]),
        "mac": lie(STRANGE_MAC, mine, marks["mac"]),
        "both": lie(victim.vm.mac_address, victim.address, marks["both"]),
    }
    host = nodes.node(tenants.lab, liar.vm.host).pid
    assert liar.vm.host != victim.vm.host
    try:
        for name, sent in lies.items():
            with (
                probes.count_frames(neighbour.vm.pid, marks[name]) as near,
                probes.count_frames(victim.vm.pid, marks[name]) as away,
                probes.count_frames(host, marks[name]) as wire,
            ):
                probes.send_frames(liar.vm.pid, sent)
                # An honest datagram may be answered too, by an ICMP error that quotes it.
                seen = [count.report() > 0 for count in (near, away, wire)]
                assert (name, [name == "honest"] * 3) == (name, seen)
        truth = frames.arp(source_mac=mac, sender_mac=mac, sender_ip=mine, target_ip=neighbour.address)
        with probes.count_frames(neighbour.vm.pid, truth[14:42]) as near:
            probes.send_frames(liar.vm.pid, [truth])
            assert near.report() > 0
        for name, frame in claims(liar, victim, neighbour).items():
            body = frame[14:42]  # what is claimed, without the frame's head
            with probes.count_frames(neighbour.vm.pid, body) as near, probes.count_frames(host, body) as wire:
                probes.send_frames(liar.vm.pid, [frame])
                assert (name, 0, 0) == (name, near.report(), wire.report())
    finally:
        cloud.remove(tenants, neighbour)
