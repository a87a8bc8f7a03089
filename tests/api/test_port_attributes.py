"""Attributes of ports that only some ask for, over HTTP: DHCP options, names, hardware, status of others."""

from typing import Any

import pytest
from api_client import Client

Refusal = tuple[int, str]
BAD: Refusal = (400, "HTTPBadRequest")


@pytest.fixture
def network(ann: Client) -> str:
    """A network of p1 with an IPv4 subnet."""
    identity = str(ann.make("network")["id"])
    ann.make("subnet", network_id=identity, ip_version=4, cidr="10.0.0.0/24")
    return identity


def _option(name: str, value: str | None, version: int = 4) -> dict[str, Any]:
    return {"opt_name": name, "opt_value": value, "ip_version": version}


def test_what_nobody_said(ann: Client, admin: Client, network: str) -> None:
    """Every attribute has Neutron's default, in the answer and in the list."""
    port = ann.make("port", network_id=network)
    expected = {
        "extra_dhcp_opts": [],
        "dns_name": "",
        "dns_domain": "",
        "dns_assignment": [
            {"ip_address": "10.0.0.2", "hostname": "host-10-0-0-2", "fqdn": "host-10-0-0-2.openstacklocal."},
        ],
        "data_plane_status": None,
        "propagate_uplink_status": True,
        "numa_affinity_policy": None,
        "device_profile": None,
        "hardware_offload_type": None,
        "ip_allocation": "immediate",
    }
    assert {key: port[key] for key in expected} == expected
    assert ann.get("ports")["ports"] == [port]
    seen = admin.get(f"ports/{port['id']}")["port"]
    assert {key: seen[key] for key in ("trusted", "hints")} == {"trusted": None, "hints": None}
    assert "trunk_details" not in seen


@pytest.mark.parametrize(
    "given",
    [
        {"propagate_uplink_status": False},
        {"numa_affinity_policy": "socket"},
        {"device_profile": "gpu"},
        {"hardware_offload_type": "switchdev"},
        {"trusted": True},
        {"hints": {"openvswitch": {"other_config": {"tx-steering": "hash"}}}},
        {"hints": {"openvswitch": {}}},
        {"dns_name": "db", "dns_domain": "test.org."},
    ],
)
def test_what_is_said_is_kept(admin: Client, network: str, given: dict[str, Any]) -> None:
    """In the answer, and whenever it is shown."""
    port = admin.make("port", network_id=network, **given)
    assert {key: port[key] for key in given} == given
    assert admin.get(f"ports/{port['id']}")["port"] == port


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"data_plane_status": "ACTIVE"}, BAD),
        ({"numa_affinity_policy": "near"}, BAD),
        ({"hardware_offload_type": "magic"}, BAD),
        ({"hints": {"openvswitch": {"other_config": {"tx-steering": "rings"}}}}, BAD),
        ({"hints": {"linux": {}}}, BAD),
        ({"hints": "x"}, BAD),
        ({"trusted": None}, (400, "InvalidInput")),
        ({"propagate_uplink_status": "perhaps"}, (400, "InvalidInput")),
        ({"ip_allocation": "none"}, BAD),
        ({"dns_name": "-db"}, BAD),
        ({"dns_name": "a..b"}, BAD),
        ({"dns_name": "a" * 64}, BAD),
        ({"dns_name": "db.example.7"}, BAD),
        ({"dns_domain": "example.org"}, BAD),
        ({"dns_domain": "ex_ample.org."}, BAD),
        ({"dns_name": 7}, BAD),
        ({"extra_dhcp_opts": {"opt_name": "router"}}, BAD),
        ({"extra_dhcp_opts": [{"opt_name": "router"}]}, BAD),
        ({"extra_dhcp_opts": [_option("", "x")]}, BAD),
        ({"extra_dhcp_opts": [_option("tftp-server", "")]}, BAD),
        ({"extra_dhcp_opts": [_option("tftp-server", "a\nb")]}, BAD),
        ({"extra_dhcp_opts": [_option("router", "a\nb")]}, BAD),
        ({"extra_dhcp_opts": [_option("tftp-server", "x", 5)]}, BAD),
        ({"extra_dhcp_opts": [_option("tftp-server", "x"), _option("tftp-server", "y")]}, BAD),
        ({"allowed_address_pairs": [{"ip_address": "224.0.0.5"}]}, BAD),
        ({"allowed_address_pairs": [{"ip_address": "192.0.0.0/2"}]}, BAD),
        ({"allowed_address_pairs": [{"ip_address": "ff02::/16"}]}, BAD),
        ({"allowed_address_pairs": [{"ip_address": "10.0.0.9", "mac_address": "01:00:5e:00:00:01"}]}, BAD),
    ],
)
def test_what_is_wrong_is_refused(admin: Client, network: str, given: dict[str, Any], refusal: Refusal) -> None:
    """With Neutron's code and type."""
    assert admin.refused("POST", "ports", json={"port": {"network_id": network, **given}}) == refusal


