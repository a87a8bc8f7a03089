"""What hangs on routers and ports: conntrack helpers, NDP proxies, local IPs, over HTTP."""

from typing import Any

import pytest
from api_client import Client

NOBODY = "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"


def _post(client: Client, path: str, member: str, **wish: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/{path}", json={member: wish})
    return answer.json()[member] if answer.status_code == 201 else answer.json()["NeutronError"]["type"]


def test_a_conntrack_helper_lives(ann: Client, bob: Client) -> None:
    """Its router shows it, and changes with it."""
    router = ann.make("router")
    path = f"routers/{router['id']}/conntrack_helpers"
    helper = _post(ann, path, "conntrack_helper", helper="tftp", protocol="udp", port=69)
    assert helper == {"id": helper["id"], "helper": "tftp", "protocol": "udp", "port": 69}
    assert ann.get(f"{path}/{helper['id']}")["conntrack_helper"] == helper
    other = _post(ann, path, "conntrack_helper", helper="ftp", protocol="tcp", port=21)
    assert ann.get(path, port=69)["conntrack_helpers"] == [helper]
    shown = ann.get(f"routers/{router['id']}")["router"]
    assert shown["conntrack_helpers"] == [
        {"protocol": "tcp", "port": 21, "helper": "ftp"},
        {"protocol": "udp", "port": 69, "helper": "tftp"},
    ]
    assert shown["revision_number"] == router["revision_number"] + 2
    changed = ann.ask("PUT", f"/v2.0/{path}/{helper['id']}", json={"conntrack_helper": {"port": 70}}).json()
    assert changed["conntrack_helper"] == helper | {"port": 70}
    for wish, refusal in (
        ({"helper": "dragon", "protocol": "tcp", "port": 1}, "ConntrackHelperNotAllowed"),
        ({"helper": "ftp", "protocol": "udp", "port": 1}, "InvalidProtocolForHelper"),
        ({"helper": "ftp", "protocol": "tcp", "port": 21}, "BadRequest"),
        ({"helper": "ftp", "protocol": "tcp", "port": 0}, "HTTPBadRequest"),
    ):
        assert _post(ann, path, "conntrack_helper", **wish) == refusal
    assert bob.refused("GET", path) == (404, "RouterNotFound")
    assert ann.ask("DELETE", f"/v2.0/{path}/{other['id']}").status_code == 204
    assert ann.refused("GET", f"{path}/{other['id']}") == (404, "ConntrackHelperNotFound")
    assert len(ann.get("routers")["routers"][0]["conntrack_helpers"]) == 1
    ann.remove("router", router["id"])


@pytest.fixture
def scoped(admin: Client, ann: Client) -> dict[str, str]:
    """An external network and one of Ann's in one IPv6 address scope, with a router between them that may answer."""
    scope = _post(admin, "address-scopes", "address_scope", name="s", ip_version=6, shared=True)["id"]
    prefixes = {"prefixes": ["2001:db8::/96"], "default_prefixlen": 112}
    pool = admin.make("subnetpool", name="p", address_scope_id=scope, shared=True, **prefixes)["id"]
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=6, subnetpool_id=pool)
    inside = ann.make("network")["id"]
    subnet = ann.make("subnet", network_id=inside, ip_version=6, subnetpool_id=pool)["id"]
    router = ann.make("router", external_gateway_info={"network_id": outside}, enable_ndp_proxy=True)
    assert router["enable_ndp_proxy"] is True
    ann.ask("PUT", f"/v2.0/routers/{router['id']}/add_router_interface", json={"subnet_id": subnet})
    return {"outside": outside, "inside": inside, "subnet": subnet, "router": router["id"]}


