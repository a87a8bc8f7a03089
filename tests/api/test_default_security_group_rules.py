"""What new security groups begin with, over HTTP: default rules, default statefulness, statefulness itself."""

from typing import Any

import pytest
from api_client import Client

PATH = "default-security-group-rules"
ONLY_DEFAULT = {"used_in_default_sg": True, "used_in_non_default_sg": False}
ONLY_OTHERS = {"used_in_default_sg": False, "used_in_non_default_sg": True}
BOTH = {"used_in_default_sg": True, "used_in_non_default_sg": True}


def _rule(admin: Client, **attributes: Any) -> Any:
    body = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, **attributes}
    answer = admin.ask("POST", f"/v2.0/{PATH}", json={"default_security_group_rule": body})
    assert answer.status_code == 201, answer.text
    return answer.json()["default_security_group_rule"]


def _said(rules: Any) -> set[tuple[str, str, str | None, bool]]:
    return {(one["direction"], one["ethertype"], one["protocol"], one["remote_group_id"] is not None) for one in rules}


def test_there_are_four_from_the_beginning(ann: Client) -> None:
    """As in Neutron, for everybody to see: all out of any group, and into the default group what is from itself."""
    rules = ann.get(PATH)["default_security_group_rules"]
    assert rules[0].keys() == {
        *("id", "description", "remote_group_id", "remote_address_group_id", "direction", "protocol"),
        *("port_range_min", "port_range_max", "ethertype", "remote_ip_prefix"),
        *("used_in_default_sg", "used_in_non_default_sg"),
    }
    assert {(one["direction"], one["ethertype"], one["remote_group_id"], one["used_in_non_default_sg"]) for one in rules} == {
        ("egress", "IPv4", None, True),
        ("egress", "IPv6", None, True),
        ("ingress", "IPv4", "PARENT", False),
        ("ingress", "IPv6", "PARENT", False),
    }
    assert {(one["used_in_default_sg"], one["description"]) for one in rules} == {
        (True, "Legacy default SG rule for egress traffic"),
        (True, "Legacy default SG rule for ingress traffic"),
    }
    assert len(ann.get(PATH, used_in_non_default_sg="true")["default_security_group_rules"]) == 2


def test_new_groups_begin_with_them(admin: Client, ann: Client, bob: Client) -> None:
    """Each kind of group with its own; groups that are there stay as they are."""
    (before,) = ann.get("security-groups", name="default")["security_groups"]
    for_default, for_others = _rule(admin, **ONLY_DEFAULT), _rule(admin, **ONLY_OTHERS, ethertype="IPv6", protocol="udp")
    (default,) = bob.get("security-groups", name="default")["security_groups"]
    other = bob.make("security_group", name="g")
    assert ("ingress", "IPv4", "tcp", False) in _said(default["security_group_rules"])
    assert len(default["security_group_rules"]) == 5
    assert _said(other["security_group_rules"]) == {
        ("egress", "IPv4", None, False),
        ("egress", "IPv6", None, False),
        ("ingress", "IPv6", "udp", False),
    }
    assert ann.get(f"security-groups/{before['id']}")["security_group"] == before
    for rule in (for_default, for_others):
        assert admin.get(f"{PATH}/{rule['id']}")["default_security_group_rule"] == rule
        assert admin.ask("DELETE", f"/v2.0/{PATH}/{rule['id']}").status_code == 204
        assert admin.refused("GET", f"{PATH}/{rule['id']}") == (404, "DefaultSecurityGroupRuleNotFound")
    assert len(bob.make("security_group", name="h")["security_group_rules"]) == 2


