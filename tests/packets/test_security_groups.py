"""Who reaches whom through our security groups, with real packets."""

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from filter_worlds import World, anywhere, make_port, make_rule, new_id, settle
from ground import Node, attach_port, command, echoes, make_bridge, make_vm, on_own_ground, until
from kaon.host.kernel.filters import KernelFilters
from kaon.host.state.names import bridge_name
from kaon.wire.ports import HostPort
from kaon.wire.security_groups import Rule

pytestmark = pytest.mark.root

FAMILIES = (4, 6)


def address(port: HostPort, family: int) -> str:
    """Give a port's address of a family, 4 or 6."""
    return port.fixed_ips[0 if family == 4 else 1].ip_address


def both(direction: str, protocol: str | None = None, **more: object) -> tuple[Rule, Rule]:
    """Make a rule for each family."""
    return make_rule(direction, "IPv4", protocol, **more), make_rule(direction, "IPv6", protocol, **more)


class Three:
    """Three VMs on one network: a and c may go anywhere, b lets in what the test says."""

    def __init__(self, tmp_path: Path, *, vms: bool = True) -> None:
        self.door = KernelFilters(tmp_path)
        self.world = World()
        self.network = new_id()
        self.friends = self.world.group()
        self.rules = both("ingress", "tcp", port=8080, remote_group_id=self.friends)
        self.opened = self.world.group(*anywhere(), *self.rules)
        self.quiet = self.world.group(*anywhere())
        self.ports = {
            "a": make_port(self.network, 11, (self.quiet, self.friends)),
            "b": make_port(self.network, 12, (self.opened,)),
            "c": make_port(self.network, 13, (self.quiet,)),
        }
        self.world.members(self.friends, self.ports["a"])
        self.world.bind(*self.ports.values())
        settle(self.world, self.door)
        make_bridge(self.network)
        self.vms: dict[str, Node] = {}
        if vms:
            self.vms = {name: make_vm(port) for name, port in self.ports.items()}
            for vm in self.vms.values():
                vm.listen(8080).listen(8081)

    def to(self, name: str, family: int) -> str:
        """Give a VM's address."""
        return address(self.ports[name], family)

    def settle(self) -> None:
        """Apply what has changed."""
        settle(self.world, self.door)


@on_own_ground
def test_a_group_member_reaches_exactly_the_opened_port(tmp_path: Path) -> None:
    """Of two TCP ports and an echo, a member gets the one that a rule names, and nobody else gets any, in both families."""
    three = Three(tmp_path)
    for family in FAMILIES:
        seen = {
            (source, port): three.vms[source].reaches(three.to("b", family), port) for source in "ac" for port in (8080, 8081)
        }
        assert seen == {("a", 8080): True, ("a", 8081): False, ("c", 8080): False, ("c", 8081): False}
        assert not three.vms["a"].pings(three.to("b", family))
        assert not three.vms["b"].reaches(three.to("a", family), 8080)


@on_own_ground
def test_icmp_and_large_packets_pass_where_a_rule_says(tmp_path: Path) -> None:
    """An echo of 4000 bytes, in fragments, passes once its type is allowed; a port error comes back as related."""
    three = Three(tmp_path)
    echo4, echo6 = (
        make_rule("ingress", "IPv4", "icmp", port_range_min=8),
        make_rule("ingress", "IPv6", "icmp", port_range_min=128),
    )
    udp = both("ingress", "udp", port_range_min=9000, port_range_max=9999)
    three.world.group(*anywhere(), echo4, echo6, *udp, group_id=three.opened)
    three.settle()
    for family in FAMILIES:
        assert three.vms["a"].pings(three.to("b", family), "-s", "4000")
        sender = three.vms["a"].open_socket(three.to("b", family), kind=2)
        sender.connect((three.to("b", family), 9001))
        sender.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            sender.recv(1)


@on_own_ground
def test_egress_rules_hold(tmp_path: Path) -> None:
    """A VM whose group lets out one TCP port reaches no other."""
    three = Three(tmp_path)
    three.world.group(*anywhere(), *both("ingress", "tcp"), group_id=three.opened)
    three.world.group(*both("egress", "tcp", port=8080), group_id=three.quiet)
    three.settle()
    for family in FAMILIES:
        assert three.vms["a"].reaches(three.to("b", family), 8080)
        assert not three.vms["a"].reaches(three.to("b", family), 8081)


