"""Network segment ranges: which segmentation ids are whose."""

from collections.abc import Iterator
from typing import Any

import pytest
from api_client import Client

from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import segment_types
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store

SETTINGS = ServerSettings(type_drivers=("flat", "vlan", "vxlan"), vlan_ranges={"rack": ((10, 12),)}, vni_ranges=((1, 20),))
RANGE = {"network_type": "vxlan", "minimum": 5, "maximum": 6, "shared": False, "project_id": "p1"}


@pytest.fixture
def core(database: str) -> Iterator[Core]:
    """A control plane with two configured ranges, on an empty database."""
    store = Store(database)
    core = Core(store=store, backends={"linux": LinuxBackend()}, settings=SETTINGS)
    segment_types.prepare(core)
    yield core
    store.close()


def _number(admin: Client, maker: Client) -> int:
    made = maker.make("network")["id"]
    return int(admin.get(f"networks/{made}")["network"]["provider:segmentation_id"])


def test_what_is_configured_is_shown(admin: Client, ann: Client) -> None:
    """As ranges of everybody that cannot be changed; under both spellings of the path; to administrators."""
    admin.make("network", **{"provider:network_type": "vxlan"})
    shown = admin.get("network-segment-ranges")["network_segment_ranges"]
    assert admin.get("network_segment_ranges")["network_segment_ranges"] == shown
    by_type = {one["network_type"]: one for one in shown}
    vxlan, vlan = by_type["vxlan"], by_type["vlan"]
    assert (vxlan["default"], vxlan["shared"], vxlan["project_id"]) == (True, True, None)
    assert (vxlan["minimum"], vxlan["maximum"], vxlan["used"]) == (1, 20, {"1": "admin-project"})
    assert vxlan["available"] == list(range(2, 21))
    assert (vlan["physical_network"], vlan["available"]) == ("rack", [10, 11, 12])
    path = f"network_segment_ranges/{vxlan['id']}"
    change = {"network_segment_range": {"name": "mine"}}
    assert admin.refused("PUT", path, json=change) == (400, "NetworkSegmentRangeDefaultReadOnly")
    assert admin.refused("DELETE", path) == (400, "NetworkSegmentRangeDefaultReadOnly")
    assert ann.get("network_segment_ranges") == {"network_segment_ranges": []}
    assert ann.refused("POST", "network_segment_ranges", json={"network_segment_range": RANGE})[0] == 403


def test_a_projects_range_is_tried_first_and_no_other_projects(admin: Client, ann: Client, bob: Client) -> None:
    """When it is used up, the project gets what is everybody's."""
    made = admin.make("network_segment_range", name="r", description="d", **RANGE)
    assert (made["default"], made["shared"], made["project_id"], made["available"]) == (False, False, "p1", [5, 6])
    assert [_number(admin, ann) for _ in range(3)] == [5, 6, 1]
    assert [_number(admin, bob) for _ in range(4)] == [2, 3, 4, 7]
    path = f"network_segment_ranges/{made['id']}"
    shown = admin.get(path)["network_segment_range"]
    assert (shown["used"], shown["available"]) == ({"5": "p1", "6": "p1"}, [])
    assert admin.refused("DELETE", path) == (409, "NetworkSegmentRangeReferencedByProject")
    smaller = {"network_segment_range": {"minimum": 6}}
    assert admin.refused("PUT", path, json=smaller) == (409, "NetworkSegmentRangeReferencedByProject")
    wider = admin.change("network_segment_range", made["id"], minimum=5, maximum=30, name="wide")
    assert (wider["maximum"], wider["name"], wider["available"]) == (30, "wide", [*range(8, 31)])
    assert _number(admin, ann) == 8


def test_a_range_can_lie_outside_of_what_is_configured(admin: Client, ann: Client) -> None:
    """Its ids are free while it is there; it has tags like other resources."""
    body = {"network_type": "vlan", "physical_network": "new", "minimum": 7, "maximum": 7, "project_id": ""}
    made = admin.make("network_segment_range", **body)["id"]
    where = {"provider:network_type": "vlan", "provider:physical_network": "new"}
    network = admin.make("network", **where)
    assert network["provider:segmentation_id"] == 7
    admin.remove("network", network["id"])
    answer = admin.ask("PUT", f"/v2.0/network_segment_ranges/{made}/tags", json={"tags": ["a"]})
    assert (answer.status_code, answer.json()) == (200, {"tags": ["a"]})
    assert [one["id"] for one in admin.get("network_segment_ranges", tags="a")["network_segment_ranges"]] == [made]
    admin.remove("network_segment_range", made)
    assert admin.refused("GET", f"network_segment_ranges/{made}") == (404, "NetworkSegmentRangeNotFound")
    assert admin.refused("POST", "networks", json={"network": where}) == (400, "InvalidInput")
    assert ann.refused("GET", f"network_segment_ranges/{made}") == (404, "NetworkSegmentRangeNotFound")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"network_type": "geneve"}, (400, "NetworkSegmentRangeNetTypeNotSupported")),
        ({"network_type": "flat"}, (400, "HTTPBadRequest")),
        ({"minimum": 7}, (400, "NetworkTunnelRangeError")),
        ({"maximum": 1 << 24}, (400, "NetworkTunnelRangeError")),
        ({"minimum": 0}, (400, "HTTPBadRequest")),
        ({"network_type": "vlan"}, (400, "BadRequest")),
        ({"network_type": "vlan", "physical_network": "rack", "maximum": 4095}, (400, "NetworkVlanRangeError")),
        ({"project_id": ""}, (400, "BadRequest")),
        ({"minimum": 1, "maximum": 9}, (409, "NetworkSegmentRangeOverlaps")),
    ],
)
def test_what_is_no_range_is_refused(admin: Client, change: dict[str, Any], error: tuple[int, str]) -> None:
    """Ranges that are not configured must not overlap."""
    admin.make("network_segment_range", **RANGE | {"minimum": 8, "maximum": 8})
    assert admin.refused("POST", "network_segment_ranges", json={"network_segment_range": RANGE | change}) == error
