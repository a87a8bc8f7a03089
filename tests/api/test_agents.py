"""Agents over HTTP: what they are, their zones, and what they serve and host."""

from collections.abc import Iterator
from typing import Any

import pytest
from api_client import Client

from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import hosts, scheduling
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store
from kaon.wire.messages import Hello, Role


@pytest.fixture
def core(database: str) -> Iterator[Core]:
    """A control plane on an empty database."""
    store = Store(database)
    yield Core(store=store, backends={"linux": LinuxBackend()}, settings=ServerSettings(dhcp_agents_per_network=1))
    store.close()


def _hello(core: Core, host: str, zone: str = "") -> None:
    told = {"availability_zone": zone} if zone else {}
    roles = (Role.L2, Role.L3, Role.DHCP)
    hosts.hello(core, Hello(wire_version=1, host=host, instance="1", roles=roles, tunnel_ip="192.0.2.1", configurations=told))
    scheduling.schedule_pending(core)


def _agents(admin: Client, kind: str) -> dict[str, str]:
    return {one["host"]: one["id"] for one in admin.get("agents", agent_type=kind)["agents"]}


def _hosts(admin: Client, path: str) -> list[str]:
    return sorted(one["host"] for one in admin.get(path)["agents"])


def _ids(admin: Client, path: str, collection: str) -> list[str]:
    return [one["id"] for one in admin.get(path)[collection]]


def _asked(client: Client, method: str, path: str, **body: Any) -> int:
    return client.ask(method, f"/v2.0/{path}", json=body or None).status_code


def test_members_see_no_agents(admin: Client, ann: Client) -> None:
    """An empty list, as from Neutron; one by id is not found."""
    assert admin.get("agents")["agents"] == []
    assert ann.get("agents")["agents"] == []
    assert admin.refused("GET", "agents/nobody") == (404, "AgentNotFound")
    assert ann.refused("GET", "agents/nobody") == (404, "AgentNotFound")


def test_what_an_agent_is(core: Core, admin: Client, ann: Client) -> None:
    """It introduces itself and is never made; administrators switch it off, describe and forget it."""
    _hello(core, "h1", "east")
    (one,) = admin.get("agents", agent_type="DHCP agent")["agents"]
    assert (one["availability_zone"], one["alive"], one["resources_synced"]) == ("east", True, None)
    assert [at["host"] for at in admin.get("agents", availability_zone="west")["agents"]] == []
    assert [at["id"] for at in admin.get("agents", agent_type="DHCP Agent")["agents"]] == [one["id"]]
    changed = admin.change("agent", one["id"], admin_state_up=False, description="d")
    assert (changed["admin_state_up"], changed["description"]) == (False, "d")
    assert ann.refused("PUT", f"agents/{one['id']}", json={"agent": {"description": "e"}}) == (404, "AgentNotFound")
    assert admin.refused("POST", "agents", json={"agent": {}})[0] == 400
    admin.remove("agent", one["id"])
    assert admin.refused("DELETE", f"agents/{one['id']}") == (404, "AgentNotFound")


def test_zones_are_what_agents_say(core: Core, admin: Client, ann: Client) -> None:
    """Everybody sees them; a zone is unavailable when all of its agents are switched off."""
    _hello(core, "h1")
    _hello(core, "h2", "east")
    admin.change("agent", _agents(admin, "L3 agent")["h2"], admin_state_up=False)
    shown = {(one["name"], one["resource"]): one["state"] for one in ann.get("availability_zones")["availability_zones"]}
    expected = {("nova", "network"), ("nova", "router"), ("east", "network")}
    assert shown == dict.fromkeys(expected, "available") | {("east", "router"): "unavailable"}
    narrowed = ann.get("availability_zones", resource="router", state="available")["availability_zones"]
    assert narrowed == [{"name": "nova", "resource": "router", "state": "available"}]


