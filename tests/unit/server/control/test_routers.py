"""Routers, their interfaces, gateway and routes; floating IPs."""

from typing import Any

import pytest
from cloud import ADMIN, ANN, BOB, Cloud, wired

from kaon.model import errors
from kaon.model.query import Query, Row
from kaon.server.control import conntrack_helpers, floatingips, networks, ports, quotas, routers
from kaon.wire import scopes
from kaon.wire.messages import Realised, RealisedKind, Role
from kaon.wire.routers import ConntrackHelper


def _joined(cloud: Cloud, cidr: str = "10.0.0.0/24", **router: Any) -> tuple[Row, Row, Row]:
    """Make a network with a subnet, and a router on it."""
    network = cloud.network()
    subnet = cloud.subnet(network, cidr)
    made = cloud.router(**router)
    routers.add_interface(cloud.core, ANN, made["id"], {"subnet_id": subnet["id"]})
    return network, subnet, routers.show(cloud.core, ANN, made["id"])


def test_interface_by_subnet_takes_the_gateway_address(cloud: Cloud) -> None:
    """A subnet is joined at its gateway; the answer says so, and the port says whose it is."""
    network = cloud.network()
    subnet = cloud.subnet(network, "10.0.0.0/24")
    router = cloud.router()
    answer = routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    port = ports.show(cloud.core, ANN, answer["port_id"])
    expected = {
        "id": router["id"],
        "project_id": "p1",
        "tenant_id": "p1",
        "port_id": port["id"],
        "network_id": network["id"],
        "subnet_id": subnet["id"],
        "subnet_ids": [subnet["id"]],
    }
    assert expected == answer
    assert [{"subnet_id": subnet["id"], "ip_address": "10.0.0.1"}] == port["fixed_ips"]
    assert ("network:router_interface", router["id"]) == (port["device_owner"], port["device_id"])
    assert {"router", f"port/{port['id']}"} == cloud.read(scopes.router(router["id"])).keys()
    assert router["revision_number"] + 1 == routers.show(cloud.core, ANN, router["id"])["revision_number"]


def test_interface_by_port_takes_the_port(cloud: Cloud) -> None:
    """A free port becomes the router's; one that has a device does not."""
    network = cloud.network()
    cloud.subnet(network, "10.0.0.0/24")
    router = cloud.router()
    free, taken = cloud.port(network), cloud.port(network, device_id="vm")
    routers.add_interface(cloud.core, ANN, router["id"], {"port_id": free["id"]})
    after = ports.show(cloud.core, ANN, free["id"])
    assert (router["id"], False, []) == (after["device_id"], after["port_security_enabled"], after["security_groups"])
    with pytest.raises(errors.PortInUse):
        routers.add_interface(cloud.core, ANN, router["id"], {"port_id": taken["id"]})


def test_interface_refusals(cloud: Cloud) -> None:
    """One of subnet and port; not twice; no overlap; a gateway is needed; nothing foreign."""
    _, subnet, router = _joined(cloud)
    overlapping = cloud.subnet(cloud.network(), "10.0.0.0/16")
    no_gateway = cloud.subnet(cloud.network(), "10.9.0.0/24", gateway_ip=None)
    foreign = cloud.subnet(cloud.network(BOB), "10.8.0.0/24", BOB)
    for body in ({}, {"subnet_id": subnet["id"], "port_id": subnet["id"]}):
        with pytest.raises(errors.BadRequest):
            routers.add_interface(cloud.core, ANN, router["id"], body)
    for wrong in (subnet, overlapping, no_gateway):
        with pytest.raises(errors.BadRequest):
            routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": wrong["id"]})
    with pytest.raises(errors.SubnetNotFound):
        routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": foreign["id"]})
    with pytest.raises(errors.RouterNotFound):
        routers.add_interface(cloud.core, BOB, router["id"], {"subnet_id": foreign["id"]})


