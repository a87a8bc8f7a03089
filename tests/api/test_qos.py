"""QoS over HTTP: policies, their five kinds of rules, and what has a policy."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from api_client import Client

from kaon.server.control import hosts
from kaon.server.control.core import Core
from kaon.wire.messages import Hello, Role

KINDS = {
    "bandwidth_limit": {"max_kbps": 1000, "max_burst_kbps": 0, "direction": "egress"},
    "dscp_marking": {"dscp_mark": 26},
    "minimum_bandwidth": {"min_kbps": 1000, "direction": "egress"},
    "minimum_packet_rate": {"min_kpps": 10, "direction": "egress"},
    "packet_rate_limit": {"max_kpps": 10, "max_burst_kpps": 0, "direction": "egress"},
}
"""Kind -> a rule with all that it shows, defaults included."""


def policy(client: Client, **attributes: Any) -> Any:
    """Make a policy."""
    answer = client.ask("POST", "/v2.0/qos/policies", json={"policy": {"name": "q", **attributes}})
    assert answer.status_code == 201, answer.text
    return answer.json()["policy"]


def rule(client: Client, above: Any, kind: str, **attributes: Any) -> Any:
    """Make a rule of a policy."""
    path = f"/v2.0/qos/policies/{above['id']}/{kind}_rules"
    answer = client.ask("POST", path, json={f"{kind}_rule": attributes})
    assert answer.status_code == 201, answer.text
    return answer.json()[f"{kind}_rule"]


def put(client: Client, path: str, member: str, **changes: Any) -> Any:
    """Change something."""
    answer = client.ask("PUT", f"/v2.0/{path}", json={member: changes})
    assert answer.status_code == 200, answer.text
    return answer.json()[member]


def test_a_policy_has_what_neutron_s_have(admin: Client) -> None:
    """All attributes, under both paths; found by its name, its tag and by being the default."""
    made = policy(admin, description="gold", is_default=True)
    assert made.keys() == {
        *("id", "name", "description", "project_id", "tenant_id", "shared", "is_default", "rules", "tags"),
        *("created_at", "updated_at", "revision_number"),
    }
    assert (made["shared"], made["is_default"], made["rules"]) == (False, True, [])
    other = policy(admin, name="other")
    assert put(admin, f"policies/{other['id']}", "policy", name="r")["name"] == "r"
    assert admin.ask("PUT", f"/v2.0/policies/{other['id']}/tags", json={"tags": ["t"]}).json() == {"tags": ["t"]}
    for query in ({"name": "r"}, {"tags": "t"}, {"is_default": "false"}, {"not-tags": "x", "name": "r"}):
        assert [found["id"] for found in admin.get("qos/policies", **query)["policies"]] == [other["id"]], query
    assert admin.refused("POST", "qos/policies", json={"policy": {"name": "s", "is_default": True}}) == (
        409,
        "QoSPolicyDefaultAlreadyExists",
    )
    assert put(admin, f"qos/policies/{made['id']}", "policy", is_default=False)["is_default"] is False
    assert admin.ask("DELETE", f"/v2.0/qos/policies/{made['id']}").status_code == 204
    assert admin.refused("GET", f"qos/policies/{made['id']}") == (404, "QosPolicyNotFound")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_rule_of_any_kind(admin: Client, kind: str) -> None:
    """Made, shown below its policy and in it, listed, changed and removed, under either spelling; its policy moves along."""
    above = policy(admin)
    whole = KINDS[kind]
    amount = next(iter(whole))
    made = rule(admin, above, kind, **{amount: whole[amount]})
    assert made == {"id": made["id"], **whole}
    shown = admin.get(f"policies/{above['id']}")["policy"]
    assert shown["rules"] == [{"id": made["id"], "qos_policy_id": above["id"], "type": kind, **whole}]
    assert shown["revision_number"] > above["revision_number"]
    dashed = f"qos/policies/{above['id']}/{kind.replace('_', '-')}-rules"
    assert admin.get(dashed)[f"{kind}_rules"] == [made]
    assert admin.get(dashed, **{amount: 0})[f"{kind}_rules"] == []
    assert put(admin, f"{dashed}/{made['id']}", f"{kind}_rule", **{amount: 8}) == {**made, amount: 8}
    assert admin.refused("POST", dashed, json={f"{kind}_rule": {amount: 14}}) == (409, "QoSRulesConflict")
    assert admin.refused("POST", dashed, json={f"{kind}_rule": {}}) == (400, "HTTPBadRequest")
    assert admin.refused("POST", dashed, json={f"{kind}_rule": {amount: -1}}) == (400, "HTTPBadRequest")
    assert admin.refused("GET", f"{dashed}/{uuid4()}") == (404, "QosRuleNotFound")
    alias = f"qos/alias-{kind.replace('_', '-')}-rules/{made['id']}"
    if kind != "packet_rate_limit":
        member = f"alias_{kind}_rule"
        owner = {"project_id": "admin-project", "tenant_id": "admin-project"}
        assert admin.get(alias)[member] == {**made, amount: 8, **owner}
        assert put(admin, alias, member, **{amount: 10})[amount] == 10
        assert admin.ask("DELETE", f"/v2.0/{alias}").status_code == 204
        assert admin.refused("GET", alias) == (404, "QosRuleNotFound")
    else:
        assert admin.ask("GET", f"/v2.0/{alias}").status_code == 404
        assert admin.ask("DELETE", f"/v2.0/{dashed}/{made['id']}").status_code == 204
    assert admin.get(f"policies/{above['id']}")["policy"]["rules"] == []


def test_a_list_after_an_unknown_policy_begins_at_the_beginning(admin: Client) -> None:
    """As Neutron's does for policies; of other resources the marker must exist."""
    one = policy(admin)
    assert [found["id"] for found in admin.get("qos/policies", limit=1, marker=str(uuid4()))["policies"]] == [one["id"]]


