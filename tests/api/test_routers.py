"""Routers and floating IPs over HTTP."""

from dataclasses import dataclass
from typing import Any

import pytest
from api_client import Client


@dataclass(frozen=True)
class Town:
    """A router of p1 with a gateway to an external network and one interface."""

    router: str
    subnet: str
    network: str
    external: str
    external_subnet: str


@pytest.fixture
def town(admin: Client, ann: Client) -> Town:
    """What most tests here begin with."""
    external = admin.make("network", name="outside", **{"router:external": True})["id"]
    outer = admin.make("subnet", network_id=external, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)["id"]
    network = ann.make("network")["id"]
    inner = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    router = ann.make("router", name="r", external_gateway_info={"network_id": external})["id"]
    _act(ann, router, "add_router_interface", subnet_id=inner)
    return Town(router, inner, network, external, outer)


def _act(client: Client, router_id: str, action: str, /, **body: Any) -> Any:
    answer = client.ask("PUT", f"/v2.0/routers/{router_id}/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_router_has_every_attribute(ann: Client, town: Town) -> None:
    """With its gateway as Neutron shows it."""
    router = ann.get(f"routers/{town.router}")["router"]
    assert router.keys() == {
        *("id", "name", "project_id", "tenant_id", "admin_state_up", "status", "external_gateway_info", "routes"),
        *("description", "created_at", "updated_at", "revision_number", "tags", "flavor_id"),
        *("enable_snat", "external_gateways", "enable_default_route_bfd", "enable_default_route_ecmp", "enable_ndp_proxy"),
        *("conntrack_helpers", "availability_zone_hints", "availability_zones"),
    }
    gateway = router["external_gateway_info"]
    assert (gateway["network_id"], gateway["enable_snat"]) == (town.external, True)
    assert [address["subnet_id"] for address in gateway["external_fixed_ips"]] == [town.external_subnet]
    assert (router["status"], router["routes"]) == ("ACTIVE", [])


def test_an_interface_takes_the_gateways_address(ann: Client, town: Town) -> None:
    """The port shows whose it is, and cannot be deleted as a port."""
    (port,) = ann.get("ports", device_id=town.router, device_owner="network:router_interface")["ports"]
    assert port["fixed_ips"] == [{"subnet_id": town.subnet, "ip_address": "10.0.0.1"}]
    assert ann.refused("DELETE", f"ports/{port['id']}") == (409, "ServicePortInUse")


def test_an_interface_comes_and_goes(ann: Client, town: Town) -> None:
    """By port as well; the answer names what was joined."""
    network = ann.make("network")["id"]
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.1.0.0/24")["id"]
    port = ann.make("port", network_id=network)["id"]
    added = _act(ann, town.router, "add_router_interface", port_id=port)
    expected = {"id": town.router, "port_id": port, "network_id": network, "subnet_id": subnet, "subnet_ids": [subnet]}
    assert expected.items() <= added.items()
    removed = _act(ann, town.router, "remove_router_interface", port_id=port)
    assert removed["subnet_id"] == subnet


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, (400, "BadRequest")),
        ({"subnet_id": "x"}, (400, "BadRequest")),
        ({"colour": "red"}, (400, "BadRequest")),
        ({"subnet_id": "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"}, (404, "SubnetNotFound")),
        ({"port_id": "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"}, (404, "PortNotFound")),
    ],
)
def test_a_wrong_interface_is_refused(ann: Client, town: Town, body: Any, refusal: tuple[int, str | None]) -> None:
    """None of the two, nonsense, or what is not there."""
    status, kind = ann.refused("PUT", f"routers/{town.router}/add_router_interface", json=body)
    assert refusal == (status, kind if refusal[1] else None)


def test_where_another_router_advertises_ours_does_not_join(ann: Client, town: Town) -> None:
    """An address mode without a mode of advertisements says so; with both, the router advertises."""
    network = ann.make("network")["id"]
    six = {"network_id": network, "ip_version": 6, "ipv6_address_mode": "slaac"}
    foreign = ann.make("subnet", cidr="fd00:1::/64", **six)["id"]
    own = ann.make("subnet", cidr="fd00:2::/64", ipv6_ra_mode="slaac", **six)["id"]
    path = f"routers/{town.router}/add_router_interface"
    assert ann.refused("PUT", path, json={"subnet_id": foreign}) == (400, "BadRequest")
    _act(ann, town.router, "add_router_interface", subnet_id=own)


