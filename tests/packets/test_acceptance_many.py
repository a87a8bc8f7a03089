"""Many at once, wrong input, strangers' things. Points 6, 7 and 8 of what shows that first light is done."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from inventories import at_rest, settles
from kaon.lab import cloud, inventory, nodes, rig, vms
from kaon.lab.api import Answer, Api, api_of
from kaon.lab.cloud import Cloud
from kaon.lab.inventory import Inventory
from kaon.lab.topology import Lab

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

PORTS, CLIENTS = 50, 8
COLLECTIONS = ("networks", "subnets", "ports", "security-groups", "security-group-rules", "routers", "floatingips")


def made(answer: Answer, kind: str) -> dict[str, Any]:
    """What a create answered; it must have succeeded."""
    assert answer.status == 201, answer
    body: dict[str, Any] = answer.body[kind]
    return body


@contextmanager
def network(red: Api, *, cidr: str = "10.0.0.0/24", **subnet: object) -> Iterator[tuple[str, str]]:
    """A network with one subnet: their ids. Removed at the end, with the ports still on it."""
    net = made(red.ask("POST", "/v2.0/networks", {"network": {"name": "many"}}), "network")["id"]
    try:
        body = {"network_id": net, "ip_version": 4, "cidr": cidr, **subnet}
        yield net, made(red.ask("POST", "/v2.0/subnets", {"subnet": body}), "subnet")["id"]
    finally:
        for port in red.ask("GET", f"/v2.0/ports?network_id={net}").body["ports"]:
            red.ask("DELETE", f"/v2.0/ports/{port['id']}")
        assert red.ask("DELETE", f"/v2.0/networks/{net}").status == 204


def plug_bare(lab: Lab, host: str, port_ids: list[str], mtu: int) -> None:
    """Devices for ports as Nova would make them, without VMs behind them."""
    lines = [f"link add {vms.tap_name(port)} mtu {mtu} up type veth peer name far{port[:11]}" for port in port_ids]
    nodes.ip_batch(nodes.node(lab, host).pid, lines)


def unplug_bare(lab: Lab, host: str, port_ids: list[str]) -> None:
    """Take them away."""
    nodes.ip_batch(nodes.node(lab, host).pid, [f"link del {vms.tap_name(port)}" for port in port_ids])


@pytest.fixture(scope="module")
def fresh(tenants: Cloud) -> dict[str, Inventory]:
    """Every host before there was any port. What it has after a test may still be going: a test settles before it compares."""
    return at_rest(tenants.lab)


def test_fifty_ports_by_eight_clients_and_nothing_left_of_them(
    tenants: Cloud, fresh: dict[str, Inventory], red: Api, admin: Api
) -> None:
    """Fifty ports created at once have fifty addresses; wired, then deleted with their network, they leave nothing."""
    lab = tenants.lab
    with network(red) as (net, _):

        def create(number: int) -> Answer:
            return red.ask("POST", "/v2.0/ports", {"port": {"network_id": net, "name": f"port-{number}"}})

        with ThreadPoolExecutor(CLIENTS) as pool:
            ports = [made(answer, "port") for answer in pool.map(create, range(PORTS))]
        addresses = {port["fixed_ips"][0]["ip_address"] for port in ports}
        assert len(addresses) == PORTS
        assert all(ip_address(address) in ip_network("10.0.0.0/24") for address in addresses)
        assert len({port["mac_address"] for port in ports}) == PORTS

        mtu = red.ask("GET", f"/v2.0/networks/{net}").body["network"]["mtu"]
        hosts = {"compute1": ports[: PORTS // 2], "compute2": ports[PORTS // 2 :]}
        for host, those in hosts.items():
            plug_bare(lab, host, [port["id"] for port in those], mtu)
            for port in those:
                assert admin.ask("PUT", f"/v2.0/ports/{port['id']}", {"port": {"binding:host_id": host}}).status == 200
        rig.wait_for(
            "fifty ports are ACTIVE",
            lambda: len(red.ask("GET", f"/v2.0/ports?network_id={net}&status=ACTIVE&device_owner=").body["ports"]) >= PORTS,
        )
        assert any(f"dhcp-{net}" in name for name in inventory.take(lab, "network1").namespaces)
        for host, those in hosts.items():
            unplug_bare(lab, host, [port["id"] for port in those])
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(lambda port: red.ask("DELETE", f"/v2.0/ports/{port['id']}").status, ports))
        assert answers == [204] * PORTS
    settles(lab, fresh, "every host is as before the fifty ports")


@dataclass(frozen=True)
class Wrong:
    """A request that must be refused. body: bytes go as they are, anything else as JSON."""

    what: str
    method: str
    path: str
    body: object
    status: int
    error: str


@dataclass(frozen=True)
class Stage:
    """Ids that wrong requests refer to."""

    net: str
    subnet: str
    port: str
    address: str
    mac: str
    foreign_net: str
    foreign_port: str


def wrongs(stage: Stage) -> list[Wrong]:
    """Everything point 7 names, with what Neutron says to it."""
    subnet = {"network_id": stage.net, "ip_version": 4}
    port = {"network_id": stage.net}

    def subnets(what: str, error: str, status: int = 400, **more: object) -> Wrong:
        return Wrong(what, "POST", "/v2.0/subnets", {"subnet": {**subnet, **more}}, status, error)

    def ports(what: str, status: int, error: str, **more: object) -> Wrong:
        return Wrong(what, "POST", "/v2.0/ports", {"port": {**port, **more}}, status, error)

    outside = [{"subnet_id": stage.subnet, "ip_address": "10.9.9.9"}]
    taken = [{"subnet_id": stage.subnet, "ip_address": stage.address}]
    networks = "/v2.0/networks"
    return [
        Wrong("malformed JSON", "POST", networks, b'{"network": {', 400, "HTTPBadRequest"),
        Wrong("unknown attribute", "POST", networks, {"network": {"flavour": "sweet"}}, 400, "HTTPBadRequest"),
        Wrong("wrong type", "POST", networks, {"network": {"admin_state_up": "perhaps"}}, 400, "InvalidInput"),
        Wrong("too long", "POST", networks, {"network": {"name": "n" * 256}}, 400, "HTTPBadRequest"),
        subnets("CIDR overlapping in the network", "InvalidInput", cidr="10.0.0.128/25"),
        subnets("gateway is no host", "InvalidInput", cidr="10.1.0.0/24", gateway_ip="10.1.0.0"),
        subnets("gateway inside the pool", "GatewayConflictWithAllocationPools", 409, cidr="10.1.0.0/24", gateway_ip="10.1.0.5",
                allocation_pools=[{"start": "10.1.0.2", "end": "10.1.0.9"}]),
        subnets("pool outside the subnet", "OutOfBoundsAllocationPool", cidr="10.1.0.0/24",
                allocation_pools=[{"start": "10.2.0.2", "end": "10.2.0.9"}]),
        ports("address outside the subnet", 400, "InvalidIpForSubnet", fixed_ips=outside),
        ports("address outside every subnet", 400, "InvalidIpForNetwork", fixed_ips=[{"ip_address": "10.9.9.9"}]),
        ports("address taken", 409, "IpAddressAlreadyAllocated", fixed_ips=taken),
        ports("MAC taken", 409, "MacAddressInUse", mac_address=stage.mac),
        Wrong("network in use", "DELETE", f"{networks}/{stage.net}", None, 409, "NetworkInUse"),
        Wrong("foreign network", "GET", f"{networks}/{stage.foreign_net}", None, 404, "NetworkNotFound"),
        Wrong("foreign port", "DELETE", f"/v2.0/ports/{stage.foreign_port}", None, 404, "PortNotFound"),
        Wrong("over quota", "POST", "/v2.0/security-groups", {"security_group": {"name": "one"}}, 409, "OverQuota"),
        Wrong("too large", "POST", networks, b'{"network": {"name": "' + b"x" * 1_000_000 + b'"}}', 413, ""),
    ]  # fmt: skip


def counts(api: Api) -> dict[str, int]:
    """How many of each thing there are."""
    return {kind: len(api.ask("GET", f"/v2.0/{kind}").body[kind.replace("-", "_")]) for kind in COLLECTIONS}


def test_wrong_input_is_refused_as_neutron_does_and_leaves_nothing(tenants: Cloud, red: Api, admin: Api) -> None:
    """Each wrong request gets Neutron's code and type, and afterwards there is exactly as much as before."""
    blue = api_of(rig.access(tenants.lab), "blue")
    with network(red) as (net, subnet), network(blue) as (foreign, _):
        port = made(red.ask("POST", "/v2.0/ports", {"port": {"network_id": net}}), "port")
        other = made(blue.ask("POST", "/v2.0/ports", {"port": {"network_id": foreign}}), "port")
        stage = Stage(net, subnet, port["id"], port["fixed_ips"][0]["ip_address"], port["mac_address"], foreign, other["id"])
        groups = len(red.ask("GET", "/v2.0/security-groups").body["security_groups"])
        assert admin.ask("PUT", "/v2.0/quotas/red", {"quota": {"security_group": groups}}).status == 200
        before = counts(admin)
        for wrong in wrongs(stage):
            raw = wrong.body if isinstance(wrong.body, bytes) else None
            answer = red.send(wrong.method, wrong.path, raw) if raw else red.ask(wrong.method, wrong.path, wrong.body)
            assert (wrong.what, wrong.status, wrong.error) == (wrong.what, answer.status, wrong.error and answer.error_type)
        assert before == counts(admin)
        assert admin.ask("DELETE", "/v2.0/quotas/red").status == 204