def test_rules_that_contradict_each_other_are_refused(admin: Client) -> None:
    """A minimum above the limit of its direction; packets with and without direction. The other direction is another matter."""
    above = policy(admin)
    rule(admin, above, "bandwidth_limit", max_kbps=100)
    rule(admin, above, "minimum_bandwidth", min_kbps=100, direction="ingress")
    rule(admin, above, "minimum_packet_rate", min_kpps=1)
    for kind, wanted in (
        ("minimum_bandwidth", {"min_kbps": 101}),
        ("bandwidth_limit", {"max_kbps": 99, "direction": "ingress"}),
        ("minimum_packet_rate", {"min_kpps": 1, "direction": "any"}),
    ):
        path = f"qos/policies/{above['id']}/{kind}_rules"
        assert admin.refused("POST", path, json={f"{kind}_rule": wanted}) == (409, "QoSRuleParameterConflict"), kind


def test_who_sees_and_changes_policies(admin: Client, ann: Client, bob: Client) -> None:
    """A member sees its project's and shared ones, changes none, and sees rules of its own project's only."""
    mine, shared, foreign = policy(admin, project_id="p1"), policy(admin, shared=True), policy(admin)
    rules = {one["id"]: rule(admin, one, "dscp_marking", dscp_mark=8)["id"] for one in (mine, shared, foreign)}
    assert {one["id"]: one["shared"] for one in ann.get("qos/policies")["policies"]} == {mine["id"]: False, shared["id"]: True}
    assert [one["id"] for one in bob.get("qos/policies", shared="true")["policies"]] == [shared["id"]]
    body = {"dscp_marking_rule": {"dscp_mark": 10}}
    for one, change, create in ((mine, 403, 403), (shared, 404, 403), (foreign, 404, 403)):
        path = f"qos/policies/{one['id']}/dscp_marking_rules"
        assert ann.refused("PUT", f"{path}/{rules[one['id']]}", json=body)[0] == change
        assert ann.refused("POST", path, json=body)[0] == create
    assert ann.refused("PUT", f"policies/{mine['id']}", json={"policy": {"name": "x"}}) == (403, "PolicyNotAuthorized")
    assert ann.refused("DELETE", f"policies/{foreign['id']}") == (404, "QosPolicyNotFound")
    assert ann.refused("POST", "qos/policies", json={"policy": {"name": "x"}}) == (403, "PolicyNotAuthorized")
    assert ann.get(f"qos/alias-dscp-marking-rules/{rules[mine['id']]}")["alias_dscp_marking_rule"]["dscp_mark"] == 8
    assert ann.refused("GET", f"qos/alias-dscp-marking-rules/{rules[foreign['id']]}") == (404, "QosRuleNotFound")


