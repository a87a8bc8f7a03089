"""Placement is made what it should be, against a real HTTP server: races, refusals, and what is no longer wanted."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from http_peers import CLOSE, Placement
from kaon.server.peers.http import Peer, PeerUnavailable
from kaon.server.peers.placement import Reconciler
from kaon.server.peers.providers import Provider
from kaon.server.peers.settings import PeerSettings
from kaon.server.store.engine import Store

NODE = "2f1d3a52-7a86-4c31-9c3f-0a5d8f2a0001"
AGENT = Provider("a", "node1:agent", root="node1", traits=("CUSTOM_VNIC_TYPE_NORMAL",))
BANDWIDTH = {"NET": {"total": 10, "allocation_ratio": 2.0}}
DEVICE = Provider("d", "node1:agent:eth1", parent="a", inventories=BANDWIDTH, traits=("T",))
SEGMENT = Provider("s", "Neutron segment id s", inventories={"IPV4_ADDRESS": {"total": 5, "reserved": 2}}, hosts=("h1", "h2"))


class World:
    """A Placement, a store whose clock stands, and what is wanted."""

    def __init__(self, database: str, service: Placement) -> None:
        self.now = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone
        self.store = Store(database, clock=lambda: self.now)
        self.service = service
        self.wanted: list[Provider] = []

    def round(self, holder: str = "one") -> int:
        """Make everything what it should be once."""
        peer = Peer(PeerSettings("none", {"endpoint": self.service.url}, timeout_s=2.0), "placement")
        return Reconciler(self.store, holder, peer, peer, lambda _tx: self.wanted).round()


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """A Placement that knows one compute node."""
    service = Placement()
    service.add(NODE, "node1")
    with service.running():
        made = World(database, service)
        yield made
        made.store.close()


def test_a_host_s_providers_are_made_below_its_compute_node(world: World) -> None:
    """With what they have; nothing is asked again until something differs, or an hour is over."""
    world.wanted = [AGENT, DEVICE]
    assert 0 == world.round()
    there = world.service.providers
    assert (NODE, "a") == (there["a"]["parent"], there["d"]["parent"])
    assert BANDWIDTH == there["d"]["inventories"]
    assert (["CUSTOM_VNIC_TYPE_NORMAL"], ["T"]) == (there["a"]["traits"], there["d"]["traits"])
    assert {"CUSTOM_VNIC_TYPE_NORMAL"} == world.service.traits
    asked = len(world.service.asked)
    assert 0 == world.round()
    assert asked == len(world.service.asked)
    there["d"]["inventories"] = {}
    world.now += timedelta(hours=1)
    world.round()
    assert {"NET"} == there["d"]["inventories"].keys()


def test_a_host_waits_for_its_compute_node(world: World) -> None:
    """Others do not wait for it."""
    world.wanted = [Provider("b", "node2:agent", root="node2"), SEGMENT]
    assert 1 == world.round()
    assert "s" in world.service.providers
    world.service.add("n2", "node2")
    assert 0 == world.round()
    assert "n2" == world.service.providers["b"]["parent"]


def test_segments_share_with_their_hosts(world: World) -> None:
    """By a host aggregate, which follows; what is no compute host is left out; all of it goes with the segment."""
    world.wanted = [Provider(**{**vars(SEGMENT), "hosts": ("h1", "network1")})]
    world.round()
    assert ["h1"] == world.service.aggregates[SEGMENT.name]["hosts"]
    world.wanted = [Provider(**{**vars(SEGMENT), "hosts": ("h2",)})]
    world.round()
    assert ["h2"] == world.service.aggregates[SEGMENT.name]["hosts"]
    assert ["uuid-1"] == world.service.providers["s"]["aggregates"]
    world.wanted = []
    world.service.busy = {"s"}
    assert 1 == world.round()
    world.service.busy = set()
    assert 0 == world.round()
    assert {NODE} == world.service.providers.keys()
    assert {} == world.service.aggregates


def test_races_are_run_again(world: World) -> None:
    """When somebody changes a provider meanwhile, a few times; then it is left for the next round."""
    world.wanted = [SEGMENT]
    world.service.conflicts = 4
    assert 0 == world.round()
    world.wanted = [Provider(**{**vars(SEGMENT), "traits": ("T",)})]
    world.service.conflicts = 6
    assert 1 == world.round()
    assert 0 == world.round()
    assert ["T"] == world.service.providers["s"]["traits"]


@pytest.mark.parametrize("fault", [CLOSE, (500, {}), (401, {})])
def test_a_placement_that_cannot_be_asked(world: World, fault: object) -> None:
    """The next round does it; another process may do that round."""
    world.wanted = [SEGMENT]
    world.service.faults.extend([fault] * 3)
    with pytest.raises(PeerUnavailable):
        world.round()
    world.service.faults.clear()
    assert 0 == world.round("two")
    assert "s" in world.service.providers
