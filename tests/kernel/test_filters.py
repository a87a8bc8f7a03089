"""The door to packet filters on the kernel: drift is seen and mended, others' tables are not, agents come and go."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from filter_worlds import World, anywhere, look, make_port, make_rule, new_id, pair, settle
from ground import command, make_bridge, make_node, make_vm, on_own_ground, until
from kaon.host.compile.rules import PROTOCOLS, grant_of, member_set, text_of
from kaon.host.kernel.conntrack import Conntrack
from kaon.host.kernel.filters import KernelFilters
from kaon.host.kernel.nfnetlink import Nfnetlink
from kaon.host.kernel.nftables import Nft
from kaon.host.plan.filters import FilterPlan, Transaction, plan_filters, without_rules
from kaon.host.state.flows import Flow, Verdict
from kaon.host.state.names import router_namespace
from kaon.host.state.trouble import Trouble
from kaon.wire import scopes
from kaon.wire.address_groups import AddressPrefix

pytestmark = pytest.mark.root


def small_world() -> World:
    """Two ports in a group that lets its members in."""
    world = World()
    group = world.group(*anywhere())
    ports = [make_port("00000000-0000-4000-8000-000000000001", number, (group,)) for number in (1, 2)]
    world.group(*anywhere(), make_rule("ingress", "IPv4", "tcp", port=80, remote_group_id=group), group_id=group)
    world.members(group, *ports)
    world.bind(*ports)
    return world


def group_of(world: World) -> str:
    """Give the id of the only group."""
    return next(name.removeprefix("group:") for name in world.scopes if name.startswith("group:"))


def port_of(world: World) -> str:
    """Give the id of the first port."""
    return min(world.view().ports())


def generation() -> int:
    """Ask the kernel how many transactions there were."""
    with Nfnetlink() as netlink:
        return netlink.generation()


def listing() -> object:
    """List everything, without handles: they differ after a rewrite."""
    return json.loads(
        command("nft -s -j list ruleset"), object_hook=lambda one: {k: v for k, v in one.items() if k != "handle"}
    )


@on_own_ground
def test_whatever_is_broken_by_hand_is_mended(tmp_path: Path) -> None:
    """Rules, chains and elements that somebody took or added are noticed and put right, and nothing else is written."""
    world, door = small_world(), KernelFilters(tmp_path)
    settle(world, door)
    right = listing()
    group, port = group_of(world), port_of(world)
    breakages = (
        (f"nft flush chain inet kaon allow_in_{group}", 2),
        (f"nft add rule inet kaon in_{port} accept", 4),
        (f"nft insert rule bridge kaon spoof_{port} accept", None),
        ("nft flush chain inet kaon received", 2),
        ("nft add chain inet kaon mine", 2),
        ("nft add set inet kaon mine { type ifname; }", 1),
        (f"nft delete element inet kaon grp_{group}_v4 {{ 10.0.0.2 }}", 1),
        (f"nft add element inet kaon grp_{group}_v4 {{ 10.0.0.77 }}", 1),
        ("nft flush map inet kaon zone", 1),
    )
    for breakage, lines in breakages:
        command(breakage)
        assert listing() != right
        plan = settle(world, door)
        assert listing() == right, breakage
        written = [transaction.text.count("\n") for transaction in plan.transactions]
        assert lines is None or written == [lines], (breakage, plan.transactions[0].text)


@on_own_ground
def test_a_table_taken_away_comes_back_with_its_numbers(tmp_path: Path) -> None:
    """After `nft flush ruleset` everything is written again, and flows are found in the zones they were in."""
    world, door = small_world(), KernelFilters(tmp_path)
    settle(world, door)
    right = listing()
    command("nft flush ruleset")
    settle(world, door)
    assert sorted(map(str, listing()["nftables"])) == sorted(map(str, right["nftables"]))  # type: ignore[index]  # JSON


@on_own_ground
def test_other_tables_are_left_alone(tmp_path: Path) -> None:
    """A table of another name stays as it is, whatever is written, and when all of ours goes."""
    command("nft add table inet kaonx")
    command("nft add chain inet kaonx forward { type filter hook forward priority 0; policy drop; }")
    command("nft add rule inet kaonx forward tcp dport 22 accept")
    before = command("nft list table inet kaonx")
    world, door = small_world(), KernelFilters(tmp_path)
    settle(world, door)
    command("nft flush chain inet kaon received")
    settle(world, door)
    world.unbind(*world.view().ports().values())
    settle(world, door)
    assert command("nft list table inet kaonx") == before
    assert command("nft list tables") == "table inet kaonx\n"


@on_own_ground
def test_the_next_agent_writes_nothing(tmp_path: Path) -> None:
    """A restarted agent adopts what stands, even after others wrote; without records it writes once, in one transaction."""
    world = small_world()
    settle(world, KernelFilters(tmp_path))
    command("nft add table inet other")
    before = generation()
    assert not settle(world, KernelFilters(tmp_path))
    assert not settle(world, KernelFilters(tmp_path))
    assert generation() == before
    settle(world, KernelFilters(tmp_path / "lost"))
    assert generation() == before + 1


@on_own_ground
def test_a_refused_transaction_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    """Nft's reason reaches the port that is hurt, and the next look sees what really stands."""
    world, door = small_world(), KernelFilters(tmp_path)
    settle(world, door)
    right = listing()
    text = "add chain inet kaon mine\nadd rule inet kaon nowhere accept\n"
    troubles = door.apply(FilterPlan((Transaction("", text, ("port/1",)), Transaction("qrouter-gone", text, ("router/1",)))))
    assert [trouble.owner for trouble in troubles] == ["port/1", "router/1"]
    assert "No such file or directory" in troubles[0].reason
    assert listing() == right
    assert not look(world, door)[1].transactions


