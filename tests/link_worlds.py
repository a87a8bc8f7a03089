"""Random link states for laws: small universes in which names, VNIs, inner ends and addresses often meet."""

from hypothesis import strategies as st

from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Link, Tap, Uplink, VethPair, Vxlan
from kaon.host.state.names import HOST
from kaon.host.state.namespaces import NAMESPACE_SYSCTLS, Namespace, Sysctl, bridge_sysctls, member_sysctls
from kaon.host.state.network_state import LinkState
from kaon.host.state.routes import Hop, Route

TAPS = ("tapvm000000001", "tapvm000000002", "tapvm000000003")
UPLINKS = ("phys1", "phys2")
SPACES = ("qrouter-one", "qdhcp-two")
REMOTES = ("10.99.0.2", "10.99.0.3")
OWN_MACS = ("fa:16:3e:00:01:01", "fa:16:3e:00:01:02")
"""A frame from a local port moves even a static entry of its MAC: no MAC is at home and remote at once."""

MACS = tuple(f"fa:16:3e:00:00:{n:02x}" for n in range(1, 5))


def subsets(*things: object) -> st.SearchStrategy[list[object]]:
    """Choose some of several things."""
    return st.lists(st.sampled_from(things), unique=True, max_size=len(things))


@st.composite
def states(draw: st.DrawFn) -> LinkState:
    """Draw a state that a host could have: whatever stands in something, stands in something that is there."""
    bridges = [_bridge(draw, n) for n in draw(subsets(1, 2, 3))]
    on = st.sampled_from([bridge.name for bridge in bridges]) if bridges else st.nothing()
    spaces = [Namespace(str(name), owner=f"router/{name}") for name in draw(subsets(*SPACES))]
    links: list[Link] = [*bridges]
    pairs: list[VethPair] = []
    if bridges:
        # A bridge has one tunnel: in two of one bridge the same MAC could not stand.
        apart = draw(st.permutations([bridge.name for bridge in bridges]))
        links += [_vxlan(draw, int(str(n)), bridge) for n, bridge in zip(draw(subsets(1, 2)), apart, strict=False)]
        links += [Tap(str(name), draw(on), draw(st.sampled_from((1400, 1450)))) for name in draw(subsets(*TAPS))]
        links += [Uplink(str(name), draw(on)) for name in draw(subsets(*UPLINKS))]
        if spaces:
            pairs = _pairs(draw, [space.name for space in spaces], on)
            links += pairs
    addresses, routes = _layer_three(draw, pairs)
    forwarding, neighbours = _forwarding(draw, links)
    switches = {Sysctl(space.name, key, value) for space in spaces for key, value in NAMESPACE_SYSCTLS.items()}
    for link in links:
        if not isinstance(link, Uplink):
            wanted = bridge_sysctls(link.name) if isinstance(link, Bridge) else member_sysctls(link.name)
            switches |= {Sysctl(HOST, key, value) for key, value in wanted.items()}
    return LinkState(
        namespaces=frozenset(spaces),
        links=frozenset(links),
        addresses=frozenset(addresses),
        routes=frozenset(routes),
        neighbours=frozenset(neighbours),
        forwarding=frozenset(forwarding),
        sysctls=frozenset(switches),
    )


def _bridge(draw: st.DrawFn, n: object) -> Bridge:
    return Bridge(
        name=f"brq{n}",
        mac=draw(st.sampled_from(("02:00:00:00:01:01", "02:00:00:00:01:02"))),
        mtu=draw(st.sampled_from((1450, 1500))),
        owner=draw(st.sampled_from(("network/x", "network/y"))),
    )


def _vxlan(draw: st.DrawFn, n: int, bridge: str) -> Vxlan:
    local = draw(st.sampled_from(("10.99.0.1", "10.99.0.9")))
    return Vxlan(name=f"vxlan-{n}", vni=n, local=local, mtu=1450, bridge=bridge, owner=f"network/{n}")


def _pairs(draw: st.DrawFn, spaces: list[str], on: st.SearchStrategy[str]) -> list[VethPair]:
    """Draw pairs; names and inner ends are drawn apart, so that one state's inner end is often another's under another name."""
    names = draw(subsets("tapleg1", "tapleg2", "tapleg3"))
    inner = draw(st.permutations(("qr-a", "qr-b", "ns-c")))
    return [
        VethPair(
            name=str(name),
            bridge=draw(on),
            namespace=draw(st.sampled_from(spaces)),
            peer=peer,
            mac=draw(st.sampled_from(OWN_MACS)),
            mtu=draw(st.sampled_from((1400, 1450))),
            owner=draw(st.sampled_from(("port/x", "port/y"))),
        )
        for name, peer in zip(names, inner, strict=False)
    ]


def _layer_three(draw: st.DrawFn, pairs: list[VethPair]) -> tuple[set[InterfaceAddress], set[Route]]:
    addresses: set[InterfaceAddress] = set()
    hops: dict[tuple[str, str], set[Hop]] = {}
    for n, pair in enumerate(sorted(pairs, key=lambda pair: pair.peer), 1):
        chosen = draw(
            subsets(
                f"10.{n}.0.1/24", f"10.{n}.0.2/24", f"10.{n}.0.1/28", "203.0.113.7/32", f"fd00:{n}::1/64", f"fd00:{n}::1/80"
            )
        )
        cidrs = {str(cidr).rpartition("/")[0] + ":" * (":" in str(cidr)): str(cidr) for cidr in chosen}
        addresses |= {
            InterfaceAddress(pair.namespace, pair.peer, cidr, announced=draw(st.booleans())) for cidr in cidrs.values()
        }
        for destination in draw(subsets("0.0.0.0/0", "192.168.7.0/24")):
            if f"10.{n}.0.1/24" in cidrs.values():
                hops.setdefault((pair.namespace, str(destination)), set()).add(Hop(pair.peer, f"10.{n}.0.9"))
        if any(cidr.startswith("fd00") for cidr in cidrs.values()) and draw(st.booleans()):
            hops.setdefault((pair.namespace, "::/0"), set()).add(Hop(pair.peer, f"fd00:{n}::9"))
        if draw(st.booleans()):
            hops.setdefault((pair.namespace, f"172.16.{n}.0/24"), set()).add(Hop(pair.peer))
    routes = {
        Route(space, destination, tuple(sorted(onward, key=lambda hop: (hop.device, hop.gateway or ""))))
        for (space, destination), onward in hops.items()
    }
    return addresses, routes


def _forwarding(draw: st.DrawFn, links: list[Link]) -> tuple[set[ForwardingEntry], set[Neighbour]]:
    forwarding: set[ForwardingEntry] = set()
    neighbours: set[Neighbour] = set()
    for link in links:
        if isinstance(link, Vxlan):
            forwarding |= {ForwardingEntry(link.name, FLOOD_MAC, str(remote)) for remote in draw(subsets(*REMOTES))}
            for mac in draw(subsets(*MACS)):
                forwarding.add(ForwardingEntry(link.name, str(mac), draw(st.sampled_from(REMOTES))))
                forwarding.add(ForwardingEntry(link.name, str(mac), None))
        elif isinstance(link, Bridge):
            for ip in draw(subsets("10.1.0.5", "10.1.0.6", "fd00:1::5")):
                neighbours.add(Neighbour(link.name, str(ip), draw(st.sampled_from(MACS))))
    return forwarding, neighbours