FOREIGN_ROUTER = f"qrouter-{uuid.uuid4()}"
PLANTED = f"""
set -e
ip link add br-foreign type bridge
ip link add tapfeedbeef-00 type veth peer name foreign-far
ip link set tapfeedbeef-00 master br-foreign up
ip link add brqfeedbeef-00 type bridge
nft add table inet foreign
nft 'add chain inet foreign input {{ type filter hook input priority 5; policy accept; }}'
nft 'add rule inet foreign input tcp dport 6666 drop'
ip netns add {FOREIGN_ROUTER}
ip -n {FOREIGN_ROUTER} link add qr-feedbeef-00 type veth peer name qg-feedbeef-00
ip -n {FOREIGN_ROUTER} addr add 10.77.0.1/24 dev qr-feedbeef-00
ip -n {FOREIGN_ROUTER} link set qg-feedbeef-00 up
ip -n {FOREIGN_ROUTER} link set qr-feedbeef-00 up
ip -n {FOREIGN_ROUTER} route add 10.78.0.0/24 via 10.77.0.2
nsenter --net=/run/netns/{FOREIGN_ROUTER} nft add table ip foreign-router
nsenter --net=/run/netns/{FOREIGN_ROUTER} nft 'add chain ip foreign-router post {{ type nat hook postrouting priority 100; }}'
nsenter --net=/run/netns/{FOREIGN_ROUTER} nft 'add rule ip foreign-router post ip saddr 10.77.0.0/24 masquerade'
"""
UPROOTED = f"""
ip netns del {FOREIGN_ROUTER}
nft delete table inet foreign
ip link del tapfeedbeef-00
ip link del br-foreign
ip link del brqfeedbeef-00
"""


