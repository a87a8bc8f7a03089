"""Ports over HTTP."""

from typing import Any

import pytest
from api_client import Client


@pytest.fixture
def subnet(ann: Client) -> Any:
    """A subnet of a network of p1."""
    return ann.make("subnet", network_id=ann.make("network")["id"], ip_version=4, cidr="10.0.0.0/24")


def test_a_port_has_every_attribute(ann: Client, subnet: Any) -> None:
    """Address, MAC and the default group come by themselves; it is DOWN until it is wired."""
    port = ann.make("port", network_id=subnet["network_id"])
    assert port.keys() == {
        *("id", "name", "network_id", "project_id", "tenant_id", "mac_address", "admin_state_up", "status", "device_id"),
        *("device_owner", "fixed_ips", "allowed_address_pairs", "security_groups", "port_security_enabled"),
        *("binding:vnic_type", "description", "created_at", "updated_at", "revision_number", "tags"),
        *("extra_dhcp_opts", "dns_name", "dns_domain", "dns_assignment", "data_plane_status", "propagate_uplink_status"),
        *("numa_affinity_policy", "device_profile", "hardware_offload_type", "ip_allocation"),
        *("qos_policy_id", "qos_network_policy_id"),
    }
    assert port["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.0.0.2"}]
    assert (port["status"], port["port_security_enabled"]) == ("DOWN", True)
    groups = ann.get("security-groups")["security_groups"]
    assert port["security_groups"] == [group["id"] for group in groups if group["name"] == "default"]
    assert ann.get(f"ports/{port['id']}")["port"] == port


def test_an_admin_sees_the_binding(admin: Client, ann: Client, subnet: Any) -> None:
    """An unbound port says so; a host nobody knows gives binding_failed and 200."""
    port = ann.make("port", network_id=subnet["network_id"])
    shown = admin.get(f"ports/{port['id']}")["port"]
    assert (shown["binding:vif_type"], shown["binding:host_id"], shown["binding:profile"]) == ("unbound", "", {})
    assert admin.change("port", port["id"], **{"binding:host_id": "nowhere"})["binding:vif_type"] == "binding_failed"
    refused = ann.refused("PUT", f"ports/{port['id']}", json={"port": {"binding:host_id": "h"}})
    assert refused == (403, "PolicyNotAuthorized")


def test_addresses_can_be_asked_for(ann: Client, subnet: Any) -> None:
    """By address, by subnet, or none at all."""
    network = subnet["network_id"]
    fixed = ann.make("port", network_id=network, fixed_ips=[{"ip_address": "10.0.0.77"}])
    assert fixed["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.0.0.77"}]
    assert ann.make("port", network_id=network, fixed_ips=[])["fixed_ips"] == []
    two = ann.make("port", network_id=network, fixed_ips=[{"subnet_id": subnet["id"]}] * 2)
    assert len({address["ip_address"] for address in two["fixed_ips"]}) == 2


@pytest.mark.parametrize(
    ("attributes", "refusal"),
    [
        ({"fixed_ips": [{"ip_address": "10.0.0.2"}]}, (409, "IpAddressAlreadyAllocated")),
        ({"fixed_ips": [{"ip_address": "192.0.2.1"}]}, (400, "InvalidIpForNetwork")),
        ({"fixed_ips": [{"ip_address": "nowhere"}]}, (400, "HTTPBadRequest")),
        ({"mac_address": "FA-16-3E-AA-BB-CC"}, (409, "MacAddressInUse")),
        ({"mac_address": "x"}, (400, "HTTPBadRequest")),
        ({"mac_address": "ff:ff:ff:ff:ff:ff"}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{}]}, (400, "InvalidInput")),
        ({"fixed_ips": [{"ip_address": "10.0.0.255"}]}, (400, "InvalidIpForNetwork")),
        ({"fixed_ips": [{"subnet_id": "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"}]}, (404, "SubnetNotFound")),
        ({"security_groups": ["7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"]}, (404, "SecurityGroupNotFound")),
        ({"security_groups": ["x"]}, (400, "HTTPBadRequest")),
        ({"allowed_address_pairs": [{"ip_address": "10.0.0.5"}] * 2}, (400, "DuplicateAddressPairInRequest")),
        ({"binding:vnic_type": "magic"}, (400, "HTTPBadRequest")),
        ({"binding:host_id": "h"}, (403, "PolicyNotAuthorized")),
        ({"device_id": "x" * 256}, (400, "HTTPBadRequest")),
        ({"status": "ACTIVE"}, (400, "HTTPBadRequest")),
    ],
)
def test_a_wrong_port_is_refused(ann: Client, subnet: Any, attributes: dict[str, Any], refusal: tuple[int, str]) -> None:
    """With Neutron's code and type, and nothing is left behind."""
    network = subnet["network_id"]
    first = ann.make("port", network_id=network, mac_address="fa163eaabbcc")
    assert first["fixed_ips"][0]["ip_address"] == "10.0.0.2"
    assert ann.refused("POST", "ports", json={"port": {"network_id": network, **attributes}}) == refusal
    assert [port["id"] for port in ann.get("ports")["ports"]] == [first["id"]]


