"""Work on the fakes of all doors: random edits, agents that die at any point, others who meddle.

The oracle: after every piece of work an agent without any memory looks at the whole host and finds nothing to do.
"""

from collections.abc import Iterable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kaon.host.agent.loop import EVERYTHING, Slice
from kaon.host.agent.report import Reporter, applied, realised
from kaon.host.agent.work import Doors, Outcome, Worker
from kaon.host.compile.facts import HostFacts
from kaon.host.compile.subnets import DhcpSettings
from kaon.host.compile.view import View
from kaon.host.kernel.dnsmasq_fake import FakeDnsmasq
from kaon.host.kernel.filters_fake import FakeFilters
from kaon.host.kernel.links_fake import FakeLinks
from kaon.host.kernel.nftables_fake import FakeNft
from kaon.host.kernel.qos_fake import FakeQos
from kaon.host.kernel.radvd_fake import FakeRadvd
from kaon.host.plan.filters import FilterPlan
from kaon.host.state.filters import FilterState
from kaon.host.state.names import HOST, router_namespace, tap_name
from kaon.host.state.trouble import Trouble
from kaon.wire import scopes
from kaon.wire.floatingips import FloatingIp
from kaon.wire.messages import RealisedKind
from kaon.wire.qos_rules import QosRule
from kaon.wire.routers import Router
from kaon.wire.security_groups import Rule, SecurityGroup
from link_scenes import Scene, uuid

PORTS, NETWORKS, GROUP = range(1, 7), (1, 2), "group"


class Filters:
    """Filters whose namespaces are those of the links."""

    def __init__(self, links: FakeLinks) -> None:
        self.fake = FakeFilters()
        self._links = links

    def _follow(self) -> None:
        there = {HOST} | {space.name for space in self._links.observe().state.namespaces}
        kept = {name: self.fake.rulesets.get(name) or FakeNft() for name in there}
        for key in [key for key in self.fake._written if key[0] not in there]:
            del self.fake._written[key]
        self.fake.rulesets = kept

    def observe(self, namespaces: Iterable[str]) -> FilterState:
        """See `FilterDoor`."""
        self._follow()
        return self.fake.observe(namespaces)

    def apply(self, plan: FilterPlan) -> list[Trouble]:
        """See `FilterDoor`."""
        self._follow()
        return self.fake.apply(plan)


class Host:
    """A host of fakes, and the agent of the moment."""

    def __init__(self) -> None:
        self.links = FakeLinks()
        self.filters = Filters(self.links)
        self.dhcp = FakeDnsmasq(self.has_namespace)
        self.radvd = FakeRadvd(self.has_namespace)
        self.qos = FakeQos(lambda: self.links.observe().devices)
        self.worker = self.new_agent()

    def new_agent(self) -> Worker:
        """Start an agent that knows nothing."""
        doors = Doors(self.links, self.filters, self.dhcp, self.qos, self.radvd)
        return Worker(doors, HostFacts("h1", "192.0.2.1"), DhcpSettings())

    def has_namespace(self, name: str) -> bool:
        """Tell whether a namespace is there."""
        return any(space.name == name for space in self.links.observe().state.namespaces)

    def kill_daemons(self) -> None:
        """End all processes from outside."""
        for network_id in tuple(self.dhcp.servers):
            self.dhcp.kill(network_id)
        for router_id in tuple(self.radvd.advertisers):
            self.radvd.kill(router_id)

    def nothing_left(self, view: View) -> None:
        """Check that an agent without memory finds nothing to do."""
        outcome = self.new_agent().work(view, EVERYTHING)
        assert (outcome.steps, outcome.troubles) == (0, ())


def scene(bound: dict[int, int], *, router: bool, dhcp: bool, ra_mode: str | None = None) -> Scene:
    """Make a cloud: ports on networks, on this host; perhaps a router between the networks and DHCP on the first.

    ra_mode  of the first network's IPv6 subnet
    """
    made = Scene({"h1": "192.0.2.1", "h2": "192.0.2.2"})
    for number in NETWORKS:
        network_id = made.network(number, f"10.{number}.0.0/24", f"fd00:{number}::/64")
        four, six = made.subnets[network_id]
        made.subnets[network_id] = [four, msgspec.structs.replace(six, ipv6_ra_mode=ra_mode if number == 1 else None)]
    for port, network in bound.items():
        host = "h1" if port % 3 else "h2"
        made.port(port, uuid("net", network), host, f"10.{network}.0.{port + 10}", f"fd00:{network}::{port + 10}")
    if dhcp:
        made.dhcp(90, uuid("net", 1), "h1", "10.1.0.2", "fd00:1::2")
    if router:
        router_id = made.router(1, "h1")
        for number in NETWORKS:
            made.leg(90 + number, router_id, uuid("net", number), f"10.{number}.0.1", f"fd00:{number}::1", gateway=number == 2)
        made.floating(1, router_id, uuid("net", 2), "10.2.0.200", "10.1.0.11")
    return made


