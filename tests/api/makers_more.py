"""One of each resource that came with an extension; see `makers`."""

from typing import Any

from makers import OWNER, Made, World


def _named(path: str, member: str, **body: Any) -> Any:
    """What makes something of which these attributes are all that it needs."""
    return lambda world: world.made(path, member, {"project_id": OWNER, "name": "one", **body})


def _segment(world: World) -> Made:
    network_id = world.network(**{"provider:network_type": "flat", "provider:physical_network": "physnet1"})
    found = world.admin.get("segments", network_id=network_id)["segments"]
    body = {"network_id": network_id, "network_type": "flat", "physical_network": "physnet2"}
    return Made("segments", found[0]["id"], body, {"name": "changed"})


def _range(world: World) -> Made:
    body = {"project_id": OWNER, "name": "r", "shared": False, "network_type": "vxlan", "minimum": 9001, "maximum": 9010}
    made = world.made("network-segment-ranges", "network_segment_range", body)
    return Made(made.path, made.id, body | {"minimum": 9101, "maximum": 9110})


def _binding(world: World) -> Made:
    for host in ("h1", "h2", "h3"):
        world.host(host)
    port = {"device_owner": "compute:az", "device_id": "vm", "binding:host_id": "h1", "network_id": world.network()}
    port_id = world.post("ports", "port", {"project_id": OWNER} | port)["id"]
    row = world.post(f"ports/{port_id}/bindings", "binding", {"host": "h2"}, by=world.nova)
    return Made(f"ports/{port_id}/bindings", row["host"], {"host": "h3"}, {"profile": {"a": 1}})


def _trunk(world: World) -> Made:
    made = world.made("trunks", "trunk", {"project_id": OWNER, "port_id": world.port()})
    return Made(made.path, made.id, {"project_id": OWNER, "port_id": world.port()})


def _default_rule(world: World) -> Made:
    body = {"direction": "ingress", "protocol": "tcp", "used_in_default_sg": False, "used_in_non_default_sg": True}
    made = world.made("default-security-group-rules", "default_security_group_rule", body)
    return Made(made.path, made.id, body | {"protocol": "udp"})


def _statefulness(world: World) -> Made:
    body = {"project_id": OWNER, "stateful": False}
    member = "security_groups_default_statefulness"
    return world.made(member.replace("_", "-"), member, body, {"stateful": True})


def _log(world: World) -> Made:
    body = {"project_id": OWNER, "name": "one", "resource_type": "security_group"}
    return world.made("log/logs", "log", body)


def _rbac(world: World) -> Made:
    body = {
        "project_id": OWNER,
        "object_type": "network",
        "object_id": world.network(),
        "action": "access_as_shared",
        "target_tenant": "p7",
    }
    made = world.made("rbac-policies", "rbac_policy", body)
    return Made(made.path, made.id, body | {"target_tenant": "p8"}, {"target_tenant": "p9"})


def _availability(world: World) -> Made:
    network_id = world.network()
    world.subnet(network_id)
    return Made("network-ip-availabilities", network_id)


def _topology(_world: World) -> Made:
    return Made("auto-allocated-topology")


_QOS = {
    "bandwidth_limit": ({"max_kbps": 1000}, {"max_kbps": 2000}),
    "dscp_marking": ({"dscp_mark": 10}, {"dscp_mark": 12}),
    "minimum_bandwidth": ({"min_kbps": 1000}, {"min_kbps": 2000}),
    "minimum_packet_rate": ({"min_kpps": 1000}, {"min_kpps": 2000}),
    "packet_rate_limit": ({"max_kpps": 1000}, {"max_kpps": 2000}),
}


def _policy_id(world: World) -> str:
    return str(world.post("qos/policies", "policy", {"project_id": OWNER, "name": "one"})["id"])


def _qos_rule(kind: str) -> Any:
    body, change = _QOS[kind]
    member = f"{kind}_rule"
    return lambda world: world.made(f"qos/policies/{_policy_id(world)}/{member}s", member, body, change)


def _qos_alias(kind: str) -> Any:
    def made(world: World) -> Made:
        rule = _qos_rule(kind)(world)
        return Made(f"qos/alias-{kind.replace('_', '-')}-rules", rule.id, {}, rule.change)

    return made


def _nothing(path: str) -> Any:
    return lambda _world: Made(path)


def _flavor(world: World) -> str:
    return str(world.post("flavors", "flavor", {"name": "f", "service_type": "L3_ROUTER_NAT"})["id"])


def _flavor_profile(world: World) -> Made:
    flavor_id = _flavor(world)
    profile = world.post("service_profiles", "service_profile", {"driver": "", "metainfo": "{'a': 1}"})["id"]
    answer = world.admin.ask("POST", f"/v2.0/flavors/{flavor_id}/service_profiles", json={"service_profile": {"id": profile}})
    assert answer.status_code == 201, answer.text
    return Made(f"flavors/{flavor_id}/service_profiles", profile, {"id": profile}, owner="")


def _next_provider(world: World) -> Made:
    return Made(_flavor_profile(world).path.replace("service_profiles", "next_providers"), owner="")


def _metering_rule(world: World) -> Made:
    label = world.post("metering/metering-labels", "metering_label", {"project_id": OWNER, "name": "one"})["id"]
    body = {"metering_label_id": label, "direction": "ingress", "remote_ip_prefix": "10.0.0.0/24"}
    made = world.made("metering/metering-label-rules", "metering_label_rule", body)
    return Made(made.path, made.id, body | {"remote_ip_prefix": "10.0.1.0/24"})


