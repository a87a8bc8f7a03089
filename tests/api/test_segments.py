"""Types of networks, segments of networks, and subnets on segments."""

from collections.abc import Iterator
from typing import Any

import pytest
from api_client import Client

from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import hosts, segment_types
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store
from kaon.wire.messages import Hello, Role

SETTINGS = ServerSettings(
    type_drivers=("local", "flat", "vlan", "gre", "vxlan", "geneve"),
    tenant_network_types=("vlan", "vxlan"),
    vlan_ranges={"rack1": ((100, 101),), "rack9": ()},
    vni_ranges=((1, 2000),),
    gre_ranges=((1, 10),),
    geneve_ranges=((5, 5),),
)


@pytest.fixture
def core(database: str) -> Iterator[Core]:
    """A control plane where every type of network is configured, on an empty database."""
    store = Store(database)
    core = Core(store=store, backends={"linux": LinuxBackend()}, settings=SETTINGS)
    segment_types.prepare(core)
    yield core
    store.close()


def _provider(kind: str, physical: str | None = None, number: int | None = None) -> dict[str, Any]:
    given = {"network_type": kind, "physical_network": physical, "segmentation_id": number}
    return {f"provider:{key}": value for key, value in given.items() if value is not None}


def _shown(network: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(network[f"provider:{key}"] for key in ("network_type", "physical_network", "segmentation_id"))


def _segments(admin: Client, network: str) -> list[dict[str, Any]]:
    found = admin.get("segments", network_id=network)["segments"]
    return sorted(found, key=lambda one: one["physical_network"] or "~")


def _host(core: Core, name: str, *physical: str, tunnel_ip: str | None = None) -> None:
    roles = (Role.L2, Role.DHCP)
    told = Hello(wire_version=1, host=name, instance="1", roles=roles, physical_networks=physical, tunnel_ip=tunnel_ip)
    hosts.hello(core, told)


@pytest.mark.parametrize(
    ("asked", "expected", "mtu"),
    [
        (_provider("local"), ("local", None, None), 1500),
        (_provider("flat", "any"), ("flat", "any", None), 1500),
        (_provider("vlan"), ("vlan", "rack1", 100), 1500),
        (_provider("vlan", "rack1"), ("vlan", "rack1", 100), 1500),
        (_provider("vlan", "rack9", 7), ("vlan", "rack9", 7), 1500),
        (_provider("vxlan"), ("vxlan", None, 1), 1450),
        (_provider("vxlan", number=16_777_215), ("vxlan", None, 16_777_215), 1450),
        (_provider("gre", number=4_294_967_295), ("gre", None, 4_294_967_295), 1458),
        (_provider("geneve"), ("geneve", None, 5), 1450),
        ({}, ("vlan", "rack1", 100), 1500),
    ],
)
def test_networks_of_every_type(admin: Client, asked: dict[str, Any], expected: tuple[Any, ...], mtu: int) -> None:
    """What is configured is made, what is not said is chosen, and each network has a segment."""
    network = admin.make("network", **asked)
    assert (_shown(network), network["mtu"]) == (expected, mtu)
    (segment,) = _segments(admin, network["id"])
    assert (segment["network_type"], segment["physical_network"], segment["segmentation_id"]) == expected
    for key in asked:
        assert [one["id"] for one in admin.get("networks", **{key: asked[key]})["networks"]] == [network["id"]]
    assert "segments" not in network


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (_provider("token-ring"), (400, "InvalidInput")),
        (_provider("local", "rack1"), (400, "InvalidInput")),
        (_provider("local", number=3), (400, "InvalidInput")),
        (_provider("flat"), (400, "InvalidInput")),
        (_provider("flat", "p", 3), (400, "InvalidInput")),
        (_provider("vlan", number=3), (400, "InvalidInput")),
        (_provider("vlan", "unknown", 3), (400, "InvalidInput")),
        (_provider("vlan", "rack1", 4095), (400, "InvalidInput")),
        (_provider("vlan", "rack9"), (503, "NoNetworkAvailable")),
        (_provider("vxlan", "rack1"), (400, "InvalidInput")),
        (_provider("vxlan", number=1 << 24), (400, "InvalidInput")),
        ({"provider:segmentation_id": 5}, (400, "InvalidInput")),
        ({**_provider("vxlan"), "segments": [_provider("vxlan")]}, (400, "SegmentsSetInConjunctionWithProviders")),
        ({"segments": [_provider("flat", "p"), _provider("flat", "p")]}, (400, "SegmentsContainDuplicateEntry")),
        ({"segments": [{"network_type": "flat"}]}, (400, "HTTPBadRequest")),
        ({"vlan_transparent": True}, (400, "VlanTransparencyDriverError")),
        ({"qinq": True}, (400, "VlanQinqDriverError")),
    ],
)
def test_what_no_segment_can_be_is_refused(admin: Client, asked: dict[str, Any], error: tuple[int, str]) -> None:
    """With Neutron's errors."""
    assert admin.refused("POST", "networks", json={"network": asked}) == error