@dataclass(frozen=True)
class Strange:
    """What was planted, as it is now. rules: of the host's foreign table, and all of the foreign router's; routes: IPv4."""

    links: frozenset[inventory.Link]
    rules: tuple[str, str]
    routes: tuple[str, ...]


def strange(lab: Lab, host: str) -> Strange:
    """Look at it."""
    found = inventory.take(lab, host)
    links = frozenset(link for link in found.links if "feedbeef" in link.name or "foreign" in link.name)
    _, begin, rest = found.rules_in().partition("table inet foreign")
    show = ["ip", "-4", "-n", FOREIGN_ROUTER, "route", "show", "table", "all"]
    routes = nodes.run_inside(nodes.node(lab, host).pid, show, check=False).stdout
    return Strange(links, (begin + rest.split("\n}")[0], found.rules_in(FOREIGN_ROUTER)), tuple(sorted(routes.splitlines())))


@pytest.mark.parametrize("host", ["compute1", "network1"])
def test_strangers_things_are_left_alone_and_our_own_leftovers_go(
    tenants: Cloud, fresh: dict[str, Inventory], host: str
) -> None:
    """A foreign bridge, table and qrouter- namespace with its contents stay; what a deleted port left goes at restart."""
    lab = tenants.lab
    pid = nodes.node(lab, host).pid
    nodes.run_inside(pid, ["sh", "-c", PLANTED])
    planted = strange(lab, host)
    try:
        assert "dport 6666 drop" in planted.rules[0]
        assert "masquerade" in planted.rules[1]
        assert any(route.startswith("10.78.0.0/24 via 10.77.0.2") for route in planted.routes)
        net = cloud.make_network(tenants, "red", "planted", "10.5.0.0/24")
        guest = cloud.launch(tenants, net, host, "planted")
        assert planted == strange(lab, host)
        rig.stop(lab, host, "agent")
        cloud.remove(tenants, guest)
        tenants.clients["red"].run("network delete", net.id)
        assert inventory.take(lab, host).link(f"brq{net.id[:11]}") is not None
        rig.start_agent(lab, host)
        rig.wait_for("the bridge is gone", lambda: inventory.take(lab, host).link(f"brq{net.id[:11]}") is None)
        assert planted == strange(lab, host)
    finally:
        nodes.run_inside(pid, ["sh", "-c", UPROOTED], check=False)
    settles(lab, fresh, "every host is as before")