def test_a_subnet_is_joined_once(ann: Client, town: Town) -> None:
    """A second interface of the router on it is 400; a port that has a device is 409."""
    path = f"routers/{town.router}/add_router_interface"
    assert ann.refused("PUT", path, json={"subnet_id": town.subnet}) == (400, "BadRequest")
    busy = ann.make("port", network_id=town.network, device_id="vm")["id"]
    assert ann.refused("PUT", path, json={"port_id": busy}) == (409, "PortInUse")


def test_a_router_in_use_stays(ann: Client, town: Town) -> None:
    """409 while it has interfaces; then it goes, with its gateway."""
    assert ann.refused("DELETE", f"routers/{town.router}") == (409, "RouterInUse")
    _act(ann, town.router, "remove_router_interface", subnet_id=town.subnet)
    ann.remove("router", town.router)
    assert ann.get("ports", network_id=town.network)["ports"] == []


def test_a_gateway_can_be_cleared(ann: Client, town: Town) -> None:
    """By an empty object or null."""
    assert ann.change("router", town.router, external_gateway_info={})["external_gateway_info"] is None
    gateway = {"network_id": town.external}
    assert (
        ann.change("router", town.router, external_gateway_info=gateway)["external_gateway_info"]["network_id"] == town.external
    )
    assert ann.change("router", town.router, external_gateway_info=None)["external_gateway_info"] is None


@pytest.mark.parametrize(
    ("gateway", "refusal"),
    [
        ({"enable_snat": True}, (400, "HTTPBadRequest")),
        ({"network_id": "{network}"}, (400, "BadRequest")),
        ({"network_id": "{external}", "enable_snat": False}, (403, "PolicyNotAuthorized")),
        ({"network_id": "{external}", "external_fixed_ips": [{"ip_address": "203.0.113.9"}]}, (403, "PolicyNotAuthorized")),
        ({"network_id": "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"}, (404, "NetworkNotFound")),
    ],
)
def test_a_wrong_gateway_is_refused(ann: Client, town: Town, gateway: dict[str, Any], refusal: tuple[int, str]) -> None:
    """Not external, for admins only, or not there."""
    if gateway.get("network_id", "").startswith("{"):
        gateway = gateway | {"network_id": gateway["network_id"].format(network=town.network, external=town.external)}
    path = f"routers/{town.router}"
    assert ann.refused("PUT", path, json={"router": {"external_gateway_info": gateway}}) == refusal


def test_routes_are_replaced_added_and_removed(ann: Client, town: Town) -> None:
    """PUT replaces all of them, the actions some; a next hop must be reachable."""
    first = {"destination": "10.8.0.0/16", "nexthop": "10.0.0.8"}
    second = {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}
    assert ann.change("router", town.router, routes=[first])["routes"] == [first]
    both = _act(ann, town.router, "add_extraroutes", router={"routes": [second]})["router"]["routes"]
    assert sorted(both, key=str) == sorted([first, second], key=str)
    assert _act(ann, town.router, "remove_extraroutes", router={"routes": [first]})["router"]["routes"] == [second]
    lost = {"destination": "10.9.0.0/16", "nexthop": "192.0.2.1"}
    assert ann.refused("PUT", f"routers/{town.router}", json={"router": {"routes": [lost]}}) == (400, "InvalidRoutes")
    path = f"routers/{town.router}/remove_router_interface"
    assert ann.refused("PUT", path, json={"subnet_id": town.subnet}) == (409, "RouterInterfaceInUseByRoute")


def test_routers_are_not_made_in_bulk(ann: Client) -> None:
    """400, as in Neutron."""
    assert ann.refused("POST", "routers", json={"routers": [{}]}) == (400, "HTTPBadRequest")
    assert ann.refused("POST", "floatingips", json={"floatingips": [{}]}) == (400, "HTTPBadRequest")


