"""Kinds of routers, and routers with several gateways, over HTTP."""

from typing import Any

import pytest
from api_client import Client


@pytest.fixture
def outside(admin: Client) -> str:
    """An external network."""
    network = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=network, ip_version=4, cidr="203.0.113.0/24")
    return str(network)


def _gateways(client: Client, router: str, verb: str, *wishes: Any) -> Any:
    body = {"router": {"external_gateways": list(wishes)}}
    answer = client.ask("PUT", f"/v2.0/routers/{router}/{verb}_external_gateways", json=body)
    return answer.json()["router"]["external_gateways"] if answer.status_code == 200 else answer.json()["NeutronError"]["type"]


def test_a_router_is_of_a_kind_that_administrators_choose(admin: Client, ann: Client) -> None:
    """While it is down; others neither choose nor see it."""
    for kind in ("distributed", "ha"):
        assert ann.refused("POST", "routers", json={"router": {kind: True}}) == (403, "PolicyNotAuthorized")
        router = ann.make("router", admin_state_up=False)
        assert kind not in router
        path = f"routers/{router['id']}"
        assert admin.change("router", router["id"], **{kind: True})[kind] is True
        admin.change("router", router["id"], admin_state_up=True)
        assert admin.refused("PUT", path, json={"router": {kind: False}}) == (400, "BadRequest")
        assert admin.change("router", router["id"], **{kind: None})[kind] is True
        assert admin.change("router", router["id"], admin_state_up=False)[kind] is True
        assert admin.change("router", router["id"], **{kind: False})[kind] is False


def test_a_projects_ha_routers_have_a_network(admin: Client) -> None:
    """Made with the first of them, nobody's, and gone with the last; or one that was made for it."""
    first, second = (admin.make("router", ha=True, project_id="p9")["id"] for _ in range(2))
    name = "HA network project p9"
    assert [one["project_id"] for one in admin.get("networks", name=name)["networks"]] == [""]
    admin.remove("router", first)
    assert len(admin.get("networks", name=name)["networks"]) == 1
    admin.remove("router", second)
    assert admin.get("networks", name=name)["networks"] == []
    assert "ha" not in admin.make("network", ha=True, project_id="p9")
    assert admin.refused("POST", "networks", json={"network": {"ha": True, "project_id": "p9"}})[0] == 409
    admin.make("router", ha=True, project_id="p9")
    assert admin.get("networks", name=name)["networks"] == []


def test_ways_out_are_used_as_administrators_say(admin: Client, ann: Client) -> None:
    """Alike, watched, or neither."""
    for name in ("enable_default_route_bfd", "enable_default_route_ecmp"):
        assert ann.refused("POST", "routers", json={"router": {name: True}}) == (403, "PolicyNotAuthorized")
        router = ann.make("router")
        assert router[name] is False
        assert admin.change("router", router["id"], **{name: True})[name] is True
        assert admin.make("router", **{name: True})[name] is True


def test_gateways_come_and_go(admin: Client, outside: str) -> None:
    """The first is the router's gateway; when it goes, the next one is."""
    router = admin.make("router")["id"]
    assert admin.get(f"routers/{router}")["router"]["external_gateways"] == []
    three = _gateways(admin, router, "add", *[{"network_id": outside, "enable_snat": False}] * 3)
    assert [one["enable_snat"] for one in three] == [False, False, False]
    assert len({one["external_fixed_ips"][0]["ip_address"] for one in three}) == 3
    shown = admin.get(f"routers/{router}")["router"]
    assert (shown["external_gateway_info"], shown["enable_snat"]) == (three[0], False)
    assert _gateways(admin, router, "remove", three[0]) == three[1:]
    shown = admin.get(f"routers/{router}")["router"]
    assert shown["external_gateway_info"] == three[1]
    assert _gateways(admin, router, "add", {"network_id": outside}) != three[1:]
    again = _gateways(admin, router, "update", three[2], three[0])
    assert again == [three[2], three[0]]
    assert admin.get("routers", id=router)["routers"][0]["external_gateway_info"] == three[2]
    assert admin.change("router", router, external_gateway_info={})["external_gateways"] == [three[0]]
    assert _gateways(admin, router, "update") == []
    assert admin.get("ports", device_id=router)["ports"] == []
    _gateways(admin, router, "add", *[{"network_id": outside}] * 2)
    admin.remove("router", router)
    assert admin.get("ports", device_id=router)["ports"] == []