@on_own_ground
def test_a_revoked_rule_ends_the_flows_it_allowed_and_no_others(tmp_path: Path) -> None:
    """Removing the rule for one port cuts its connection; the one to the other port goes on, begun from either side."""
    three = Three(tmp_path)
    other = both("ingress", "tcp", port=8081)
    three.world.group(*anywhere(), *three.rules, *other, group_id=three.opened)
    three.settle()
    ends = []
    for family in FAMILIES:
        for number, port in enumerate((8080, 8081)):
            client = three.vms["a"].connect(three.to("b", family), port)
            assert client is not None
            server = three.vms["b"].listeners[(family == 6) + 2 * number].accept()[0]
            assert echoes(client, server)
            ends.append((port, client, server))
    back = three.vms["b"].connect(three.to("a", 4), 8080)
    assert back is None
    three.world.group(*anywhere(), *other, group_id=three.opened)
    three.settle()
    assert {(port, echoes(client, server)) for port, client, server in ends} == {(8080, False), (8081, True)}


@on_own_ground
def test_a_revoked_download_ends_and_goes_on_when_it_is_allowed_again(tmp_path: Path) -> None:
    """The serving side may send to anybody, and the client takes anything: still nothing more of the old flow arrives."""
    three = Three(tmp_path)
    three.world.group(*anywhere(), *both("ingress"), group_id=three.quiet)
    three.settle()
    ends = {}
    for family in FAMILIES:
        client = three.vms["a"].connect(three.to("b", family), 8080)
        assert client is not None
        ends[family] = client, three.vms["b"].listeners[family == 6].accept()[0]
    three.world.group(*anywhere(), group_id=three.opened)
    three.settle()
    for client, server in ends.values():
        server.send(b"still")
        client.settimeout(1.0)
        with pytest.raises(TimeoutError):
            client.recv(5)
    three.world.group(*anywhere(), *three.rules, group_id=three.opened)
    three.settle()
    for client, _ in ends.values():
        client.settimeout(5.0)
        assert client.recv(5) == b"still"


@on_own_ground
def test_a_member_that_leaves_loses_its_flows(tmp_path: Path) -> None:
    """Leaving the remote group cuts what membership allowed, and touches one element of a set only."""
    three = Three(tmp_path)
    client = three.vms["a"].connect(three.to("b", 6), 8080)
    assert client is not None
    server = three.vms["b"].listeners[1].accept()[0]
    assert echoes(client, server)
    three.world.members(three.friends, three.ports["c"])
    plan = settle(three.world, three.door)
    lines = [line for transaction in plan.transactions for line in transaction.text.splitlines()]
    assert [line.split()[:2] for line in lines] == [
        ["delete", "element"],
        ["delete", "element"],
        ["add", "element"],
        ["add", "element"],
    ]
    assert not echoes(client, server)
    assert three.vms["c"].reaches(three.to("b", 6), 8080)


@on_own_ground
def test_flows_outlive_every_rewrite(tmp_path: Path) -> None:
    """A connection goes on when the agent starts anew, when its records are lost and when the table is written again."""
    three = Three(tmp_path)
    client = three.vms["a"].connect(three.to("b", 4), 8080)
    assert client is not None
    server = three.vms["b"].listeners[0].accept()[0]
    three.door = KernelFilters(tmp_path)
    assert not settle(three.world, three.door)
    three.door = KernelFilters(tmp_path / "elsewhere")
    assert settle(three.world, three.door).transactions
    assert echoes(client, server)


@on_own_ground
def test_two_networks_with_the_same_addresses_share_no_flow(tmp_path: Path) -> None:
    """The same five-tuple, established in one network, is not let in as established in another."""
    three = Three(tmp_path)
    second = new_id()
    twins = {name: make_port(second, number, (three.quiet,)) for name, number in (("a", 11), ("b", 12))}
    three.world.bind(*twins.values())
    three.settle()
    make_bridge(second)
    vms = {name: make_vm(port) for name, port in twins.items()}
    vms["b"].listen(8080)
    held = three.vms["a"].connect(three.to("b", 4), 8080, source_port=33333)
    assert held is not None
    assert vms["a"].connect(three.to("b", 4), 8080, source_port=33333) is None
    three.world.group(*anywhere(), *both("ingress"), group_id=three.quiet)
    three.settle()
    assert vms["a"].connect(three.to("b", 4), 8080, source_port=33334) is not None


