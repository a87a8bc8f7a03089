"""What limits and marks do to real packets."""

import socket
import struct
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from filter_worlds import World, anywhere, make_port, make_rule, new_id, settle
from ground import Node, command, make_bridge, make_vm, on_own_ground, throughput
from kaon.host.compile.qos import compile_qos
from kaon.host.kernel.filters import KernelFilters
from kaon.host.kernel.traffic_control import TrafficControl
from kaon.host.plan.qos import plan_qos
from kaon.host.state.names import tap_name
from kaon.host.state.qos import HANDLE
from kaon.wire.floatingips import FloatingIp
from kaon.wire.ports import AddressPair
from kaon.wire.qos_rules import QosRule

pytestmark = pytest.mark.root

LIMIT_KBPS = 20_000
_SO_RCVBUFFORCE = 33


class Two:
    """Two VMs on one network that may say anything to each other; a has a policy."""

    def __init__(self, tmp_path: Path) -> None:
        self.filters = KernelFilters(tmp_path)
        self.limits = TrafficControl()
        self.world = World()
        network = new_id()
        group = self.world.group(*anywhere(), make_rule("ingress", "IPv4"), make_rule("ingress", "IPv6"))
        self.ports = [make_port(network, number, (group,)) for number in (11, 12)]
        self.world.bind(*self.ports)
        self.taps = frozenset(tap_name(port.id) for port in self.ports)
        make_bridge(network)
        self.policy()
        self.a, self.b = (make_vm(port) for port in self.ports)

    def policy(self, *rules: QosRule) -> int:
        """Give a these rules; say how many steps that took in the doors for limits."""
        self.world.bind(msgspec.structs.replace(self.ports[0], qos=rules))
        settle(self.world, self.filters)
        plan = plan_qos(compile_qos(self.world.view()), self.limits.observe(), self.taps)
        assert (plan.troubles, self.limits.apply(plan.steps)) == ((), [])
        return len(plan.steps)


def bandwidth(direction: str, kbps: int = LIMIT_KBPS) -> QosRule:
    """Limit a direction."""
    return QosRule(kind="bandwidth_limit", direction=direction, amount=kbps)


@on_own_ground
def test_a_limited_port_gets_and_sends_no_more_than_its_rule_says(tmp_path: Path) -> None:
    """Each direction alone and both, then none: TCP goes near the limit where there is one, and far above where not."""
    two = Two(tmp_path)
    for rules in ({"ingress"}, {"egress"}, {"ingress", "egress"}, set[str]()):
        two.policy(*map(bandwidth, sorted(rules)))
        for direction, rate in (("ingress", throughput(two.b, two.a)), ("egress", throughput(two.a, two.b))):
            if direction in rules:
                assert LIMIT_KBPS * 0.5 < rate < LIMIT_KBPS * 1.15, (rules, direction)
            else:
                assert rate > LIMIT_KBPS * 2, (rules, direction)


@on_own_ground
def test_a_policy_that_changes_loses_no_packet(tmp_path: Path) -> None:
    """While an echo runs every few milliseconds, limits change, marks and rates come and go; each echo comes back."""
    two = Two(tmp_path)
    two.policy(bandwidth("ingress", 100), bandwidth("egress", 100))
    words = ["ip", "netns", "exec", two.a.name, "ping", "-i", "0.005", "-c", "300", "-W", "2", two.b.addresses[0]]
    echo = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    rate = QosRule(kind="packet_rate_limit", direction="egress", amount=10)
    for kbps in (1000, 50_000_000, 2000, 1001) * 4:
        assert two.policy(bandwidth("ingress", kbps), bandwidth("egress", kbps), QosRule(kind="dscp_marking", amount=10)) == 2
        assert two.policy(bandwidth("ingress", kbps), bandwidth("egress", 3 * kbps), rate) == 1
    said = echo.communicate(timeout=30)[0]
    assert " 300 received" in said, said


@on_own_ground
def test_a_mark_is_on_the_wire_in_both_families(tmp_path: Path) -> None:
    """What a sends carries AF21, what it gets is as it was sent, and nothing is marked when the rule is gone."""
    two = Two(tmp_path)
    for rules, mark in (((QosRule(kind="dscp_marking", amount=18),), 18), ((), 0)):
        two.policy(*rules)
        for family in (0, 1):
            assert seen_mark(two.a, two.b, family) == mark
            assert seen_mark(two.b, two.a, family) == 0


def seen_mark(sender: Node, receiver: Node, family: int) -> int:
    """Send a datagram, and read the mark that it arrives with."""
    to = receiver.addresses[family]
    with receiver.open_socket(to, socket.SOCK_DGRAM) as server, sender.open_socket(to, socket.SOCK_DGRAM) as client:
        if family:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            server.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        server.bind((to, 9001))
        client.sendto(b"x", (to, 9001))
        _, told, _, _ = server.recvmsg(10, 100)
    raw = told[0][2]
    return (struct.unpack("=i", raw)[0] if family else raw[0]) >> 2