class Stubborn:
    """A door to flows that fails the first time."""

    def __init__(self) -> None:
        self.asked = 0

    def flows(self, namespace: str) -> list[Flow]:
        """Fail, then know of none."""
        self.asked += 1
        if self.asked == 1:
            raise OSError(12, f"no memory for the flows of {namespace!r}")
        return []

    def carry_out(self, namespace: str, verdicts: Iterable[tuple[Flow, Verdict]]) -> None:
        """Do nothing to nothing."""
        assert (namespace, []) == ("", list(verdicts))


@on_own_ground
def test_flows_that_could_not_be_ended_are_ended_by_the_next_agent(tmp_path: Path) -> None:
    """What a removed rule allowed is not forgotten with the process that removed the rule."""
    world, stubborn = small_world(), Stubborn()
    door = KernelFilters(tmp_path, flows=stubborn)
    settle(world, door)
    world.group(*anywhere(), group_id=group_of(world))
    assert door.apply(look(world, door)[1]) == [
        Trouble("", "flows in the host could not be ended: [Errno 12] no memory for the flows of ''")
    ]
    successor = KernelFilters(tmp_path, flows=stubborn)
    assert look(world, successor)[1].endings
    settle(world, successor)
    assert stubborn.asked == 2


@on_own_ground
def test_flows_are_listed_and_ended_by_zone(tmp_path: Path) -> None:
    """A connection is seen once, in its network's zone, with both ends; ended it is gone, and ending it again is no error."""
    world = World()
    network = new_id()
    everybody = world.group(*anywhere(), make_rule(), make_rule("ingress", "IPv6"))
    ports = [make_port(network, number, (everybody,)) for number in (1, 2)]
    world.bind(*ports)
    settle(world, KernelFilters(tmp_path))
    make_bridge(network)
    one, two = (make_vm(port) for port in ports)
    two.listen(80)
    assert [one.connect(address, 80, 5000) is not None for address in ("10.0.0.2", "fd00::2")] == [True, True]
    door = Conntrack()
    seen = [flow for flow in door.flows("") if flow.protocol == 6]
    wanted = [
        Flow(1, 6, source, target, target, source, 5000, 80)
        for source, target in (("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2"))
    ]
    assert sorted(seen, key=lambda flow: flow.source) == wanted
    door.carry_out("", [(seen[0], Verdict.CONDEMN)])
    assert [flow.condemned for flow in door.flows("") if flow.protocol == 6 and flow == replace(seen[0], condemned=True)] == [
        True
    ]
    door.carry_out("", [(seen[0], Verdict.RELEASE)])
    assert sorted((flow for flow in door.flows("") if flow.protocol == 6), key=lambda flow: flow.source) == wanted
    for _ in range(2):
        door.carry_out("", [(flow, Verdict.FORGET) for flow in seen])
    assert [flow for flow in door.flows("") if flow.protocol == 6] == []


