"""Laws of the links slice, on the fake at every run and on the real kernel in a namespace of the test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaon.host.kernel.links_fake import FakeLinks
from kaon.host.plan.links import Change, plan_links
from kaon.host.state.links import Bridge, Link, Tap, Uplink
from kaon.host.state.names import HOST
from kaon.host.state.network_state import LinkState
from kaon.host.state.trouble import Trouble
from link_rig import rig_host
from link_worlds import SPACES, TAPS, UPLINKS, states, subsets


def same(desired: LinkState, actual: LinkState) -> None:
    """Say in which kind they differ; of switches only the desired ones count, owners of links count, too."""
    for kind in ("namespaces", "links", "addresses", "routes", "neighbours", "forwarding"):
        assert getattr(desired, kind) == getattr(actual, kind)
    assert desired.sysctls <= actual.sysctls
    owners = {link.name: link.owner for link in actual.links}
    for link in desired.links:
        assert isinstance(link, Tap | Uplink) or link.owner == owners[link.name]


def plugged(fake: FakeLinks) -> FakeLinks:
    """Let others plug what states speak of."""
    for name in (*TAPS, *UPLINKS):
        fake.plug(name)
    return fake


def converge(fake: FakeLinks, desired: LinkState) -> list[Trouble]:
    """Plan and apply."""
    plan = plan_links(desired, fake.observe())
    return [*plan.troubles, *fake.apply(plan.steps)]


@given(stories=st.lists(states(), min_size=1, max_size=4))
@settings(max_examples=150)
def test_applying_a_plan_gives_what_is_desired(stories: list[LinkState]) -> None:
    """Whatever was there before: after applying, actual is desired, and planning again is empty."""
    fake = plugged(FakeLinks())
    for desired in stories:
        assert converge(fake, desired) == []
        same(desired, fake.observe().state)
        assert plan_links(desired, fake.observe()).steps == ()
    fake.close()


@given(first=states(), second=states(), cut=st.integers(0, 60))
@settings(max_examples=100)
def test_a_plan_that_was_cut_short_is_finished_by_the_next(first: LinkState, second: LinkState, cut: int) -> None:
    """An agent may die after any step; the next one ends where it would have."""
    fake = plugged(FakeLinks())
    converge(fake, first)
    fake.apply(plan_links(second, fake.observe()).steps[:cut])
    for _ in range(2):  # a tap may stand under a name that the first look still sees as ours
        converge(fake, second)
    same(second, fake.observe().state)
    fake.close()


@given(
    first=states(),
    second=states(),
    stolen=subsets("brq1", "brq2", "vxlan-1", "tapleg1", "tapleg2"),
    spaces=subsets(*SPACES),
    held=subsets(*TAPS, *UPLINKS),
)
@settings(max_examples=150)
def test_nothing_of_others_is_named(
    first: LinkState, second: LinkState, stolen: list[object], spaces: list[object], held: list[object]
) -> None:
    """No step speaks of a device or namespace of others; what wants their names is left out and told, once and for all."""
    fake = FakeLinks()
    for name in (*TAPS, *UPLINKS):
        fake.plug(name, "br-others" if name in held else None)
    for name in stolen:
        fake.plug(str(name))
    for name in spaces:
        fake.strange_namespace(str(name))
    for desired in (first, second, LinkState()):
        plan = plan_links(desired, fake.observe())
        for step in plan.steps:
            for name in named_in_host(step.what):
                assert name not in stolen
                assert name not in held
            assert getattr(step.what, "namespace", "") not in spaces
        assert fake.apply(plan.steps) == []
        again = plan_links(desired, fake.observe())
        assert again.steps == ()
        assert again.troubles == plan.troubles
    fake.close()


def named_in_host(what: object) -> set[str]:
    """Give the devices of the host's namespace that a step would touch."""
    names = {getattr(what, "device", "")} if getattr(what, "namespace", HOST) == HOST else set()
    if isinstance(what, Link):
        names.add(what.name)
    return names


@given(state=states())
@settings(max_examples=100)
def test_what_did_not_change_is_not_touched(state: LinkState) -> None:
    """A change of one bridge's MTU is one step; taps, legs and entries stay as they are."""
    fake = plugged(FakeLinks())
    converge(fake, state)
    bridges = sorted((link for link in state.links if isinstance(link, Bridge)), key=lambda link: link.name)
    if bridges:
        other = replace(bridges[0], mtu=1390)
        desired = replace(state, links=state.links - {bridges[0]} | {other})
        assert plan_links(desired, fake.observe()).steps == (Change(other, bridges[0]),)
    fake.close()


@pytest.mark.root
def test_the_kernel_keeps_the_law_of_links(tmp_path: Path) -> None:
    """The same story on the real kernel: desired becomes actual, planning again is empty, strangers stay."""
    with rig_host(tmp_path / "host") as host:
        for name in (*TAPS, *UPLINKS):
            host.sh(f"ip link add {name} type veth peer name p-{name[-10:]}")
        host.sh("ip link add brqstranger type bridge")

        def story(stories: list[LinkState]) -> None:
            for desired in stories:
                assert host.converge(desired) == []
                observed = host.observe()
                same(desired, observed.state)
                assert plan_links(desired, observed).steps == ()
                assert (HOST, "brqstranger") in observed.foreign_devices

        law(story)()


def law(story: Callable[[list[LinkState]], None]) -> Callable[[], None]:
    """Try a story with fewer examples than the fake gets: each makes and breaks real devices."""
    tried = given(stories=st.lists(states(), min_size=1, max_size=3))(story)
    return settings(max_examples=25, suppress_health_check=list(HealthCheck))(tried)
