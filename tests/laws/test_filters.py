"""Laws of the filters, on the fake and on the kernel: whatever the world is and was, one plan makes it so."""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filter_worlds import World, floating, look, make_port, make_rule, new_id, pair, settle
from ground import command, on_own_ground
from kaon.host.kernel.filters import FilterDoor, KernelFilters
from kaon.host.kernel.filters_fake import FakeFilters
from kaon.host.kernel.nftables_fake import FakeNft
from kaon.host.state.filters import FilterState
from kaon.host.state.names import router_namespace
from kaon.wire.routers import ConntrackHelper
from kaon.wire.security_groups import Rule
from kaon.wire.subnets import Subnet

NETWORKS = [new_id() for _ in range(2)]
GROUPS = [new_id() for _ in range(3)]
PORTS = [make_port(NETWORKS[number % 2], 10 + number) for number in range(5)]
ROUTER = new_id()
LEG, GATEWAY = (new_id(), NETWORKS[0], "10.0.0.1"), (new_id(), new_id(), "203.0.113.2")
HELPERS = [ConntrackHelper(helper=name, protocol="udp", port=port) for name in ("tftp", "sip") for port in (69, 70)]
ADDRESSES = ("10.0.0.7", "10.0.0.0/24", "10.0.0.128/25", "0.0.0.0/0", "fd00::7", "fd00::/64", "::/0", "192.168.1.0/24")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Any rule that the API takes."""
    protocol = draw(st.sampled_from([None, "tcp", "udp", "icmp", "icmpv6", "sctp", "vrrp", "50", "esp"]))
    more: dict[str, object] = {}
    ethertype = draw(st.sampled_from(["IPv4", "IPv6"]))
    if protocol in {"tcp", "udp", "sctp"}:
        first = draw(st.integers(1, 65535))
        more = {"port_range_min": first, "port_range_max": draw(st.integers(first, 65535))}
    elif protocol in {"icmp", "icmpv6"}:
        kind = draw(st.none() | st.integers(0, 255))
        more = {"port_range_min": kind, "port_range_max": None if kind is None else draw(st.none() | st.integers(0, 255))}
    remote = draw(st.sampled_from(["none", "group", "prefix"]))
    if remote == "group":
        more["remote_group_id"] = draw(st.sampled_from(GROUPS))
    elif remote == "prefix":
        family = [address for address in ADDRESSES if "/" in address and (":" in address) == (ethertype == "IPv6")]
        more["remote_ip_prefix"] = draw(st.sampled_from(family))
    return make_rule(draw(st.sampled_from(["ingress", "egress"])), ethertype, protocol, **more)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any world of two networks, three groups, five ports and a router."""
    world = World(namespaces=frozenset({router_namespace(ROUTER)}))
    for group in GROUPS:
        if draw(st.booleans()):
            world.group(*draw(st.lists(rules(), max_size=3)), group_id=group, stateful=draw(st.booleans()))
        if draw(st.booleans()):
            world.members(group, *draw(st.lists(st.sampled_from(PORTS), unique=True)))
    for port in draw(st.lists(st.sampled_from(PORTS), unique=True)):
        given_groups = draw(st.lists(st.sampled_from(GROUPS), unique=True))
        pairs = [pair(address) for address in draw(st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=3))]
        fields = {name: getattr(port, name) for name in port.__struct_fields__}
        fields |= {
            "security_groups": tuple(given_groups),
            "allowed_address_pairs": tuple(pairs),
            "port_security_enabled": draw(st.booleans() | st.just(value=True)),
        }
        world.bind(type(port)(**fields))
    if draw(st.booleans()):
        helpers = tuple(draw(st.lists(st.sampled_from(HELPERS), unique=True)))
        world.router(ROUTER, GATEWAY, [LEG], enable_snat=draw(st.booleans()), helpers=helpers)
        fixed = draw(st.lists(st.integers(10, 14), unique=True, max_size=3))
        addresses = draw(st.permutations(range(10, 14)))
        pairs_of = zip(addresses, fixed, strict=False)
        world.put(f"router:{ROUTER}", *(floating(f"203.0.113.{one}", f"10.0.0.{other}") for one, other in pairs_of))
        for (_, network, _), version in itertools.product((GATEWAY, LEG), (4, 6)):
            scope = draw(st.sampled_from([None, "blue", "red"]))
            world.put(f"network:{network}", Subnet(id=f"s{version}", ip_version=version, cidr="-", address_scope_id=scope))
    return world


def tell(door: FilterDoor, story: list[World]) -> FilterState:
    """Settle one world after the other (settling checks that planning again is empty), and give what stands in the end."""
    for world in story:
        settle(world, door)
    return door.observe([router_namespace(ROUTER)])


def fake() -> FakeFilters:
    """Make a host with the router's namespace."""
    door = FakeFilters()
    door.rulesets[router_namespace(ROUTER)] = FakeNft()
    return door


@given(st.lists(worlds(), min_size=1, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_planning_again_is_empty_on_the_fake(story: list[World]) -> None:
    """From any world to any other, one plan is enough, and numbers once given stay."""
    tell(fake(), story)


@given(worlds(), worlds())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_the_way_does_not_matter(first: World, last: World) -> None:
    """What stands in the end is what a fresh host would have, but for the numbers, which are kept."""
    seen, fresh = tell(fake(), [first, last]), tell(fake(), [last])
    assert {key: set(table.chains) for key, table in fresh.tables.items()} == {
        key: set(table.chains) for key, table in seen.tables.items()
    }
    assert seen.policy is not None
    assert fresh.policy is not None
    assert seen.policy.grants == fresh.policy.grants


@given(worlds(), worlds())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_lost_records_cost_one_rewrite_and_no_number(before: World, after: World) -> None:
    """An agent that forgot everything keeps the zones and marks that the kernel has."""
    door = fake()
    tell(door, [before])
    numbers = door.observe([]).elements("", "bridge", "port"), door.observe([]).elements("", "inet", "zone")
    door.forget()
    tell(door, [before])
    assert numbers == (door.observe([]).elements("", "bridge", "port"), door.observe([]).elements("", "inet", "zone"))
    tell(door, [after])


def in_one_namespace(check: Callable[[FilterDoor], None]) -> None:
    """Run a check on the kernel, with a router's namespace and records of its own, and leave nothing of it."""
    with tempfile.TemporaryDirectory() as records:
        check(KernelFilters(Path(records)))
    command("nft flush ruleset")
    command(f"ip netns exec {router_namespace(ROUTER)} nft flush ruleset")


@pytest.mark.root
@on_own_ground
def test_planning_again_is_empty_on_the_kernel() -> None:
    """From any world to any other, one plan is enough, also for an agent that has just started; elements read as written."""
    command(f"ip netns add {router_namespace(ROUTER)}")

    @given(st.lists(worlds(), min_size=1, max_size=3))
    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], database=None)
    def law(story: list[World]) -> None:
        def check(door: FilterDoor) -> None:
            seen, told = tell(door, story), tell(fake(), story)
            assert told.tables == seen.tables
            # A transaction of somebody else makes the door read everything again: it finds what was written.
            command("nft add table inet other")
            assert not look(story[-1], door)[1]

        in_one_namespace(check)

    law()
