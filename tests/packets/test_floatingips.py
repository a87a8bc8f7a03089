"""Address translation of a router, with real packets: out by SNAT, in by floating IPs, neither between networks."""

import socket
from pathlib import Path

import pytest

from filter_worlds import World, floating, forwarding, new_id, settle
from ground import Node, command, echoes, make_node, on_own_ground
from kaon.host.kernel.filters import KernelFilters
from kaon.host.state.names import gateway_leg, router_leg, router_namespace

pytestmark = pytest.mark.root

GATEWAY, FLOATING, OTHER_FLOATING = "203.0.113.2", "203.0.113.10", "203.0.113.11"
OUTSIDE = "203.0.113.100"
ONE, TWO = "10.1.0.10", "10.2.0.10"


class Routed:
    """A router with two networks, a VM on each, and somebody outside."""

    def __init__(self, tmp_path: Path) -> None:
        self.router, self.door, self.world = new_id(), KernelFilters(tmp_path), World()
        self.legs = [(new_id(), new_id(), f"10.{number}.0.1") for number in (1, 2)]
        self.gateway = (new_id(), new_id(), GATEWAY)
        self.namespace = router_namespace(self.router)
        command(f"ip netns add {self.namespace}")
        command(f"ip netns exec {self.namespace} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        self.one = self._node("one", ONE, router_leg(self.legs[0][0]), "10.1.0.1")
        self.two = self._node("two", TWO, router_leg(self.legs[1][0]), "10.2.0.1")
        self.outside = self._node("outside", OUTSIDE, gateway_leg(self.gateway[0]), GATEWAY)
        for address in (FLOATING, OTHER_FLOATING):
            command(f"ip -n {self.namespace} addr add {address}/32 dev {gateway_leg(self.gateway[0])}")
        self.host(enable_snat=True)

    def host(self, *, enable_snat: bool) -> None:
        """Host the router, with or without SNAT."""
        self.world.router(self.router, self.gateway, self.legs, enable_snat=enable_snat)
        settle(self.world, self.door)

    def _node(self, name: str, address: str, device: str, gateway: str) -> Node:
        node = make_node(name, f"fa:16:3e:00:01:{len(name):02x}", (address,), device)
        command(f"ip link set {device} netns {self.namespace}")
        command(f"ip -n {self.namespace} addr add {gateway}/24 dev {device}")
        command(f"ip -n {self.namespace} link set {device} up")
        if name != "outside":
            node.run(f"ip route add default via {gateway}")
        return node.listen(80, "0.0.0.0")  # noqa: S104 - in a namespace of the test

    def associate(self, *pairs: tuple[str, str]) -> None:
        """Make these the floating IPs: (floating, fixed)."""
        scope = self.world.scopes[f"router:{self.router}"]
        for key in [key for key in scope if key.startswith("floatingip/")]:
            del scope[key]
        self.world.put(f"router:{self.router}", *(floating(*one) for one in pairs))
        settle(self.world, self.door)


def accepted(node: Node) -> tuple[socket.socket, str]:
    """Take the next connection: the socket, and who it says it is from."""
    taken, (address, *_) = node.listeners[0].accept()
    return taken, address


@on_own_ground
def test_a_vm_goes_out_under_the_gateways_address(tmp_path: Path) -> None:
    """Outside sees the gateway's address; between networks of the router the VM's own is seen."""
    routed = Routed(tmp_path)
    assert routed.one.reaches(OUTSIDE, 80)
    assert accepted(routed.outside)[1] == GATEWAY
    assert routed.one.reaches(TWO, 80)
    assert accepted(routed.two)[1] == ONE


@on_own_ground
def test_without_snat_nobody_is_translated(tmp_path: Path) -> None:
    """With enable_snat off, outside sees the VM's own address, and flows under the gateway's end."""
    routed = Routed(tmp_path)
    client = routed.one.connect(OUTSIDE, 80)
    assert client is not None
    server, _ = accepted(routed.outside)
    assert echoes(client, server)
    routed.host(enable_snat=False)
    routed.outside.run(f"ip route add 10.1.0.0/24 via {GATEWAY}")
    assert not echoes(client, server)
    assert routed.one.reaches(OUTSIDE, 80)
    assert accepted(routed.outside)[1] == ONE


@on_own_ground
def test_a_floating_ip_leads_in_and_out_until_it_is_removed(tmp_path: Path) -> None:
    """Outside reaches the VM at it and sees the VM under it; after removal neither, and open flows end."""
    routed = Routed(tmp_path)
    routed.associate((FLOATING, ONE))
    client = routed.outside.connect(FLOATING, 80)
    assert client is not None
    server, source = accepted(routed.one)
    assert (source, echoes(client, server)) == (OUTSIDE, True)
    assert routed.one.reaches(OUTSIDE, 80)
    assert accepted(routed.outside)[1] == FLOATING
    routed.associate()
    assert not echoes(client, server)
    assert not routed.outside.reaches(FLOATING, 80)
    assert routed.one.reaches(OUTSIDE, 80)
    assert accepted(routed.outside)[1] == GATEWAY


@on_own_ground
def test_removing_one_floating_ip_leaves_the_others_flows(tmp_path: Path) -> None:
    """Two VMs with a floating IP each: taking one away ends its flows only, and touches two elements."""
    routed = Routed(tmp_path)
    routed.associate((FLOATING, ONE), (OTHER_FLOATING, TWO))
    ends = []
    for address, vm in ((FLOATING, routed.one), (OTHER_FLOATING, routed.two)):
        client = routed.outside.connect(address, 80)
        assert client is not None
        ends.append((client, accepted(vm)[0]))
    routed.associate((OTHER_FLOATING, TWO))
    assert [echoes(*end) for end in ends] == [False, True]


@on_own_ground
def test_a_vm_reaches_another_by_its_floating_ip(tmp_path: Path) -> None:
    """From inside, a floating IP works too: the other VM sees the gateway's address, or the sender's floating IP."""
    routed = Routed(tmp_path)
    routed.associate((FLOATING, ONE))
    assert routed.two.reaches(FLOATING, 80)
    assert accepted(routed.one)[1] == GATEWAY
    assert routed.one.reaches(FLOATING, 80)
    accepted(routed.one)
    routed.associate((FLOATING, ONE), (OTHER_FLOATING, TWO))
    assert routed.two.reaches(FLOATING, 80)
    assert accepted(routed.one)[1] == OTHER_FLOATING


@on_own_ground
def test_a_floating_ip_that_moves_leads_to_its_new_vm(tmp_path: Path) -> None:
    """Re-associated, it ends the old flows and leads new ones to the other VM."""
    routed = Routed(tmp_path)
    routed.associate((FLOATING, ONE))
    client = routed.outside.connect(FLOATING, 80)
    assert client is not None
    server, _ = accepted(routed.one)
    routed.associate((FLOATING, TWO))
    assert not echoes(client, server)
    assert routed.outside.reaches(FLOATING, 80)
    accepted(routed.two)


@on_own_ground
def test_single_ports_lead_in_until_they_are_removed(tmp_path: Path) -> None:
    """One, several to one, several to as many, several to the same: also for a VM behind the router. Others lead nowhere."""
    routed = Routed(tmp_path)
    scope = f"router:{routed.router}"
    first = forwarding(FLOATING, ("tcp", 8080, 8080, ONE, 80, 80), ("tcp", 9000, 9002, TWO, 80, 80))
    other = forwarding(OTHER_FLOATING, ("tcp", 80, 82, ONE, 80, 82), ("tcp", 1079, 1081, TWO, 79, 81))
    routed.world.put(scope, first, other)
    settle(routed.world, routed.door)
    ways = [(FLOATING, 8080, routed.one), (FLOATING, 9000, routed.two), (FLOATING, 9002, routed.two)]
    for address, port, inside in (*ways, (OTHER_FLOATING, 80, routed.one), (OTHER_FLOATING, 1080, routed.two)):
        assert routed.outside.reaches(address, port)
        assert accepted(inside)[1] == OUTSIDE
    assert routed.two.reaches(FLOATING, 8080)
    assert accepted(routed.one)[1] == GATEWAY
    for address, port in ((FLOATING, 80), (FLOATING, 9003), (OTHER_FLOATING, 1082), (OTHER_FLOATING, 8080)):
        assert not routed.outside.reaches(address, port)
    kept = routed.outside.connect(OTHER_FLOATING, 80)
    kept_inside, _ = accepted(routed.one)
    del routed.world.scopes[scope][first.key]
    settle(routed.world, routed.door)
    assert not routed.outside.reaches(FLOATING, 8080)
    assert echoes(kept, kept_inside)
    assert not settle(routed.world, routed.door)  # the kernel has what was written
