"""Requests that touch several resources, or none that has a collection: the ground of each is laid, then they are asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from makers import OWNER, World

from kaon.server.control import hosts, scheduling
from kaon.wire.messages import Hello, Role


@dataclass(frozen=True)
class Wish:
    """A request that must succeed. method, path below /v2.0, body, as whom, and what has to be done before."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    by: str = "root"
    after: "Wish | None" = None


def _host(world: World, name: str) -> None:
    hello = Hello(wire_version=1, host=name, instance="1", roles=(Role.L2, Role.L3, Role.DHCP), tunnel_ip="192.0.2.1")
    hosts.hello(world.core, hello)
    scheduling.schedule_pending(world.core)


def _put(path: str, body: Mapping[str, Any], **options: Any) -> Wish:
    return Wish("PUT", path, body, **options)


def _one(world: World, path: str, member: str, **body: Any) -> str:
    return str(world.post(path, member, {"project_id": OWNER, **body})["id"])


def _routers(world: World) -> list[Wish]:
    _host(world, "h1")
    network, outside = world.network(), world.outside()
    joined, other = world.subnet(network), world.subnet(network, "10.1.0.0/24")
    router = _one(world, "routers", "router", external_gateway_info={"network_id": outside})
    plain = _one(world, "routers", "router")
    world.admin.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": joined})
    port = _one(world, "ports", "port", network_id=network, fixed_ips=[{"subnet_id": other}])
    inner = world.post("ports", "port", {"project_id": OWNER, "network_id": network, "fixed_ips": [{"subnet_id": joined}]})[
        "id"
    ]
    free = _one(world, "floatingips", "floatingip", floating_network_id=outside)
    used = _one(world, "floatingips", "floatingip", floating_network_id=outside, port_id=inner)
    route = {"router": {"routes": [{"destination": "10.9.0.0/24", "nexthop": "10.0.0.77"}]}}
    add = _put(f"routers/{router}/add_extraroutes", route)
    return [
        _put(f"routers/{router}/add_router_interface", {"port_id": port}),
        _put(f"routers/{router}/add_router_interface", {"subnet_id": other}),
        Wish("DELETE", f"floatingips/{used}"),
        Wish("DELETE", f"ports/{inner}"),
        _put(f"floatingips/{used}", {"floatingip": {"port_id": None}}),
        _put(f"floatingips/{free}", {"floatingip": {"port_id": inner}}, after=Wish("DELETE", f"floatingips/{used}")),
        _put(f"routers/{router}/remove_router_interface", {"subnet_id": joined}, after=Wish("DELETE", f"floatingips/{used}")),
        _put(f"routers/{plain}", {"router": {"external_gateway_info": {"network_id": outside}}}),
        _put(f"routers/{router}", {"router": {"external_gateway_info": {}}}, after=Wish("DELETE", f"floatingips/{used}")),
        Wish("DELETE", f"routers/{plain}"),
        add,
        _put(f"routers/{router}/remove_extraroutes", route, after=add),
    ]


def _ports(world: World) -> list[Wish]:
    for name in ("h1", "h2"):
        _host(world, name)
    network, group = world.network(), world.group()
    world.subnet(network)
    world.post(
        "security-group-rules",
        "security_group_rule",
        {"security_group_id": group, "direction": "ingress", "remote_group_id": group, "project_id": OWNER},
    )
    bound = _one(
        world, "ports", "port", network_id=network, device_id="vm", device_owner="compute:az", **{"binding:host_id": "h1"}
    )
    many = [{"project_id": OWNER, "network_id": network, "name": f"{number}"} for number in range(3)]
    whole = {
        "name": "n",
        "security_groups": [group],
        "fixed_ips": [{"ip_address": "10.0.0.77"}, {"ip_address": "10.0.0.78"}],
        "allowed_address_pairs": [{"ip_address": "10.0.0.99"}],
        "binding:host_id": "h2",
        "extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400"}],
    }
    second = Wish("POST", f"ports/{bound}/bindings", {"binding": {"host": "h2"}}, "nova")
    return [
        Wish("POST", "ports", {"ports": many}),
        Wish("POST", "ports", {"port": {"network_id": network, "project_id": OWNER} | whole}),
        _put(f"ports/{bound}", {"port": whole}),
        Wish("DELETE", f"ports/{bound}"),
        _put(f"ports/{bound}/bindings/h2/activate", {}, by="nova", after=second),
        Wish("GET", "security-groups", by="bob"),
        Wish("POST", "networks", {"networks": [{"name": "a"}, {"name": "b", "shared": True, "router:external": True}]}),
        _put(f"networks/{network}", {"network": {"shared": True, "router:external": True, "mtu": 1400}}),
        Wish("DELETE", f"networks/{network}", after=Wish("DELETE", f"ports/{bound}")),
    ]


