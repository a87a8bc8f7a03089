"""Which flows end when filters change, and which must not."""

from filter_worlds import World, anywhere, floating, look, make_port, make_rule, new_id, settle
from kaon.host.kernel.filters_fake import FakeFilters
from kaon.host.kernel.nftables_fake import FakeNft
from kaon.host.state.flows import EndFlows, Flow
from kaon.host.state.names import router_namespace
from kaon.wire.security_groups import Rule
from kaon.wire.subnets import Subnet

NETWORK = new_id()


def tcp(source: str, destination: str, port: int, zone: int = 1) -> Flow:
    """Make a TCP flow that nobody translates."""
    return Flow(zone, 6, source, destination, destination, source, 40000, port)


def world_of(*rules: Rule) -> tuple[World, str]:
    """Make a port 10.0.0.1 in a group with these rules, on a host whose zone for it is 1."""
    world = World()
    group = world.group(*rules)
    world.bind(make_port(NETWORK, 1, (group,)))
    return world, group


def left(world: World, door: FakeFilters, *flows: Flow) -> list[Flow]:
    """Settle, and tell which of these flows go on."""
    door.flows[""] = list(flows)
    settle(world, door)
    return [flow for flow in door.flows[""] if not flow.condemned]


def test_a_removed_rule_ends_its_flows_and_no_others() -> None:
    """Flows that another rule allows stay, and so do flows of other zones, other addresses and the port's own."""
    world, group = world_of(*anywhere(), one := make_rule(protocol="tcp", port=80), other := make_rule(protocol="tcp", port=81))
    door = FakeFilters()
    settle(world, door)
    keep = [
        tcp("10.0.0.9", "10.0.0.1", 81),
        tcp("10.0.0.9", "10.0.0.1", 80, zone=2),
        tcp("10.0.0.9", "10.0.0.8", 80),
        tcp("10.0.0.1", "10.0.0.9", 80),
    ]
    world.group(*anywhere(), other, group_id=group)
    assert left(world, door, tcp("10.0.0.9", "10.0.0.1", 80), *keep) == keep
    assert one != other


def test_an_added_rule_ends_nothing() -> None:
    """Where only more is allowed, flows are not even asked for."""
    world, group = world_of(*anywhere())
    door = FakeFilters()
    settle(world, door)
    world.group(*anywhere(), make_rule(), group_id=group)
    assert look(world, door)[1].endings == ()


def test_a_member_that_leaves_ends_what_membership_allowed() -> None:
    """Both for the member's flows in and for those out to it."""
    world, group = world_of(make_rule(remote_group_id="f"), make_rule("egress", remote_group_id="f"))
    friends = [make_port(NETWORK, number) for number in (2, 3)]
    world.group(group_id="f")
    world.members("f", *friends)
    door = FakeFilters()
    settle(world, door)
    world.members("f", friends[0])
    flows = [tcp(*ends, 80) for other in ("10.0.0.2", "10.0.0.3") for ends in (("10.0.0.1", other), (other, "10.0.0.1"))]
    assert left(world, door, *flows) == flows[:2]
    assert group in world.view().ports()[next(iter(world.view().ports()))].security_groups


def test_a_port_that_leaves_takes_its_flows_with_it() -> None:
    """The flows of its address in its zone end, those of others stay."""
    world, _ = world_of(*anywhere())
    stays = make_port(NETWORK, 2, next(iter(world.view().ports().values())).security_groups)
    world.bind(stays)
    door = FakeFilters()
    settle(world, door)
    world.unbind(next(port for port in world.view().ports().values() if port != stays))
    flows = [tcp("10.0.0.1", "10.0.0.9", 80), tcp("10.0.0.2", "10.0.0.9", 80), tcp("10.0.0.2", "10.0.0.1", 80)]
    assert left(world, door, *flows) == flows[1:]