def test_only_the_first_gateway_is_on_a_host(admin: Client, ann: Client, outside: str) -> None:
    """And members may have more of them, on networks that they see, with addresses that they do not choose."""
    router = ann.make("router")["id"]
    _gateways(ann, router, "add", {"network_id": outside}, {"network_id": outside})
    ports = admin.get("ports", device_id=router)["ports"]
    assert [port["device_owner"] for port in ports] == ["network:router_gateway"] * 2
    wish = {"network_id": outside, "external_fixed_ips": [{"ip_address": "203.0.113.77"}]}
    assert _gateways(ann, router, "add", wish) == "PolicyNotAuthorized"
    assert len(_gateways(admin, router, "add", wish)) == 3
    assert _gateways(admin, router, "add", wish) == "IpAddressAlreadyAllocated"


def test_gateways_that_cannot_be_meant_are_refused(admin: Client, outside: str) -> None:
    """None is there, several are, or it is another; and translation is the router's."""
    router = admin.make("router")["id"]
    other = {"network_id": outside, "external_fixed_ips": [{"ip_address": "203.0.113.99"}]}
    assert _gateways(admin, router, "remove", {"network_id": outside}) == "UnableToRemoveGateways"
    _gateways(admin, router, "add", {"network_id": outside}, {"network_id": outside})
    for verb, wish, refusal in (
        ("remove", {"network_id": outside}, "UnableToMatchGateways"),
        ("remove", other, "UnableToMatchGateways"),
        ("update", {"network_id": outside}, "UnableToMatchGateways"),
        ("add", {"network_id": outside, "enable_snat": False}, "BadRequest"),
        ("add", {"network_id": admin.make("network")["id"]}, "BadRequest"),
        ("add", {}, "HTTPBadRequest"),
    ):
        assert _gateways(admin, router, verb, wish) == refusal


def test_a_gateway_that_floating_ips_need_stays(admin: Client, ann: Client, outside: str) -> None:
    """Unless another one is on the same network."""
    network = ann.make("network")["id"]
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    router = ann.make("router")["id"]
    ann.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": subnet})
    first, second = _gateways(ann, router, "add", {"network_id": outside}, {"network_id": outside})
    port = ann.make("port", network_id=network)["id"]
    ann.make("floatingip", floating_network_id=outside, port_id=port)
    assert _gateways(admin, router, "remove", first) == [second]
    assert _gateways(admin, router, "remove", second) == "RouterExternalGatewayInUseByFloatingIp"


def test_a_router_that_is_not_the_ports_own_can_translate(admin: Client, ann: Client, outside: str) -> None:
    """If it leads to the network of the floating IP."""
    network = ann.make("network")["id"]
    ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    port = ann.make("port", network_id=network)["id"]
    wish = {"floating_network_id": outside, "port_id": port}
    assert ann.refused("POST", "floatingips", json={"floatingip": wish}) == (404, "ExternalGatewayForFloatingIPNotFound")
    far = ann.make("router", external_gateway_info={"network_id": outside})["id"]
    lost = ann.make("router")["id"]
    assert ann.refused("POST", "floatingips", json={"floatingip": wish | {"router_id": lost}}) == (409, "Conflict")
    made = ann.make("floatingip", **wish, router_id=far)
    assert (made["router_id"], made["port_id"]) == (far, port)
    other = ann.make("router", external_gateway_info={"network_id": outside})["id"]
    moved = ann.change("floatingip", made["id"], router_id=other)
    assert (moved["router_id"], moved["port_id"]) == (other, port)
    assert ann.ask("PUT", f"/v2.0/floatingips/{made['id']}", json={"floatingip": {}}).json()["floatingip"]["port_id"] is None
    assert admin.get(f"floatingips/{made['id']}")["floatingip"]["router_id"] is None


def test_idle_floating_ips_go_when_their_network_turns_internal(admin: Client, ann: Client, outside: str) -> None:
    """They lead nowhere, and could not."""
    idle = ann.make("floatingip", floating_network_id=outside)["id"]
    assert admin.change("network", outside, **{"router:external": False})["router:external"] is False
    assert ann.refused("GET", f"floatingips/{idle}") == (404, "FloatingIPNotFound")
