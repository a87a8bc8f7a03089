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
        *("created_at", "updated_at", "revision_number", "tags"),
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