def test_members_neither_trust_nor_hint(ann: Client, network: str) -> None:
    """That is for administrators, who alone see it."""
    for given in ({"trusted": True}, {"hints": {}}):
        assert ann.refused("POST", "ports", json={"port": {"network_id": network, **given}}) == (403, "PolicyNotAuthorized")
    assert not {"trusted", "hints"} & ann.make("port", network_id=network).keys()


def test_dhcp_options_are_merged(ann: Client, network: str) -> None:
    """By name and IP version; null takes one away; nothing changes nothing; text is as good as a number."""
    given = [{"opt_name": "tftp-server", "opt_value": "10.0.0.8"}, _option("router", ""), _option("23", "fd00::8", 6)]
    port = ann.make("port", network_id=network, extra_dhcp_opts=[*given, _option("mtu", None)])
    assert port["extra_dhcp_opts"] == [_option("tftp-server", "10.0.0.8"), _option("router", ""), _option("23", "fd00::8", 6)]
    changes: list[dict[str, Any]] = [
        {"opt_name": "23", "opt_value": "9"},
        {"opt_name": "tftp-server", "opt_value": "10.0.0.9", "ip_version": "4"},
        _option("23", None, 6),
        _option("nothing", None),
    ]
    after = ann.change("port", port["id"], extra_dhcp_opts=changes)["extra_dhcp_opts"]
    assert after == [_option("tftp-server", "10.0.0.9"), _option("router", ""), _option("23", "9")]
    for nothing in ([], None):
        assert ann.change("port", port["id"], extra_dhcp_opts=nothing)["extra_dhcp_opts"] == after
    assert ann.get(f"ports/{port['id']}")["port"]["extra_dhcp_opts"] == after


def test_names_of_addresses_follow_the_port(ann: Client, network: str) -> None:
    """Small letters, and the domain of the service; a name with a dot at its end is whole."""
    port = ann.make("port", network_id=network, dns_name="DB-1")
    assert (port["dns_name"], port["dns_assignment"][0]["fqdn"]) == ("db-1", "db-1.openstacklocal.")
    after = ann.change("port", port["id"], dns_name="www.test.org.")
    assert after["dns_assignment"] == [{"ip_address": "10.0.0.2", "hostname": "www.test.org.", "fqdn": "www.test.org."}]
    assert ann.get("ports", fields="dns_assignment")["ports"] == [{"dns_assignment": after["dns_assignment"]}]


def test_trust_and_offload_stand_in_the_profile(admin: Client, network: str) -> None:
    """Where Nova reads them; a new profile does not lose the trust."""
    port = admin.make("port", network_id=network, trusted=True, hardware_offload_type="switchdev")
    assert port["binding:profile"] == {"trusted": True, "capabilities": ["switchdev"]}
    after = admin.change("port", port["id"], trusted=False)
    assert (after["trusted"], after["binding:profile"]["trusted"]) == (False, False)
    assert admin.refused("PUT", f"ports/{port['id']}", json={"port": {"hardware_offload_type": "switchdev"}}) == BAD


def test_the_data_plane_is_somebody_elses_word(admin: Client, ann: Client, network: str) -> None:
    """Only an administrator, or who has the role for it, says it; null takes it back."""
    port = ann.make("port", network_id=network)["id"]
    for status in ("DOWN", "ACTIVE", None):
        assert admin.change("port", port, data_plane_status=status)["data_plane_status"] == status
    assert ann.refused("PUT", f"ports/{port}", json={"port": {"data_plane_status": "DOWN"}}) == (403, "PolicyNotAuthorized")