def test_an_ndp_proxy_lives(ann: Client, bob: Client, scoped: dict[str, str]) -> None:
    """It keeps the router's gateway and interface."""
    port = ann.make("port", network_id=scoped["inside"])
    proxy = _post(ann, "ndp-proxies", "ndp_proxy", router_id=scoped["router"], port_id=port["id"], name="n")
    assert (proxy["ip_address"], proxy["name"]) == (port["fixed_ips"][0]["ip_address"], "n")
    path = f"ndp-proxies/{proxy['id']}"
    assert ann.get(path)["ndp_proxy"] == ann.get("ndp_proxies")["ndp_proxies"][0] == proxy
    assert bob.refused("GET", path) == (404, "NDPProxyNotFound")
    changed = ann.ask("PUT", f"/v2.0/{path}", json={"ndp_proxy": {"name": "m"}}).json()["ndp_proxy"]
    assert (changed["name"], changed["revision_number"]) == ("m", 2)
    router = f"routers/{scoped['router']}"
    leaving = {"subnet_id": scoped["subnet"]}
    assert ann.refused("PUT", f"{router}/remove_router_interface", json=leaving) == (409, "RouterInterfaceInUseByNDPProxy")
    nowhere = {"router": {"external_gateway_info": {}}}
    assert ann.refused("PUT", router, json=nowhere) == (409, "RouterGatewayInUseByNDPProxy")
    assert ann.ask("DELETE", f"/v2.0/{path}").status_code == 204
    assert ann.ask("PUT", f"/v2.0/{router}", json=nowhere).json()["router"]["enable_ndp_proxy"] is False


def test_an_ndp_proxy_goes_with_its_address(ann: Client, scoped: dict[str, str]) -> None:
    """And with its port."""
    port = ann.make("port", network_id=scoped["inside"])["id"]
    _post(ann, "ndp-proxies", "ndp_proxy", router_id=scoped["router"], port_id=port)
    ann.change("port", port, fixed_ips=[])
    assert ann.get("ndp-proxies")["ndp_proxies"] == []
    ann.change("port", port, fixed_ips=[{"subnet_id": scoped["subnet"]}])
    _post(ann, "ndp-proxies", "ndp_proxy", router_id=scoped["router"], port_id=port)
    ann.remove("port", port)
    assert ann.get("ndp-proxies")["ndp_proxies"] == []


def test_ndp_proxies_need_a_way_there_and_back(admin: Client, ann: Client, scoped: dict[str, str]) -> None:
    """A router that answers, an IPv6 subnet in common, one address scope."""
    port = ann.make("port", network_id=scoped["inside"])["id"]
    lonely = ann.make("network")["id"]
    ann.make("subnet", network_id=lonely, ip_version=6, cidr="2001:db9::/64")
    stranger = ann.make("port", network_id=lonely)
    silent = ann.make("router", external_gateway_info={"network_id": scoped["outside"]})["id"]
    v4 = ann.make("network")["id"]
    v4_subnet = ann.make("subnet", network_id=v4, ip_version=4, cidr="10.0.0.0/24")["id"]
    ann.ask("PUT", f"/v2.0/routers/{scoped['router']}/add_router_interface", json={"subnet_id": v4_subnet})
    old = ann.make("port", network_id=v4)["id"]
    for wish, refusal in (
        ({"router_id": silent, "port_id": port}, "PortUnreachableRouter"),
        ({"router_id": scoped["router"], "port_id": stranger["id"]}, "PortUnreachableRouter"),
        ({"router_id": scoped["router"], "port_id": old}, "BadRequest"),
        ({"router_id": scoped["router"], "port_id": port, "ip_address": "2001:db8::99:99"}, "InvalidAddress"),
        ({"router_id": NOBODY, "port_id": port}, "RouterNotFound"),
        ({"router_id": scoped["router"], "port_id": NOBODY}, "PortNotFound"),
    ):
        assert _post(ann, "ndp-proxies", "ndp_proxy", **wish) == refusal
    lonely_subnet = stranger["fixed_ips"][0]["subnet_id"]
    ann.ask("PUT", f"/v2.0/routers/{scoped['router']}/add_router_interface", json={"subnet_id": lonely_subnet})
    wish = {"router_id": scoped["router"], "port_id": stranger["id"]}
    assert _post(ann, "ndp-proxies", "ndp_proxy", **wish) == "AddressScopeConflict"
    ann.change("router", scoped["router"], enable_ndp_proxy=False)
    assert _post(ann, "ndp-proxies", "ndp_proxy", **wish | {"port_id": port}) == "RouterNDPProxyNotEnable"
    plain = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=plain, ip_version=6, cidr="2001:dba::/64")
    for wish in ({}, {"external_gateway_info": {"network_id": plain}}):
        body = {"router": {"enable_ndp_proxy": True, **wish}}
        assert ann.refused("POST", "routers", json=body) == (409, "RouterGatewayNotValid")


