"""Laws of the limits slice, on the fake at every run and on the real kernel in a namespace of the test."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground import command, on_own_ground
from kaon.host.kernel.qos import QosDoor
from kaon.host.kernel.qos_fake import FakeQos
from kaon.host.kernel.traffic_control import TrafficControl
from kaon.host.plan.qos import PutQos, RemoveQos, plan_qos
from kaon.host.state.names import intermediate_name, inward_intermediate, outward_intermediate, tap_name
from kaon.host.state.qos import Bucket, Intermediate, QosNoun, QosState, Redirect, Shaper, merge, place

PORTS = ("00000001-01", "00000002-02", "00000003-03")
ADDRESSES = ("192.0.2.11", "192.0.2.12")
TAPS = frozenset(map(tap_name, PORTS))
BUCKETS = (Bucket(125_000, 2_000_000, 20_000), Bucket(12_500_000, 312_500, 900_000), Bucket(2**36, 1000, 2**32 - 1))


def state_of(limits: dict[str, tuple[Bucket | None, Bucket | None]]) -> QosState:
    """Limit ports: (to the port, from the port)."""
    shapers: list[Shaper] = []
    devices: list[Intermediate] = []
    redirects: list[Redirect] = []
    for port, (inward, outward) in limits.items():
        owner, tap, device = f"port/{port}", tap_name(port), intermediate_name(port)
        if inward:
            shapers.append(Shaper(tap, inward, owner))
        if outward:
            devices.append(Intermediate(device, owner=owner))
            shapers.append(Shaper(device, outward, owner))
            redirects.append(Redirect(tap, device, owner))
    return QosState(frozenset(shapers), frozenset(devices), frozenset(redirects))


buckets = st.none() | st.sampled_from(BUCKETS)
states = st.builds(
    lambda ports, addresses: merge((state_of(ports), addressed(addresses))),
    st.dictionaries(st.sampled_from(PORTS), st.tuples(buckets, buckets)),
    st.dictionaries(st.sampled_from(ADDRESSES), st.tuples(buckets, buckets)),
)
attached = st.frozensets(st.sampled_from(sorted(TAPS)))


def addressed(limits: dict[str, tuple[Bucket | None, Bucket | None]]) -> QosState:
    """Limit addresses at the first tap: (what goes out to them, what comes in from them)."""
    parts = []
    for address, limited in limits.items():
        for leaving, bucket in zip((True, False), limited, strict=True):
            name = (inward_intermediate if leaving else outward_intermediate)(f"address-{address[-2:]}xx")
            redirect = Redirect(tap_name(PORTS[0]), name, f"floatingip/{address}", leaving=leaving, address=address)
            if bucket:
                device = Intermediate(name, owner=redirect.owner)
                shaper = Shaper(name, bucket, redirect.owner)
                parts.append(QosState(frozenset({shaper}), frozenset({device}), frozenset({redirect})))
    return merge(parts)


def brought(door: QosDoor, desired: QosState, taps: frozenset[str] = TAPS) -> None:
    """Look, plan and apply; afterwards there is what was planned, and nothing left to do."""
    plan = plan_qos(desired, door.observe(), taps)
    assert (plan.troubles, door.apply(plan.steps)) == ((), [])
    assert door.observe().state == plan.wanted
    assert plan_qos(desired, door.observe(), taps).steps == ()
    owners = {one.device: one.owner for one in desired.intermediates}
    assert all(one.owner == owners[one.device] for one in door.observe().state.intermediates)


@given(stories=st.lists(st.tuples(states, attached), min_size=1, max_size=4))
@settings(max_examples=200)
def test_applying_a_plan_gives_what_is_desired(stories: list[tuple[QosState, frozenset[str]]]) -> None:
    """Whatever was there before; what is on no bridge of ours is not limited."""
    fake = FakeQos(lambda: TAPS)
    for desired, taps in stories:
        brought(fake, desired, taps)
        assert {one.device for one in fake.observe().state.redirects} <= taps


@given(first=states, second=states, cut=st.integers(0, 12))
@settings(max_examples=200)
def test_a_plan_that_was_cut_short_is_finished_by_the_next(first: QosState, second: QosState, cut: int) -> None:
    """An agent may die after any step; nothing is ever led to a device that is not there, or not limited yet."""
    fake = FakeQos(lambda: TAPS)
    brought(fake, first)
    for step in plan_qos(second, fake.observe(), TAPS).steps[:cut]:
        fake.apply([step])
        seen = fake.observe().state
        assert {one.to for one in seen.redirects} <= {one.device for one in seen.shapers}
    brought(fake, second)


@given(desired=states, theirs=st.frozensets(st.sampled_from([place(noun) for noun in (
    *(Shaper(tap, BUCKETS[0]) for tap in sorted(TAPS)),
    *(Shaper(intermediate_name(port), BUCKETS[0]) for port in PORTS),
    *(Intermediate(intermediate_name(port)) for port in PORTS),
    *(Redirect(tap, "") for tap in sorted(TAPS)),
)])))  # fmt: skip
@settings(max_examples=200)
def test_nothing_of_others_is_named(desired: QosState, theirs: frozenset[tuple[str, str]]) -> None:
    """Where others are nothing is done; each port that lacks something for it is told of, and the rest is limited."""
    fake = FakeQos(lambda: TAPS)
    for one in theirs:
        fake.strange(one)
    plan = plan_qos(desired, fake.observe(), TAPS)
    assert not {place(step.what) for step in plan.steps} & theirs
    assert fake.apply(plan.steps) == []
    again = plan_qos(desired, fake.observe(), TAPS)
    assert (again.steps, again.troubles) == ((), plan.troubles)
    nouns = (*desired.shapers, *desired.intermediates, *desired.redirects)
    assert {trouble.owner for trouble in plan.troubles} == {noun.owner for noun in nouns if place(noun) in theirs}


@pytest.mark.parametrize("lacking", [Shaper, Intermediate, Redirect])
def test_a_kernel_that_lacks_a_part_is_told_of_once(lacking: type[QosNoun]) -> None:
    """Trying again is no use, and nothing is led to where no limit is."""
    fake = FakeQos(lambda: TAPS)
    fake.lacking = frozenset({lacking})
    desired = state_of({PORTS[0]: (BUCKETS[0], BUCKETS[0])})
    troubles = fake.apply(plan_qos(desired, fake.observe(), TAPS).steps)
    assert {trouble.owner for trouble in troubles} == {f"port/{PORTS[0]}"}
    assert not any(trouble.transient for trouble in troubles)
    assert not fake.observe().state.redirects


def the_kernel_is_like_the_fake() -> None:
    """Tell one story to both, and compare what they hold and what they say after each step."""
    for tap in TAPS:
        command(f"ip link add {tap} type veth peer name x{tap[3:]}")
        command(f"ip link set {tap} up")
    there = set(TAPS)
    doors: tuple[QosDoor, ...] = TrafficControl(), FakeQos(lambda: there)
    one, two, three = PORTS
    first, second = ADDRESSES
    for desired in (
        state_of({one: (BUCKETS[0], BUCKETS[1]), two: (None, BUCKETS[2]), three: (BUCKETS[2], None)}),
        state_of({one: (BUCKETS[1], BUCKETS[1]), two: (BUCKETS[0], None)}),
        addressed({first: (BUCKETS[0], None), second: (BUCKETS[1], BUCKETS[2])}),
        merge((addressed({first: (BUCKETS[0], BUCKETS[0]), second: (None, BUCKETS[1])}), state_of({one: (None, BUCKETS[0])}))),
        addressed({first: (BUCKETS[0], None)}),
        state_of({two: (BUCKETS[0], BUCKETS[0]), three: (None, BUCKETS[0])}),
        QosState(),
        state_of({one: (BUCKETS[0], BUCKETS[0])}),
    ):
        for door in doors:
            brought(door, desired)
    device, tap = intermediate_name(one), tap_name(one)
    after: tuple[Callable[[QosDoor], object], ...] = (
        lambda door: door.apply([RemoveQos(Intermediate(device))]),
        lambda door: door.apply([RemoveQos(Intermediate(device)), RemoveQos(Shaper(device, BUCKETS[0]))]),
        lambda door: len(door.apply([PutQos(Redirect(tap, device)), PutQos(Shaper(device, BUCKETS[0]))])),
        lambda door: brought(door, desired),
        lambda door: len(door.apply([PutQos(Intermediate(device)), PutQos(Shaper("tap-nosuch", BUCKETS[0]))])),
    )
    for happens in after:
        said, seen = zip(*((happens(door), door.observe().state) for door in doors), strict=True)
        assert said[0] == said[1]
        assert seen[0] == seen[1]
    command(f"ip link del {tap}")
    there.discard(tap)
    assert same(door.observe().state for door in doors)
    for door in doors:
        brought(door, QosState(), frozenset())
        door.close()


def same(seen: Iterable[QosState]) -> bool:
    """Tell whether all are equal."""
    return len(set(seen)) == 1


@pytest.mark.root
def test_the_kernel_is_like_the_fake() -> None:
    """One story on both: buckets come, change in place and go, devices vanish under redirections, names are not there."""
    on_own_ground(the_kernel_is_like_the_fake)()