def with_group(view: View, *, closed: bool) -> View:
    """Put every VM's port into one group."""
    own = {
        key: msgspec.structs.replace(entry, security_groups=(GROUP,))
        if getattr(entry, "device_owner", "") == "compute:nova"
        else entry
        for key, entry in view.scopes[scopes.host("h1")].items()
    }
    rule = Rule(id="rule", direction="ingress", ethertype="IPv4", protocol="tcp", port_range_min=22, port_range_max=22)
    group = {entry.key: entry for entry in (SecurityGroup(id=GROUP), *(() if closed else (rule,)))}
    return View("h1", {**view.scopes, scopes.host("h1"): own, scopes.group(GROUP): group})


def with_qos(view: View, limits: dict[int, tuple[QosRule, ...]]) -> View:
    """Give ports a policy each."""
    own = dict(view.scopes[scopes.host("h1")])
    for number, rules in limits.items():
        key = f"port/{uuid('port', number)}"
        if key in own:
            own[key] = msgspec.structs.replace(own[key], qos=rules)
    others = dict(view.scopes)
    router = scopes.router(uuid("rtr", 1))
    if router in others:  # policies of ports 5 and 6 are those of its gateway and of its floating IPs, too
        others[router] = {
            key: msgspec.structs.replace(entry, gateway_qos=limits.get(5, ()))
            if isinstance(entry, Router)
            else msgspec.structs.replace(entry, qos=limits.get(6, ()))
            if isinstance(entry, FloatingIp)
            else entry
            for key, entry in others[router].items()
        }
    return View("h1", {**others, scopes.host("h1"): own})


rules = st.builds(
    QosRule,
    kind=st.sampled_from(["bandwidth_limit", "packet_rate_limit"]),
    direction=st.sampled_from(["ingress", "egress"]),
    amount=st.integers(0, 3),
) | st.just(QosRule(kind="dscp_marking", amount=10))
policies = st.dictionaries(st.sampled_from(PORTS), st.lists(rules, max_size=4).map(tuple))
edits = st.builds(
    lambda bound, limits, router, dhcp, ra_mode, closed: with_qos(
        with_group(scene(bound, router=router, dhcp=dhcp, ra_mode=ra_mode).view("h1"), closed=closed), limits
    ),
    st.dictionaries(st.sampled_from(PORTS), st.sampled_from(NETWORKS)),
    policies,
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "slaac", "dhcpv6-stateful"]),
    st.booleans(),
)
taps = st.sampled_from([tap_name(uuid("port", number)) for number in PORTS])
events = st.one_of(
    st.tuples(st.just("edit"), edits),
    st.tuples(st.just("plug"), taps),
    st.tuples(st.just("unplug"), taps),
    st.tuples(st.just("kill daemons"), st.just("")),
    st.tuples(st.just("new agent"), st.just("")),
    st.tuples(st.just("refuse filters"), st.just("")),
)


@settings(max_examples=150)
@given(st.lists(events, min_size=1, max_size=12))
def test_any_story_ends_as_if_begun_anew(story: list[tuple[str, object]]) -> None:
    """Whatever happened, one piece of work brings the host to where a fresh agent would bring it."""
    host = Host()
    view = with_group(scene({}, router=False, dhcp=False).view("h1"), closed=True)
    for kind, what in story:
        look: frozenset[Slice] = frozenset()
        match kind, what:
            case "edit", View() as edited:
                view = edited
            case "plug", str(name):
                host.links.plug(name)
                look = frozenset({Slice.LINKS})
            case "unplug", str(name):
                host.links.unplug(name)
                look = frozenset({Slice.LINKS})
            case "kill daemons", _:
                host.kill_daemons()
                look = host.worker.lost()
            case "new agent", _:
                host.worker = host.new_agent()
            case "refuse filters", _:
                host.filters.fake.refuse_next = "busy"
                host.worker.work(view, EVERYTHING)
                host.filters.fake.refuse_next = ""
                look = EVERYTHING
        outcome = host.worker.work(view, look)
        assert outcome.troubles == ()
        host.nothing_left(view)
        check_reports(view, outcome)


def check_reports(view: View, outcome: Outcome) -> None:
    """A VM's port is up exactly when its device is plugged; everything else of the host is up."""
    devices = outcome.actual.links.devices
    for (kind, identity), thing in realised(view, outcome).items():
        port = view.ports().get(identity)
        vm = kind is RealisedKind.PORT and port is not None and port.device_owner == "compute:nova"
        assert thing.up == (not vm or tap_name(identity) in devices), thing


def plugged(view: View, *ports: int) -> Host:
    """Make a host with these ports' devices, brought to a view."""
    host = Host()
    for number in ports:
        host.links.plug(tap_name(uuid("port", number)))
    host.worker.work(view, EVERYTHING)
    return host


