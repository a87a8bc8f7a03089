"""Laws of router advertisements: planning after applying is empty, on the fake and with real processes; texts are read back."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaon.host.kernel.radvd import Radvd
from kaon.host.kernel.radvd_fake import FakeRadvd
from kaon.host.plan.advertisements import farewells_of, plan_advertisements
from kaon.host.state.advertisements import (
    AdvertisedPrefix,
    AdvertisementState,
    Advertiser,
    AdvertisingLeg,
    legs_of,
    text_of,
)
from kaon.host.state.names import router_namespace

prefixes = st.builds(AdvertisedPrefix, st.sampled_from(["fd00::/64", "fd01::/64", "2001:db8::/56"]), st.booleans())
servers = st.lists(st.sampled_from([f"fd00:53::{number}" for number in range(1, 9)]), unique=True, max_size=5).map(tuple)
domains = st.lists(st.sampled_from(["openstacklocal", "a.example", "b-1.example"]), unique=True, max_size=2).map(tuple)
parts = st.tuples(
    st.integers(1280, 9000), st.booleans(), st.booleans(),
    st.lists(prefixes, unique_by=lambda one: one.prefix, max_size=3).map(sorted).map(tuple), servers, domains,
)  # fmt: skip
legs = st.dictionaries(st.sampled_from(["qr-1", "qr-2"]), parts, min_size=1).map(
    lambda made: tuple(AdvertisingLeg(device, *made[device]) for device in sorted(made))
)
stories = st.lists(st.dictionaries(st.sampled_from("abc"), legs), min_size=1, max_size=4)


def state(wanted: dict[str, tuple[AdvertisingLeg, ...]], *, start: str = "", hosted: str = "abc") -> AdvertisementState:
    """Desire these legs of these routers."""
    advertisers = {
        start + key: Advertiser(start + key, router_namespace(start + key), legs, owner=f"router/{start}{key}")
        for key, legs in wanted.items()
    }
    return AdvertisementState(advertisers, frozenset(start + key for key in hosted))


@given(legs)
def test_a_configuration_is_read_back(wanted: tuple[AdvertisingLeg, ...]) -> None:
    """What was written is what is read; anything else is not ours."""
    assert legs_of(text_of(wanted)) == wanted
    assert legs_of(text_of(wanted) + "\n") is None
    assert legs_of(text_of(wanted).replace("AdvLinkMTU", "AdvCurHopLimit")) is None


@given(legs, legs)
def test_only_what_is_no_more_is_taken_back(before: tuple[AdvertisingLeg, ...], after: tuple[AdvertisingLeg, ...]) -> None:
    """Nothing that is still advertised; and nothing twice."""
    assert farewells_of(after, after) == ()
    now = {leg.device: leg for leg in after}
    for farewell in farewells_of(before, after):
        leg = now.get(farewell.device)
        assert farewell.router == (leg is None)
        if leg is not None:
            assert not set(farewell.dns_servers) & set(leg.dns_servers)
            assert not set(farewell.prefixes) & {one.prefix for one in leg.prefixes if one.autonomous}


@given(stories, st.data())
def test_planning_again_is_empty(wishes: list[dict[str, tuple[AdvertisingLeg, ...]]], data: st.DataObject) -> None:
    """From whatever was before, with processes killed in between, one plan is enough; of a router elsewhere nothing is said."""
    door = FakeRadvd()
    for wanted in wishes:
        for router_id in tuple(door.advertisers):
            if data.draw(st.booleans()):
                door.kill(router_id)
        desired = state(wanted, hosted=data.draw(st.sampled_from(["abc", ""])))
        said = len(door.farewells)
        assert door.apply(plan_advertisements(desired, door.observe())) == []
        assert door.observe() == desired == desired.loaded()
        assert not plan_advertisements(desired, door.observe())
        assert desired.hosted or {router_id for router_id, _ in door.farewells[said:]} <= desired.advertisers.keys()


@pytest.fixture
def ground() -> Iterator[tuple[str, Path]]:
    """Make namespaces of three routers with two legs each, and a directory; remove them with all processes inside."""
    start = f"kr-{os.getpid()}-"
    directory = Path(tempfile.mkdtemp(prefix="kaon-ra-"))
    directory.chmod(0o755)
    made: list[str] = []
    try:
        for space in (router_namespace(start + key) for key in "abc"):
            ip("netns", "add", space)
            made.append(space)
            ip("-n", space, "link", "add", "qr-1", "mtu", "9000", "type", "veth", "peer", "name", "qr-2", "mtu", "9000")
            for leg in ("qr-1", "qr-2"):
                ip("-n", space, "link", "set", leg, "up")
        yield start, directory
    finally:
        Radvd(directory).apply(plan_advertisements(AdvertisementState(), Radvd(directory).observe()))
        for space in made:
            ip("netns", "delete", space)
        shutil.rmtree(directory)


def ip(*words: str) -> str:
    """Run the command of that name and give what it printed."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.root
def test_planning_again_is_empty_on_the_kernel(ground: tuple[str, Path]) -> None:
    """The same law with real processes; every configuration that can be desired is one that radvd takes."""
    start, directory = ground

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from("abc"), legs))
    def holds(wanted: dict[str, tuple[AdvertisingLeg, ...]]) -> None:
        desired = state(wanted, start=start)
        assert Radvd(directory).apply(plan_advertisements(desired, Radvd(directory).observe())) == []
        fresh = Radvd(directory).observe()
        assert fresh == desired
        assert not plan_advertisements(desired, fresh)

    holds()