def _routed(world: World, outside: str, subnet_id: str, **router: Any) -> str:
    """The id of a router of the project that leads from a subnet outside."""
    body = {"project_id": OWNER, "external_gateway_info": {"network_id": outside}, **router}
    router_id = str(world.post("routers", "router", body)["id"])
    path = f"/v2.0/routers/{router_id}/add_router_interface"
    assert world.admin.ask("PUT", path, json={"subnet_id": subnet_id}).status_code == 200
    return router_id


def _port_forwarding(world: World) -> Made:
    outside, network_id = world.outside(), world.network()
    _routed(world, outside, world.subnet(network_id))
    port = world.post("ports", "port", {"project_id": OWNER, "network_id": network_id})
    floating = world.post("floatingips", "floatingip", {"project_id": OWNER, "floating_network_id": outside})["id"]
    inside = {"internal_port_id": port["id"], "internal_ip_address": port["fixed_ips"][0]["ip_address"]}
    body = {**inside, "internal_port": 80, "external_port": 8080, "protocol": "tcp"}
    made = world.made(f"floatingips/{floating}/port_forwardings", "port_forwarding", body)
    return Made(made.path, made.id, body | {"internal_port": 81, "external_port": 8081}, {"description": "changed"})


def _conntrack_helper(world: World) -> Made:
    router_id = world.post("routers", "router", {"project_id": OWNER})["id"]
    body = {"helper": "ftp", "protocol": "tcp", "port": 21}
    made = world.made(f"routers/{router_id}/conntrack_helpers", "conntrack_helper", body)
    return Made(made.path, made.id, body | {"port": 22}, {"port": 23})


def _ndp_proxy(world: World) -> Made:
    """One address scope outside and inside."""
    scope = world.post("address-scopes", "address_scope", {"name": "s", "ip_version": 6, "shared": True})["id"]
    pool = {"name": "p", "prefixes": ["2001:db8:7::/48"], "default_prefixlen": 64, "address_scope_id": scope, "shared": True}
    pool_id = world.post("subnetpools", "subnetpool", pool)["id"]
    outside = world.post("networks", "network", {"router:external": True})["id"]
    world.post("subnets", "subnet", {"network_id": outside, "ip_version": 6, "subnetpool_id": pool_id})
    network_id = world.network()
    inside = {"project_id": OWNER, "network_id": network_id, "ip_version": 6, "subnetpool_id": pool_id}
    router_id = _routed(world, outside, world.post("subnets", "subnet", inside)["id"], enable_ndp_proxy=True)
    ports = [world.post("ports", "port", {"project_id": OWNER, "network_id": network_id})["id"] for _ in range(2)]
    body = {"project_id": OWNER, "router_id": router_id, "port_id": ports[0]}
    made = world.made("ndp-proxies", "ndp_proxy", body)
    return Made(made.path, made.id, body | {"port_id": ports[1]})


def _local_ip(world: World) -> Made:
    network_id = world.network()
    world.subnet(network_id)
    return world.made("local-ips", "local_ip", {"project_id": OWNER, "network_id": network_id})


def _port_association(world: World) -> Made:
    local = _local_ip(world)
    ports = [world.post("ports", "port", {"project_id": OWNER, "network_id": local.body["network_id"]})["id"] for _ in range(2)]
    path = f"local-ips/{local.id}/port_associations"
    world.post(path, "port_association", {"fixed_port_id": ports[0]})
    return Made(path, ports[0], {"fixed_port_id": ports[1]})


MORE: Any = {
    ("floatingips", "port_forwardings"): _port_forwarding,
    ("routers", "conntrack_helpers"): _conntrack_helper,
    ("", "ndp_proxies"): _ndp_proxy,
    ("", "local_ips"): _local_ip,
    ("local_ips", "port_associations"): _port_association,
    ("", "metering_labels"): _named("metering/metering-labels", "metering_label"),
    ("", "metering_label_rules"): _metering_rule,
    ("", "segments"): _segment,
    ("", "network_segment_ranges"): _range,
    ("", "availability_zones"): _nothing("availability_zones"),
    ("ports", "bindings"): _binding,
    ("", "trunks"): _trunk,
    ("", "default_security_group_rules"): _default_rule,
    ("", "security_groups_default_statefulness"): _statefulness,
    ("", "address_groups"): _named("address-groups", "address_group"),
    ("", "address_scopes"): _named("address-scopes", "address_scope", ip_version=4),
    ("", "logs"): _log,
    ("", "loggable_resources"): _nothing("log/loggable-resources"),
    ("", "rbac_policies"): _rbac,
    ("", "network_ip_availabilities"): _availability,
    ("", "floatingip_pools"): _nothing("floatingip_pools"),
    ("", "auto_allocated_topology"): _topology,
    ("", "policies"): _named("qos/policies", "policy"),
    **{("policies", f"{kind}_rules"): _qos_rule(kind) for kind in _QOS},
    **{("", f"alias_{kind}_rules"): _qos_alias(kind) for kind in _QOS if kind != "packet_rate_limit"},
    ("", "rule_types"): _nothing("qos/rule-types"),
    ("", "flavors"): lambda world: world.made("flavors", "flavor", {"name": "f", "service_type": "L3_ROUTER_NAT"}),
    ("flavors", "service_profiles"): _flavor_profile,
    ("flavors", "next_providers"): _next_provider,
    ("", "service_profiles"): lambda world: world.made(
        "service_profiles", "service_profile", {"metainfo": "{'a': 1}"}, {"description": "changed"}
    ),
    ("", "service_providers"): _nothing("service-providers"),
}
"""As `makers.MAKERS`."""
