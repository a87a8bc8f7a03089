"""Subnets over HTTP."""

from typing import Any

import pytest
from api_client import Client


@pytest.fixture
def network(ann: Client) -> str:
    """The id of a network of p1."""
    return str(ann.make("network")["id"])


def test_a_subnet_gets_gateway_and_pool(ann: Client, network: str) -> None:
    """The first address is the gateway, the rest is the pool; the network names the subnet."""
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.5/24")
    assert (subnet["cidr"], subnet["gateway_ip"]) == ("10.0.0.0/24", "10.0.0.1")
    assert subnet["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert subnet.keys() == {
        *("id", "name", "project_id", "tenant_id", "network_id", "ip_version", "subnetpool_id", "enable_dhcp"),
        *("ipv6_ra_mode", "ipv6_address_mode", "gateway_ip", "cidr", "allocation_pools", "host_routes", "dns_nameservers"),
        *("description", "created_at", "updated_at", "revision_number", "tags"),
        *("service_types", "dns_publish_fixed_ip", "router:external"),
    }
    assert ann.get(f"networks/{network}")["network"]["subnets"] == [subnet["id"]]
    assert ann.get(f"subnets/{subnet['id']}")["subnet"] == subnet


def test_ipv6_is_no_stranger(ann: Client, network: str) -> None:
    """The same for IPv6, with its modes."""
    subnet = ann.make("subnet", network_id=network, ip_version="6", cidr="2001:DB8::/64", ipv6_address_mode="slaac")
    assert (subnet["ip_version"], subnet["cidr"], subnet["ipv6_address_mode"]) == (6, "2001:db8::/64", "slaac")


@pytest.mark.parametrize(
    ("attributes", "refusal"),
    [
        ({"ip_version": 5, "cidr": "10.1.0.0/24"}, (400, "HTTPBadRequest")),
        ({"ip_version": 4, "cidr": "10.1.0.0"}, (400, "InvalidInput")),
        ({"ip_version": 4}, (400, None)),
        ({"cidr": "10.1.0.0/24"}, (400, "HTTPBadRequest")),
        ({"ip_version": 6, "cidr": "10.1.0.0/24"}, (400, None)),
        ({"ip_version": 4, "cidr": "10.0.0.128/25"}, (400, None)),
        ({"ip_version": 4, "cidr": "10.1.0.0/24", "gateway_ip": "10.2.0.1"}, (400, "InvalidInput")),
        ({"ip_version": 4, "cidr": "10.1.0.0/24", "gateway_ip": "nowhere"}, (400, "HTTPBadRequest")),
        (
            {"ip_version": 4, "cidr": "10.1.0.0/24", "allocation_pools": [{"start": "10.1.0.2", "end": "10.1.1.9"}]},
            (400, "OutOfBoundsAllocationPool"),
        ),
        (
            {
                "ip_version": 4,
                "cidr": "10.1.0.0/24",
                "gateway_ip": "10.1.0.5",
                "allocation_pools": [{"start": "10.1.0.2", "end": "10.1.0.9"}],
            },
            (409, "GatewayConflictWithAllocationPools"),
        ),
        (
            {"ip_version": 4, "cidr": "10.1.0.0/24", "dns_nameservers": [f"10.9.0.{last}" for last in range(1, 7)]},
            (400, "DNSNameServersExhausted"),
        ),
        ({"ip_version": 4, "cidr": "10.1.0.0/24", "ipv6_ra_mode": "slaac"}, (400, None)),
        ({"ip_version": 4, "cidr": "nowhere"}, (400, "InvalidInput")),
        ({"ip_version": 4, "cidr": "fd00::/64"}, (400, "InvalidInput")),
        ({"ip_version": 6, "cidr": "fd00::/127"}, (400, "InvalidInput")),
        ({"ip_version": 4, "cidr": "10.1.0.0/24", "dns_nameservers": ["fd00::1"]}, (400, "InvalidInput")),
        ({"ip_version": 4, "cidr": "10.1.0.0/24", "allocation_pools": "all"}, (400, "InvalidInput")),
        (
            {"ip_version": 4, "cidr": "10.1.0.0/24", "host_routes": [{"destination": "10.9.0.5/24", "nexthop": "10.1.0.9"}]},
            (400, "HTTPBadRequest"),
        ),
    ],
)
def test_a_wrong_subnet_is_refused(
    ann: Client, network: str, attributes: dict[str, Any], refusal: tuple[int, str | None]
) -> None:
    """With Neutron's code, and its type where clients look at it; nothing is left behind."""
    first = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    status, kind = ann.refused("POST", "subnets", json={"subnet": {"network_id": network, **attributes}})
    assert refusal == (status, kind if refusal[1] else None)
    assert ann.get("subnets")["subnets"] == [first]


def test_a_gateway_cannot_move_into_a_pool(ann: Client, network: str) -> None:
    """409."""
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    refused = ann.refused("PUT", f"subnets/{subnet['id']}", json={"subnet": {"gateway_ip": "10.0.0.50"}})
    assert refused == (409, "GatewayConflictWithAllocationPools")


def test_projects_may_use_the_same_addresses(ann: Client, bob: Client, network: str) -> None:
    """Overlapping is forbidden on one network only."""
    ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    other = bob.make("network")
    assert bob.make("subnet", network_id=other["id"], ip_version=4, cidr="10.0.0.0/24")["cidr"] == "10.0.0.0/24"


def test_a_subnet_on_a_foreign_network_is_403(bob: Client, network: str) -> None:
    """As Neutron answers, although the network cannot be seen."""
    body = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}
    assert bob.refused("POST", "subnets", json={"subnet": body})[0] in (403, 404)


def test_a_subnet_in_use_stays(ann: Client, network: str) -> None:
    """409 while a port has an address of it."""
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    port = ann.make("port", network_id=network)
    assert ann.refused("DELETE", f"subnets/{subnet['id']}") == (409, "SubnetInUse")
    ann.remove("port", port["id"])
    ann.remove("subnet", subnet["id"])


def test_an_external_networks_subnets_can_be_read(admin: Client, ann: Client) -> None:
    """By every project."""
    network = admin.make("network", **{"router:external": True})
    subnet = admin.make("subnet", network_id=network["id"], ip_version=4, cidr="203.0.113.0/24")
    assert [one["id"] for one in ann.get("subnets")["subnets"]] == [subnet["id"]]
    assert ann.get("networks", **{"router:external": "True"})["networks"][0]["id"] == network["id"]