def test_addresses_come_at_once_or_never(ann: Client, network: str) -> None:
    """Who asks for none gets none, and says so; lists are narrowed by it."""
    none = ann.make("port", network_id=network, fixed_ips=[])
    ann.make("port", network_id=network)
    assert none["ip_allocation"] == "none"
    assert [port["id"] for port in ann.get("ports", ip_allocation="none")["ports"]] == [none["id"]]


def test_other_kinds_of_interfaces_are_taken_and_not_bound(admin: Client, network: str) -> None:
    """Nobody here wires hardware: on a host such a port fails to bind, and says so."""
    port = admin.make("port", network_id=network, **{"binding:vnic_type": "direct", "binding:host_id": "h"})
    assert (port["binding:vnic_type"], port["binding:vif_type"]) == ("direct", "binding_failed")


def test_a_whole_function_brings_its_mac_and_takes_it_away(nova: Client, ann: Client, network: str) -> None:
    """The port of a physical function has that one's address while it is in use."""
    port = ann.make("port", network_id=network, device_id="vm", **{"binding:vnic_type": "direct-physical"})
    profile = {"device_mac_address": "FA-16-3E-00-00-99"}
    assert nova.change("port", port["id"], **{"binding:profile": profile})["mac_address"] == "fa:16:3e:00:00:99"
    freed = nova.change("port", port["id"], device_id="", **{"binding:profile": {}})
    assert freed["mac_address"] != "fa:16:3e:00:00:99"


def test_mac_addresses_are_made_anew(admin: Client, network: str) -> None:
    """Null asks for another one."""
    port = admin.make("port", network_id=network)
    assert admin.change("port", port["id"], mac_address=None)["mac_address"] != port["mac_address"]


def test_an_address_with_a_floating_ip_stays(admin: Client, ann: Client, network: str) -> None:
    """Until the floating IP leads elsewhere."""
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    router = ann.make("router", external_gateway_info={"network_id": outside})["id"]
    subnet = ann.get("subnets", network_id=network)["subnets"][0]["id"]
    assert ann.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": subnet}).status_code == 200
    port = ann.make("port", network_id=network)
    names = {"dns_name": "www", "dns_domain": "test.org."}
    floating = ann.make("floatingip", floating_network_id=outside, port_id=port["id"], **names)
    assert {key: floating[key] for key in names} == names
    other = {"fixed_ips": [{"ip_address": "10.0.0.77"}]}
    assert ann.refused("PUT", f"ports/{port['id']}", json={"port": other}) == (400, "BadRequest")
    assert len(ann.change("port", port["id"], fixed_ips=[*port["fixed_ips"], *other["fixed_ips"]])["fixed_ips"]) == 2
    ann.change("floatingip", floating["id"], port_id=None)
    assert ann.change("port", port["id"], **other)["fixed_ips"][0]["ip_address"] == "10.0.0.77"


@pytest.mark.parametrize(
    "given", [{"dns_name": "www"}, {"dns_domain": "test.org."}, {"dns_name": "www.", "dns_domain": "test.org."}]
)
def test_a_floating_ip_has_a_name_and_a_domain_or_neither(admin: Client, given: dict[str, str]) -> None:
    """And the name is relative."""
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    code, _ = admin.refused("POST", "floatingips", json={"floatingip": {"floating_network_id": outside, **given}})
    assert code == 400


def test_a_network_has_a_domain(ann: Client) -> None:
    """Set, shown, changed."""
    network = ann.make("network", dns_domain="Test.org.")
    assert network["dns_domain"] == "test.org."
    assert ann.change("network", network["id"], dns_domain="")["dns_domain"] == ""
    assert ann.refused("POST", "networks", json={"network": {"dns_domain": "test"}}) == BAD


# ---- subnets that are for some ports only


def test_subnets_for_some_owners(ann: Client, admin: Client) -> None:
    """A port has its address where its owner is meant; who is meant nowhere gets none; DHCP serves everywhere."""
    network = ann.make("network")["id"]
    kinds = {"compute:nova": "10.1.0.0/24", "test:other": "10.2.0.0/24"}
    for owner, cidr in kinds.items():
        subnet = ann.make("subnet", network_id=network, ip_version=4, cidr=cidr, service_types=[owner, "network:distributed"])
        assert subnet["service_types"] == [owner, "network:distributed"]
        port = ann.make("port", network_id=network, device_owner=owner)
        assert [fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]] == [subnet["id"]]
    nobody = {"network_id": network, "device_owner": "compute:other"}
    assert ann.refused("POST", "ports", json={"port": nobody}) == (409, "IpAddressGenerationFailureNoMatchingSubnet")
    assert len(admin.make("port", network_id=network, device_owner="network:dhcp")["fixed_ips"]) == 1
    last = ann.get("subnets", cidr="10.2.0.0/24")["subnets"][0]["id"]
    assert ann.change("subnet", last, service_types=[], dns_publish_fixed_ip=True)["service_types"] == []
    assert ann.get(f"subnets/{last}")["subnet"]["dns_publish_fixed_ip"] is True
    assert ann.make("port", network_id=network, device_owner="compute:other")["fixed_ips"][0]["subnet_id"] == last


