"""The openstacksdk against Kaon, with a real Keystone: each of its 74 network resources, and what comes back."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from client_cloud import Access
from sdk_kinds import KINDS, NOT_SERVED, Ground, Kind

pytestmark = [
    # What the SDK says of its own insides, whoever calls.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

READ: Final = {
    "test_agents": ("Agent",),
    "test_agents_of_networks_and_routers": (
        "NetworkHostingDHCPAgent",
        "DHCPAgentHostingNetwork",
        "RouterL3Agent",
        "L3AgentRouter",
    ),
    "test_auto_allocated_topology": ("AutoAllocatedTopology", "ValidateTopology"),
    "test_what_is_offered": ("AvailabilityZone", "Extension", "QoSRuleType", "ServiceProvider"),
    "test_local_ip_associations": ("LocalIPAssociation",),
    "test_ip_availability": ("NetworkIPAvailability",),
    "test_port_bindings": ("PortBinding",),
    "test_quotas": ("Quota", "QuotaDefault", "QuotaDetails"),
}
"""Resources that are not made, read, changed and taken away as all others, and the test of each."""


@pytest.fixture(scope="module")
def ground(access: Access) -> Iterator[Ground]:
    """The administrator's connection, and what others need."""
    import openstack.connection  # noqa: PLC0415 - seconds, for those who need it

    connection = openstack.connection.Connection(
        auth={
            "auth_url": access.auth_url,
            "username": "admin",
            "password": access.password,
            "project_name": "admin",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        region_name=access.region,
    )
    yield Ground(connection.network, access.ids)
    connection.close()


def test_every_resource_is_shown() -> None:
    """The SDK has 74 network resources; each is shown here, or has a reason."""
    import openstack.network.v2  # noqa: PLC0415 - seconds, for those who need it
    import openstack.resource  # noqa: PLC0415

    modules = [
        importlib.import_module(f"openstack.network.v2.{one.name}")
        for one in pkgutil.iter_modules(openstack.network.v2.__path__)
    ]
    served = {
        name
        for module in modules
        for name, one in vars(module).items()
        if isinstance(one, type)
        and issubclass(one, openstack.resource.Resource)
        and one.__module__ == module.__name__
        and one.base_path
    }
    assert len(served) == 74
    shown = [*(kind.resource for kind in KINDS), *(one for test in READ.values() for one in test)]
    refused = [one for several in NOT_SERVED.values() for one in several]
    assert sorted(served) == sorted([*shown, *refused])
    assert READ.keys() <= globals().keys()


def lacking(one: Any, expected: Mapping[str, Any]) -> dict[str, Any]:
    """What of the expected attributes a resource has otherwise, and how."""
    found = one.to_dict(original_names=True, computed=False)
    return {
        name: found.get(name, "not there")
        for name, value in expected.items()
        if not (
            value.items() <= (found.get(name) or {}).items()
            if isinstance(value, Mapping)
            else value == found.get(name, "not there")
        )
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource)
def test_resource(kind: Kind, ground: Ground) -> None:
    """What was sent is what comes back: made, read, found, listed, changed, tagged, and gone."""
    api = ground.api
    above = [] if kind.parent is None else [kind.parent(ground)]
    parent = {"floatingip_id": above[0]} if kind.one == "port_forwarding" else {}
    new = kind.new(ground)
    made = getattr(api, f"create_{kind.one}")(*([] if parent else above), **parent, **new)
    assert lacking(made, new) == {}
    assert lacking(getattr(api, f"get_{kind.one}")(made.id, *above), new) == {}
    find = getattr(api, f"find_{kind.one}", None)
    if find is not None:
        assert find(new.get("name", made.id), *above, ignore_missing=False).id == made.id
    several = getattr(api, kind.all)
    assert [lacking(one, new) for one in several(*above) if one.id == made.id] == [{}]
    if "name" in new:
        assert [one.id for one in several(name=new["name"])] == [made.id]
    if kind.change:
        change = {name: value for name, value in kind.change.items() if name in new or name != "name"}
        changed = getattr(api, f"update_{kind.one}")(made.id, *above, **change)
        assert lacking(changed, new | change) == {}
        assert lacking(getattr(api, f"get_{kind.one}")(made.id, *above), new | change) == {}
    if kind.tags:
        tag(ground, kind, made)
    getattr(api, f"delete_{kind.one}")(made.id, *above, ignore_missing=False)
    assert made.id not in [one.id for one in several(*above)]


def tag(ground: Ground, kind: Kind, made: Any) -> None:
    """Walk through what the SDK can do with tags."""
    api, several = ground.api, getattr(ground.api, kind.all)
    api.set_tags(made, ["amber", "green"])
    api.add_tag(made, "violet")
    assert sorted(getattr(api, f"get_{kind.one}")(made.id).tags) == ["amber", "green", "violet"]
    assert made.check_tag(api, "amber")
    assert [one.id for one in several(tags="amber,violet")] == [made.id]
    assert made.id in [one.id for one in several(any_tags="amber,none")]
    assert made.id not in [one.id for one in several(not_tags="amber")]
    api.remove_tag(made, "amber")
    assert sorted(made.fetch_tags(api).tags) == ["green", "violet"]
    api.remove_all_tags(made)
    assert getattr(api, f"get_{kind.one}")(made.id).tags == []


def test_not_served(ground: Ground) -> None:
    """What is not served is not there: 404, which the SDK calls not found."""
    import openstack.exceptions  # noqa: PLC0415 - seconds, for those who need it

    for several in (
        "load_balancers",
        "bgp_speakers",
        "bgpvpns",
        "firewall_groups",
        "sfc_port_chains",
        "tap_services",
        "vpn_services",
    ):
        with pytest.raises(openstack.exceptions.NotFoundException):
            list(getattr(ground.api, several)())


def test_agents(ground: Ground) -> None:
    """Agents are listed by host and kind, read, changed, and taken away."""
    api = ground.api
    (agent,) = api.agents(host="gamma", agent_type="L3 agent")
    assert agent.is_alive is True
    assert agent.binary == "neutron-l3-agent"
    changed = api.update_agent(agent, description="sdk", admin_state_up=False)
    assert lacking(changed, {"description": "sdk", "admin_state_up": False, "host": "gamma"}) == {}
    assert api.get_agent(agent.id).is_admin_state_up is False
    api.update_agent(agent, description=None, admin_state_up=True)
    api.delete_agent(agent, ignore_missing=False)
    assert agent.id not in [one.id for one in api.agents()]


def test_agents_of_networks_and_routers(ground: Ground) -> None:
    """Who serves a network or forwards for a router, from either side; it can be chosen."""
    api = ground.api
    network = api.create_network(name="sdk-agents")
    api.create_subnet(network_id=network.id, cidr="10.54.0.0/24", ip_version=4)
    (serving,) = api.network_hosting_dhcp_agents(network)
    assert network.id in [one.id for one in api.dhcp_agent_hosting_networks(serving)]
    agent = api.get_agent(serving.id)  # another class, with the path of agents
    api.remove_dhcp_agent_from_network(agent, network)
    assert list(api.network_hosting_dhcp_agents(network)) == []
    api.add_dhcp_agent_to_network(agent, network)
    assert [one.id for one in api.network_hosting_dhcp_agents(network)] == [serving.id]
    router = api.create_router(name="sdk-agents")
    (agent,) = api.agents(host="beta", agent_type="L3 agent")
    api.add_router_to_agent(agent, router)
    assert [one.host for one in api.routers_hosting_l3_agents(router)] == ["beta"]
    assert router.id in [one.id for one in api.agent_hosted_routers(agent)]
    api.remove_router_from_agent(agent, router)
    assert list(api.routers_hosting_l3_agents(router)) == []
    api.delete_router(router, ignore_missing=False)
    api.delete_network(network, ignore_missing=False)


def test_auto_allocated_topology(ground: Ground) -> None:
    """What a project could be given is told, given, and taken away."""
    api, project = ground.api, ground.projects["project service"]
    pool = api.create_subnet_pool(
        name="sdk-auto", prefixes=["10.55.0.0/16"], default_prefixlen=26, is_default=True, shared=True
    )
    assert api.validate_auto_allocated_topology(project).id == "dry-run=pass"
    given = api.get_auto_allocated_topology(project)
    assert api.get_network(given.id).project_id == project
    api.delete_auto_allocated_topology(project)
    assert list(api.networks(project_id=project, name="auto_allocated_network")) == []
    api.delete_subnet_pool(pool, ignore_missing=False)


def test_what_is_offered(ground: Ground) -> None:
    """Zones, aliases, kinds of QoS rules and providers of services."""
    api = ground.api
    zones = [(one.name, one.resource, one.state) for one in api.availability_zones()]
    assert sorted(zones) == [("nova", "network", "available"), ("nova", "router", "available")]
    extensions = {one.alias: one.name for one in api.extensions()}
    assert extensions["router"] == "Neutron L3 Router"
    assert api.find_extension("router").name == extensions["router"]
    assert api.find_extension("bgp") is None
    kinds = [one.type for one in api.qos_rule_types()]
    assert {"bandwidth_limit", "dscp_marking"} <= set(kinds)
    assert api.get_qos_rule_type("bandwidth_limit").type == "bandwidth_limit"
    assert "L3_ROUTER_NAT" in [one.service_type for one in api.service_providers()]


def test_local_ip_associations(ground: Ground) -> None:
    """A local IP stands for ports."""
    api, local_ip, port = ground.api, ground.local_ip, ground.port()
    made = api.create_local_ip_association(local_ip, fixed_port_id=port)
    assert lacking(made, {"fixed_port_id": port}) == {}
    (listed,) = api.local_ip_associations(local_ip)
    assert (listed.fixed_port_id, listed.fixed_ip) == (port, made.fixed_ip)
    api.delete_local_ip_association(local_ip, port, ignore_missing=False)
    assert list(api.local_ip_associations(local_ip)) == []


def test_ip_availability(ground: Ground) -> None:
    """How many addresses of a network are taken."""
    api = ground.api
    network = api.create_network(name="sdk-available")
    api.create_subnet(network_id=network.id, cidr="10.56.0.0/29", ip_version=4, enable_dhcp=False)
    api.create_port(network_id=network.id)
    expected = {"network_id": network.id, "network_name": "sdk-available", "total_ips": 5, "used_ips": 1}
    assert lacking(api.get_network_ip_availability(network.id), expected) == {}
    assert [lacking(one, expected) for one in api.network_ip_availabilities(network_name="sdk-available")] == [{}]


def test_port_bindings(ground: Ground) -> None:
    """A port is prepared on another host, moved there, and forgotten at the first."""
    api = ground.api
    port = ground.port(device_owner="compute:sdk", device_id="sdk-moves", **{"binding:host_id": "alpha"})
    made = api.create_port_binding(port, host="beta", vnic_type="normal")
    assert lacking(made, {"host": "beta", "status": "INACTIVE", "vnic_type": "normal"}) == {}
    api.activate_port_binding(port, host="beta")
    assert {one.host: one.status for one in api.port_bindings(port)} == {"alpha": "INACTIVE", "beta": "ACTIVE"}
    assert api.get_port(port).binding_host_id == "beta"
    api.delete_port_binding(port, "alpha")
    assert [one.host for one in api.port_bindings(port)] == ["beta"]


def test_quotas(ground: Ground) -> None:
    """A project's limits are set, read with what is used, listed, and forgotten."""
    api, project = ground.api, ground.projects["project service"]
    default = api.get_quota_default(project)
    api.update_quota(project, networks=41, ports=42)
    assert (api.get_quota(project).networks, api.get_quota(project).ports) == (41, 42)
    details = api.get_quota(project, details=True)
    assert details.ports == {"limit": 42, "used": details.ports["used"], "reserved": 0}
    assert [one.networks for one in api.quotas() if one.project_id == project] == [41]
    api.delete_quota(project, ignore_missing=False)
    assert api.get_quota(project).networks == default.networks


def test_actions_of_routers(ground: Ground) -> None:
    """Interfaces, routes and gateways are added and removed one by one."""
    api = ground.api
    network = api.create_network(name="sdk-actions")
    subnet = api.create_subnet(network_id=network.id, cidr="10.57.0.0/24", ip_version=4)
    router = api.create_router(name="sdk-actions")
    assert api.add_interface_to_router(router, subnet_id=subnet.id)["subnet_id"] == subnet.id
    route = {"destination": "10.99.0.0/24", "nexthop": "10.57.0.9"}
    assert api.add_extra_routes_to_router(router, {"router": {"routes": [route]}}).routes == [route]
    assert api.remove_extra_routes_from_router(router, {"router": {"routes": [route]}}).routes == []
    gateway = {"network_id": ground.public, "external_fixed_ips": [{"ip_address": "203.0.113.202"}]}
    api.add_external_gateways(router, {"router": {"external_gateways": [gateway]}})
    assert api.get_router(router).external_gateway_info["network_id"] == ground.public
    api.remove_external_gateways(router, {"router": {"external_gateways": [{"network_id": ground.public}]}})
    assert api.get_router(router).external_gateway_info is None
    assert api.remove_interface_from_router(router, subnet_id=subnet.id)["subnet_id"] == subnet.id
    api.delete_router(router, ignore_missing=False)
    api.delete_network(network, ignore_missing=False)


def test_other_actions(ground: Ground) -> None:
    """Sub-ports, addresses of groups, profiles of flavors, subnets of pools, ports and rules in bulk."""
    api, child = ground.api, ground.port()
    trunk = api.create_trunk(port_id=ground.port(), name="sdk-actions")
    sub_port = {"port_id": child, "segmentation_type": "vlan", "segmentation_id": 9}
    assert api.add_trunk_subports(trunk, [sub_port]).sub_ports == [sub_port]
    assert api.get_trunk_subports(trunk) == {"sub_ports": [sub_port]}
    assert api.delete_trunk_subports(trunk, [{"port_id": child}]).sub_ports == []
    group = api.create_address_group(name="sdk-actions", addresses=["192.0.2.0/24"])
    more = api.add_addresses_to_address_group(group, ["198.51.100.0/24"])
    assert more.addresses == ["192.0.2.0/24", "198.51.100.0/24"]
    assert api.remove_addresses_from_address_group(group, ["192.0.2.0/24"]).addresses == ["198.51.100.0/24"]
    flavor = api.create_flavor(name="sdk-actions", service_type="L3_ROUTER_NAT")
    profile = api.create_service_profile(metainfo="sdk")
    api.associate_flavor_with_service_profile(flavor, profile)
    assert api.get_flavor(flavor).service_profile_ids == [profile.id]
    api.disassociate_flavor_from_service_profile(flavor, profile)
    assert api.get_flavor(flavor).service_profile_ids == []
    network = api.create_network(name="sdk-onboarded")
    subnet = api.create_subnet(network_id=network.id, cidr="10.58.1.0/24", ip_version=4)
    pool = api.create_subnet_pool(name="sdk-onboarding", prefixes=["10.59.0.0/16"])
    api.onboard_network_subnets(pool, network)
    assert api.get_subnet(subnet).subnet_pool_id == pool.id
    ports = api.create_ports([{"network_id": network.id, "name": f"sdk-bulk-{number}"} for number in range(3)])
    assert [one.name for one in ports] == ["sdk-bulk-0", "sdk-bulk-1", "sdk-bulk-2"]