def test_a_shared_policy_in_use_stays_shared(admin: Client, ann: Client) -> None:
    """Until nobody has it who only has it by that."""
    one = policy(admin, shared=True)
    network = ann.make("network", qos_policy_id=one["id"])
    body = {"policy": {"shared": False}}
    assert admin.refused("PUT", f"policies/{one['id']}", json=body) == (409, "RbacPolicyInUse")
    assert admin.refused("DELETE", f"policies/{one['id']}") == (409, "QosPolicyInUse")
    (everybody,) = admin.get("rbac-policies", object_id=one["id"])["rbac_policies"]
    body = {"rbac_policy": {"target_tenant": "p1"}}
    assert admin.refused("PUT", f"rbac-policies/{everybody['id']}", json=body) == (409, "RbacPolicyInUse")
    assert ann.change("network", network["id"], qos_policy_id=None)["qos_policy_id"] is None
    assert put(admin, f"policies/{one['id']}", "policy", shared=False)["shared"] is False
    assert ann.refused("GET", f"policies/{one['id']}") == (404, "QosPolicyNotFound")


def test_ports_networks_and_floating_ips_have_policies(admin: Client, ann: Client) -> None:
    """Their own, and the network's as `qos_network_policy_id`; only policies that one sees are given or taken."""
    own, nets, foreign = policy(admin, shared=True), policy(admin, shared=True), policy(admin)
    outside = admin.make("network", **{"router:external": True, "qos_policy_id": nets["id"]})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    network = ann.make("network")
    assert network["qos_policy_id"] is None
    for collection, body in (
        ("networks", {"network": {}}),
        ("ports", {"port": {"network_id": network["id"]}}),
        ("floatingips", {"floatingip": {"floating_network_id": outside}}),
        ("routers", {"router": {"external_gateway_info": {"network_id": outside}}}),
    ):
        (given,) = body.values()
        (given if collection != "routers" else given["external_gateway_info"])["qos_policy_id"] = foreign["id"]
        assert ann.refused("POST", collection, json=body) == (404, "QosPolicyNotFound")
    port = ann.make("port", network_id=network["id"], qos_policy_id=own["id"])
    bare = ann.make("port", network_id=network["id"])
    floating = ann.make("floatingip", floating_network_id=outside, qos_policy_id=own["id"])
    ann.change("network", network["id"], qos_policy_id=nets["id"])
    for collection, member, identity in (
        ("ports", "port", port["id"]),
        ("ports", "port", bare["id"]),
        ("ports", "port", ann.make("port", network_id=network["id"])["id"]),
        ("floatingips", "floatingip", floating["id"]),
    ):
        shown = ann.get(f"{collection}/{identity}")[member]
        wanted = own["id"] if identity in (port["id"], floating["id"]) else None
        assert (shown["qos_policy_id"], shown["qos_network_policy_id"]) == (wanted, nets["id"])
    router = ann.make("router", external_gateway_info={"network_id": outside, "qos_policy_id": own["id"]})
    assert router["external_gateway_info"]["qos_policy_id"] == own["id"]
    kept = ann.change("router", router["id"], external_gateway_info={"network_id": outside})
    assert kept["external_gateway_info"]["qos_policy_id"] == own["id"]
    taken = ann.change("router", router["id"], external_gateway_info={"network_id": outside, "qos_policy_id": None})
    assert "qos_policy_id" not in taken["external_gateway_info"]
    admin.change("port", bare["id"], qos_policy_id=foreign["id"])
    body = {"port": {"qos_policy_id": None}}
    assert ann.refused("PUT", f"ports/{bare['id']}", json=body) == (403, "PolicyRemoveAuthorizationError")
    assert ann.change("floatingip", floating["id"], qos_policy_id=None)["qos_policy_id"] is None


