"""Networks over HTTP, and what holds for every resource."""

import re
from typing import Any

import pytest
from api_client import Client

ADMIN_ONLY = {"provider:network_type", "provider:physical_network", "provider:segmentation_id"}


def test_a_network_has_every_attribute(ann: Client) -> None:
    """As Neutron shows it to a member."""
    network = ann.make("network", name="blue", description="sea")
    assert network.keys() == {
        *("id", "name", "project_id", "tenant_id", "admin_state_up", "mtu", "status", "subnets", "shared", "router:external"),
        *("port_security_enabled", "description", "created_at", "updated_at", "revision_number", "tags"),
        *("is_default", "ipv4_address_scope", "ipv6_address_scope", "qos_policy_id", "dns_domain"),
        *("l2_adjacency", "availability_zone_hints", "availability_zones", "vlan_transparent", "qinq"),
    }
    assert network["project_id"] == network["tenant_id"] == "p1"
    assert (network["name"], network["description"], network["status"], network["subnets"]) == ("blue", "sea", "ACTIVE", [])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", network["created_at"])
    assert network == ann.get(f"networks/{network['id']}")["network"]


def test_an_admin_sees_how_it_is_made(admin: Client, ann: Client) -> None:
    """Provider attributes are for admins."""
    network = ann.make("network")
    shown = admin.get(f"networks/{network['id']}")["network"]
    assert shown.keys() - network.keys() == ADMIN_ONLY
    assert shown["provider:network_type"] == "vxlan"


def test_fields_choose_attributes(ann: Client) -> None:
    """Unknown ones give nothing, tenant_id alone gives tenant_id."""
    network = ann.make("network", name="a")
    assert ann.get("networks", fields=["name", "tenant_id"]) == {"networks": [{"name": "a", "tenant_id": "p1"}]}
    assert ann.get(f"networks/{network['id']}", fields="no_such") == {"network": {}}


def test_an_update_raises_the_revision(ann: Client) -> None:
    """And an empty one is all right."""
    network = ann.make("network")
    changed = ann.change("network", network["id"], name="new", admin_state_up="false")
    assert (changed["name"], changed["admin_state_up"]) == ("new", False)
    assert changed["revision_number"] > network["revision_number"]
    assert ann.change("network", network["id"]) == changed


def test_a_stale_revision_is_412(ann: Client) -> None:
    """If-Match guards an update and a delete."""
    network = ann.make("network")
    path, stale = f"networks/{network['id']}", {"If-Match": "revision_number=4711"}
    refused = (412, "RevisionNumberConstraintFailed")
    assert ann.refused("PUT", path, json={"network": {"name": "x"}}, headers=stale) == refused
    assert ann.refused("DELETE", path, headers=stale) == refused
    fresh = {"If-Match": f"revision_number={network['revision_number']}"}
    assert ann.ask("PUT", f"/v2.0/{path}", json={"network": {"name": "x"}}, headers=fresh).status_code == 200


@pytest.mark.parametrize(
    ("attributes", "refusal"),
    [
        ({"colour": "red"}, (400, "HTTPBadRequest")),
        ({"status": "ACTIVE"}, (400, "HTTPBadRequest")),
        ({"name": 5}, (400, "HTTPBadRequest")),
        ({"name": "x" * 256}, (400, "HTTPBadRequest")),
        ({"admin_state_up": "maybe"}, (400, "InvalidInput")),
        ({"project_id": "p1", "tenant_id": "p2"}, (400, "HTTPBadRequest")),
        ({"project_id": "p2"}, (400, "HTTPBadRequest")),
        ({"shared": True}, (403, "PolicyNotAuthorized")),
        ({"router:external": True}, (403, "PolicyNotAuthorized")),
        ({"provider:network_type": "vxlan"}, (403, "PolicyNotAuthorized")),
        ({"mtu": 9000}, (400, "InvalidInput")),
    ],
)
def test_a_wrong_network_is_refused(ann: Client, attributes: dict[str, Any], refusal: tuple[int, str]) -> None:
    """With Neutron's code and type, and nothing is left behind."""
    assert ann.refused("POST", "networks", json={"network": attributes}) == refusal
    assert ann.get("networks")["networks"] == []


def test_bulk_creates_all_or_none(ann: Client) -> None:
    """Items may stand bare or in their own envelope."""
    items = [{"name": "a"}, {"network": {"name": "b"}}]
    answer = ann.ask("POST", "/v2.0/networks", json={"networks": items})
    assert answer.status_code == 201
    assert [network["name"] for network in answer.json()["networks"]] == ["a", "b"]
    for wrong in ([{"name": "c"}, {"colour": "red"}], [], ["x"], {}):
        assert ann.refused("POST", "networks", json={"networks": wrong}) == (400, "HTTPBadRequest")
    assert len(ann.get("networks")["networks"]) == 2


def test_others_do_not_see_it(ann: Client, bob: Client) -> None:
    """Not in lists, and by id it is not found, whatever is tried."""
    network = ann.make("network")
    path, refused = f"networks/{network['id']}", (404, "NetworkNotFound")
    assert bob.get("networks")["networks"] == []
    assert bob.refused("GET", path) == refused
    assert bob.refused("PUT", path, json={"network": {"name": "x"}}) == refused
    assert bob.refused("DELETE", path) == refused


