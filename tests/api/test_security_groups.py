"""Security groups and their rules over HTTP."""

from typing import Any

import pytest
from api_client import Client


def _default(client: Client) -> Any:
    (group,) = client.get("security-groups", name="default")["security_groups"]
    return group


def test_every_project_has_a_default_group(ann: Client, bob: Client) -> None:
    """Made when first looked for: all out, in from itself."""
    group = _default(ann)
    assert group.keys() == {
        *("id", "name", "project_id", "tenant_id", "security_group_rules", "description"),
        *("created_at", "updated_at", "revision_number", "tags", "stateful", "shared"),
    }
    rules = {(rule["direction"], rule["ethertype"], rule["remote_group_id"]) for rule in group["security_group_rules"]}
    assert rules == {
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
        ("ingress", "IPv4", group["id"]),
        ("ingress", "IPv6", group["id"]),
    }
    assert _default(bob)["id"] != group["id"]


def test_the_default_group_stays_what_it_is(ann: Client) -> None:
    """No second one, no other name, no removal by a member."""
    path = f"security-groups/{_default(ann)['id']}"
    taken = ann.refused("POST", "security-groups", json={"security_group": {"name": "Default"}})
    assert taken == (409, "SecurityGroupDefaultAlreadyExists")
    renamed = ann.refused("PUT", path, json={"security_group": {"name": "x"}})
    assert renamed == (409, "SecurityGroupCannotUpdateDefault")
    assert ann.refused("DELETE", path) == (409, "SecurityGroupCannotRemoveDefault")


def test_a_rule_is_kept_in_canonical_form(ann: Client) -> None:
    """Cases, port texts, an address without a mask; host bits stay, and normalized_cidr shows the prefix without them."""
    group = ann.make("security_group", name="web")
    rule = ann.make(
        "security_group_rule",
        security_group_id=group["id"],
        direction="ingress",
        ethertype="ipv4",
        protocol="TCP",
        port_range_min="80",
        port_range_max="80",
        remote_ip_prefix="10.0.0.7/24",
    )
    assert (rule["ethertype"], rule["protocol"], rule["port_range_min"]) == ("IPv4", "tcp", 80)
    assert (rule["remote_ip_prefix"], rule["normalized_cidr"]) == ("10.0.0.7/24", "10.0.0.0/24")
    assert rule in ann.get(f"security-groups/{group['id']}")["security_group"]["security_group_rules"]
    assert ann.get(f"security-group-rules/{rule['id']}")["security_group_rule"] == rule
    ann.remove("security_group_rule", rule["id"])
    assert ann.refused("GET", f"security-group-rules/{rule['id']}") == (404, "SecurityGroupRuleNotFound")


@pytest.mark.parametrize(
    ("attributes", "refusal"),
    [
        ({"direction": "sideways"}, (400, "HTTPBadRequest")),
        ({"ethertype": "IPv5"}, (400, "SecurityGroupRuleInvalidEtherType")),
        ({"protocol": "carrier-pigeon"}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"port_range_min": 80, "port_range_max": 80}, (400, "SecurityGroupProtocolRequiredWithPorts")),
        ({"protocol": "tcp", "port_range_min": 90, "port_range_max": 80}, (400, "SecurityGroupInvalidPortRange")),
        ({"protocol": "tcp", "port_range_min": 70000}, (400, "SecurityGroupInvalidPortValue")),
        ({"protocol": "icmp", "port_range_min": 300}, (400, "SecurityGroupInvalidIcmpValue")),
        ({"protocol": "icmp", "port_range_max": 0}, (400, "SecurityGroupMissingIcmpType")),
        ({"protocol": "ipv6-icmp"}, (400, "SecurityGroupEthertypeConflictWithProtocol")),
        ({"remote_ip_prefix": "2001:db8::/64"}, (400, "SecurityGroupRuleParameterConflict")),
        ({"remote_ip_prefix": "nowhere"}, (400, "InvalidCIDR")),
        ({"protocol": ""}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"security_group_id": "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"}, (404, "SecurityGroupNotFound")),
        ({"protocol": "udp"}, (409, "SecurityGroupRuleExists")),
        ({"protocol": "17"}, (409, "SecurityGroupRuleExists")),
    ],
)
def test_a_wrong_rule_is_refused(ann: Client, attributes: dict[str, Any], refusal: tuple[int, str]) -> None:
    """With Neutron's code and type; the same rule in other words is the same rule."""
    group = ann.make("security_group", name="g")["id"]
    ann.make("security_group_rule", security_group_id=group, direction="ingress", protocol="udp")
    before = len(ann.get("security-group-rules")["security_group_rules"])
    body = {"security_group_id": group, "direction": "ingress", **attributes}
    assert ann.refused("POST", "security-group-rules", json={"security_group_rule": body}) == refusal
    assert len(ann.get("security-group-rules")["security_group_rules"]) == before