def test_a_foreign_router_is_not_found(bob: Client, town: Town) -> None:
    """Nor acted upon."""
    refused = (404, "RouterNotFound")
    assert bob.refused("GET", f"routers/{town.router}") == refused
    assert bob.refused("DELETE", f"routers/{town.router}") == refused
    assert bob.refused("PUT", f"routers/{town.router}/add_router_interface", json={"subnet_id": town.subnet}) == refused


def test_a_floating_ip_leads_to_a_port(ann: Client, town: Town) -> None:
    """It takes the port's address and router, shows the port, and lets go again."""
    port = ann.make("port", network_id=town.network)
    floating = ann.make("floatingip", floating_network_id=town.external, port_id=port["id"])
    assert floating.keys() == {
        *("id", "project_id", "tenant_id", "floating_ip_address", "floating_network_id", "router_id", "port_id"),
        *("fixed_ip_address", "status", "port_details", "description", "created_at", "updated_at", "revision_number", "tags"),
        *("dns_name", "dns_domain", "qos_policy_id", "qos_network_policy_id", "port_forwardings", "distributed"),
    }
    assert floating["floating_ip_address"].startswith("203.0.113.")
    assert (floating["port_id"], floating["router_id"], floating["status"]) == (port["id"], town.router, "DOWN")
    assert floating["fixed_ip_address"] == port["fixed_ips"][0]["ip_address"]
    assert floating["port_details"]["mac_address"] == port["mac_address"]
    assert [one["id"] for one in ann.get("floatingips", port_id=port["id"])["floatingips"]] == [floating["id"]]
    free = ann.change("floatingip", floating["id"], port_id=None)
    assert (free["port_id"], free["router_id"], free["fixed_ip_address"]) == (None, None, None)
    ann.remove("floatingip", floating["id"])


def test_a_port_that_goes_leaves_its_floating_ip(ann: Client, town: Town) -> None:
    """Free for another."""
    port = ann.make("port", network_id=town.network)["id"]
    floating = ann.make("floatingip", floating_network_id=town.external, port_id=port)["id"]
    ann.remove("port", port)
    assert ann.get(f"floatingips/{floating}")["floatingip"]["port_id"] is None


def test_a_wrong_floating_ip_is_refused(ann: Client, town: Town) -> None:
    """With Neutron's code and type; nothing is left behind."""

    def refused(**attributes: Any) -> tuple[int, str]:
        return ann.refused("POST", "floatingips", json={"floatingip": {"floating_network_id": town.external, **attributes}})

    port = ann.make("port", network_id=town.network)["id"]
    lonely = ann.make("network")["id"]
    ann.make("subnet", network_id=lonely, ip_version=4, cidr="10.7.0.0/24")
    stranded = ann.make("port", network_id=lonely)["id"]
    taken = ann.make("floatingip", floating_network_id=town.external, port_id=port)["id"]
    assert refused(floating_network_id=town.network) == (400, "BadRequest")
    assert refused(floating_ip_address="203.0.113.99") == (403, "PolicyNotAuthorized")
    assert refused(port_id=stranded) == (404, "ExternalGatewayForFloatingIPNotFound")
    assert refused(port_id=port) == (409, "FloatingIPPortAlreadyAssociated")
    assert refused(colour="red") == (400, "HTTPBadRequest")
    assert [one["id"] for one in ann.get("floatingips")["floatingips"]] == [taken]


def test_what_a_floating_ip_needs_stays(ann: Client, town: Town) -> None:
    """The interface and the gateway are in use."""
    port = ann.make("port", network_id=town.network)["id"]
    ann.make("floatingip", floating_network_id=town.external, port_id=port)
    path = f"routers/{town.router}"
    interface = ann.refused("PUT", f"{path}/remove_router_interface", json={"subnet_id": town.subnet})
    assert interface == (409, "RouterInterfaceInUseByFloatingIP")
    gateway = ann.refused("PUT", path, json={"router": {"external_gateway_info": {}}})
    assert gateway == (409, "RouterExternalGatewayInUseByFloatingIp")
