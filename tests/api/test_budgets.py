"""How many SQL statements a request may take (BEGIN and COMMIT aside), whatever is stored."""

import itertools
from typing import Any

import pytest
from api_client import Client

from kaon.server.control import hosts
from kaon.server.control.core import Core
from kaon.wire.messages import Hello, Role

MOST_FOR_A_PORT = 10
MOST_FOR_A_LIST = 6
NUMBER = 3
"""How many there are of each thing, at least."""

COLLECTIONS = (
    "networks",
    "subnets",
    "subnetpools",
    "ports",
    "security-groups",
    "security-group-rules",
    "default-security-group-rules",
    "address-groups",
    "logs",
    "routers",
    "floatingips",
    "local-ips",
    "metering/metering-labels",
    "metering/metering-label-rules",
    "agents",
    "segments",
    "network-segment-ranges",
    "address-scopes",
    "rbac-policies",
    "network-ip-availabilities",
    "qos/policies",
    "flavors",
    "service-profiles",
    "quotas",
)


@pytest.fixture
def world(core: Core, admin: Client, ann: Client) -> Client:
    """Some of everything, with everything that has a table of its own."""
    for number in range(NUMBER):
        host = f"h{number}"
        hosts.hello(core, Hello(wire_version=1, host=host, instance="1", roles=tuple(Role), tunnel_ip=f"192.0.2.{number}"))
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    for number in range(NUMBER):
        prefix = f"10.{number}.0"
        ids = {"network_type": "vxlan", "minimum": 9000 + number, "maximum": 9000 + number}
        admin.make("network_segment_range", **ids)
        network = ann.make("network")["id"]
        ann.make("subnetpool", name="pool", prefixes=["192.0.2.0/24", f"{prefix}.0/24"])
        ann.ask("POST", "/v2.0/address-scopes", json={"address_scope": {"ip_version": 4}})
        admin.change("network", network, shared=True)
        routes = [{"destination": "192.0.2.0/24", "nexthop": f"{prefix}.9"}]
        lists = {"dns_nameservers": ["192.0.2.53", "192.0.2.54"], "host_routes": routes}
        subnet = ann.make("subnet", network_id=network, ip_version=4, cidr=f"{prefix}.0/24", **lists)["id"]
        ann.make("subnet", network_id=network, ip_version=6, cidr=f"2001:db8:{number}::/64")
        group = ann.ask("POST", "/v2.0/security-groups", json={"security_group": {"name": f"g{number}"}}).json()
        groups = {"security_groups": [group["security_group"]["id"]]}
        ann.ask("POST", "/v2.0/address-groups", json={"address_group": {"addresses": [f"{prefix}.0/24", "::/0"]}})
        admin.ask("POST", "/v2.0/logs", json={"log": {"resource_type": "security_group"}})
        pairs = {"allowed_address_pairs": [{"ip_address": "10.9.9.9"}, {"ip_address": "10.9.9.10"}]}
        port = ann.make("port", network_id=network, **groups, **pairs)["id"]
        router = ann.make("router", external_gateway_info={"network_id": outside})["id"]
        _put(ann, f"routers/{router}/add_router_interface", {"subnet_id": subnet})
        ann.change("router", router, routes=routes)
        ann.make("floatingip", floating_network_id=outside, port_id=port)
        _hang(admin, ann, router, network, outside)
        policy = {"policy": {"name": "q", "project_id": "p1"}}
        made = admin.ask("POST", "/v2.0/qos/policies", json=policy).json()["policy"]["id"]
        rule = {"minimum_bandwidth_rule": {"min_kbps": 1}}
        assert admin.ask("POST", f"/v2.0/qos/policies/{made}/minimum_bandwidth_rules", json=rule).status_code == 201
        ann.change("port", port, qos_policy_id=made)
        profile = admin.make("service_profile", metainfo="x")["id"]
        admin.make("flavor", service_type="QOS", service_profiles=[profile])
        _put(admin, f"quotas/p{number}", {"quota": {"network": 10 + number, "port": 20}})
    return ann


def _hang(admin: Client, ann: Client, router: str, network: str, outside: str) -> None:
    """Give a router, and a floating IP that goes through it, all that they can have."""
    _put(admin, f"routers/{router}/add_external_gateways", {"router": {"external_gateways": [{"network_id": outside}]}})
    port = ann.make("port", network_id=network)
    forwarding = ann.make("floatingip", floating_network_id=outside)["id"]
    inside = {"internal_port_id": port["id"], "internal_ip_address": port["fixed_ips"][0]["ip_address"]}
    way = {**inside, "internal_port": 80, "external_port": 80, "protocol": "tcp"}
    _post(ann, f"floatingips/{forwarding}/port_forwardings", "port_forwarding", way)
    _post(ann, f"routers/{router}/conntrack_helpers", "conntrack_helper", {"helper": "ftp", "protocol": "tcp", "port": 21})
    _post(ann, "local-ips", "local_ip", {"network_id": network})
    label = _post(admin, "metering/metering-labels", "metering_label", {"project_id": "p1"})["id"]
    rule = {"metering_label_id": label, "direction": "ingress", "source_ip_prefix": "10.0.0.0/8"}
    _post(admin, "metering/metering-label-rules", "metering_label_rule", rule)


def _post(client: Client, path: str, member: str, wish: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/{path}", json={member: wish})
    assert answer.status_code == 201, answer.text
    return answer.json()[member]


def _put(client: Client, path: str, body: Any) -> None:
    answer = client.ask("PUT", f"/v2.0/{path}", json=body)
    assert answer.status_code == 200, answer.text


def test_lists_stay_within_their_budget(core: Core, admin: Client, world: Client) -> None:
    """Any list of any collection: of everything or of a page, narrowed or not, for an admin or a member."""
    costs = {}
    for collection in COLLECTIONS:
        # Quotas are listed by administrators only, and without pages.
        key = "network_id" if collection == "network-ip-availabilities" else "id"
        queries = ("",) if collection == "quotas" else ("", f"?limit=2&sort_key={key}&sort_dir=asc", f"?fields={key}")
        for query, client in itertools.product(queries, (admin, world) if len(queries) > 1 else (admin,)):
            with core.store.counting() as statements:
                answer = client.ask("GET", f"/v2.0/{collection}{query}")
            assert answer.status_code == 200, answer.text
            if not query and client is admin:
                assert len(answer.json()[collection.rpartition("/")[2].replace("-", "_")]) >= NUMBER
            costs[collection, query, client is admin] = len(statements)
    assert {key: cost for key, cost in costs.items() if cost > MOST_FOR_A_LIST} == {}


def test_a_default_port_stays_within_its_budget(core: Core, world: Client) -> None:
    """A port with nothing but its network, made through the API, in a project that has been here before.

    A project's very first port costs more, once: its default group with four rules is made, and its counts begin.
    """
    network = world.get("networks", limit=1, project_id="p1")["networks"][0]["id"]
    for _ in range(3):
        with core.store.counting() as statements:
            world.make("port", network_id=network)
        assert len(statements) <= MOST_FOR_A_PORT, list(statements)
