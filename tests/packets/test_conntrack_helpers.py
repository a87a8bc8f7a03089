"""Helpers of connection tracking at a router, with real packets: what a protocol opens besides comes in."""

import socket
from pathlib import Path

import pytest

from filter_worlds import World, look, new_id, settle
from ground import Node, command, make_node, on_own_ground
from kaon.host.kernel.filters import KernelFilters
from kaon.host.plan.filters import plan_filters, without_rules
from kaon.host.state.names import gateway_leg, router_leg, router_namespace
from kaon.wire.routers import ConntrackHelper

pytestmark = pytest.mark.root

GATEWAY, OUTSIDE, INSIDE = "203.0.113.2", "203.0.113.100", "10.1.0.10"
TFTP = ConntrackHelper(helper="tftp", protocol="udp", port=69)
READ = b"\0\1file\0octet\0"
"""A request for a file (RFC 1350): the answer comes from a port that nobody has heard of."""


class Routed:
    """A router that translates, somebody behind it, and somebody outside."""

    def __init__(self, tmp_path: Path) -> None:
        self.router, self.door, self.world = new_id(), KernelFilters(tmp_path), World()
        self.leg, self.gateway = (new_id(), new_id(), "10.1.0.1"), (new_id(), new_id(), GATEWAY)
        self.namespace = router_namespace(self.router)
        command(f"ip netns add {self.namespace}")
        command(f"ip netns exec {self.namespace} sysctl -qw net.ipv4.ip_forward=1")
        self.inside = self._node("inside", INSIDE, router_leg(self.leg[0]), "10.1.0.1")
        self.outside = self._node("outside", OUTSIDE, gateway_leg(self.gateway[0]), GATEWAY)

    def _node(self, name: str, address: str, device: str, gateway: str) -> Node:
        node = make_node(name, f"fa:16:3e:00:01:{len(name):02x}", (address,), device)
        command(f"ip link set {device} netns {self.namespace}")
        command(f"ip -n {self.namespace} addr add {gateway}/24 dev {device}")
        command(f"ip -n {self.namespace} link set {device} up")
        node.run(f"ip route replace default via {gateway}")
        return node

    def host(self, *helpers: ConntrackHelper) -> None:
        """Host the router with these helpers."""
        self.world.router(self.router, self.gateway, [self.leg], helpers=helpers)

    def asks(self, port: int) -> tuple[bytes, str]:
        """Send a request to a port outside, and give what comes back from another one, and whom that one answers."""
        server, other, client = (
            self.outside.open_socket(OUTSIDE, socket.SOCK_DGRAM),
            self.outside.open_socket(OUTSIDE, socket.SOCK_DGRAM),
            self.inside.open_socket(INSIDE, socket.SOCK_DGRAM),
        )
        with server, other, client:
            server.bind((OUTSIDE, port))
            other.bind((OUTSIDE, 0))
            client.sendto(READ, (OUTSIDE, port))
            _, asking = server.recvfrom(100)
            other.sendto(b"data", asking)
            client.settimeout(0.4)
            try:
                return client.recv(100), asking[0]
            except (TimeoutError, ConnectionRefusedError):
                return b"", asking[0]


@on_own_ground
def test_an_answer_from_another_port_comes_in_by_a_helper(tmp_path: Path) -> None:
    """To the port that has one, and only as long as it has one; translated as the request was."""
    routed = Routed(tmp_path)
    told = []
    for helpers in ((), (TFTP,), ()):
        routed.host(*helpers)
        settle(routed.world, routed.door)
        told.append((routed.asks(69), routed.asks(70)))
    nothing, data = (b"", GATEWAY), (b"data", GATEWAY)
    assert told == [(nothing, nothing), (data, nothing), (nothing, nothing)]


@on_own_ground
def test_a_helper_that_the_kernel_has_not_takes_nothing_with_it(tmp_path: Path) -> None:
    """It is refused for the router; all else is written without it, and stands."""
    routed = Routed(tmp_path)
    routed.host(ConntrackHelper(helper="nosuch", protocol="tcp", port=1), TFTP)
    compiled, plan = look(routed.world, routed.door)
    (trouble,) = routed.door.apply(plan)
    assert (trouble.owner, trouble.namespace) == (f"router/{routed.router}", routed.namespace)
    left = without_rules(compiled.state, [(trouble.namespace, trouble.refused)])
    assert routed.door.apply(plan_filters(left, routed.door.observe([routed.namespace]))) == []
    assert not plan_filters(left, routed.door.observe([routed.namespace]))
    assert routed.asks(69) == (b"data", GATEWAY)


@on_own_ground
def test_helpers_are_known_by_the_kernel_under_our_names(tmp_path: Path) -> None:
    """All that the API offers but amanda over TCP, which the kernel does not understand."""
    routed = Routed(tmp_path)
    names = ("ftp/tcp", "h323/udp", "h323/tcp", "irc/tcp", "netbios-ns/udp", "pptp/tcp", "sane/tcp", "sip/udp", "snmp/udp")
    pairs = [name.split("/") for name in names]
    routed.host(*(ConntrackHelper(helper=name, protocol=protocol, port=7) for name, protocol in pairs), TFTP)
    settle(routed.world, routed.door)
    assert settle(routed.world, KernelFilters(tmp_path)).transactions == ()