def test_new_networks_have_the_default_policy_of_their_project(admin: Client, ann: Client) -> None:
    """Unless they name another one."""
    default, other = policy(admin, project_id="p1", is_default=True), policy(admin, project_id="p1")
    assert ann.make("network")["qos_policy_id"] == default["id"]
    assert ann.make("network", qos_policy_id=other["id"])["qos_policy_id"] == other["id"]
    assert admin.make("network")["qos_policy_id"] is None


def test_a_port_tells_an_administrator_what_it_asks_of_a_host(admin: Client, ann: Client) -> None:
    """Bandwidth of who reaches its network, packets of who plugs it; lists say the same. Others are not told."""
    one = policy(admin, shared=True)
    network = ann.make("network")["id"]
    port = ann.make("port", network_id=network, qos_policy_id=one["id"])
    assert "resource_request" not in port
    assert admin.get(f"ports/{port['id']}")["port"]["resource_request"] is None
    rule(admin, one, "minimum_bandwidth", min_kbps=5)
    rule(admin, one, "minimum_bandwidth", min_kbps=6, direction="ingress")
    rule(admin, one, "minimum_packet_rate", min_kpps=7, direction="any")
    found = admin.get(f"ports/{port['id']}")["port"]["resource_request"]
    bandwidth, packets = found["request_groups"]
    assert found["same_subtree"] == [bandwidth["id"], packets["id"]]
    assert bandwidth["resources"] == {"NET_BW_EGR_KILOBIT_PER_SEC": 5, "NET_BW_IGR_KILOBIT_PER_SEC": 6}
    assert bandwidth["required"] == ["CUSTOM_NETWORK_TUNNEL_PROVIDER", "CUSTOM_VNIC_TYPE_NORMAL"]
    assert packets["resources"] == {"NET_PACKET_RATE_KILOPACKET_PER_SEC": 7}
    assert packets["required"] == ["CUSTOM_VNIC_TYPE_NORMAL"]
    assert [one["resource_request"] for one in admin.get("ports", network_id=network)["ports"]] == [found]
    again = admin.make("port", network_id=network, project_id="p1", qos_policy_id=one["id"])
    assert [group["resources"] for group in again["resource_request"]["request_groups"]] == [
        bandwidth["resources"],
        packets["resources"],
    ]


def test_what_placement_has_allocated_is_not_changed_behind_its_back(admin: Client, nova: Client) -> None:
    """Minimum rules of a VM's port, and its policy once Nova has allocated for it, stay: 501."""
    one = policy(admin)
    network = admin.make("network")["id"]
    made = rule(admin, one, "minimum_bandwidth", min_kbps=5)
    port = admin.make("port", network_id=network, qos_policy_id=one["id"], device_owner="compute:nova")
    path = f"/v2.0/qos/policies/{one['id']}/minimum_bandwidth_rules/{made['id']}"
    assert admin.ask("PUT", path, json={"minimum_bandwidth_rule": {"min_kbps": 6}}).status_code == 501
    assert admin.ask("DELETE", path).status_code == 501
    nova.change("port", port["id"], **{"binding:profile": {"allocation": {str(uuid4()): str(uuid4())}}})
    body = {"port": {"qos_policy_id": None}}
    assert admin.ask("PUT", f"/v2.0/ports/{port['id']}", json=body).status_code == 501
    rule(admin, one, "bandwidth_limit", max_kbps=10)