def test_interface_is_removed_with_its_port(cloud: Cloud) -> None:
    """What add made, remove takes; what is not joined is not found."""
    network, subnet, router = _joined(cloud)
    (port,) = ports.index(cloud.core, ANN, Query(filters={"device_id": (router["id"],)})).rows
    with pytest.raises(errors.ServicePortInUse):
        ports.delete(cloud.core, ANN, port["id"])
    with pytest.raises(errors.RouterInUse):
        routers.delete(cloud.core, ANN, router["id"])
    answer = routers.remove_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    assert (port["id"], subnet["id"]) == (answer["port_id"], answer["subnet_id"])
    with pytest.raises(errors.RouterInterfaceNotFoundForSubnet):
        routers.remove_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    with pytest.raises(errors.RouterInterfaceNotFound):
        routers.remove_interface(cloud.core, ANN, router["id"], {"port_id": port["id"]})
    assert {"router"} == cloud.read(scopes.router(router["id"])).keys()
    routers.delete(cloud.core, ANN, router["id"])
    networks.delete(cloud.core, ANN, network["id"])
    assert 0 == quotas.details(cloud.core, ANN, "p1")["router"]["used"]


def test_gateway_has_a_port_of_nobody(cloud: Cloud) -> None:
    """The gateway has an address of the external network, on a port that no project sees."""
    outside = cloud.outside()
    router = cloud.router(outside=outside)
    info = router["external_gateway_info"]
    assert (outside["id"], True) == (info["network_id"], info["enable_snat"])
    assert ["203.0.113.2"] == [fixed_ip["ip_address"] for fixed_ip in info["external_fixed_ips"]]
    of_router = Query(filters={"device_id": (router["id"],)})
    assert [] == ports.index(cloud.core, ANN, of_router).rows
    (port,) = ports.index(cloud.core, ADMIN, of_router).rows
    assert ("", "network:router_gateway") == (port["project_id"], port["device_owner"])
    assert router == routers.show(cloud.core, ANN, router["id"])
    cleared = routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": None})
    assert cleared["external_gateway_info"] is None
    assert [] == ports.index(cloud.core, ADMIN, of_router).rows


def test_hosts_hear_of_helpers(cloud: Cloud) -> None:
    """A router tells its host which helpers it has, as soon as one comes, changes or goes."""
    router = cloud.router()
    name = scopes.router(router["id"])
    assert () == cloud.read(name)["router"].helpers
    body = {"helper": "tftp", "protocol": "udp", "port": 69, "project_id": "p1"}
    (made,) = conntrack_helpers.create(cloud.core, ANN, router["id"], [body])
    told = ConntrackHelper(helper="tftp", protocol="udp", port=69)
    assert (told,) == cloud.read(name)["router"].helpers
    conntrack_helpers.update(cloud.core, ANN, router["id"], made["id"], {"port": 70})
    assert (70,) == tuple(one.port for one in cloud.read(name)["router"].helpers)
    conntrack_helpers.delete(cloud.core, ANN, router["id"], made["id"])
    assert () == cloud.read(name)["router"].helpers


def test_gateway_moves(cloud: Cloud) -> None:
    """Another external network replaces the first; SNAT is an administrator's to switch."""
    first, second = cloud.outside(), cloud.outside()
    router = cloud.router(outside=first)
    moved = routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": {"network_id": second["id"]}})
    assert second["id"] == moved["external_gateway_info"]["network_id"]
    off = {"network_id": second["id"], "enable_snat": False}
    with pytest.raises(errors.PolicyNotAuthorized):
        routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": off})
    routers.update(cloud.core, ADMIN, router["id"], {"external_gateway_info": off})
    assert not cloud.read(scopes.router(router["id"]))["router"].enable_snat