def test_a_segment_is_one_networks(admin: Client, ann: Client) -> None:
    """Ids that are taken are refused, and free again afterwards; when all are taken the next type is tried."""
    for asked, error in (
        (_provider("vlan", "rack1", 9), "VlanIdInUse"),
        (_provider("gre", number=9), "TunnelIdInUse"),
        (_provider("flat", "p"), "FlatNetworkInUse"),
    ):
        had = admin.make("network", **asked)["id"]
        assert admin.refused("POST", "networks", json={"network": asked}) == (409, error)
        admin.remove("network", had)
        admin.make("network", **asked)
    made = [ann.make("network")["id"] for _ in range(3)]
    shown = [_shown(admin.get(f"networks/{one}")["network"]) for one in made]
    assert shown == [("vlan", "rack1", 100), ("vlan", "rack1", 101), ("vxlan", None, 1)]
    admin.remove("network", made[0])
    assert _shown(admin.make("network")) == ("vlan", "rack1", 100)


def test_the_id_of_a_vlan_can_change(admin: Client) -> None:
    """Nothing else of a segment can."""
    network = admin.make("network", **_provider("vlan", "rack1", 5))["id"]
    changed = admin.change("network", network, **{"provider:segmentation_id": 6, "provider:network_type": "vlan"})
    assert _shown(changed) == ("vlan", "rack1", 6)
    assert _segments(admin, network)[0]["segmentation_id"] == 6
    admin.make("network", **_provider("vlan", "rack1", 5))
    other = admin.make("network", **_provider("vxlan"))["id"]
    for identity, change, error in (
        (network, {"provider:segmentation_id": 5}, (409, "VlanIdInUse")),
        (network, {"provider:physical_network": "rack9"}, (400, "InvalidInput")),
        (other, {"provider:segmentation_id": 77}, (400, "InvalidInput")),
        (other, {"segments": [_provider("vxlan", number=4)]}, (400, "InvalidInput")),
    ):
        assert admin.refused("PUT", f"networks/{identity}", json={"network": change}) == error


def test_ports_of_a_type_that_nobody_wires_are_not_bound(core: Core, admin: Client) -> None:
    """The network is made, as the operator configured its type; its ports say that they have no way to it."""
    _host(core, "h1", "rack1", tunnel_ip="192.0.2.1")
    for kind, expected in (("vlan", "binding_failed"), ("geneve", "binding_failed"), ("vxlan", "tap")):
        network = admin.make("network", **_provider(kind))["id"]
        admin.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
        assert admin.make("port", network_id=network, **{"binding:host_id": "h1"})["binding:vif_type"] == expected
        assert len(admin.get(f"networks/{network}/dhcp-agents")["agents"]) == (kind == "vxlan")


