"""Hosts and their agents, DHCP servers, and what reports make of statuses."""

from typing import Any

import pytest
from cloud import ADMIN, ANN, Cloud, leased, wired

from kaon.model import errors
from kaon.model.query import Query, Row
from kaon.server.control import agents, hosts, networks, ports, routers, scheduling, scope_reading, status, subnets
from kaon.server.store import scope_rows
from kaon.wire import scopes
from kaon.wire.messages import Realised, RealisedKind, Role


def _dhcp_ports(cloud: Cloud, network: Row) -> list[Row]:
    query = Query(filters={"network_id": (network["id"],), "device_owner": ("network:dhcp",)})
    return ports.index(cloud.core, ADMIN, query).rows


def _status(cloud: Cloud, host: str, port: Row, *told: Realised) -> str:
    cloud.report(host, *told)
    return str(cloud.show_port(port)["status"])


def test_each_role_of_a_host_is_an_agent(cloud: Cloud) -> None:
    """Agents have Neutron's types, binaries and topics; members see none."""
    cloud.hello("h1", *Role)
    rows = agents.index(cloud.core, ADMIN, Query(sort=(("binary", True),))).rows
    expected = [
        ("neutron-dhcp-agent", "DHCP agent", "dhcp_agent"),
        ("neutron-l3-agent", "L3 agent", "l3_agent"),
        ("neutron-linuxbridge-agent", "Linux bridge agent", "N/A"),
        ("neutron-metadata-agent", "Metadata agent", "N/A"),
    ]
    assert expected == [(row["binary"], row["agent_type"], row["topic"]) for row in rows]
    assert {("h1", True, True)} == {(row["host"], row["alive"], row["admin_state_up"]) for row in rows}
    assert "192.0.2.1" == rows[2]["configurations"]["tunneling_ip"]
    assert [] == agents.index(cloud.core, ANN, Query()).rows
    with pytest.raises(errors.AgentNotFound):
        agents.show(cloud.core, ANN, rows[0]["id"])


def test_agent_is_alive_while_heard_of(cloud: Cloud) -> None:
    """An agent dies agent_down_time after it was last heard of, and heartbeats revive it."""
    cloud.hello("h1")
    cloud.pass_time(76)
    dead = Query(filters={"alive": (False,)})
    assert ["h1"] == [row["host"] for row in agents.index(cloud.core, ADMIN, dead).rows]
    hosts.heartbeat(cloud.core, ["h1"], cloud.now)
    assert [] == agents.index(cloud.core, ADMIN, dead).rows


def test_agent_keeps_what_administrators_said(cloud: Cloud) -> None:
    """Another hello of the host changes neither id nor admin_state_up; a role that is gone is no agent any more."""
    cloud.hello("h1", Role.L2, Role.DHCP)
    (row,) = agents.index(cloud.core, ADMIN, Query(filters={"agent_type": (hosts.DHCP,)})).rows
    agents.update(cloud.core, ADMIN, row["id"], {"admin_state_up": False, "description": "resting"})
    cloud.pass_time(10)
    cloud.hello("h1", Role.DHCP, instance="2")
    (after,) = agents.index(cloud.core, ADMIN, Query()).rows
    assert (row["id"], False, "resting") == (after["id"], after["admin_state_up"], after["description"])
    assert (row["created_at"], "2026-01-01 00:00:10") == (after["created_at"], after["started_at"])
    agents.delete(cloud.core, ADMIN, row["id"])
    with pytest.raises(errors.AgentNotFound):
        agents.show(cloud.core, ADMIN, row["id"])


def test_moved_tunnel_end_is_told_to_the_networks(cloud: Cloud) -> None:
    """Where a host's tunnels end is an entry of the networks that have ports there."""
    cloud.hello("h1")
    network = cloud.network()
    cloud.port(network, ADMIN, host="h1")
    assert "192.0.2.1" == cloud.read(scopes.network(network["id"]))["host/h1"].tunnel_ip
    before = _revision(cloud, scopes.network(network["id"]))
    cloud.hello("h1")
    assert before == _revision(cloud, scopes.network(network["id"]))
    cloud.hello("h1", tunnel_ip="192.0.2.9")
    assert "192.0.2.9" == cloud.read(scopes.network(network["id"]))["host/h1"].tunnel_ip
    assert before + 1 == _revision(cloud, scopes.network(network["id"]))