def test_a_rule_can_name_any_group_while_that_is_there(admin: Client, ann: Client) -> None:
    """What is gone is named by no new group."""
    named = admin.make("security_group", name="bastion")["id"]
    prefixes = admin.ask("POST", "/v2.0/address-groups", json={"address_group": {}}).json()["address_group"]["id"]
    itself = _rule(admin, **ONLY_OTHERS, remote_group_id="PARENT")
    _rule(admin, **ONLY_OTHERS, remote_group_id=named)
    _rule(admin, **ONLY_OTHERS, remote_address_group_id=prefixes)
    group = ann.make("security_group", name="g")
    remote = {(one["remote_group_id"], one["remote_address_group_id"]) for one in group["security_group_rules"]}
    assert remote == {(None, None), (group["id"], None), (named, None), (None, prefixes)}
    assert itself["remote_group_id"] == "PARENT"
    ann.remove("security_group", group["id"])
    admin.remove("security_group", named)
    assert admin.ask("DELETE", f"/v2.0/address-groups/{prefixes}").status_code == 204
    group = ann.make("security_group", name="h")
    assert {one["remote_group_id"] for one in group["security_group_rules"]} == {None, group["id"]}


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (BOTH, ONLY_DEFAULT, True),
        (BOTH, ONLY_OTHERS, True),
        (ONLY_DEFAULT, BOTH, True),
        (ONLY_DEFAULT, ONLY_OTHERS, False),
        (ONLY_OTHERS, ONLY_DEFAULT, False),
    ],
)
def test_a_rule_is_there_once_for_each_kind_of_group(
    admin: Client, first: dict[str, bool], second: dict[str, bool], refused: bool
) -> None:
    """Once for default groups, once for others."""
    rule = _rule(admin, **first)
    if refused:
        body = {"direction": "ingress", "protocol": "6", "port_range_min": 22, "port_range_max": 22, **second}
        answer = admin.refused("POST", PATH, json={"default_security_group_rule": body})
        assert answer == (409, "DefaultSecurityGroupRuleExists")
    else:
        assert _rule(admin, **second)["id"] != rule["id"]


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        ({"direction": None}, (400, "HTTPBadRequest")),
        ({"protocol": None}, (400, "SecurityGroupProtocolRequiredWithPorts")),
        ({"remote_ip_prefix": "2001:db8::/64"}, (400, "SecurityGroupRuleParameterConflict")),
        ({"remote_group_id": "no-such-group"}, (404, "SecurityGroupNotFound")),
        ({"remote_address_group_id": "no-such-group"}, (404, "AddressGroupNotFound")),
        ({"remote_group_id": "PARENT", "remote_ip_prefix": "10.0.0.0/8"}, (400, "SecurityGroupMultipleRemoteEntites")),
    ],
)
def test_a_wrong_rule_is_refused(admin: Client, wish: dict[str, Any], refusal: tuple[int, str]) -> None:
    """For what makes a rule of a group wrong."""
    body = {"direction": "ingress", "protocol": "tcp", "port_range_min": 1, "port_range_max": 2, **BOTH, **wish}
    assert admin.refused("POST", PATH, json={"default_security_group_rule": body}) == refusal


def test_they_are_the_administrators(admin: Client, ann: Client) -> None:
    """Who has them one by one, and changes none."""
    body = {"direction": "ingress", **BOTH}
    forbidden = (403, "PolicyNotAuthorized")
    assert ann.refused("POST", PATH, json={"default_security_group_rule": body}) == forbidden
    rule = ann.get(PATH)["default_security_group_rules"][0]["id"]
    assert ann.refused("DELETE", f"{PATH}/{rule}") == forbidden
    assert admin.refused("POST", PATH, json={"default_security_group_rules": [body]}) == (400, "HTTPBadRequest")
    assert admin.ask("PUT", f"/v2.0/{PATH}/{rule}", json={"default_security_group_rule": {}}).status_code == 405


def test_a_new_group_needs_quota_for_its_rules(admin: Client, ann: Client) -> None:
    """But not the default one: a project's first request is never refused for it."""
    admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"security_group_rule": 0}})
    assert len(ann.get("security-groups")["security_groups"]) == 1
    assert ann.refused("POST", "security-groups", json={"security_group": {"name": "g"}}) == (409, "OverQuota")
    assert ann.get("quotas/p1/details")["quota"]["security_group_rule"]["used"] == 4


STATEFULNESS = "security-groups-default-statefulness"