def test_a_local_ip_lives(ann: Client, bob: Client) -> None:
    """With a port of its own, or the address of one that is there."""
    network = ann.make("network")["id"]
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")["id"]
    own = _post(ann, "local-ips", "local_ip", network_id=network, name="l")
    assert (own["network_id"], own["ip_mode"], own["name"]) == (network, "translate", "l")
    assert ann.get(f"ports/{own['local_port_id']}")["port"]["device_owner"] == "network:local_ip"
    assert ann.get(f"local_ips/{own['id']}")["local_ip"] == ann.get("local-ips", name="l")["local_ips"][0] == own
    assert bob.refused("GET", f"local_ips/{own['id']}") == (404, "LocalIPNotFound")
    assert ann.refused("DELETE", f"ports/{own['local_port_id']}")[0] == 409
    port = ann.make("port", network_id=network)
    address = port["fixed_ips"][0]["ip_address"]
    lent = _post(ann, "local-ips", "local_ip", local_port_id=port["id"], ip_mode="passthrough")
    assert (lent["local_ip_address"], lent["network_id"]) == (address, network)
    path = f"local_ips/{own['id']}/port_associations"
    association = _post(ann, path, "port_association", fixed_port_id=port["id"])
    assert association == {
        "local_ip_id": own["id"],
        "local_ip_address": own["local_ip_address"],
        "fixed_port_id": port["id"],
        "fixed_ip": address,
        "host": "",
    }
    assert ann.get(f"{path}/{port['id']}")["port_association"] == ann.get(path)["port_associations"][0] == association
    assert ann.get(path, fixed_ip="10.0.0.250")["port_associations"] == []
    assert _post(ann, path, "port_association", fixed_port_id=port["id"]) == "Conflict"
    assert ann.refused("DELETE", f"local_ips/{own['id']}") == (409, "LocalIPInUse")
    changed = ann.ask("PUT", f"/v2.0/local_ips/{own['id']}", json={"local_ip": {"name": "m"}}).json()["local_ip"]
    assert (changed["name"], changed["revision_number"]) == ("m", 2)
    two = ann.make("port", network_id=network, fixed_ips=[{"subnet_id": subnet}, {"subnet_id": subnet}])
    assert _post(ann, path, "port_association", fixed_port_id=two["id"]) == "LocalIPNoRequestedIP"
    assert _post(ann, path, "port_association", fixed_port_id=two["id"], fixed_ip="10.0.0.250") == "LocalIPRequestedIPNotFound"
    assert ann.ask("DELETE", f"/v2.0/{path}/{port['id']}").status_code == 204
    assert ann.refused("GET", f"{path}/{port['id']}") == (404, "LocalIPAssociationNotFound")
    assert ann.ask("DELETE", f"/v2.0/local_ips/{own['id']}").status_code == 204
    assert ann.refused("GET", f"ports/{own['local_port_id']}") == (404, "PortNotFound")
    assert ann.ask("DELETE", f"/v2.0/local_ips/{lent['id']}").status_code == 204
    assert ann.get(f"ports/{port['id']}")["port"] == port


def test_a_local_ip_needs_an_address(ann: Client) -> None:
    """Of a port that is there and has it."""
    empty = ann.make("network")["id"]
    bare = ann.make("port", network_id=empty)["id"]
    for wish, refusal in (
        ({}, "LocalIPPortOrNetworkRequired"),
        ({"local_port_id": NOBODY}, "BadRequest"),
        ({"local_port_id": bare}, "LocalIPNoIP"),
        ({"network_id": NOBODY}, "NetworkNotFound"),
        ({"network_id": empty}, "BadRequest"),
        ({"network_id": empty, "ip_mode": "dragon"}, "HTTPBadRequest"),
    ):
        assert _post(ann, "local-ips", "local_ip", **wish) == refusal