def test_an_empty_pool_is_409(ann: Client) -> None:
    """The last address is given, then none."""
    network = ann.make("network")["id"]
    ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/30")
    ann.make("port", network_id=network)
    assert ann.refused("POST", "ports", json={"port": {"network_id": network}}) == (409, "IpAddressGenerationFailure")


def test_a_foreign_network_is_404(bob: Client, subnet: Any) -> None:
    """For ports, what cannot be seen cannot be named."""
    refused = bob.refused("POST", "ports", json={"port": {"network_id": subnet["network_id"]}})
    assert refused == (404, "NetworkNotFound")


def test_members_plug_into_shared_networks_and_not_into_external_ones(admin: Client, ann: Client) -> None:
    """On a shared one they may not choose the address; an external one is for routers."""
    shared = admin.make("network", shared=True)["id"]
    admin.make("subnet", network_id=shared, ip_version=4, cidr="10.9.0.0/24")
    outside = admin.make("network", **{"router:external": True})["id"]
    port = ann.make("port", network_id=shared)
    assert port["project_id"] == "p1"
    refused = (403, "PolicyNotAuthorized")
    body = {"network_id": shared, "fixed_ips": [{"ip_address": "10.9.0.9"}]}
    assert ann.refused("POST", "ports", json={"port": body}) == refused
    assert ann.refused("POST", "ports", json={"port": {"network_id": shared, "device_owner": "network:dhcp"}}) == refused
    assert ann.refused("POST", "ports", json={"port": {"network_id": outside}}) == refused


def test_a_network_in_use_stays(ann: Client, subnet: Any) -> None:
    """409 while a port is on it."""
    port = ann.make("port", network_id=subnet["network_id"])
    assert ann.refused("DELETE", f"networks/{subnet['network_id']}") == (409, "NetworkInUse")
    ann.remove("port", port["id"])
    ann.remove("network", subnet["network_id"])


def test_ports_are_found(ann: Client, subnet: Any) -> None:
    """By address, part of one, subnet, MAC in any spelling, group, device; an empty device is the unattached."""
    network = subnet["network_id"]
    first = ann.make("port", network_id=network, device_id="vm", fixed_ips=[{"ip_address": "10.0.0.55"}])
    second = ann.make("port", network_id=network, security_groups=[])
    found = lambda **query: [port["id"] for port in ann.get("ports", **query)["ports"]]  # noqa: E731  # a word
    assert found(fixed_ips="ip_address=10.0.0.55") == [first["id"]]
    assert found(fixed_ips="ip_address_substr=0.55") == [first["id"]]
    assert sorted(found(fixed_ips=f"subnet_id={subnet['id']}")) == sorted([first["id"], second["id"]])
    assert found(mac_address=first["mac_address"].upper().replace(":", "-")) == [first["id"]]
    assert found(security_groups=first["security_groups"][0]) == [first["id"]]
    assert found(device_id="vm") == [first["id"]]
    assert found(device_id="") == [second["id"]]
    assert found(network_id=network, device_id="nothing") == []
    assert ann.refused("GET", "ports?ip_address=10.0.0.55") == (400, "HTTPBadRequest")


def test_bulk_gives_every_port_its_address(ann: Client, subnet: Any) -> None:
    """And one wrong item leaves none."""
    item = {"network_id": subnet["network_id"]}
    answer = ann.ask("POST", "/v2.0/ports", json={"ports": [item] * 3})
    assert answer.status_code == 201, answer.text
    assert len({port["fixed_ips"][0]["ip_address"] for port in answer.json()["ports"]}) == 3
    wrong = item | {"fixed_ips": [{"ip_address": "192.0.2.1"}]}
    assert ann.refused("POST", "ports", json={"ports": [item, wrong]}) == (400, "InvalidIpForNetwork")
    assert len(ann.get("ports")["ports"]) == 3


def test_groups_need_port_security(ann: Client, subnet: Any) -> None:
    """Without it a port has none, and cannot be given any."""
    group = ann.make("security_group", name="g")
    bare = {"network_id": subnet["network_id"], "port_security_enabled": False}
    assert ann.make("port", **bare)["security_groups"] == []
    refused = ann.refused("POST", "ports", json={"port": bare | {"security_groups": [group["id"]]}})
    assert refused == (400, "PortSecurityAndIPRequiredForSecurityGroups")