def test_gateway_refusals(cloud: Cloud) -> None:
    """A gateway leads to an external network that does not overlap."""
    network, subnet, router = _joined(cloud, "203.0.113.0/25")
    outside = cloud.outside()
    for wrong in (network, outside):
        with pytest.raises(errors.BadRequest):
            routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": {"network_id": wrong["id"]}})
    with pytest.raises(errors.NetworkNotFound):
        routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": {"network_id": subnet["id"]}})
    with pytest.raises(errors.BadRequest):
        cloud.router(outside=network)
    assert 1 == len(routers.index(cloud.core, ANN, Query()).rows)


def test_routes_lead_to_what_is_connected(cloud: Cloud) -> None:
    """A next hop is on a subnet of the router and not the router itself; routes are added, removed, replaced."""
    _, subnet, router = _joined(cloud)
    good = {"destination": "192.168.0.0/24", "nexthop": "10.0.0.9"}
    other = {"destination": "192.168.1.0/24", "nexthop": "10.0.0.9"}
    for nexthop in ("10.1.0.1", "10.0.0.1"):
        with pytest.raises(errors.InvalidRoutes):
            routers.update(cloud.core, ANN, router["id"], {"routes": [good | {"nexthop": nexthop}]})
    assert [good] == routers.update(cloud.core, ANN, router["id"], {"routes": [good]})["routes"]
    assert [good, other] == routers.add_extraroutes(cloud.core, ANN, router["id"], {"routes": [other, good]})["routes"]
    with pytest.raises(errors.RouterInterfaceInUseByRoute):
        routers.remove_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    assert [other] == routers.remove_extraroutes(cloud.core, ANN, router["id"], {"routes": [good]})["routes"]
    assert [] == routers.update(cloud.core, ANN, router["id"], {"routes": []})["routes"]


def test_list_of_routers_costs_a_bounded_number_of_statements(cloud: Cloud) -> None:
    """Six statements, however many routers."""
    outside = cloud.outside()
    made = [cloud.router(outside=outside)["id"] for _ in range(5)]
    with cloud.store.counting() as statements:
        page = routers.index(cloud.core, ANN, Query(sort=(("name", True),)))
    assert sorted(made) == [row["id"] for row in page.rows]
    assert len(statements) <= 6, statements


def test_floating_ip_leads_through_the_router(cloud: Cloud) -> None:
    """A floating IP finds the router between its network and the port, and leads to the port's address."""
    outside = cloud.outside()
    network, _, router = _joined(cloud, outside=outside)
    port = cloud.port(network, name="vm")
    made = cloud.floatingip(outside, port_id=port["id"])
    assert (router["id"], port["fixed_ips"][0]["ip_address"], "DOWN") == (
        made["router_id"],
        made["fixed_ip_address"],
        made["status"],
    )
    assert "vm" == made["port_details"]["name"]
    entry = cloud.read(scopes.router(router["id"]))[f"floatingip/{made['id']}"]
    assert (made["floating_ip_address"], port["id"]) == (entry.floating_ip_address, entry.port_id)
    assert [made] == floatingips.index(cloud.core, ANN, Query()).rows


def test_floating_ip_comes_and_goes(cloud: Cloud) -> None:
    """Null lets go, another port is led to, the port's end lets go, and deleting frees the address."""
    outside = cloud.outside()
    network, _, router = _joined(cloud, outside=outside)
    first, second = cloud.port(network), cloud.port(network)
    made = cloud.floatingip(outside)
    assert (None, None) == (made["port_id"], made["router_id"])
    led = floatingips.update(cloud.core, ANN, made["id"], {"port_id": first["id"]})
    assert (first["id"], router["id"]) == (led["port_id"], led["router_id"])
    with pytest.raises(errors.BadRequest, match="without port_id"):
        floatingips.update(cloud.core, ANN, made["id"], {"fixed_ip_address": first["fixed_ips"][0]["ip_address"]})
    let_go = floatingips.update(cloud.core, ANN, made["id"], {"port_id": None})
    assert (None, None, None) == (let_go["port_id"], let_go["fixed_ip_address"], let_go["router_id"])
    assert f"floatingip/{made['id']}" not in cloud.read(scopes.router(router["id"]))
    floatingips.update(cloud.core, ANN, made["id"], {"port_id": second["id"]})
    ports.delete(cloud.core, ANN, second["id"])
    assert floatingips.show(cloud.core, ANN, made["id"])["port_id"] is None
    floatingips.delete(cloud.core, ANN, made["id"])
    assert [] == ports.index(cloud.core, ADMIN, Query(filters={"device_owner": ("network:floatingip",)})).rows
    assert 0 == quotas.details(cloud.core, ANN, "p1")["floatingip"]["used"]