def test_a_shared_network_is_seen_and_not_changed(admin: Client, ann: Client) -> None:
    """403, for it is there for all to see."""
    network = admin.make("network", shared=True)
    path, refused = f"networks/{network['id']}", (403, "PolicyNotAuthorized")
    assert ann.get(path)["network"]["shared"] is True
    assert ann.refused("PUT", path, json={"network": {"name": "x"}}) == refused
    assert ann.refused("DELETE", path) == refused


def test_a_reader_only_looks(ann: Client, eve: Client) -> None:
    """It sees the networks of its project, and makes and changes none."""
    network = ann.make("network")
    assert [network] == eve.get("networks")["networks"]
    assert eve.refused("POST", "networks", json={"network": {}}) == (403, "PolicyNotAuthorized")
    assert eve.refused("DELETE", f"networks/{network['id']}") == (403, "PolicyNotAuthorized")


def test_an_admin_acts_for_any_project(admin: Client, ann: Client) -> None:
    """By either name of the project."""
    network = admin.make("network", tenant_id="p1")
    assert [network["id"]] == [one["id"] for one in ann.get("networks")["networks"]]


def test_lists_are_narrowed(admin: Client, ann: Client) -> None:
    """By name, by project, by state; an unknown filter is 400."""
    ann.make("network", name="a")
    ann.make("network", admin_state_up=False)
    admin.make("network", name="c", shared=True)
    names = lambda **query: sorted(network["name"] for network in admin.get("networks", **query)["networks"])  # noqa: E731  # a word
    assert names(name=["a", "c"]) == ["a", "c"]
    assert names(name="") == [""]
    assert names(tenant_id="p1") == names(project_id="p1") == ["", "a"]
    assert names(admin_state_up="0") == [""]
    assert names(shared="True") == ["c"]
    assert names(name="a", shared="True") == []
    assert admin.refused("GET", "networks?colour=red") == (400, "HTTPBadRequest")
    assert admin.refused("GET", "networks?shared=maybe") == (400, "InvalidInput")


def test_pages_follow_each_other(ann: Client) -> None:
    """Forward to the end and back, without losing or doubling a row."""
    made = [ann.make("network", name=name)["name"] for name in "abcde"]
    seen, url = [], "/v2.0/networks?limit=2&sort_key=name&sort_dir=asc"
    for _ in range(4):
        page = ann.ask("GET", url).json()
        seen += [network["name"] for network in page["networks"]]
        links = {link["rel"]: link["href"] for link in page["networks_links"]}
        if "next" not in links:
            break
        url = links["next"].removeprefix("http://kaon:9696")
    assert made == seen
    back = ann.ask("GET", links["previous"].removeprefix("http://kaon:9696")).json()
    assert [network["name"] for network in back["networks"]] == ["c", "d"]


def test_an_unknown_marker_is_not_found(ann: Client) -> None:
    """404 of the resource's own type."""
    assert ann.refused("GET", "networks?limit=1&marker=nobody") == (404, "NetworkNotFound")


def test_sorting_has_a_direction(ann: Client) -> None:
    """Both ways."""
    for name in "bca":
        ann.make("network", name=name)
    for direction, expected in (("asc", "abc"), ("desc", "cba")):
        networks = ann.get("networks", sort_key="name", sort_dir=direction)["networks"]
        assert "".join(network["name"] for network in networks) == expected


def test_over_quota_is_409(admin: Client, ann: Client) -> None:
    """And nothing is made."""
    admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"network": 1}})
    ann.make("network")
    assert ann.refused("POST", "networks", json={"network": {}}) == (409, "OverQuota")
    assert len(ann.get("networks")["networks"]) == 1


def test_a_deleted_network_is_gone(ann: Client) -> None:
    """204, then 404."""
    network = ann.make("network")
    ann.remove("network", network["id"])
    assert ann.refused("GET", f"networks/{network['id']}") == (404, "NetworkNotFound")


def test_floating_ips_that_lead_nowhere_go_with_their_network(admin: Client, ann: Client) -> None:
    """As in Neutron; one that leads to a port holds the network."""
    outside, inside = admin.make("network", **{"router:external": True})["id"], ann.make("network")["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    subnet = ann.make("subnet", network_id=inside, ip_version=4, cidr="10.0.0.0/24")["id"]
    router = ann.make("router", external_gateway_info={"network_id": outside})["id"]
    ann.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": subnet})
    leading = ann.make("floatingip", floating_network_id=outside, port_id=ann.make("port", network_id=inside)["id"])
    ann.make("floatingip", floating_network_id=outside)
    assert (409, "NetworkInUse") == admin.refused("DELETE", f"networks/{outside}")
    assert len(ann.get("floatingips")["floatingips"]) == 2
    ann.change("floatingip", leading["id"], port_id=None)
    ann.change("router", router, external_gateway_info=None)
    admin.remove("network", outside)
    assert ann.get("floatingips")["floatingips"] == []
