"""Address scopes at a router, with real packets: untranslated inside of one, translated or not at all between two."""

from pathlib import Path

import pytest

from filter_worlds import World, floating, new_id, settle
from ground import Node, command, echoes, make_node, on_own_ground, until
from kaon.host.kernel.filters import KernelFilters
from kaon.host.state.names import gateway_leg, router_leg, router_namespace
from kaon.wire.subnets import Subnet

pytestmark = pytest.mark.root

GATEWAY, FLOATING, OUTSIDE = "203.0.113.2", "203.0.113.10", "203.0.113.100"
NAMES = ("one", "two", "outside")


def addresses(name: str) -> tuple[str, str]:
    """Give somebody's IPv4 and IPv6 address."""
    number = NAMES.index(name) + 1
    return (OUTSIDE if name == "outside" else f"10.{number}.0.10", f"fd00:{number}::10")


class Routed:
    """A router with two networks, somebody on each, and somebody outside who knows the ways back."""

    def __init__(self, tmp_path: Path) -> None:
        self.router, self.door, self.world = new_id(), KernelFilters(tmp_path), World()
        self.legs = [(new_id(), new_id(), f"10.{number}.0.1") for number in (1, 2)]
        self.gateway = (new_id(), new_id(), GATEWAY)
        self.namespace = router_namespace(self.router)
        command(f"ip netns add {self.namespace}")
        command(
            f"ip netns exec {self.namespace} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
            "net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0"
        )
        devices = [*(router_leg(leg[0]) for leg in self.legs), gateway_leg(self.gateway[0])]
        own = (*(leg[2] for leg in self.legs), GATEWAY)
        self.nodes = {name: self._node(name, *there) for name, *there in zip(NAMES, devices, own, strict=True)}
        command(f"ip -n {self.namespace} addr add {FLOATING}/32 dev {devices[2]}")
        self.world.router(self.router, self.gateway, self.legs)
        # IPv6 begins on a device once the kernel has told of its carrier.
        links = f"ip -n {self.namespace} -6 -o addr show scope link"
        until(lambda: all(device in command(links) for device in devices), "every leg has a link-local address")

    def _node(self, name: str, device: str, router: str) -> Node:
        number = NAMES.index(name) + 1
        node = make_node(name, f"fa:16:3e:00:01:{number:02x}", addresses(name), device)
        command(f"ip link set {device} netns {self.namespace}")
        for setting in ("disable_ipv6", "accept_dad"):
            command(f"ip netns exec {self.namespace} sysctl -qw net.ipv6.conf.{device}.{setting}=0")
        for address in (f"{router}/24", f"fd00:{number}::1/64"):
            command(f"ip -n {self.namespace} addr add {address} dev {device} {'nodad' if ':' in address else ''}")
        command(f"ip -n {self.namespace} link set {device} up")
        node.run(f"ip route add default via {router}")
        node.run(f"ip -6 route add default via fd00:{number}::1")
        return node.listen(80, "0.0.0.0").listen(80, "::")  # noqa: S104 - in a namespace of the test

    def scopes(self, **names: str | None) -> None:
        """Say which address scope each network is in, in both families."""
        for name, (_, network, _) in zip(NAMES, (*self.legs, self.gateway), strict=True):
            for version, address in zip((4, 6), addresses(name), strict=True):
                cidr = f"{address.rpartition('.')[0]}.0/24" if version == 4 else f"{address[:-2]}/64"
                one = Subnet(id=f"{network}/{version}", ip_version=version, cidr=cidr, address_scope_id=names.get(name))
                self.world.put(f"network:{network}", one)
        settle(self.world, self.door)

    def seen(self, source: str, target: str, at: str = "") -> str | None:
        """Connect, and tell under which address one is seen there; None: not at all. at: by which address, else IPv4."""
        at = at or addresses(target)[0]
        client = self.nodes[source].connect(at, 80)
        if client is None:
            return None
        server, (address, *_) = self.nodes[target].listeners[":" in at].accept()
        assert echoes(client, server)
        return str(address)


@on_own_ground
def test_only_inside_one_scope_addresses_go_untranslated(tmp_path: Path) -> None:
    """Without scopes: as ever. The external network's scope: seen as one is, both ways, in both families."""
    routed = Routed(tmp_path)
    one4, one6 = addresses("one")
    outside6, two4, two6 = addresses("outside")[1], *addresses("two")
    routed.scopes()
    assert [routed.seen("one", "outside"), routed.seen("one", "two"), routed.seen("one", "outside", outside6)] == [
        GATEWAY,
        one4,
        one6,
    ]
    routed.scopes(one="blue", outside="blue")
    assert [routed.seen("one", "outside"), routed.seen("one", "outside", outside6)] == [one4, one6]
    assert [routed.seen("outside", "one"), routed.seen("outside", "one", one6)] == [OUTSIDE, outside6]
    # The other network is in another scope: out under the gateway's address, never in, not next door, not in IPv6.
    assert routed.seen("two", "outside") == GATEWAY
    assert routed.seen("two", "outside", outside6) is None
    assert [routed.seen("outside", "two"), routed.seen("outside", "two", two6)] == [None, None]
    for source, there in (("one", "two"), ("two", "one")):
        assert [routed.seen(source, there), routed.seen(source, there, addresses(there)[1])] == [None, None]
    # One scope for both is enough: the test can tell.
    routed.scopes(one="blue", two="blue")
    assert [routed.seen("one", "two"), routed.seen("one", "two", two6), routed.seen("two", "one")] == [one4, one6, two4]
    assert routed.seen("two", "outside") == GATEWAY


@on_own_ground
def test_floating_ips_lead_from_scope_to_scope(tmp_path: Path) -> None:
    """In and out, and from a network of another scope: what is translated passes."""
    routed = Routed(tmp_path)
    routed.world.put(f"router:{routed.router}", floating(FLOATING, addresses("one")[0]))
    routed.scopes(one="blue", two="red", outside="grey")
    assert routed.seen("outside", "one", FLOATING) == OUTSIDE
    assert routed.seen("one", "outside") == FLOATING
    assert routed.seen("two", "one", FLOATING) == GATEWAY
    assert routed.seen("two", "one") is None


@on_own_ground
def test_without_snat_scopes_are_apart(tmp_path: Path) -> None:
    """A router that does not translate lets out what is in the scope of its gateway's network only."""
    routed = Routed(tmp_path)
    routed.world.router(routed.router, routed.gateway, routed.legs, enable_snat=False)
    routed.scopes(one="blue", two="red", outside="blue")
    assert [routed.seen("one", "outside"), routed.seen("two", "outside")] == [addresses("one")[0], None]


@on_own_ground
def test_a_scope_that_changes_ends_what_it_let_through(tmp_path: Path) -> None:
    """Flows under the old rule do not go on, and new ones are as the new scopes say."""
    routed = Routed(tmp_path)
    routed.scopes(one="blue", two="blue", outside="blue")
    ends = []
    for name in ("two", "outside"):
        client = routed.nodes["one"].connect(addresses(name)[0], 80)
        assert client is not None
        ends.append((client, routed.nodes[name].listeners[0].accept()[0]))
        assert echoes(*ends[-1])
    routed.scopes(one="red", two="blue", outside="blue")
    assert [echoes(*end) for end in ends] == [False, False]
    assert [routed.seen("one", "outside"), routed.seen("one", "two")] == [GATEWAY, None]