def test_floating_ip_goes_with_the_address_it_led_to(cloud: Cloud) -> None:
    """Nobody takes the address away while it leads there; a port that is given another beside it keeps it."""
    outside = cloud.outside()
    network, _, router = _joined(cloud, outside=outside)
    port = cloud.port(network)
    first = port["fixed_ips"][0]
    made = cloud.floatingip(outside, port_id=port["id"])
    gained = ports.update(cloud.core, ANN, port["id"], {"fixed_ips": [first, {"subnet_id": first["subnet_id"]}]})
    assert port["id"] == floatingips.show(cloud.core, ANN, made["id"])["port_id"]
    with pytest.raises(errors.BadRequest):
        ports.update(cloud.core, ANN, port["id"], {"fixed_ips": gained["fixed_ips"][1:]})
    assert f"floatingip/{made['id']}" in cloud.read(scopes.router(router["id"]))
    ports.delete(cloud.core, ANN, port["id"])
    assert floatingips.show(cloud.core, ANN, made["id"])["port_id"] is None
    assert f"floatingip/{made['id']}" not in cloud.read(scopes.router(router["id"]))


def test_floating_ip_refusals(cloud: Cloud) -> None:
    """No router between, an internal network, a second one for the same address, an address without a port."""
    outside = cloud.outside()
    network, _, router = _joined(cloud, outside=outside)
    lonely = cloud.network()
    cloud.subnet(lonely, "10.7.0.0/24")
    port = cloud.port(network)
    cloud.floatingip(outside, port_id=port["id"])
    with pytest.raises(errors.FloatingIPPortAlreadyAssociated):
        cloud.floatingip(outside, port_id=port["id"])
    with pytest.raises(errors.ExternalGatewayForFloatingIPNotFound):
        cloud.floatingip(outside, port_id=cloud.port(lonely)["id"])
    with pytest.raises(errors.BadRequest):
        cloud.floatingip(network)
    with pytest.raises(errors.BadRequest):
        cloud.floatingip(outside, fixed_ip_address="10.0.0.5")
    with pytest.raises(errors.PortNotFound):
        cloud.floatingip(outside, BOB, port_id=port["id"])
    with pytest.raises(errors.PolicyNotAuthorized):
        cloud.floatingip(outside, floating_ip_address="203.0.113.77")
    with pytest.raises(errors.RouterExternalGatewayInUseByFloatingIp):
        routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": None})
    with pytest.raises(errors.RouterInterfaceInUseByFloatingIP):
        routers.remove_interface(cloud.core, ANN, router["id"], {"subnet_id": port["fixed_ips"][0]["subnet_id"]})
    assert 1 == len(floatingips.index(cloud.core, ADMIN, Query()).rows)
    assert 1 == len(ports.index(cloud.core, ADMIN, Query(filters={"device_owner": ("network:floatingip",)})).rows)