@on_own_ground
def test_packets_above_the_rate_are_dropped(tmp_path: Path) -> None:
    """Of a flood, a burst passes and then a thousand a second, in the direction of the rule only."""
    two = Two(tmp_path)
    ways = {"egress": (two.a, two.b), "ingress": (two.b, two.a)}
    for limited in ways:
        two.policy(QosRule(kind="packet_rate_limit", direction=limited, amount=1))
        for direction, (sender, receiver) in ways.items():
            passed, seconds = flood(sender, receiver, 2000)
            if direction == limited:
                assert 50 < passed < 150 + 1000 * seconds
            else:
                assert passed > 1900


def flood(sender: Node, receiver: Node, count: int) -> tuple[int, float]:
    """Send datagrams as fast as can be; give how many arrive, and how long the sending took."""
    to = receiver.addresses[0]
    with receiver.open_socket(to, socket.SOCK_DGRAM) as server, sender.open_socket(to, socket.SOCK_DGRAM) as client:
        server.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        server.bind((to, 9002))
        assert sender.pings(to)
        began = time.monotonic()
        for _ in range(count):
            client.sendto(b"x", (to, 9002))
        took = time.monotonic() - began
        server.settimeout(0.3)
        passed = 0
        try:
            while server.recv(10):
                passed += 1
        except TimeoutError:
            return passed, took
    raise AssertionError("an empty datagram")


@on_own_ground
def test_an_agent_that_starts_again_finds_nothing_to_do(tmp_path: Path) -> None:
    """A second door reads back exactly what the first one wrote; one more change is one step, made in place."""
    two = Two(tmp_path)
    rules = bandwidth("ingress", 40_000_000), bandwidth("egress", 64)
    assert two.policy(*rules) == 4
    before = command("ip -o link show type ifb")
    two.limits.close()
    two.limits = TrafficControl()
    assert two.policy(*rules) == 0
    assert two.policy(rules[0], bandwidth("egress", 65)) == 1
    assert command("ip -o link show type ifb") == before


@on_own_ground
def test_queues_of_others_are_left_alone(tmp_path: Path) -> None:
    """A root queue and filters that somebody made stay; the port's trouble names them, and what is free is limited."""
    two = Two(tmp_path)
    tap = tap_name(two.ports[0].id)
    command(f"tc qdisc add dev {tap} root handle 7: pfifo limit 99")
    two.world.bind(msgspec.structs.replace(two.ports[0], qos=(bandwidth("ingress"), bandwidth("egress"))))
    desired = compile_qos(two.world.view())
    plan = plan_qos(desired, two.limits.observe(), two.taps)
    assert [trouble.transient for trouble in plan.troubles] == [False]
    assert "pfifo" in plan.troubles[0].reason
    assert two.limits.apply(plan.steps) == []
    assert "limit 99p" in command(f"tc qdisc show dev {tap} root")
    command(f"tc qdisc del dev {tap} root")
    assert two.limits.apply(plan_qos(desired, two.limits.observe(), two.taps).steps) == []
    assert f"tbf {HANDLE >> 16:x}:" in command(f"tc qdisc show dev {tap} root")
    match = "u32 match ip protocol 250 0xff flowid 1:1"
    command(f"tc filter add dev {tap} ingress pref 5 protocol ip {match}")
    plan = plan_qos(desired, two.limits.observe(), two.taps)
    assert "filters" in plan.troubles[0].reason
    assert two.limits.apply(plan.steps) == []
    assert "pref 5 " in command(f"tc filter show dev {tap} ingress")
    assert two.policy() == 1
    assert "pref 5 " in command(f"tc filter show dev {tap} ingress")


@on_own_ground
def test_one_address_of_several_is_limited(tmp_path: Path) -> None:
    """Behind a gateway's tap, each direction of a floating IP has its own limit, and other addresses have none."""
    two = Two(tmp_path)
    (gateway, _), floating = two.ports, "10.0.0.21"
    two.a.run(f"ip addr add {floating}/24 dev eth0")
    pair = AddressPair(mac_address="", ip_address=floating)
    two.ports[0] = msgspec.structs.replace(gateway, allowed_address_pairs=(pair,))
    two.world.router(new_id(), (gateway.id, gateway.network_id, two.a.addresses[0]), [])
    scope = next(name for name in two.world.scopes if name.startswith("router:"))
    given = FloatingIp(
        id=new_id(),
        revision=1,
        floating_network_id=gateway.network_id,
        floating_ip_address=floating,
        fixed_ip_address="10.9.9.9",
    )
    slow = bandwidth("ingress"), bandwidth("egress", 2 * LIMIT_KBPS)
    for rules, steps in ((slow, 6), (slow[:1], 2), ((), 2)):
        two.world.put(scope, msgspec.structs.replace(given, qos=rules))
        assert two.policy() == steps
        assert two.policy() == 0
        assert throughput(two.b, two.a) > LIMIT_KBPS * 2.5
        assert (throughput(two.b, two.a, to=floating) < LIMIT_KBPS * 1.15) == bool(rules)
        assert (throughput(two.a, two.b, source=floating) < LIMIT_KBPS * 2.3) == (rules == slow)