@on_own_ground
def test_looking_into_a_namespace_does_not_keep_it_alive(tmp_path: Path) -> None:
    """A namespace that was observed and then deleted is gone with its devices; looking again leaves it out."""
    make_node("qrouter-1", "fa:16:3e:00:00:01", (), "peer")
    door = KernelFilters(tmp_path)
    assert door.observe(["qrouter-1"]).namespaces == {"", "qrouter-1"}
    command("ip netns del qrouter-1")
    until(lambda: not Path("/proc/sys/net/ipv4/conf/peer").exists(), "the peer of what was inside is gone")
    assert door.observe(["qrouter-1"]).namespaces == {""}


@on_own_ground
def test_every_protocol_can_be_said() -> None:
    """Nft takes a rule for each protocol, by number and by Neutron's name, in both families and directions."""
    protocols = [str(number) for number in range(256)] + sorted(PROTOCOLS)
    rules = [
        text_of(grant_of(make_rule(direction, family, protocol, remote_ip_prefix=prefix)))
        for protocol in protocols
        for direction in ("ingress", "egress")
        for family, prefix in (("IPv4", "192.0.2.0/24"), ("IPv6", "2001:db8::/32"))
    ]
    with Nft() as nft:
        nft.write(
            "add table inet kaon\nadd chain inet kaon every\n" + "".join(f"add rule inet kaon every {rule}\n" for rule in rules)
        )
        assert sum("rule" in one for one in nft.read("list table inet kaon")) == len(rules)


@on_own_ground
def test_a_namespace_of_the_same_name_is_not_the_same(tmp_path: Path) -> None:
    """What was written into a router's namespace that was deleted is not believed of its successor, also not unobserved."""
    world, door, router = World(), KernelFilters(tmp_path), new_id()
    name = router_namespace(router)
    world.router(router, (new_id(), new_id(), "203.0.113.2"), [])
    for _ in range(2):
        command(f"ip netns add {name}")
        plan = settle(world, door)
        assert [transaction.namespace for transaction in plan.transactions] == [name]
        command(f"ip netns del {name}")
    command(f"ip netns add {name}")
    assert door.apply(plan) == []
    assert "chain leaving" in command(f"ip netns exec {name} nft list table inet kaon")
    assert not look(world, door)[1]


@on_own_ground
def test_without_bridged_frames_nothing_is_said_to_be_filtered(tmp_path: Path) -> None:
    """Where the kernel does not show bridged frames to our chains, no port is wired behind them: every port learns why."""
    world = small_world()
    troubles = KernelFilters(tmp_path, switches=tmp_path).apply(look(world, KernelFilters(tmp_path))[1])
    assert {trouble.owner for trouble in troubles} == {f"port/{port}" for port in world.view().ports()}
    assert "br_netfilter" in troubles[0].reason
    assert command("nft list tables") == ""