def test_a_network_of_several_segments(core: Core, admin: Client, ann: Client) -> None:
    """It shows `segments` instead of one; a host is on the first that it reaches."""
    wanted = [_provider("flat", "p1"), _provider("flat", "p2"), _provider("vxlan")]
    network = admin.make("network", segments=wanted, project_id="p1")
    assert [_shown(one) for one in network["segments"]] == [("flat", "p1", None), ("flat", "p2", None), ("vxlan", None, 1)]
    assert network["mtu"] == 1450
    assert "provider:network_type" not in network
    assert "segments" not in ann.get(f"networks/{network['id']}")["network"]
    assert [one["id"] for one in admin.get("networks", **{"provider:physical_network": "p2"})["networks"]] == [network["id"]]
    _host(core, "h2", "p2")
    _host(core, "h3")
    for host, expected in (("h2", "tap"), ("h3", "binding_failed")):
        port = admin.make("port", network_id=network["id"], **{"binding:host_id": host})
        assert port["binding:vif_type"] == expected
    first, second, third = (one["id"] for one in _segments(admin, network["id"]))
    assert admin.refused("DELETE", f"segments/{second}") == (409, "SegmentInUse")
    admin.remove("segment", first)
    admin.remove("segment", third)
    assert _shown(admin.get(f"networks/{network['id']}")["network"]) == ("flat", "p2", None)


def test_segments_as_resources(admin: Client, ann: Client) -> None:
    """Administrators add, name and remove them; nobody else sees any."""
    network = admin.make("network", **_provider("vxlan"))
    made = admin.make("segment", network_id=network["id"], network_type="flat", physical_network="p", name="s", description="d")
    assert made.keys() == {
        *("id", "network_id", "network_type", "physical_network", "segmentation_id", "name", "description"),
        *("created_at", "updated_at", "revision_number"),
    }
    raised = admin.get(f"networks/{network['id']}")["network"]
    assert (len(raised["segments"]), raised["revision_number"]) == (2, network["revision_number"] + 1)
    changed = admin.change("segment", made["id"], name=None, description="e")
    assert (changed["name"], changed["description"], changed["revision_number"]) == (None, "e", 2)
    assert admin.get(f"segments/{made['id']}")["segment"] == changed
    assert [one["id"] for one in admin.get("segments", physical_network="p")["segments"]] == [made["id"]]
    assert ann.get("segments") == {"segments": []}
    assert ann.refused("GET", f"segments/{made['id']}") == (404, "SegmentNotFound")
    for body, error in (
        ({"network_id": made["id"], "network_type": "vxlan"}, (404, "NetworkNotFound")),
        ({"network_id": network["id"], "network_type": "flat", "physical_network": "p"}, (409, "FlatNetworkInUse")),
        ({"network_id": network["id"]}, (400, "HTTPBadRequest")),
    ):
        assert admin.refused("POST", "segments", json={"segment": body}) == error
    assert ann.refused("POST", "segments", json={"segment": {"network_id": network["id"], "network_type": "vxlan"}})[0] == 403
    for one in (made["id"], _segments(admin, network["id"])[-1]["id"]):
        admin.remove("segment", one)
    bare = admin.get(f"networks/{network['id']}")["network"]
    assert _shown(bare) == (None, None, None)
    admin.remove("network", network["id"])


@pytest.fixture
def routed(core: Core, admin: Client) -> dict[str, Any]:
    """A network with a segment and a subnet in each of two racks, and a host in each."""
    network = admin.make("network", segments=[_provider("flat", "p1"), _provider("flat", "p2")])["id"]
    made: dict[str, Any] = {"network": network}
    for number, segment in enumerate(_segments(admin, network), 1):
        _host(core, f"h{number}", f"p{number}")
        where = {"segment_id": segment["id"], "cidr": f"10.0.{number}.0/24", "ip_version": 4}
        made[f"s{number}"] = admin.make("subnet", network_id=network, **where)
        made[f"g{number}"] = segment["id"]
    return made