def _revision(cloud: Cloud, scope: str) -> int:
    found = cloud.store.read(lambda tx: scope_rows.revision_of(tx, scope))
    assert found is not None
    return found


def test_dhcp_server_comes_with_the_subnet_and_goes_with_it(cloud: Cloud) -> None:
    """The first subnet with DHCP brings a server with a port of the project; the last takes it away."""
    cloud.hello("net1", Role.DHCP)
    network = cloud.network()
    cloud.subnet(network, "10.1.0.0/24", enable_dhcp=False)
    assert [] == _dhcp_ports(cloud, network)
    second = cloud.subnet(network, "10.2.0.0/24")
    (port,) = _dhcp_ports(cloud, network)
    assert ("p1", "net1", [second["id"]]) == (
        port["project_id"],
        port["binding:host_id"],
        [fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]],
    )
    assert port["id"] == cloud.host_scope("net1")[f"dhcp/{network['id']}"].port_id
    assert scopes.network(network["id"]) in cloud.followed("net1")
    third = cloud.subnet(network, "2001:db8::/64")
    (port,) = _dhcp_ports(cloud, network)
    assert {second["id"], third["id"]} == {fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]}
    subnets.update(cloud.core, ANN, second["id"], {"enable_dhcp": False})
    subnets.delete(cloud.core, ANN, third["id"])
    assert [] == _dhcp_ports(cloud, network)
    assert {} == cloud.host_scope("net1")
    assert {scopes.host("net1")} == cloud.followed("net1")


def test_dhcp_servers_are_spread(cloud: Cloud) -> None:
    """The least loaded live, enabled host is chosen."""
    for host in ("net1", "net2", "net3"):
        cloud.hello(host, Role.DHCP)
    (row,) = agents.index(cloud.core, ADMIN, Query(filters={"host": ("net3",)})).rows
    agents.update(cloud.core, ADMIN, row["id"], {"admin_state_up": False})
    chosen = []
    for number in range(4):
        network = cloud.network()
        cloud.subnet(network, f"10.{number}.0.0/24")
        chosen += [port["binding:host_id"] for port in _dhcp_ports(cloud, network)]
    assert ["net1", "net2", "net1", "net2"] == chosen


def test_what_waits_is_placed_when_an_agent_appears(cloud: Cloud) -> None:
    """Without a live agent the network works all the same, and is served as soon as there is one."""
    network = cloud.network()
    cloud.subnet(network, "10.1.0.0/24")
    assert [] == _dhcp_ports(cloud, network)
    cloud.hello("net1", Role.L2)
    assert [] == _dhcp_ports(cloud, network)
    cloud.hello("net1", Role.DHCP)
    assert 1 == len(_dhcp_ports(cloud, network))
    assert 0 == scheduling.schedule_pending(cloud.core)


def test_full_subnet_goes_without_server(cloud: Cloud) -> None:
    """A subnet that has no address left for a DHCP server gets DHCP all the same, and nothing half-done remains."""
    cloud.hello("net1", Role.DHCP)
    network = cloud.network()
    subnet = cloud.subnet(
        network, "10.1.0.0/24", enable_dhcp=False, allocation_pools=[{"start": "10.1.0.9", "end": "10.1.0.9"}]
    )
    cloud.port(network)
    subnets.update(cloud.core, ANN, subnet["id"], {"enable_dhcp": True})
    assert [] == _dhcp_ports(cloud, network)
    assert {} == cloud.host_scope("net1")


