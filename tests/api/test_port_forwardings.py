"""Port forwardings of floating IPs over HTTP."""

from dataclasses import dataclass
from typing import Any

import pytest
from api_client import Client


@dataclass(frozen=True)
class World:
    """An external network, and a router of Ann's that joins it to a port of hers."""

    outside: str
    network: str
    subnet: str
    router: str
    port: Any
    fip: Any

    def body(self, **changes: Any) -> Any:
        """One TCP port, as Ann would forward it."""
        inside = {"internal_port_id": self.port["id"], "internal_ip_address": self.port["fixed_ips"][0]["ip_address"]}
        wish = {**inside, "internal_port": 80, "external_port": 8080, "protocol": "tcp", **changes}
        return {"port_forwarding": {key: value for key, value in wish.items() if value is not None}}

    @property
    def path(self) -> str:
        """Of the port forwardings of the floating IP."""
        return f"floatingips/{self.fip['id']}/port_forwardings"


@pytest.fixture
def world(admin: Client, ann: Client) -> World:
    """Everything that is there."""
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24")
    network = ann.make("network")["id"]
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    router = ann.make("router", external_gateway_info={"network_id": outside})["id"]
    ann.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": subnet})
    port = ann.make("port", network_id=network)
    return World(outside, network, subnet, router, port, ann.make("floatingip", floating_network_id=outside))


