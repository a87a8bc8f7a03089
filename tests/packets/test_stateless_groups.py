"""Stateless security groups, with real packets: each is asked about by itself, whatever went before."""

from ipaddress import ip_address
from itertools import product
from pathlib import Path

import pytest

from filter_worlds import World, anywhere, make_port, make_rule, new_id, settle
from ground import Node, echoes, make_bridge, make_vm, on_own_ground
from kaon.host.kernel.conntrack import Conntrack
from kaon.host.kernel.filters import KernelFilters
from kaon.wire.security_groups import Rule

pytestmark = pytest.mark.root

FAMILIES = (4, 6)
ANSWERS = {"port_range_min": 32768, "port_range_max": 60999}
"""Ports that clients here send from."""


def both(direction: str, protocol: str | None = None, **more: object) -> tuple[Rule, Rule]:
    """Make a rule for each family."""
    return make_rule(direction, "IPv4", protocol, **more), make_rule(direction, "IPv6", protocol, **more)


class Four:
    """VMs on one network: two in a stateless group, one in a stateful one, and one as on another host: nobody asks it."""

    def __init__(self, tmp_path: Path) -> None:
        self.door, self.world, network = KernelFilters(tmp_path), World(), new_id()
        self.open = both("ingress", "tcp", port=80)
        self.group = self.world.group(*anywhere(), *self.open, stateful=False)
        stateful = self.world.group(*anywhere(), *both("ingress", "tcp", port=80))
        groups = {"one": self.group, "two": self.group, "stateful": stateful}
        self.ports = {name: make_port(network, number, (group,)) for number, (name, group) in enumerate(groups.items(), 11)}
        self.world.bind(*self.ports.values())
        self.ports["far"] = make_port(network, 14)
        settle(self.world, self.door)
        make_bridge(network)
        self.vms: dict[str, Node] = {name: make_vm(port).listen(80) for name, port in self.ports.items()}

    def rules(self, *rules: Rule, stateful: bool = False) -> None:
        """Change the stateless group."""
        self.world.group(*anywhere(), *rules, group_id=self.group, stateful=stateful)
        settle(self.world, self.door)

    def to(self, name: str, family: int) -> str:
        """Give a VM's address."""
        return self.ports[name].fixed_ips[0 if family == 4 else 1].ip_address

    def reached(self, source: str, *targets: str) -> dict[tuple[str, int], bool]:
        """Say which VMs answer."""
        return {(to, family): self.vms[source].reaches(self.to(to, family), 80) for to in targets for family in FAMILIES}

    def tracked(self, *names: str) -> int:
        """Count the tracked flows of all of these VMs."""
        own = [{ip_address(self.to(name, family)) for family in FAMILIES} for name in names]
        flows = [{ip_address(flow.source), ip_address(flow.destination)} for flow in Conntrack().flows("")]
        return sum(all(ends & addresses for addresses in own) for ends in flows)


@on_own_ground
def test_answers_come_in_by_a_rule_of_their_own(tmp_path: Path) -> None:
    """An answer to a stateless port is a packet like any other. In a stateful group it comes in: the test can tell."""
    four = Four(tmp_path)
    others = ("two", "stateful", "far")
    none, every = dict.fromkeys(product(others, FAMILIES), False), dict.fromkeys(product(others, FAMILIES), True)
    assert none == four.reached("one", *others)
    four.rules(*four.open, stateful=True)
    assert every == four.reached("one", *others)
    four.rules(*four.open, *both("ingress", "tcp", **ANSWERS))
    assert every == four.reached("one", *others)


@on_own_ground
def test_who_asks_a_stateless_port_gets_its_answer(tmp_path: Path) -> None:
    """A stateful port of the same host knows its flow, though the answering side is asked packet by packet."""
    four = Four(tmp_path)
    for source in ("stateful", "far"):
        assert four.reached(source, "one") == {("one", 4): True, ("one", 6): True}
    assert four.reached("two", "one") == {("one", 4): False, ("one", 6): False}
    # What it may not send it does not answer either.
    four.world.group(*four.open, group_id=four.group, stateful=False)
    settle(four.world, four.door)
    assert four.reached("stateful", "one") == {("one", 4): False, ("one", 6): False}


@on_own_ground
def test_nothing_is_tracked_that_no_stateful_port_is_part_of(tmp_path: Path) -> None:
    """Between stateless ports, and to and from other hosts; where a stateful port is part of it, it is tracked."""
    four = Four(tmp_path)
    four.rules(*four.open, *both("ingress", "tcp", **ANSWERS))
    for source, target in (("one", "two"), ("one", "far"), ("far", "one")):
        assert four.reached(source, target) == {(target, 4): True, (target, 6): True}
        assert four.tracked(source, target) == 0
    four.reached("one", "stateful")
    assert four.tracked("one", "stateful") == len(FAMILIES)


@on_own_ground
def test_a_rule_that_goes_ends_what_it_let_through(tmp_path: Path) -> None:
    """No flow is remembered, so none goes on; the one by another rule does."""
    four = Four(tmp_path)
    more = both("ingress", "tcp", port=81)
    four.rules(*four.open, *more)
    one = four.vms["one"].listen(81)
    ends = []
    for family, (at, port) in product(FAMILIES, enumerate((80, 81))):
        client = four.vms["far"].connect(four.to("one", family), port)
        assert client is not None
        ends.append((port, client, one.listeners[2 * at + (family == 6)].accept()[0]))
    four.rules(*more)
    assert {(port, echoes(client, server)) for port, client, server in ends} == {(80, False), (81, True)}


@on_own_ground
def test_fragments_pass_where_a_rule_says(tmp_path: Path) -> None:
    """An echo of 4000 bytes, and its answer, by the types of both; not by the type of the one alone."""
    four = Four(tmp_path)
    for family, name, ask, answer in ((4, "icmp", 8, 0), (6, "icmpv6", 128, 129)):
        rules = [make_rule("ingress", f"IPv{family}", name, port_range_min=kind) for kind in (ask, answer)]
        for target in ("two", "far"):
            four.rules(rules[0])
            assert not four.vms["one"].pings(four.to(target, family), "-s", "4000")
            four.rules(*rules)
            assert four.vms["one"].pings(four.to(target, family), "-s", "4000")


@on_own_ground
def test_a_lease_comes_in_without_a_rule(tmp_path: Path) -> None:
    """What a DHCP server answers comes in, from whom nobody asks; the same from a port that is no server does not arrive."""
    four = Four(tmp_path)
    assert four.reached("far", "one") == {("one", 4): True, ("one", 6): True}  # everything is up
    seen = {}
    for source, ports in (("far", (67, 68)), ("far", (67, 69)), ("two", (67, 68))):
        server = four.vms[source].open_socket("0.0.0.0", kind=2)  # noqa: S104 - in a namespace of the test
        server.bind(("0.0.0.0", ports[0]))  # noqa: S104 - as above
        client = four.vms["one"].open_socket("0.0.0.0", kind=2)  # noqa: S104 - as above
        client.bind(("0.0.0.0", ports[1]))  # noqa: S104 - as above
        client.settimeout(0.4)
        server.sendto(b"lease", (four.to("one", 4), ports[1]))
        try:
            seen[source, ports] = client.recv(5)
        except TimeoutError:
            seen[source, ports] = b""
        client.close()
        server.close()
    assert seen == {("far", (67, 68)): b"lease", ("far", (67, 69)): b"", ("two", (67, 68)): b""}