def test_deleted_network_leaves_nothing_on_its_server(cloud: Cloud) -> None:
    """The host that served a network is told that it no longer does."""
    cloud.hello("net1", Role.DHCP)
    network = cloud.network()
    cloud.subnet(network, "10.1.0.0/24")
    before = _revision(cloud, scopes.host("net1"))
    networks.delete(cloud.core, ANN, network["id"])
    assert {} == cloud.host_scope("net1")
    assert {scopes.host("net1")} == cloud.followed("net1")
    delta = cloud.store.read(lambda tx: scope_reading.read_changes(tx, scopes.host("net1"), before))
    assert f"dhcp/{network['id']}" in delta.gone


def test_port_is_active_when_wired_at_its_revision(cloud: Cloud) -> None:
    """Only the port's own host counts, and only for the newest revision; DOWN when it says so."""
    cloud.hello("h1")
    port = cloud.port(cloud.network(), ADMIN, host="h1")
    now = port["revision_number"]
    assert ["DOWN", "DOWN", "ACTIVE", "DOWN"] == [
        _status(cloud, "h2", port, wired(port)),
        _status(cloud, "h1", port, wired(port, now - 1)),
        _status(cloud, "h1", port, wired(port)),
        _status(cloud, "h1", port, wired(port, up=False)),
    ]


def test_port_waits_for_its_reservation(cloud: Cloud) -> None:
    """Where a live DHCP server serves the network, wired is not enough."""
    cloud.hello("net1", Role.DHCP)
    cloud.hello("h1")
    network = cloud.network()
    cloud.subnet(network, "10.1.0.0/24")
    first, second = (cloud.port(network, ADMIN, host="h1") for _ in range(2))
    assert ["DOWN", "DOWN", "ACTIVE"] == [
        _status(cloud, "h1", first, wired(first)),
        _status(cloud, "h1", first, leased(first)),
        _status(cloud, "net1", first, leased(first)),
    ]
    assert ["DOWN", "ACTIVE"] == [
        _status(cloud, "net1", second, leased(second)),
        _status(cloud, "h1", second, wired(second)),
    ]


def test_dead_dhcp_server_is_not_waited_for(cloud: Cloud) -> None:
    """When the only server died, a wired port is ACTIVE without a reservation."""
    cloud.hello("net1", Role.DHCP)
    network = cloud.network()
    cloud.subnet(network, "10.1.0.0/24")
    cloud.pass_time(100)
    cloud.hello("h1")
    port = cloud.port(network, ADMIN, host="h1")
    assert "ACTIVE" == _status(cloud, "h1", port, wired(port))


def test_port_waits_no_longer_when_dhcp_ends(cloud: Cloud) -> None:
    """A wired port becomes ACTIVE when its subnet's DHCP, which it waited for, is switched off."""
    cloud.hello("net1", Role.DHCP)
    cloud.hello("h1")
    network = cloud.network()
    subnet = cloud.subnet(network, "10.1.0.0/24")
    port = cloud.port(network, ADMIN, host="h1")
    assert "DOWN" == _status(cloud, "h1", port, wired(port))
    subnets.update(cloud.core, ANN, subnet["id"], {"enable_dhcp": False})
    assert "ACTIVE" == cloud.show_port(port)["status"]


def test_active_port_stays_so_while_it_is_rewired(cloud: Cloud) -> None:
    """A later revision does not take a port down; leaving its host does."""
    cloud.hello("h1")
    cloud.hello("h2")
    port = cloud.port(cloud.network(), ADMIN, host="h1")
    _status(cloud, "h1", port, wired(port))
    assert "ACTIVE" == ports.update(cloud.core, ADMIN, port["id"], {"name": "new"})["status"]
    assert "DOWN" == ports.update(cloud.core, ADMIN, port["id"], {"binding:host_id": "h2"})["status"]