def test_router_is_placed_with_all_its_legs(cloud: Cloud) -> None:
    """The least loaded live L3 host forwards; legs, old and new, are bound there."""
    outside = cloud.outside()
    _, subnet, router = _joined(cloud, outside=outside)
    legs = Query(filters={"device_id": (router["id"],)})
    assert {""} == {port["binding:host_id"] for port in ports.index(cloud.core, ADMIN, legs).rows}
    cloud.hello("net1", Role.L3)
    assert {"net1"} == {port["binding:host_id"] for port in ports.index(cloud.core, ADMIN, legs).rows}
    told = cloud.host_scope("net1")
    assert f"router/{router['id']}" in told
    assert 3 == len(told)
    later = cloud.subnet(cloud.network(), "10.5.0.0/24")
    routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": later["id"]})
    followed = {scopes.network(outside["id"]), scopes.network(subnet["network_id"]), scopes.network(later["network_id"])}
    assert {scopes.host("net1"), scopes.router(router["id"]), *followed} == cloud.followed("net1")
    cloud.hello("net2", Role.L3)
    second = cloud.router(outside=outside)
    assert f"router/{second['id']}" in cloud.host_scope("net2")


def test_deleted_router_leaves_nothing_on_its_host(cloud: Cloud) -> None:
    """When a router goes its host is told, and follows nothing of it."""
    cloud.hello("net1", Role.L3)
    _, subnet, router = _joined(cloud, outside=cloud.outside())
    routers.remove_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    routers.delete(cloud.core, ANN, router["id"])
    assert {} == cloud.host_scope("net1")
    assert {scopes.host("net1")} == cloud.followed("net1")


def test_floating_ip_is_active_when_its_router_says_so(cloud: Cloud) -> None:
    """DOWN until the router's host translates this revision; DOWN again when it leads nowhere."""
    cloud.hello("net1", Role.L3)
    outside = cloud.outside()
    network, _, _ = _joined(cloud, outside=outside)
    made = cloud.floatingip(outside, port_id=cloud.port(network)["id"])

    def told(host: str, revision: int, *, up: bool = True) -> str:
        done = Realised(kind=RealisedKind.FLOATINGIP, id=made["id"], revision=revision, up=up)
        cloud.report(host, done)
        return str(floatingips.show(cloud.core, ANN, made["id"])["status"])

    now = made["revision_number"]
    assert ["DOWN", "DOWN", "ACTIVE", "DOWN", "ACTIVE"] == [
        told("net1", now - 1),
        told("stranger", now),
        told("net1", now),
        told("net1", now, up=False),
        told("net1", now),
    ]
    assert "DOWN" == floatingips.update(cloud.core, ANN, made["id"], {"port_id": None})["status"]


def test_router_is_down_while_its_host_says_so(cloud: Cloud) -> None:
    """A router is ACTIVE from the start, and DOWN only while its host cannot forward for it."""
    cloud.hello("net1", Role.L3)
    _, _, router = _joined(cloud)
    assert "ACTIVE" == router["status"]
    for up, expected in ((False, "DOWN"), (True, "ACTIVE")):
        done = Realised(kind=RealisedKind.ROUTER, id=router["id"], revision=router["revision_number"], up=up)
        cloud.report("net1", done)
        assert expected == routers.show(cloud.core, ANN, router["id"])["status"]


def test_router_leg_is_active_when_wired(cloud: Cloud) -> None:
    """A leg waits for no lease."""
    cloud.hello("net1", Role.L3, Role.DHCP)
    _, _, router = _joined(cloud)
    (port,) = ports.index(cloud.core, ANN, Query(filters={"device_id": (router["id"],)})).rows
    cloud.report("net1", wired(port))
    assert "ACTIVE" == cloud.show_port(port)["status"]


def test_routes_are_held_to_the_projects_limit(cloud: Cloud) -> None:
    """A router may have as many routes as its project's quota of router_route says."""
    _, _, router = _joined(cloud)
    quotas.update(cloud.core, ADMIN, "p1", {"router_route": 2})
    routes = [{"destination": f"192.168.{number}.0/24", "nexthop": "10.0.0.9"} for number in range(3)]
    with pytest.raises(errors.OverQuota, match="router_route"):
        routers.update(cloud.core, ANN, router["id"], {"routes": routes})
    assert 2 == len(routers.update(cloud.core, ANN, router["id"], {"routes": routes[:2]})["routes"])