def test_a_zone_that_is_given_back_is_emptied() -> None:
    """The next network with this number inherits no flow."""
    world, _ = world_of(*anywhere())
    door = FakeFilters()
    settle(world, door)
    world.unbind(*world.view().ports().values())
    assert left(world, door, tcp("10.0.0.7", "10.0.0.8", 80), tcp("10.0.0.7", "10.0.0.8", 80, zone=2)) == [
        tcp("10.0.0.7", "10.0.0.8", 80, zone=2)
    ]


def test_a_port_whose_rules_are_unknown_ends_nothing() -> None:
    """Missing knowledge closes the port to new flows; it is no verdict on old ones."""
    world, group = world_of(*anywhere(), make_rule())
    door = FakeFilters()
    settle(world, door)
    del world.scopes[f"group:{group}"]
    flow = tcp("10.0.0.9", "10.0.0.1", 80)
    compiled, _ = look(world, door)
    assert [waiting.reason for waiting in compiled.waiting] == [f"the rules of security group {group} are not known yet"]
    assert left(world, door, flow) == [flow]


def test_an_agent_without_records_judges_every_flow() -> None:
    """What is not allowed ends; what nobody here can judge stays."""
    world, _ = world_of(*anywhere())
    door = FakeFilters()
    settle(world, door)
    door.forget()
    flows = [tcp("10.0.0.9", "10.0.0.1", 80), tcp("10.0.0.1", "10.0.0.9", 80), tcp("10.0.0.7", "10.0.0.8", 80)]
    assert left(world, door, *flows) == flows[1:]


def test_a_floating_ip_that_goes_ends_what_it_translated() -> None:
    """In and out, in the router's namespace."""
    router = new_id()
    world, door = World(), FakeFilters()
    door.rulesets[router_namespace(router)] = FakeNft()
    world.router(router, (new_id(), new_id(), "203.0.113.2"), [(new_id(), NETWORK, "10.0.0.1")])
    one = floating("203.0.113.9", "10.0.0.5")
    world.put(f"router:{router}", one)
    settle(world, door)
    world.drop(f"router:{router}", one)
    assert look(world, door)[1].endings == (EndFlows(router_namespace(router), None, frozenset({"203.0.113.9"})),)


def test_scopes_that_come_together_or_part_end_the_routers_flows() -> None:
    """Their addresses do not tell which were translated; a leg that comes or goes ends nothing."""
    router, gateway = new_id(), (new_id(), new_id(), "203.0.113.2")
    leg, other = (new_id(), new_id(), "10.1.0.1"), (new_id(), new_id(), "10.2.0.1")
    world, door = World(), FakeFilters()
    door.rulesets[router_namespace(router)] = FakeNft()
    ends = (EndFlows(router_namespace(router)),)
    story = (
        ((leg,), None, ()),
        ((leg,), "blue", ends),
        ((leg, other), "blue", ()),
        ((leg,), "blue", ()),
        ((leg,), "red", ends),
    )
    for legs, scope, expected in story:
        world.scopes.clear()
        world.router(router, gateway, legs)
        for (_, network, _), its in zip((gateway, *legs), ("blue", scope, "blue"), strict=False):
            world.put(f"network:{network}", Subnet(id="s", ip_version=4, cidr="-", address_scope_id=its))
        assert expected == look(world, door)[1].endings
        settle(world, door)


def test_a_refused_tcp_flow_is_condemned_and_others_are_forgotten() -> None:
    """Deleting a TCP entry would let the side that answered begin the flow anew; where the rule comes back it is released."""
    world, group = world_of(*anywhere(), one := make_rule())
    door = FakeFilters()
    settle(world, door)
    flow, datagram = tcp("10.0.0.9", "10.0.0.1", 80), Flow(1, 17, "10.0.0.9", "10.0.0.1", "10.0.0.1", "10.0.0.9", 5, 6)
    world.group(*anywhere(), group_id=group)
    assert left(world, door, flow, datagram) == []
    assert [(held.protocol, held.condemned) for held in door.flows[""]] == [(6, True)]
    world.group(*anywhere(), one, group_id=group)
    settle(world, door)
    assert door.flows[""] == [flow]
    world.group(*anywhere(), one, make_rule(protocol="tcp"), group_id=group)
    assert look(world, door)[1].endings == ()