def test_report_is_kept_and_told_to_nobody(cloud: Cloud) -> None:
    """Reports raise no revision and reach no journal; an administrator sees what each host said."""
    cloud.hello("h1")
    network = cloud.network()
    port = cloud.port(network, ADMIN, host="h1")
    before = {scope: _revision(cloud, scope) for scope in (scopes.network(network["id"]), scopes.host("h1"))}
    for _ in range(2):  # reports come twice
        cloud.report("h1", wired(port), applied={scopes.host("h1"): before[scopes.host("h1")], "host:h2": 9})
    assert before == {scope: _revision(cloud, scope) for scope in before}
    (told,) = status.port_realised(cloud.core, port["id"])
    assert ("h1", "port", port["revision_number"], True) == (told["host"], told["kind"], told["revision"], told["up"])
    gone = Realised(kind=RealisedKind.PORT, id=port["id"], revision=0, gone=True)
    assert "DOWN" == _status(cloud, "h1", port, gone)
    assert [] == status.port_realised(cloud.core, port["id"])


def test_report_costs_few_statements(cloud: Cloud) -> None:
    """A report about many ports takes as many statements as one about one."""
    cloud.hello("h1")
    network = cloud.network()
    made = [cloud.port(network, ADMIN, host="h1") for _ in range(12)]
    counts = []
    for told in (made[:1], made[1:]):
        with cloud.store.counting() as statements:
            cloud.report("h1", *map(wired, told), applied={scopes.host("h1"): 1})
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 8
    assert {"ACTIVE"} == {cloud.show_port(port)["status"] for port in made}


def _flat(cloud: Cloud, wire: str, cidr: str, **more: Any) -> Row:
    """Make an external network on a physical network, with a subnet."""
    segment = {"provider:network_type": "flat", "provider:physical_network": wire, "router:external": True}
    network = cloud.network(ADMIN, **segment)
    cloud.subnet(network, cidr, ADMIN, **more)
    return network


def test_a_router_goes_to_a_host_that_reaches_its_gateway(cloud: Cloud) -> None:
    """Of two network nodes the one that is wired to the gateway's physical network forwards, though it is the busier one."""
    cloud.hello("n1", Role.L3)
    cloud.hello("n2", Role.L3, wires=("outside",))
    network = _flat(cloud, "outside", "203.0.113.0/24", enable_dhcp=False)
    for _ in range(2):
        router = cloud.router(outside=network)
        legs = ports.index(cloud.core, ADMIN, Query(filters={"device_id": (router["id"],)})).rows
        assert [("n2", "tap")] == [(leg["binding:host_id"], leg["binding:vif_type"]) for leg in legs]


def test_a_router_moves_to_where_its_gateway_can_be(cloud: Cloud) -> None:
    """A router that runs on a host without the wire moves, legs and all, when it is given a gateway there."""
    cloud.hello("n1", Role.L3)
    network = cloud.network()
    subnet = cloud.subnet(network, "10.0.0.0/24")
    router = cloud.router()
    routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    cloud.hello("n2", Role.L3, wires=("outside",))
    outside = _flat(cloud, "outside", "203.0.113.0/24", enable_dhcp=False)
    routers.update(cloud.core, ANN, router["id"], {"external_gateway_info": {"network_id": outside["id"]}})
    legs = ports.index(cloud.core, ADMIN, Query(filters={"device_id": (router["id"],)})).rows
    assert ["n2", "n2"] == [leg["binding:host_id"] for leg in legs]
    assert f"router/{router['id']}" not in cloud.host_scope("n1")
    assert f"router/{router['id']}" in cloud.host_scope("n2")
    assert scopes.router(router["id"]) not in cloud.followed("n1")


def test_dhcp_runs_where_the_network_is(cloud: Cloud) -> None:
    """A flat network is served by a host that is wired to it, and by nobody while there is none."""
    cloud.hello("n1", Role.DHCP)
    network = _flat(cloud, "outside", "203.0.113.0/24", enable_dhcp=True)
    served = Query(filters={"network_id": (network["id"],), "device_owner": ("network:dhcp",)})
    assert [] == ports.index(cloud.core, ADMIN, served).rows
    cloud.hello("n2", Role.DHCP, wires=("outside",))
    assert ["n2"] == [port["binding:host_id"] for port in ports.index(cloud.core, ADMIN, served).rows]
