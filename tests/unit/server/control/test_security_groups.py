"""Security groups and their rules."""

import threading
from typing import Any

import pytest
from cloud import ADMIN, ANN, BOB, Cloud

from kaon.model import errors
from kaon.model.query import Query, Row
from kaon.server.control import quotas, security_group_rules, security_groups
from kaon.wire import scopes


def _default(cloud: Cloud) -> Row:
    (row,) = security_groups.index(cloud.core, ANN, Query(filters={"name": ("default",)})).rows
    return row


def _group(cloud: Cloud, **body: Any) -> Row:
    return security_groups.create(cloud.core, ANN, [{"project_id": "p1", "name": "web", **body}])[0]


def _rule(cloud: Cloud, group: Row, caller: Any = ANN, **body: Any) -> Row:
    given = {"project_id": "p1", "security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4", **body}
    return security_group_rules.create(cloud.core, caller, [given])[0]


def _says(rule: Row) -> tuple[str, str, bool]:
    return rule["direction"], rule["ethertype"], rule["remote_group_id"] is not None


def test_default_group_appears_with_the_first_list(cloud: Cloud) -> None:
    """Whoever lists groups has one: everything out, from itself in."""
    group = _default(cloud)
    expected = {("egress", "IPv4", False), ("egress", "IPv6", False), ("ingress", "IPv4", True), ("ingress", "IPv6", True)}
    assert expected == {_says(rule) for rule in group["security_group_rules"]}
    assert {group["id"]} == {rule["remote_group_id"] for rule in group["security_group_rules"]} - {None}
    assert 4 == len(security_group_rules.index(cloud.core, ANN, Query()).rows)