def test_rule_types(admin: Client, ann: Client) -> None:
    """Everybody may list them; administrators are told which back end takes what."""
    every = [{"type": kind} for kind in KINDS]
    for query in ({}, {"all_rules": "true"}, {"all_supported": "true"}):
        assert ann.get("qos/rule-types", **query)["rule_types"] == every
    shown = admin.get("qos/rule-types/dscp_marking")["rule_type"]
    (driver,) = shown["drivers"]
    assert (shown["type"], driver["name"]) == ("dscp_marking", "linux")
    assert driver["supported_parameters"][0]["parameter_type"] == "choices"
    assert ann.refused("GET", "qos/rule-types/dscp_marking") == (403, "NotAuthorized")
    assert admin.ask("GET", "/v2.0/qos/rule-types/nothing").status_code == 404
    assert ann.refused("GET", "qos/rule-types?type=x") == (400, "HTTPBadRequest")


def test_the_revision_that_a_rule_has_is_its_policy_s(admin: Client) -> None:
    """Who looked at an older policy does not change its rules."""
    one = policy(admin)
    made = rule(admin, one, "dscp_marking", dscp_mark=8)
    path = f"qos/policies/{one['id']}/dscp_marking_rules/{made['id']}"
    stale = {"If-Match": f"revision_number={one['revision_number']}"}
    assert admin.refused("DELETE", path, headers=stale) == (412, "RevisionNumberConstraintFailed")


def test_policies_cost_lists_one_statement_at_most(core: Core, admin: Client) -> None:
    """And nothing where no port has one. Lists of policies take no more with more rules."""
    hosts.hello(core, Hello(wire_version=1, host="h", instance="1", roles=tuple(Role), tunnel_ip="192.0.2.1"))
    network = admin.make("network")["id"]
    for _ in range(3):
        admin.make("port", network_id=network)

    def cost(path: str) -> int:
        with core.store.counting() as statements:
            admin.get(path)
        return len(statements)

    before = cost("ports")
    one = policy(admin)
    rule(admin, one, "minimum_bandwidth", min_kbps=5)
    lists = cost("qos/policies")
    for _ in range(2):
        rule(admin, policy(admin), "dscp_marking", dscp_mark=8)
    admin.change("network", network, qos_policy_id=one["id"])
    assert (cost("ports") - before, cost("qos/policies")) == (1, lists)
    assert lists <= 6


def test_of_several_at_once_one_wins(admin: Client) -> None:
    """One rule of a kind and direction, one default policy of a project; the others are told so, and nothing breaks."""
    one = policy(admin)
    path = f"/v2.0/qos/policies/{one['id']}/dscp_marking_rules"

    def mark(_number: int) -> int:
        return admin.ask("POST", path, json={"dscp_marking_rule": {"dscp_mark": 8}}).status_code

    def default(_number: int) -> int:
        body = {"policy": {"name": "d", "is_default": True, "project_id": "p1"}}
        return admin.ask("POST", "/v2.0/qos/policies", json=body).status_code

    for ask in (mark, default):
        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(ask, range(4))) == [201, 409, 409, 409], ask.__name__


def test_ports_made_while_their_network_gets_a_policy_know_of_it(core: Core, admin: Client) -> None:
    """Whoever comes first: in the end every port, and its host, has what the network has."""
    hosts.hello(core, Hello(wire_version=1, host="h", instance="1", roles=tuple(Role), tunnel_ip="192.0.2.1"))
    one = policy(admin)
    rule(admin, one, "dscp_marking", dscp_mark=8)
    network = admin.make("network")["id"]

    def make(number: int) -> int:
        if number % 4 == 1:
            wanted = one["id"] if number % 8 == 1 else None
            return admin.ask("PUT", f"/v2.0/networks/{network}", json={"network": {"qos_policy_id": wanted}}).status_code
        body = {"network_id": network, "binding:host_id": "h"}
        return admin.ask("POST", "/v2.0/ports", json={"port": body}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(make, range(16))) == {200, 201}
    wanted = admin.get(f"networks/{network}")["network"]["qos_policy_id"]
    assert {port["qos_network_policy_id"] for port in admin.get("ports", network_id=network)["ports"]} == {wanted}
