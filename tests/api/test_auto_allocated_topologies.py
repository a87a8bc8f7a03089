"""A project asks for a network and has one that leads outside."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_client import Client

TOPOLOGY = "auto-allocated-topology"


@pytest.fixture
def outside(admin: Client) -> str:
    """The default external network, and default pools of both versions."""
    network = admin.make("network", **{"router:external": True, "is_default": True})["id"]
    admin.make("subnet", network_id=network, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    for prefix, length in (("10.0.0.0/8", 26), ("2001:db8::/48", 64)):
        admin.make("subnetpool", name="pool", prefixes=[prefix], default_prefixlen=length, shared=True, is_default=True)
    return str(network)


def _topology(client: Client, project: str, **query: Any) -> Any:
    return client.get(f"{TOPOLOGY}/{project}", **query)["auto_allocated_topology"]


def _counted(client: Client) -> tuple[int, ...]:
    return tuple(len(client.get(things, project_id="p1")[things]) for things in ("networks", "subnets", "routers"))


def test_it_is_made_once_and_taken_apart(admin: Client, ann: Client, outside: str) -> None:
    """Network, a subnet from each default pool, a router with its gateway; whoever asks again is given the same."""
    dry = _topology(ann, "p1", fields="dry-run")
    assert dry == {"id": "dry-run=pass", "project_id": "p1", "tenant_id": "p1"}
    assert _counted(ann) == (0, 0, 0)
    made = _topology(ann, "None")
    assert made["project_id"] == "p1"
    assert made == _topology(ann, "p1") == _topology(admin, "p1")
    assert _counted(ann) == (1, 2, 1)
    network = ann.get(f"networks/{made['id']}")["network"]
    assert (network["name"], network["admin_state_up"], network["shared"]) == ("auto_allocated_network", True, False)
    subnets = ann.get("subnets", sort_key="ip_version", sort_dir="asc")["subnets"]
    names = [(one["name"], one["network_id"]) for one in subnets if one["project_id"] == "p1"]
    assert names == [(f"auto_allocated_subnet_v{version}", made["id"]) for version in (4, 6)]
    (router,) = ann.get("routers")["routers"]
    assert (router["name"], router["external_gateway_info"]["network_id"]) == ("auto_allocated_router", outside)
    assert ann.ask("DELETE", f"/v2.0/{TOPOLOGY}/p1").status_code == 204
    assert _counted(ann) == (0, 0, 0)
    assert ann.ask("DELETE", f"/v2.0/{TOPOLOGY}/p1").status_code == 204


@pytest.mark.usefixtures("outside")
def test_many_ask_at_once(ann: Client) -> None:
    """They are given one network."""
    with ThreadPoolExecutor(3) as asking:
        found = {topology["id"] for topology in asking.map(lambda _: _topology(ann, "p1"), range(3))}
    assert (len(found), _counted(ann)) == (1, (1, 2, 1))


def test_what_is_missing_is_said(admin: Client, ann: Client, bob: Client) -> None:
    """No default external network, no default pool, no pool that is large enough: nothing is left behind."""

    def refused(query: str = "") -> tuple[int, str]:
        return ann.refused("GET", f"{TOPOLOGY}/p1{query}")

    assert {refused("?fields=dry-run"), refused()} == {(409, "AutoAllocationFailure")}
    admin.make("network", **{"router:external": True, "is_default": True})
    assert {refused("?fields=dry-run"), refused()} == {(409, "AutoAllocationFailure")}
    small = admin.make("subnetpool", name="pool", prefixes=["10.0.0.0/30"], default_prefixlen=30, shared=True, is_default=True)
    bob.make("subnet", network_id=bob.make("network")["id"], ip_version=4, subnetpool_id=small["id"], enable_dhcp=False)
    assert refused() == (409, "AutoAllocationFailure")
    assert _counted(ann) == (0, 0, 0)
    assert bob.refused("GET", f"{TOPOLOGY}/p1") == (403, "NotAuthorized")
    assert bob.refused("DELETE", f"{TOPOLOGY}/p1") == (403, "NotAuthorized")