def test_default_group_is_made_once_by_many(cloud: Cloud) -> None:
    """Projects that begin with several requests at once have one default group all the same."""
    threads = [threading.Thread(target=lambda: security_groups.index(cloud.core, ANN, Query())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len(security_groups.index(cloud.core, ANN, Query()).rows)


def test_admin_listing_another_project_makes_its_default(cloud: Cloud) -> None:
    """A list for a project that never did anything shows its default group."""
    page = security_groups.index(cloud.core, ADMIN, Query(filters={"project_id": ("p7",)}))
    assert ["default"] == [row["name"] for row in page.rows]


def test_new_group_lets_everything_out(cloud: Cloud) -> None:
    """A group begins with two egress rules, and counts in the quota."""
    group = _group(cloud)
    assert {("egress", "IPv4", False), ("egress", "IPv6", False)} == {_says(rule) for rule in group["security_group_rules"]}
    assert group == security_groups.show(cloud.core, ANN, group["id"])
    assert 2 == quotas.details(cloud.core, ANN, "p1")["security_group"]["used"]  # with the default one


@pytest.mark.parametrize("name", ["default", "Default", "DEFAULT"])
def test_default_is_a_reserved_name(cloud: Cloud, name: str) -> None:
    """No other group can take the name, in any case."""
    with pytest.raises(errors.SecurityGroupDefaultAlreadyExists):
        _group(cloud, name=name)
    with pytest.raises(errors.SecurityGroupDefaultAlreadyExists):
        security_groups.update(cloud.core, ANN, _group(cloud)["id"], {"name": name})


def test_default_group_stays(cloud: Cloud) -> None:
    """A member can neither rename nor delete the default group; its description may change."""
    group = _default(cloud)
    with pytest.raises(errors.SecurityGroupCannotUpdateDefault):
        security_groups.update(cloud.core, ANN, group["id"], {"name": "mine"})
    with pytest.raises(errors.SecurityGroupCannotRemoveDefault):
        security_groups.delete(cloud.core, ANN, group["id"])
    changed = security_groups.update(cloud.core, ANN, group["id"], {"description": "ours"})
    assert (group["revision_number"] + 1, "ours") == (changed["revision_number"], changed["description"])


def test_group_in_use_stays(cloud: Cloud) -> None:
    """A group that a port is in cannot be deleted, nor made stateless."""
    group = _group(cloud)
    port = cloud.port(cloud.network(), security_groups=[group["id"]])
    with pytest.raises(errors.SecurityGroupInUse, match=port["id"]):
        security_groups.delete(cloud.core, ANN, group["id"])
    with pytest.raises(errors.SecurityGroupInUse):
        security_groups.update(cloud.core, ANN, group["id"], {"stateful": False})


def test_foreign_group_is_unknown(cloud: Cloud) -> None:
    """Another project's group, and its rules, cannot be seen, used or named; to add a rule to it is forbidden."""
    group = _group(cloud)
    rule_id = group["security_group_rules"][0]["id"]
    with pytest.raises(errors.SecurityGroupNotFound):
        security_groups.show(cloud.core, BOB, group["id"])
    with pytest.raises(errors.PolicyNotAuthorized):
        _rule(cloud, group, BOB, project_id="p2")
    with pytest.raises(errors.SecurityGroupRuleNotFound):
        security_group_rules.delete(cloud.core, BOB, rule_id)
    with pytest.raises(errors.SecurityGroupNotFound):
        cloud.port(cloud.network(BOB), BOB, security_groups=[group["id"]])


def test_stale_revision_is_refused(cloud: Cloud) -> None:
    """Who looked at another revision changes nothing; the revision moves with the rules."""
    group = _group(cloud)
    _rule(cloud, group, protocol="tcp", port_range_min=80, port_range_max=80)
    assert group["revision_number"] + 1 == security_groups.show(cloud.core, ANN, group["id"])["revision_number"]
    with pytest.raises(errors.RevisionNumberConstraintFailed):
        security_groups.delete(cloud.core, ANN, group["id"], revision=group["revision_number"])


def test_rule_is_told_to_hosts(cloud: Cloud) -> None:
    """A rule is an entry of its group, its prefix without host bits there, as it was sent in the API."""
    group = _group(cloud)
    rule = _rule(cloud, group, protocol="tcp", port_range_min=22, port_range_max=22, remote_ip_prefix="10.1.2.3/8")
    assert ("10.1.2.3/8", "10.0.0.0/8") == (rule["remote_ip_prefix"], rule["normalized_cidr"])
    assert "10.0.0.0/8" == cloud.read(scopes.group(group["id"]))[f"rule/{rule['id']}"].remote_ip_prefix
    security_group_rules.delete(cloud.core, ANN, rule["id"])
    assert f"rule/{rule['id']}" not in cloud.read(scopes.group(group["id"]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"protocol": "tcp"}, {"protocol": "6"}),
        ({"ethertype": "IPv6", "protocol": "icmp"}, {"ethertype": "IPv6", "protocol": "58"}),
        ({"remote_ip_prefix": "10.1.2.3/8"}, {"remote_ip_prefix": "10.0.0.0/8"}),
        ({"remote_ip_prefix": "0.0.0.0/0"}, {}),
        ({"description": "one"}, {"description": "two"}),
    ],
)
def test_same_rule_is_refused(cloud: Cloud, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Two rules that say the same are the same, however they are written; also inside one request."""
    group = _group(cloud)
    rule = _rule(cloud, group, **first)
    with pytest.raises(errors.SecurityGroupRuleExists, match=rule["id"]):
        _rule(cloud, group, **second)
    own = {"project_id": "p1", "security_group_id": _group(cloud)["id"], "direction": "ingress", "ethertype": "IPv4"}
    with pytest.raises(errors.DuplicateSecurityGroupRuleInPost):
        security_group_rules.create(cloud.core, ANN, [own | first, own | second])


@pytest.mark.parametrize(
    ("refusal", "values"),
    [
        (errors.SecurityGroupProtocolRequiredWithPorts, {"port_range_min": 1, "port_range_max": 2}),
        (errors.SecurityGroupInvalidPortRange, {"protocol": "tcp", "port_range_min": 2, "port_range_max": 1}),
        (errors.SecurityGroupInvalidPortRange, {"protocol": "udp", "port_range_min": 2}),
        (errors.SecurityGroupInvalidPortValue, {"protocol": "tcp", "port_range_min": 0, "port_range_max": 1}),
        (errors.SecurityGroupInvalidProtocolForPort, {"protocol": "gre", "port_range_min": 1, "port_range_max": 1}),
        (errors.SecurityGroupInvalidIcmpValue, {"protocol": "icmp", "port_range_min": 256}),
        (errors.SecurityGroupMissingIcmpType, {"protocol": "icmp", "port_range_max": 1}),
        (errors.SecurityGroupEthertypeConflictWithProtocol, {"protocol": "ipv6-icmp"}),
        (errors.SecurityGroupRuleParameterConflict, {"remote_ip_prefix": "2001:db8::/64"}),
        (errors.SecurityGroupMultipleRemoteEntites, {"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": "g"}),
        (errors.SecurityGroupNotFound, {"remote_group_id": "g"}),
    ],
)
def test_values_that_do_not_fit_are_refused(cloud: Cloud, refusal: type[errors.Refused], values: dict[str, Any]) -> None:
    """Every combination that has no meaning has its own refusal, and leaves nothing behind."""
    group = _group(cloud)
    with pytest.raises(refusal):
        _rule(cloud, group, **values)
    assert group == security_groups.show(cloud.core, ANN, group["id"])


def test_deleted_group_takes_foreign_rules_along(cloud: Cloud) -> None:
    """Rules of other groups that name a group go with it, and their hosts are told."""
    group, other = _group(cloud), _group(cloud, name="db")
    rule = _rule(cloud, other, remote_group_id=group["id"])
    security_groups.delete(cloud.core, ANN, group["id"])
    assert f"rule/{rule['id']}" not in cloud.read(scopes.group(other["id"]))
    assert rule["id"] not in {found["id"] for found in security_group_rules.index(cloud.core, ANN, Query()).rows}
    left = len(security_group_rules.index(cloud.core, ANN, Query()).rows)
    assert left == quotas.details(cloud.core, ANN, "p1")["security_group_rule"]["used"]


def test_list_costs_a_bounded_number_of_statements(cloud: Cloud) -> None:
    """A list of groups takes at most six statements however many there are."""
    for number in range(8):
        _group(cloud, name=f"g{number}")
    with cloud.store.counting() as statements:
        security_groups.index(cloud.core, ANN, Query(limit=7))
    assert len(statements) <= 6, statements