def test_a_bulk_with_the_same_rule_twice_is_409(ann: Client) -> None:
    """Nothing of it is made."""
    group = ann.make("security_group", name="g")["id"]
    item = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    refused = ann.refused("POST", "security-group-rules", json={"security_group_rules": [item, item | {"protocol": 6}]})
    assert refused == (409, "DuplicateSecurityGroupRuleInPost")
    assert len(ann.get("security-group-rules", security_group_id=group)["security_group_rules"]) == 2


def test_rules_of_one_request_are_of_one_project(admin: Client) -> None:
    """And of one group."""
    groups = [admin.make("security_group", name=name)["id"] for name in ("g", "h")]
    items = [{"security_group_id": groups[0], "direction": "ingress", "protocol": "tcp"}]
    for more, refusal in (
        ({"project_id": "p1", "protocol": "udp"}, "SecurityGroupRulesNotSingleProject"),
        ({"security_group_id": groups[1]}, "SecurityGroupNotSingleGroupRules"),
    ):
        body = {"security_group_rules": [*items, items[0] | more]}
        assert admin.refused("POST", "security-group-rules", json=body) == (400, refusal)


@pytest.mark.parametrize(
    ("protocol", "low", "high", "words"),
    [
        ("tcp", -16, 80, "Invalid value for port -16"),
        ("tcp", 80, 79, "port_range_min must be <= port_range_max"),
        ("tcp", 80, 65536, "Invalid value for port 65536"),
        ("tcp", None, 6, "port_range_min must be <= port_range_max"),
        ("icmp", 1, 256, "Invalid value for ICMP code"),
        ("icmp", -1, 25, "Invalid value"),
        ("icmp", None, 6, "ICMP type (port-range-min) is missing"),
        ("icmp", 300, 1, "Invalid value for ICMP type"),
    ],
)
def test_clients_find_their_words_in_refusals(ann: Client, protocol: str, low: int | None, high: int, words: str) -> None:
    """Tempest looks for these."""
    group = ann.make("security_group", name="g")["id"]
    body = {"security_group_id": group, "direction": "ingress", "protocol": protocol}
    body |= {"port_range_min": low, "port_range_max": high}
    answer = ann.ask("POST", "/v2.0/security-group-rules", json={"security_group_rule": body})
    assert answer.status_code == 400
    assert words in answer.json()["NeutronError"]["message"]


@pytest.mark.parametrize("name", [" web", "web\t", "a\nb", "\u2028"])
def test_names_are_printable(ann: Client, name: str) -> None:
    """And neither begin nor end with a blank; inside there may be some."""
    wrong = {"security_group": {"name": name}}
    assert ann.refused("POST", "security-groups", json=wrong) == (400, "HTTPBadRequest")
    group = ann.make("security_group", name="für das Web")
    assert ann.refused("PUT", f"security-groups/{group['id']}", json=wrong) == (400, "HTTPBadRequest")


def test_rules_say_whether_they_are_of_a_default_group(ann: Client) -> None:
    """And are found by that."""
    group = ann.make("security_group", name="g")
    assert {rule["belongs_to_default_sg"] for rule in group["security_group_rules"]} == {False}
    assert {rule["belongs_to_default_sg"] for rule in _default(ann)["security_group_rules"]} == {True}
    found = ann.get("security-group-rules", belongs_to_default_sg="true")["security_group_rules"]
    assert {rule["security_group_id"] for rule in found} == {_default(ann)["id"]}
    rule = ann.make("security_group_rule", security_group_id=_default(ann)["id"], direction="ingress", protocol="tcp")
    assert rule["belongs_to_default_sg"] is True
    assert ann.get(f"security-group-rules/{rule['id']}")["security_group_rule"] == rule