def _make(client: Client, world: World, **changes: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/{world.path}", json=world.body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["port_forwarding"]


def test_a_port_forwarding_lives(ann: Client, world: World) -> None:
    """Made, shown, listed, changed and deleted; its floating IP shows it, and is on the router meanwhile."""
    made = _make(ann, world, description="web")
    assert made == {
        "id": made["id"],
        "description": "web",
        "external_port": 8080,
        "external_port_range": "8080:8080",
        "internal_port": 80,
        "internal_port_range": "80:80",
        "internal_ip_address": world.port["fixed_ips"][0]["ip_address"],
        "protocol": "tcp",
        "internal_port_id": world.port["id"],
    }
    assert ann.get(f"{world.path}/{made['id']}")["port_forwarding"] == made
    for query in (
        {},
        {"external_port": 8080},
        {"external_port_range": "8080"},
        {"protocol": "tcp", "sort_key": "protocol", "sort_dir": "asc"},
    ):
        assert ann.get(world.path, **query)["port_forwardings"] == [made]
    assert ann.get(world.path, external_port=1)["port_forwardings"] == []
    fip = ann.get(f"floatingips/{world.fip['id']}")["floatingip"]
    shown = ("id", "protocol", "internal_ip_address", "internal_port_id", "external_port", "internal_port")
    assert (fip["router_id"], fip["port_id"]) == (world.router, None)
    assert fip["port_forwardings"] == [{key: made[key] for key in shown}]
    assert fip["revision_number"] == world.fip["revision_number"] + 1
    path = f"/v2.0/{world.path}/{made['id']}"
    changed = ann.ask("PUT", path, json={"port_forwarding": {"internal_port": 81}}).json()["port_forwarding"]
    assert changed == made | {"internal_port": 81, "internal_port_range": "81:81"}
    assert ann.ask("DELETE", path).status_code == 204
    assert ann.refused("GET", f"{world.path}/{made['id']}") == (404, "PortForwardingNotFound")
    fip = ann.get(f"floatingips/{world.fip['id']}")["floatingip"]
    assert (fip["router_id"], fip["port_forwardings"], fip["status"]) == (None, [], "DOWN")


def test_several_ports_are_forwarded_at_once(ann: Client, world: World) -> None:
    """To as many, or all to one."""
    wish = {"external_port": None, "internal_port": None, "external_port_range": "9000:9002"}
    made = _make(ann, world, **wish, internal_port_range="90:92")
    assert (made["external_port"], made["internal_port"]) == (None, None)
    assert _make(ann, world, **wish | {"external_port_range": "9003:9009"}, internal_port_range="80")["internal_port"] == 80
    fip = ann.get(f"floatingips/{world.fip['id']}")["floatingip"]
    assert [one.get("external_port_range") for one in fip["port_forwardings"]] == ["9000:9002", "9003:9009"]


@pytest.mark.parametrize(
    "wish",
    [
        {"internal_port": 81},  # the outside port is taken
        {"external_port": 8081},  # the inside one is
        {"external_port": None, "external_port_range": "8000:8100", "internal_port": 90},
        {"external_port": None},
        {"external_port": 1, "external_port_range": "2:3", "internal_port": 5},
        {"external_port": 1, "internal_port": None, "internal_port_range": "5:6"},
        {"external_port": 0},
        {"external_port": 65536},
        {"external_port": None, "external_port_range": "9:5", "internal_port": 5},
        {"external_port": 1, "internal_port": 5, "protocol": "icmp"},
        {"external_port": 1, "internal_port": 5, "internal_ip_address": "10.0.0.77"},
        {"external_port": 1, "internal_port": 5, "internal_ip_address": "fe80::1"},
    ],
)
def test_what_cannot_be_forwarded_is_refused(ann: Client, world: World, wish: Any) -> None:
    """Ports that are taken, that are none, or of different number; and an address that the port has not."""
    _make(ann, world)
    assert ann.ask("POST", f"/v2.0/{world.path}", json=world.body(**wish)).status_code == 400


def test_a_change_that_cannot_be_is_refused(ann: Client, world: World) -> None:
    """As it would be at the beginning."""
    _make(ann, world)
    second = _make(ann, world, external_port=8081, internal_port=81)["id"]
    for wish in ({"external_port": 8080}, {"internal_port": 80}, {"internal_ip_address": "10.0.0.99"}):
        assert ann.refused("PUT", f"{world.path}/{second}", json={"port_forwarding": wish}) == (400, "BadRequest")


def test_a_floating_ip_either_leads_or_forwards(ann: Client, world: World) -> None:
    """And so does the port inside."""
    leading = ann.make("floatingip", floating_network_id=world.outside)
    _make(ann, world)
    forwarding = f"floatingips/{world.fip['id']}"
    other = ann.make("port", network_id=world.network)
    wish = {"floatingip": {"port_id": other["id"]}}
    assert ann.refused("PUT", forwarding, json=wish) == (409, "FipInUseByPortForwarding")
    assert ann.refused("DELETE", forwarding) == (409, "FipInUseByPortForwarding")
    assert ann.change("floatingip", world.fip["id"], port_id=None)["router_id"] == world.router
    ann.change("floatingip", leading["id"], port_id=other["id"])
    inside = {"internal_port_id": other["id"], "internal_ip_address": other["fixed_ips"][0]["ip_address"]}
    taken = world.body(**inside, external_port=1)
    assert ann.refused("POST", world.path, json=taken) == (409, "PortHasBindingFloatingIP")
    path = f"floatingips/{leading['id']}/port_forwardings"
    assert ann.refused("POST", path, json=world.body()) == (409, "FloatingIPPortAlreadyAssociated")


def test_a_port_forwarding_needs_a_router_and_keeps_it(admin: Client, ann: Client, world: World) -> None:
    """Without a way to the port there is none; while it is there, the way stays."""
    lonely = ann.make("network")["id"]
    ann.make("subnet", network_id=lonely, ip_version=4, cidr="10.9.0.0/24")
    port = ann.make("port", network_id=lonely)
    inside = {"internal_port_id": port["id"], "internal_ip_address": port["fixed_ips"][0]["ip_address"]}
    assert ann.refused("POST", world.path, json=world.body(**inside)) == (400, "BadRequest")
    _make(ann, world)
    leaving = {"subnet_id": world.subnet}
    way = f"routers/{world.router}/remove_router_interface"
    assert ann.refused("PUT", way, json=leaving) == (409, "RouterInterfaceInUseByFloatingIP")
    assert admin.ask("PUT", f"/v2.0/routers/{world.router}", json={"router": {"external_gateway_info": {}}}).status_code == 409


def test_it_goes_with_the_port_or_the_address(ann: Client, world: World) -> None:
    """And the floating IP is free again."""
    _make(ann, world)
    ann.change("port", world.port["id"], fixed_ips=[{"subnet_id": world.subnet, "ip_address": "10.0.0.200"}])
    assert ann.get(world.path)["port_forwardings"] == []
    _make(ann, world, internal_ip_address="10.0.0.200")
    ann.remove("port", world.port["id"])
    fip = ann.get(f"floatingips/{world.fip['id']}")["floatingip"]
    assert (fip["router_id"], fip["port_forwardings"]) == (None, [])
    ann.remove("floatingip", world.fip["id"])


def test_others_see_no_port_forwardings(bob: Client, ann: Client, world: World) -> None:
    """Nor make any."""
    _make(ann, world)
    assert bob.refused("GET", world.path) == (404, "FloatingIPNotFound")
    assert bob.refused("POST", world.path, json=world.body(external_port=1)) == (404, "FloatingIPNotFound")