@on_own_ground
def test_a_disk_that_takes_no_records_is_no_reason_to_filter_nothing(tmp_path: Path) -> None:
    """What cannot be remembered is written all the same, and an agent that starts then makes everything right."""
    (tmp_path / "full").write_text("not a directory")
    world = small_world()
    settle(world, KernelFilters(tmp_path / "full"))
    right = listing()
    settle(world, KernelFilters(tmp_path / "full"))
    assert listing() == right


@on_own_ground
def test_the_rule_that_is_refused_is_found(tmp_path: Path) -> None:
    """The whole is refused; the ports that have the rule are told, with the rule, and no others. Nothing was written."""
    world = small_world()
    bad = replace(look(world, KernelFilters(tmp_path))[0].state)
    table = bad.tables["", "inet"]
    chain = replace(table.chains[f"allow_in_{group_of(world)}"], rules=("tcp dport 99999 accept",))
    chain = replace(chain, owners=(f"port/{port_of(world)}",))
    chains = {**table.chains, f"allow_in_{group_of(world)}": chain}
    wanted = replace(bad, tables={**bad.tables, ("", "inet"): replace(table, chains=chains)})
    door = KernelFilters(tmp_path)
    (trouble,) = door.apply(plan_filters(wanted, door.observe([])))
    assert trouble.owner == f"port/{port_of(world)}"
    assert trouble.refused == f"add rule inet kaon allow_in_{group_of(world)} tcp dport 99999 accept"
    assert command("nft list tables") == ""
    assert door.apply(plan_filters(without_rules(wanted, [(trouble.namespace, trouble.refused)]), door.observe([]))) == []
    assert f"chain allow_in_{group_of(world)}" in command("nft list table inet kaon")


@on_own_ground
def test_what_is_said_twice_is_taken_once(tmp_path: Path) -> None:
    """Address pairs that repeat or cover each other and the port's own address, and a group without rules, can be written."""
    world = World()
    empty = world.group()
    pairs = (
        pair("10.0.0.1"), pair("10.0.0.1"), pair("10.0.0.0/24"), pair("10.0.0.0/25"), pair("0.0.0.0/0"), pair("fd00::/64"),
        pair("fd00::1"), pair("::/0"), pair("10.0.0.2", "fa:16:3e:00:00:02"), pair("10.0.0.1", "fa:16:3e:00:00:01"),
    )  # fmt: skip
    network = new_id()
    ports = [make_port(network, number, (empty,), allowed_address_pairs=pairs) for number in (1, 2)]
    world.members(empty, *ports)
    world.group(make_rule("ingress", remote_group_id=empty), group_id=empty)
    world.members(empty, *ports, *ports)
    world.bind(*ports)
    settle(world, KernelFilters(tmp_path))
    world.group(group_id=empty)
    settle(world, KernelFilters(tmp_path))
    assert "accept" not in command(f"nft list chain inet kaon allow_in_{empty}").replace("policy accept", "")


@on_own_ground
def test_an_address_group_is_written_and_changed_by_elements(tmp_path: Path) -> None:
    """Prefixes of any length; one that comes or goes touches itself only, and adopting writes nothing."""
    world, door, addresses = World(), KernelFilters(tmp_path), new_id()
    scope = scopes.members(addresses)
    rules = [make_rule("ingress", family, remote_group_id=addresses) for family in ("IPv4", "IPv6")]
    world.bind(make_port(new_id(), 1, (world.group(*rules),)))
    world.put(scope, *map(AddressPrefix, ("10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0", "2001:db8::/32", "::/0")))
    settle(world, door)
    assert not settle(world, KernelFilters(tmp_path)).transactions
    world.drop(scope, AddressPrefix("0.0.0.0/0"), AddressPrefix("::/0"))
    settle(world, door)
    world.put(scope, AddressPrefix("198.51.100.0/24"))
    plan = settle(world, door)
    (line,) = (line for transaction in plan.transactions for line in transaction.text.splitlines())
    assert line.startswith("add element")
    assert "198.51.100.0/24" in line
    assert "10.0.0.0/8" in command(f"nft list set inet kaon {member_set(addresses, 4)}")