@pytest.mark.parametrize(
    ("types", "kind"),
    [("x", "HTTPBadRequest"), ([1], "InvalidInputSubnetServiceType"), (["nobody"], "InvalidSubnetServiceType")],
)
def test_wrong_owners_are_refused(ann: Client, types: Any, kind: str) -> None:
    """They name what a port's `device_owner` may be."""
    body = {"network_id": ann.make("network")["id"], "ip_version": 4, "cidr": "10.1.0.0/24", "service_types": types}
    assert ann.refused("POST", "subnets", json={"subnet": body}) == (400, kind)


def test_subnets_say_whether_their_network_leads_outside(admin: Client, ann: Client) -> None:
    """And are found by it."""
    made = {}
    for outside in (True, False):
        network = admin.make("network", shared=True, **{"router:external": outside})["id"]
        subnet = admin.make("subnet", network_id=network, ip_version=4, cidr="10.1.0.0/24")
        assert subnet["router:external"] is outside
        assert ann.get(f"subnets/{subnet['id']}")["subnet"]["router:external"] is outside
        made[outside] = subnet["id"]
    for outside, identity in made.items():
        assert [found["id"] for found in ann.get("subnets", **{"router:external": outside})["subnets"]] == [identity]


# ---- IPv6


MODES = ("slaac", "dhcpv6-stateless", "dhcpv6-stateful", None)


@pytest.mark.parametrize("ra_mode", MODES)
@pytest.mark.parametrize("address_mode", MODES)
def test_every_pair_of_modes(ann: Client, ra_mode: str | None, address_mode: str | None) -> None:
    """Both are the same, or one is not there; with stateless ones ports form their addresses, else they get them."""
    network = ann.make("network")["id"]
    modes = {"ipv6_ra_mode": ra_mode, "ipv6_address_mode": address_mode}
    body = {"network_id": network, "ip_version": 6, "cidr": "fd00::/64"} | {key: value for key, value in modes.items() if value}
    if ra_mode and address_mode and ra_mode != address_mode:
        assert ann.refused("POST", "subnets", json={"subnet": body}) == (400, "InvalidInput")
        return
    subnet = ann.make("subnet", **body)
    assert ({key: subnet[key] for key in modes}, subnet["gateway_ip"]) == (modes, "fd00::")
    port = ann.make("port", network_id=network, mac_address="fa:16:3e:00:00:05")
    forms = {ra_mode, address_mode} & {"slaac", "dhcpv6-stateless"}
    expected = "fd00::f816:3eff:fe00:5" if forms else "fd00::1"
    assert [fixed_ip["ip_address"] for fixed_ip in port["fixed_ips"]] == [expected]


def test_a_router_has_the_first_address_of_an_ipv6_subnet(ann: Client) -> None:
    """The anycast address of its routers, which no other port may have."""
    network = ann.make("network")["id"]
    modes = dict.fromkeys(("ipv6_ra_mode", "ipv6_address_mode"), "dhcpv6-stateful")
    subnet = ann.make("subnet", network_id=network, ip_version=6, cidr="fd00::/64", **modes)
    assert subnet["allocation_pools"] == [{"start": "fd00::1", "end": "fd00::ffff:ffff:ffff:ffff"}]
    wish = {"network_id": network, "device_owner": "compute:nova", "fixed_ips": [{"ip_address": "fd00::"}]}
    assert ann.refused("POST", "ports", json={"port": wish}) == (400, "InvalidIpForNetwork")
    router = ann.make("router")["id"]
    joined = ann.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": subnet["id"]}).json()
    leg = ann.get(f"ports/{joined['port_id']}")["port"]
    assert [fixed_ip["ip_address"] for fixed_ip in leg["fixed_ips"]] == ["fd00::"]