@on_own_ground
def test_a_port_without_port_security_is_not_filtered(tmp_path: Path) -> None:
    """Switching port security off opens the port, addresses and all."""
    three = Three(tmp_path)
    free = HostPort(
        **{name: getattr(three.ports["b"], name) for name in HostPort.__struct_fields__} | {"port_security_enabled": False}
    )
    three.world.bind(free)
    three.settle()
    assert three.vms["c"].reaches(three.to("b", 4), 8081)
    three.vms["b"].run("ip addr add 10.0.0.99/24 dev eth0")
    three.vms["c"].listen(8082)
    assert three.vms["b"].pings(three.to("c", 4), "-I", "10.0.0.12") is False
    three.world.group(*anywhere(), *both("ingress"), group_id=three.quiet)
    three.settle()
    assert three.vms["b"].pings(three.to("c", 4), "-I", "10.0.0.99")


@on_own_ground
def test_a_tap_that_is_no_port_any_more_is_closed_until_it_is_detached(tmp_path: Path) -> None:
    """A deleted port's VM reaches nobody and is reached by nobody as long as its tap is on the bridge."""
    three = Three(tmp_path)
    three.world.group(*anywhere(), *both("ingress"), group_id=three.quiet)
    three.settle()
    assert three.vms["a"].pings(three.to("c", 4))
    tap = f"tap{three.ports['a'].id[:11]}"
    three.world.unbind(three.ports["a"])
    settle(three.world, three.door, frozenset({tap}))
    assert not three.vms["a"].pings(three.to("c", 4))
    assert not three.vms["c"].pings(three.to("a", 4))
    settle(three.world, three.door)
    text = three.vms["c"].run("true") + str(three.door.observe([]))
    assert tap not in text


@on_own_ground
def test_nothing_spoofed_leaves_a_port(tmp_path: Path) -> None:
    """Frames with a foreign MAC, IPv4, ARP sender, IPv6 source or advertised target do not arrive; the port's own do."""
    three = Three(tmp_path)
    port, mac = three.ports["a"], bytes.fromhex(three.ports["a"].mac_address.replace(":", ""))
    to = bytes.fromhex(three.ports["b"].mac_address.replace(":", ""))
    own4, own6 = _packed("10.0.0.11"), _packed("fd00::b")
    link_local = _packed("fe80::f816:3eff:fe00:b")
    good = {
        "arp": _arp(mac, mac, own4),
        "arp probe": _arp(mac, mac, bytes(4)),
        "na": _nd(mac, to, own6, 136, own6),
        "na of link-local": _nd(mac, to, link_local, 136, link_local),
        "ns for detection": _nd(mac, to, bytes(16), 135, own6),
    }
    forged = bytes.fromhex("fa163edead01")
    bad = {
        "mac": _arp(forged, mac, own4),
        "arp mac": _arp(mac, forged, own4),
        "arp ip": _arp(mac, mac, _packed("10.0.0.99")),
        "ipv4": to + mac + b"\x08\x00" + _ipv4(_packed("10.0.0.99"), _packed("10.0.0.12")),
        "dhcp server": to + mac + b"\x08\x00" + _ipv4(own4, _packed("10.0.0.12"), udp=(67, 68)),
        "ipv6": _nd(mac, to, _packed("fd00::99"), 135, own6),
        "na target": _nd(mac, to, own6, 136, _packed("fd00::d")),
        "router": _nd(mac, to, link_local, 134, bytes(16)),
        "redirect": _nd(mac, to, link_local, 137, own6),
        "lldp": bytes.fromhex("0180c200000e") + mac + b"\x88\xcc" + bytes(46),
    }
    assert port.fixed_ips[1].ip_address == "fd00::b"
    assert _arriving(three, good) == set(good)
    assert _arriving(three, bad) == set()


def _arriving(three: Three, frames: dict[str, bytes]) -> set[str]:
    """Send frames from a and tell which b sees, each marked by a last ARP of its own that must arrive."""
    seen = set()
    with three.vms["b"].frames() as ear:
        for name, frame in frames.items():
            mac = bytes.fromhex(three.ports["a"].mac_address.replace(":", ""))
            last = _arp(mac, mac, _packed("10.0.0.11"), _packed("10.0.0.254"))
            three.vms["a"].sends(frame, last)
            while True:
                got = ear.recv(2048)
                if got.startswith(frame):
                    seen.add(name)
                if got.startswith(last):
                    break
    return seen