def _setting(client: Client, **attributes: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/{STATEFULNESS}", json={"security_groups_default_statefulness": attributes})
    assert answer.status_code == 201, answer.text
    return answer.json()["security_groups_default_statefulness"]


def test_statefulness_has_a_default(admin: Client, ann: Client) -> None:
    """A project's own, else everybody's, else stateful; a group that says it itself is as it says."""
    assert ann.make("security_group", name="a")["stateful"] is True
    everybody = _setting(admin, project_id=None, stateful=False)
    assert everybody["project_id"] is None
    assert ann.make("security_group", name="b")["stateful"] is False
    assert ann.make("security_group", name="c", stateful=True)["stateful"] is True
    own = _setting(admin, project_id="p1", stateful=True)
    assert ann.make("security_group", name="d")["stateful"] is True
    path = f"/v2.0/{STATEFULNESS}/{own['id']}"
    changed = admin.ask("PUT", path, json={"security_groups_default_statefulness": {"stateful": False}}).json()
    assert changed["security_groups_default_statefulness"] == own | {"stateful": False}
    assert [
        one["name"] for one in ann.get("security-groups", stateful="false", sort_key="name", sort_dir="asc")["security_groups"]
    ] == ["b"]
    assert ann.get(STATEFULNESS)["security_groups_default_statefulness"] == [own | {"stateful": False}]
    assert len(admin.get(STATEFULNESS)["security_groups_default_statefulness"]) == 2
    again = admin.refused("POST", STATEFULNESS, json={"security_groups_default_statefulness": {"project_id": None}})
    assert again == (409, "SecurityGroupDefaultStatefulnessAlreadyExists")
    assert admin.ask("DELETE", path).status_code == 204
    assert admin.refused("GET", f"{STATEFULNESS}/{own['id']}") == (404, "SecurityGroupDefaultStatefulnessNotFound")


def test_members_leave_it_as_it_is(admin: Client, ann: Client) -> None:
    """Managers of a project set it; what holds for everybody is the administrator's."""
    body = {"security_groups_default_statefulness": {"stateful": False}}
    assert ann.refused("POST", STATEFULNESS, json=body) == (403, "PolicyNotAuthorized")
    own = _setting(admin, project_id="p1", stateful=True)["id"]
    assert ann.refused("PUT", f"{STATEFULNESS}/{own}", json=body) == (403, "PolicyNotAuthorized")
    assert ann.refused("DELETE", f"{STATEFULNESS}/{own}") == (403, "PolicyNotAuthorized")


def test_a_group_in_use_keeps_its_statefulness(ann: Client) -> None:
    """And no port is in groups of both kinds."""
    stateful, stateless = (ann.make("security_group", name="g", stateful=value)["id"] for value in (True, False))
    ann.change("security_group", stateless, stateful=True)
    ann.change("security_group", stateless, stateful=False)
    network = ann.make("network")["id"]
    port = ann.make("port", network_id=network, security_groups=[stateless])["id"]
    turned = ann.refused("PUT", f"security-groups/{stateless}", json={"security_group": {"stateful": True}})
    assert turned == (409, "SecurityGroupInUse")
    both = {"security_groups": [stateful, stateless]}
    assert ann.refused("POST", "ports", json={"port": {"network_id": network, **both}}) == (409, "SecurityGroupConflict")
    assert ann.refused("PUT", f"ports/{port}", json={"port": both}) == (409, "SecurityGroupConflict")
    ann.change("port", port, security_groups=[stateful])


def test_statefulness_under_the_word_of_openstacksdk(admin: Client) -> None:
    """The SDK has the singular in the envelope, Neutron the plural: both are taken, and both are answered."""
    path, word, others = f"/v2.0/{STATEFULNESS}", "security_group_default_statefulness", "security_groups_default_statefulness"
    made = admin.ask("POST", path, json={word: {"project_id": "p1", "stateful": False}}).json()
    assert {word, others} == made.keys()
    assert made[others] == made[word]
    one = f"{path}/{made[word]['id']}"
    assert admin.ask("PUT", one, json={word: {"stateful": True}}).json()[word] == made[word] | {"stateful": True}
    assert admin.ask("GET", one).json()[word] == made[word] | {"stateful": True}
    assert admin.refused("POST", STATEFULNESS, json={"statefulness": {}}) == (400, "HTTPBadRequest")