def test_subnets_of_a_routed_network(admin: Client, routed: dict[str, Any]) -> None:
    """They say where they are, have routes to each other, and the network is no broadcast domain."""
    network = admin.get(f"networks/{routed['network']}")["network"]
    assert network["l2_adjacency"] is False
    there = {one["segment_id"]: one["host_routes"] for one in admin.get("subnets", network_id=network["id"])["subnets"]}
    assert there == {
        routed["g1"]: [{"destination": "10.0.2.0/24", "nexthop": "10.0.1.1"}],
        routed["g2"]: [{"destination": "10.0.1.0/24", "nexthop": "10.0.2.1"}],
    }
    assert [one["id"] for one in admin.get("subnets", segment_id=routed["g2"])["subnets"]] == [routed["s2"]["id"]]
    assert admin.refused("DELETE", f"segments/{routed['g1']}") == (409, "SegmentInUse")
    agents = admin.get(f"networks/{network['id']}/dhcp-agents")["agents"]
    assert {one["host"] for one in agents} == {"h1", "h2"}
    admin.remove("subnet", routed["s2"]["id"])
    assert admin.get(f"subnets/{routed['s1']['id']}")["subnet"]["host_routes"] == []
    admin.remove("network", network["id"])


def test_addresses_are_where_the_host_is(admin: Client, routed: dict[str, Any]) -> None:
    """Without a host they wait for it; what is asked for must be of one place, and stays."""
    network = routed["network"]

    def made(**body: Any) -> tuple[str, list[str]]:
        port = admin.make("port", network_id=network, **body)
        return port["ip_allocation"], [one["subnet_id"] for one in port["fixed_ips"]]

    one, two = routed["s1"]["id"], routed["s2"]["id"]
    assert made() == ("deferred", [])
    assert made(fixed_ips=[]) == ("none", [])
    assert made(**{"binding:host_id": "h2"}) == ("immediate", [two])
    assert made(fixed_ips=[{"subnet_id": one}]) == ("immediate", [one])
    for body, error in (
        ({"binding:host_id": "elsewhere"}, (409, "IpAddressGenerationFailureNoMatchingSubnet")),
        ({"fixed_ips": [{"subnet_id": one}, {"subnet_id": two}]}, (400, "FixedIpsSubnetsNotOnSameSegment")),
    ):
        assert admin.refused("POST", "ports", json={"port": {"network_id": network, **body}}) == error
    waiting = admin.make("port", network_id=network)["id"]
    assert [at["subnet_id"] for at in admin.change("port", waiting, **{"binding:host_id": "h2"})["fixed_ips"]] == [two]
    moved = {"port": {"binding:host_id": "h1"}}
    assert admin.refused("PUT", f"ports/{waiting}", json=moved) == (409, "HostNotCompatibleWithFixedIps")
    elsewhere = admin.change("port", waiting, fixed_ips=[{"subnet_id": one}], **{"binding:host_id": "h1"})
    assert [at["subnet_id"] for at in elsewhere["fixed_ips"]] == [one]


def test_a_subnet_cannot_be_on_any_segment(admin: Client, routed: dict[str, Any]) -> None:
    """Either all of a network's are on segments or none is; a single segment may take a subnet in later."""
    network, other = routed["network"], admin.make("network", **_provider("flat", "p9"))["id"]
    (segment,) = _segments(admin, other)
    for body, error in (
        ({"segment_id": network}, (404, "SegmentNotFound")),
        ({"segment_id": segment["id"]}, (400, "NetworkIdsDontMatch")),
        ({}, (400, "SubnetsNotAllAssociatedWithSegments")),
    ):
        wanted = {"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24", **body}
        assert admin.refused("POST", "subnets", json={"subnet": wanted}) == error
    subnet = admin.make("subnet", network_id=other, ip_version=4, cidr="10.9.0.0/24")["id"]
    assert admin.change("subnet", subnet, segment_id=segment["id"])["segment_id"] == segment["id"]
    gone = {"subnet": {"segment_id": None}}
    assert admin.refused("PUT", f"subnets/{subnet}", json=gone) == (400, "SubnetSegmentAssociationChangeNotAllowed")


def test_members_find_their_networks_by_what_they_do_not_see(admin: Client, ann: Client, bob: Client) -> None:
    """As clients of Neutron do; other projects' networks stay out of it."""
    network = admin.make("network", project_id="p1", **_provider("vlan", "rack1"))["id"]
    for key, value in _provider("vlan", "rack1", 100).items():
        (found,) = ann.get("networks", **{key: value})["networks"]
        assert (found["id"], found.get(key)) == (network, None)
        assert bob.get("networks", **{key: value})["networks"] == []