def _packed(text: str) -> bytes:
    return ip_address(text).packed


def _arp(source: bytes, sender: bytes, address: bytes, target: bytes | None = None) -> bytes:
    body = bytes.fromhex("0001080006040001") + sender + address + bytes(6) + (target or address)
    return b"\xff" * 6 + source + b"\x08\x06" + body


def _checksum(data: bytes) -> bytes:
    words = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while words > 0xFFFF:
        words = (words >> 16) + (words & 0xFFFF)
    return (~words & 0xFFFF).to_bytes(2, "big")


def _ipv4(source: bytes, destination: bytes, udp: tuple[int, int] = (1000, 2000)) -> bytes:
    payload = udp[0].to_bytes(2, "big") + udp[1].to_bytes(2, "big") + (8).to_bytes(2, "big") + bytes(2)
    head = b"\x45\0" + (20 + len(payload)).to_bytes(2, "big") + bytes(4) + b"\x40\x11" + bytes(2) + source + destination
    return head[:10] + _checksum(head) + head[12:] + payload


def _nd(mac: bytes, to: bytes, source: bytes, kind: int, target: bytes) -> bytes:
    body = bytes([kind, 0, 0, 0]) + bytes(4) + target
    destination = _packed("fd00::c")
    pseudo = source + destination + len(body).to_bytes(4, "big") + b"\0\0\0\x3a"
    body = body[:2] + _checksum(pseudo + body) + body[4:]
    head = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + b"\x3a\xff"
    return to + mac + b"\x86\xdd" + head + source + destination + body


@on_own_ground
def test_a_port_is_closed_while_its_rules_are_not_known(tmp_path: Path) -> None:
    """A port whose group is not held sends and receives nothing but what finds addresses and neighbours."""
    three = Three(tmp_path)
    late = make_port(three.network, 20, (new_id(),))
    three.world.bind(late)
    settle(three.world, three.door)
    vm = make_vm(late, attach=False)
    attach_port(late)
    vm.listen(8080)
    assert not vm.reaches(three.to("b", 4), 8080)
    assert not three.vms["a"].reaches("10.0.0.20", 8080)
    three.world.group(*anywhere(), *both("ingress"), group_id=late.security_groups[0])
    settle(three.world, three.door)
    until(lambda: three.vms["a"].reaches("10.0.0.20", 8080), "the late port is open")


@on_own_ground
def test_a_vm_gets_neither_at_its_host_nor_through_it(tmp_path: Path) -> None:
    """Packets sent to the bridge's own MAC are not taken in by the host and not routed by it, while bridged ones pass."""
    three = Three(tmp_path)
    bridge = bridge_name(three.network)
    command("ip link set lo up")
    command("ip addr add 192.0.2.7/32 dev lo")
    command("ip -6 addr add 2001:db8::7/128 dev lo")
    command("ip link add out type veth peer name away")
    command("ip netns add away")
    command("ip link set away netns away up")
    command("ip link set out up")
    command("ip addr add 198.51.100.1/24 dev out")
    command("ip -n away addr add 198.51.100.2/24 dev away")
    command("ip -n away route add default via 198.51.100.1")
    command("sysctl -qw net.ipv4.ip_forward=1")
    command(f"ip route replace 10.0.0.0/24 dev {bridge}")
    command(f"ip neigh replace {three.to('a', 4)} lladdr {three.ports['a'].mac_address} dev {bridge}")
    mac = json.loads(command(f"ip -j link show {bridge}"))[0]["address"]
    for family, target in ((4, "192.0.2.7"), (6, "2001:db8::7"), (4, "198.51.100.2")):
        three.vms["a"].run(f"ip -{family} route replace {target} dev eth0")
        three.vms["a"].run(f"ip neigh replace {target} lladdr {mac} dev eth0 nud permanent")
    table = command("nft list table inet kaon")
    assert [target for target in ("192.0.2.7", "2001:db8::7", "198.51.100.2") if three.vms["a"].pings(target)] == []
    assert three.vms["a"].reaches(three.to("b", 4), 8080)
    # Without our table the same packets arrive: the test can tell.
    command("nft delete table inet kaon")
    assert three.vms["a"].pings("192.0.2.7")
    assert three.vms["a"].pings("198.51.100.2")
    assert "taken_in" in table