def test_port_without_filters_is_kept_off() -> None:
    """When its filters are refused, a port's device does not join its bridge, and the report says why."""
    view = with_group(scene({1: 1}, router=False, dhcp=False).view("h1"), closed=True)
    host = Host()
    host.links.plug(tap_name(uuid("port", 1)))
    host.filters.fake.refuse_next = "busy"
    outcome = host.worker.work(view, EVERYTHING)
    assert tap_name(uuid("port", 1)) not in {link.name for link in outcome.actual.links.state.links}
    port = realised(view, outcome)[RealisedKind.PORT, uuid("port", 1)]
    assert (port.up, port.reason) == (False, "packet filters: busy")
    assert applied(view, {scopes.host("h1"): 5, scopes.group("other"): 7}, outcome) == {scopes.group("other"): 7}


def test_change_of_one_port_touches_nothing_else() -> None:
    """From memory, one more port is a few steps, and none of them names another port."""
    before = with_group(scene({1: 1, 2: 1}, router=True, dhcp=True).view("h1"), closed=True)
    after = with_group(scene({1: 1, 2: 1, 4: 1}, router=True, dhcp=True).view("h1"), closed=True)
    host = plugged(before, 1, 2, 4)
    done = len(host.links.steps)
    starts = dict(host.dhcp.starts)
    host.worker.work(after, frozenset())
    owners = {step.what.owner for step in host.links.steps[done:]}
    assert owners <= {f"port/{uuid('port', 4)}", ""}
    assert host.dhcp.starts == starts
    host.nothing_left(after)


def test_only_news_is_said() -> None:
    """What was said is said again only when it differs; what is no more is said to be gone, once."""
    view = with_group(scene({1: 1}, router=True, dhcp=True).view("h1"), closed=True)
    host = plugged(view, 1)
    reporter = Reporter()
    outcome = host.worker.work(view, frozenset())
    things = realised(view, outcome)
    assert set(reporter.news(things, {"a": 1})[1]) == set(things.values())
    assert reporter.news(things, {"a": 1}) == ({}, ())
    moved, gone = reporter.news({}, {"a": 2})
    assert moved == {"a": 2}
    assert {(thing.kind, thing.id) for thing in gone if thing.gone} == set(things)
    assert reporter.everything() == ({"a": 2}, ())


def test_namespace_of_a_router_has_its_translation_in_the_same_work() -> None:
    """A router that appears forwards and translates after one piece of work."""
    view = with_group(scene({1: 1}, router=True, dhcp=False).view("h1"), closed=True)
    host = plugged(view, 1)
    assert (router_namespace(uuid("rtr", 1)), "inet") in host.filters.observe([router_namespace(uuid("rtr", 1))]).tables
    host.nothing_left(view)


def test_a_rule_that_is_refused_harms_only_who_has_it() -> None:
    """It is left out and told; every other rule and port is as it shall be, and once it is taken nothing is left to say."""
    host = Host()
    view = with_group(scene({1: 1, 2: 1}, router=False, dhcp=False).view("h1"), closed=False)
    free = uuid("port", 2)
    own = {
        key: msgspec.structs.replace(entry, security_groups=()) if getattr(entry, "id", "") == free else entry
        for key, entry in view.scopes[scopes.host("h1")].items()
    }
    view = View("h1", {**view.scopes, scopes.host("h1"): own})
    for number in (1, 2):
        host.links.plug(tap_name(uuid("port", number)))
    host.filters.fake.refuse_rule = "th dport 22 accept"
    outcome = host.worker.work(view, EVERYTHING)
    assert {trouble.owner for trouble in outcome.troubles} == {f"port/{uuid('port', 1)}"}
    said = realised(view, outcome)
    assert {number: said[RealisedKind.PORT, uuid("port", number)].up for number in (1, 2)} == {1: False, 2: True}
    assert host.filters.fake.observe([]).tables[HOST, "inet"].chains[f"allow_in_{GROUP}"].rules == ()
    host.filters.fake.refuse_rule = ""
    assert host.worker.work(view, EVERYTHING).troubles == ()
    host.nothing_left(view)


def test_what_others_have_on_a_device_stays_theirs() -> None:
    """A queue of somebody else's, come after the last look, is not touched: the port says why it is not limited."""
    view = with_group(scene({1: 1}, router=False, dhcp=False).view("h1"), closed=True)
    host = plugged(view, 1)
    tap = tap_name(uuid("port", 1))
    host.qos.strange(("Shaper", tap), "there is a queue of others")
    limited = with_qos(view, {1: (QosRule(kind="bandwidth_limit", direction="ingress", amount=1000),)})
    outcome = host.worker.work(limited, frozenset())
    assert host.qos.steps == []
    assert "there is a queue of others" in realised(limited, outcome)[RealisedKind.PORT, uuid("port", 1)].reason
    assert host.worker.work(view, frozenset()).troubles == ()