def test_a_shared_group_is_used_by_others(admin: Client, ann: Client, bob: Client) -> None:
    """On their ports and in their rules; they do not change it, and it stays shared while they use it."""
    group = ann.make("security_group", name="g")
    path, network = f"security-groups/{group['id']}", bob.make("network")["id"]
    wish = {"port": {"network_id": network, "security_groups": [group["id"]]}}
    assert bob.refused("POST", "ports", json=wish) == (404, "SecurityGroupNotFound")
    policy = {"object_type": "security_group", "object_id": group["id"], "action": "access_as_shared"}
    made = admin.ask("POST", "/v2.0/rbac-policies", json={"rbac_policy": policy | {"target_tenant": "p2"}})
    shared = made.json()["rbac_policy"]["id"]
    assert group["shared"] is False
    assert bob.get(path)["security_group"] == group | {"shared": True}
    assert [one["id"] for one in bob.get("security-groups", shared="true")["security_groups"]] == [group["id"]]
    assert [one["name"] for one in bob.get("security-groups", shared="false")["security_groups"]] == ["default"]
    assert ann.get(path)["security_group"]["shared"] is False
    for method, body in (("PUT", {"security_group": {"name": "x"}}), ("DELETE", None)):
        assert bob.refused(method, path, json=body)[0] == 403
    own = bob.make("security_group", name="b")["id"]
    rule = bob.make("security_group_rule", security_group_id=own, direction="ingress", remote_group_id=group["id"])
    port = bob.make("port", network_id=network, security_groups=[group["id"], own])
    assert set(port["security_groups"]) == {group["id"], own}
    assert admin.refused("DELETE", f"rbac-policies/{shared}") == (409, "RbacPolicyInUse")
    bob.remove("port", port["id"])
    bob.remove("security_group_rule", rule["id"])
    assert admin.ask("DELETE", f"/v2.0/rbac-policies/{shared}").status_code == 204
    assert bob.refused("GET", path) == (404, "SecurityGroupNotFound")


def test_a_group_in_use_stays(ann: Client) -> None:
    """409 while a port is in it."""
    group = ann.make("security_group", name="g")["id"]
    port = ann.make("port", network_id=ann.make("network")["id"], security_groups=[group])
    assert ann.refused("DELETE", f"security-groups/{group}") == (409, "SecurityGroupInUse")
    ann.remove("port", port["id"])
    ann.remove("security_group", group)


def test_every_port_is_no_port(ann: Client) -> None:
    """A rule for all ports is kept as a rule for none in particular; an empty prefix is no prefix."""
    group = ann.make("security_group", name="g")["id"]
    body = {"security_group_id": group, "direction": "ingress", "protocol": "tcp", "remote_ip_prefix": ""}
    answer = ann.ask(
        "POST",
        "/v2.0/security-group-rules",
        json={"security_group_rule": body | {"port_range_min": 1, "port_range_max": 65535}},
    )
    rule = answer.json()["security_group_rule"]
    assert (rule["port_range_min"], rule["port_range_max"], rule["remote_ip_prefix"]) == (None, None, None)
    found = ann.get("security-group-rules", protocol="TCP", ethertype="ipv4")["security_group_rules"]
    assert [one["id"] for one in found] == [rule["id"]]


def test_the_default_group_is_not_even_given_its_own_name(ann: Client) -> None:
    """Neutron refuses the name in any request."""
    (default,) = ann.get("security-groups", name="default")["security_groups"]
    refused = ann.refused("PUT", f"security-groups/{default['id']}", json={"security_group": {"name": "default"}})
    assert refused == (409, "SecurityGroupDefaultAlreadyExists")


def test_a_foreign_group_is_not_found(ann: Client, bob: Client) -> None:
    """Neither it nor its rules; to put a rule into it is forbidden, as in Neutron."""
    group = ann.make("security_group", name="g")
    path = f"security-groups/{group['id']}"
    assert bob.refused("GET", path) == (404, "SecurityGroupNotFound")
    assert bob.refused("DELETE", path) == (404, "SecurityGroupNotFound")
    body = {"security_group_id": group["id"], "direction": "ingress"}
    assert bob.refused("POST", "security-group-rules", json={"security_group_rule": body}) == (403, "PolicyNotAuthorized")
    rule = group["security_group_rules"][0]["id"]
    assert bob.refused("GET", f"security-group-rules/{rule}") == (404, "SecurityGroupRuleNotFound")