def test_networks_and_routers_are_in_the_zones_that_they_name(core: Core, admin: Client, ann: Client) -> None:
    """A zone that no agent is in is refused; nothing is placed outside of the zones that are named."""
    for host, zone in (("h1", "west"), ("h2", "east"), ("h3", "east")):
        _hello(core, host, zone)
    for member in ("network", "router"):
        for wrong, error in ((["north"], (404, "AvailabilityZoneNotFound")), ("east", (400, "HTTPBadRequest"))):
            body = {member: {"availability_zone_hints": wrong}}
            assert ann.refused("POST", f"{member}s", json=body) == error
    network = ann.make("network", availability_zone_hints=["east"])
    subnet = ann.make("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    router = ann.make("router", availability_zone_hints=["east"])
    assert (network["availability_zone_hints"], network["availability_zones"]) == (["east"], [])
    assert _asked(ann, "PUT", f"routers/{router['id']}/add_router_interface", subnet_id=subnet["id"]) == 200
    for path in (f"networks/{network['id']}", f"routers/{router['id']}"):
        (shown,) = ann.get(path).values()
        assert (shown["availability_zone_hints"], shown["availability_zones"]) == (["east"], ["east"])
    for one in _agents(admin, "DHCP agent").values():
        admin.change("agent", one, admin_state_up=False)
    assert _hosts(admin, f"routers/{router['id']}/l3-agents") in (["h2"], ["h3"])


def test_an_administrator_chooses_who_serves_a_network(core: Core, admin: Client, ann: Client) -> None:
    """Also one that needs no DHCP yet; a choice stays beside what is placed by itself."""
    _hello(core, "h1")
    _hello(core, "h2")
    dhcp, other = _agents(admin, "DHCP agent"), _agents(admin, "L3 agent")
    network = ann.make("network")["id"]
    agents, networks = f"networks/{network}/dhcp-agents", f"agents/{dhcp['h2']}/dhcp-networks"
    assert _asked(admin, "POST", networks, network_id=network) == 201
    assert (_hosts(admin, agents), _ids(admin, networks, "networks")) == (["h2"], [network])
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    assert _hosts(admin, agents) == ["h2"]
    assert len(admin.get("ports", device_owner="network:dhcp")["ports"]) == 1
    assert _asked(admin, "POST", f"agents/{dhcp['h1']}/dhcp_networks", network_id=network) == 201
    assert _hosts(admin, agents) == ["h1", "h2"]
    ann.remove("subnet", subnet)
    assert (_hosts(admin, agents), admin.get("ports", device_owner="network:dhcp")["ports"]) == (["h1", "h2"], [])
    ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    assert len(admin.get("ports", device_owner="network:dhcp")["ports"]) == 2
    for body, path, error in (
        ({"network_id": network}, networks, (409, "NetworkHostedByDHCPAgent")),
        ({"network_id": network}, f"agents/{other['h1']}/dhcp-networks", (404, "InvalidDHCPAgent")),
        ({"network_id": dhcp["h1"]}, networks, (404, "NetworkNotFound")),
        ({"network_id": network}, f"agents/{network}/dhcp-networks", (404, "AgentNotFound")),
        ({}, networks, (400, "HTTPBadRequest")),
    ):
        assert admin.refused("POST", path, json=body) == error
    for host in ("h1", "h2"):
        assert _asked(admin, "DELETE", f"agents/{dhcp[host]}/dhcp-networks/{network}") == 204
    assert (_hosts(admin, agents), admin.get("ports", device_owner="network:dhcp")["ports"]) == ([], [])
    assert admin.refused("DELETE", f"{networks}/{network}") == (409, "NetworkNotHostedByDhcpAgent")
    for method, path in (("GET", agents), ("GET", networks), ("DELETE", f"{networks}/{network}")):
        assert ann.refused(method, path) == (403, "PolicyNotAuthorized")
    admin.remove("network", network)


def test_an_administrator_chooses_who_hosts_a_router(core: Core, admin: Client, ann: Client) -> None:
    """One host at a time; taken away, its legs are bound nowhere."""
    _hello(core, "h1")
    _hello(core, "h2")
    l3, other = _agents(admin, "L3 agent"), _agents(admin, "DHCP agent")
    router = ann.make("router")["id"]
    agents, routers = f"routers/{router}/l3-agents", f"agents/{l3['h2']}/l3-routers"
    assert _hosts(admin, agents) == []
    for _ in range(2):
        assert _asked(admin, "POST", routers, router_id=router) == 201
    assert (_hosts(admin, agents), _ids(admin, routers, "routers")) == (["h2"], [router])
    network = ann.make("network")["id"]
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    assert _asked(ann, "PUT", f"routers/{router}/add_router_interface", subnet_id=subnet) == 200
    (leg,) = admin.get("ports", device_owner="network:router_interface")["ports"]
    assert leg["binding:host_id"] == "h2"
    for body, path, error in (
        ({"router_id": router}, f"agents/{l3['h1']}/l3-routers", (409, "RouterHostedByL3Agent")),
        ({"router_id": router}, f"agents/{other['h1']}/l3-routers", (404, "InvalidL3Agent")),
        ({"router_id": network}, routers, (404, "RouterNotFound")),
    ):
        assert admin.refused("POST", path, json=body) == error
    assert _asked(admin, "PUT", f"{routers}/{router}", ha_chassis_priority=1) == 501
    for _ in range(2):
        assert _asked(admin, "DELETE", f"{routers}/{router}") == 204
    assert (_hosts(admin, agents), _ids(admin, routers, "routers")) == ([], [])
    assert admin.get(f"ports/{leg['id']}")["port"]["binding:host_id"] == ""
    assert _asked(admin, "POST", f"agents/{l3['h1']}/l3-routers", router_id=router) == 201
    assert admin.get(f"ports/{leg['id']}")["port"]["binding:host_id"] == "h1"
    for method, path in (("GET", agents), ("GET", routers), ("POST", routers), ("DELETE", f"{routers}/{router}")):
        body = {"router_id": router} if method == "POST" else None
        assert ann.refused(method, path, json=body)[0] == 403