def _pools(world: World) -> list[Wish]:
    pool = _one(world, "subnetpools", "subnetpool", name="p", prefixes=["10.9.0.0/16"], default_prefixlen=24)
    network, bare = world.network(), world.network()
    outer = _one(world, "subnets", "subnet", network_id=network, ip_version=4, cidr="10.77.0.0/24")
    inner = _one(world, "subnets", "subnet", network_id=bare, ip_version=4, subnetpool_id=pool)
    more = {"prefixes": ["10.10.0.0/16"]}
    add = _put(f"subnetpools/{pool}/add_prefixes", more)
    pools = [{"start": "10.77.0.10", "end": "10.77.0.20"}]
    change = {"allocation_pools": pools, "gateway_ip": "10.77.0.2", "dns_nameservers": ["10.0.0.1"]}
    return [
        Wish("POST", "subnets", {"subnet": {"project_id": OWNER, "network_id": bare, "ip_version": 4, "subnetpool_id": pool}}),
        Wish("DELETE", f"subnets/{inner}"),
        add,
        _put(f"subnetpools/{pool}/remove_prefixes", more, after=add),
        _put(f"subnetpools/{pool}/onboard_network_subnets", {"network_id": network}),
        _put(f"subnets/{outer}", {"subnet": change}),
    ]


def _trunks(world: World) -> list[Wish]:
    trunk = _one(world, "trunks", "trunk", port_id=world.port())
    joining = {"port_id": world.port(), "segmentation_type": "vlan", "segmentation_id": 7}
    add = _put(f"trunks/{trunk}/add_subports", {"sub_ports": [joining]})
    leave = {"sub_ports": [{"port_id": joining["port_id"]}]}
    return [add, _put(f"trunks/{trunk}/remove_subports", leave, after=add), Wish("DELETE", f"trunks/{trunk}", after=add)]


def _groups(world: World) -> list[Wish]:
    addresses = _one(world, "address-groups", "address_group", name="a", addresses=["10.0.0.0/24"])
    group = world.group()
    rule = {"security_group_id": group, "direction": "ingress", "project_id": OWNER, "remote_address_group_id": addresses}
    world.post("security-group-rules", "security_group_rule", rule)
    more = {"addresses": ["10.7.0.0/24"]}
    add = _put(f"address-groups/{addresses}/add_addresses", more)
    rules = [rule | {"protocol": name} for name in ("tcp", "udp")]
    return [
        add,
        _put(f"address-groups/{addresses}/remove_addresses", more, after=add),
        Wish("POST", "security-group-rules", {"security_group_rules": rules}),
        Wish("DELETE", f"security-groups/{group}"),
    ]


def _small_things(world: World) -> list[Wish]:
    _host(world, "h1")
    _host(world, "h2")
    network = world.network()
    world.subnet(network)
    agents = world.admin.get("agents", agent_type="DHCP agent")["agents"]
    hosts_of = {agent["id"] for agent in world.admin.get(f"networks/{network}/dhcp-agents")["agents"]}
    serving = next(iter(hosts_of))
    other = next(agent["id"] for agent in agents if agent["id"] not in hosts_of)
    qos = _one(world, "qos/policies", "policy", name="q")
    quota = _put(f"quotas/{OWNER}", {"quota": {"port": 7, "network": 8}})
    tags = _put(f"networks/{network}/tags", {"tags": ["a", "b"]})
    return [
        quota,
        Wish("DELETE", f"quotas/{OWNER}", after=quota),
        tags,
        _put(f"networks/{network}/tags/c", {}, after=tags),
        Wish("DELETE", f"networks/{network}/tags/a", after=tags),
        Wish("DELETE", f"networks/{network}/tags", after=tags),
        Wish("POST", f"agents/{other}/dhcp-networks", {"network_id": network}),
        Wish("DELETE", f"agents/{serving}/dhcp-networks/{network}"),
        Wish("DELETE", f"agents/{serving}"),
        _put(f"networks/{network}", {"network": {"qos_policy_id": qos}}),
        _put(f"qos/policies/{qos}", {"policy": {"is_default": True, "shared": True}}),
    ]


def _topologies(world: World) -> list[Wish]:
    outside = world.outside()
    assert world.admin.change("network", outside, is_default=True)["is_default"]
    for version, prefix, length in ((4, "10.50.0.0/16", 26), (6, "2001:db8:50::/48", 64)):
        pool = {"name": f"v{version}", "prefixes": [prefix], "default_prefixlen": length, "is_default": True, "shared": True}
        world.post("subnetpools", "subnetpool", pool)
    make = Wish("GET", "auto-allocated-topology/None", by="ann")
    return [make, Wish("DELETE", "auto-allocated-topology/None", by="ann", after=make)]


TOPICS: Mapping[str, Callable[[World], list[Wish]]] = {
    "routers": _routers,
    "ports": _ports,
    "pools": _pools,
    "trunks": _trunks,
    "groups": _groups,
    "small": _small_things,
    "topologies": _topologies,
}
"""Topic -> lays its ground and gives the requests; each is then asked for on that ground alone."""
