"""The policy engine: the language of oslo.policy with Neutron's checks, settled for a caller."""

from typing import Any

import pytest

from kaon.server.control.conditions import Condition, implied, satisfied
from kaon.server.control.rules import BadPolicy, Credentials, Policy

ANN = Credentials(user_id="ann", project_id="p1", roles=frozenset({"member", "reader"}))
NOBODY = Credentials()

_BASE = {"context_is_admin": "role:admin", "owner": "project_id:%(project_id)s", "default": "!"}


def _answer(rule: Any, credentials: Credentials = ANN, **more: str) -> bool | Condition:
    return Policy({**_BASE, **more, "asked": rule}).rights(credentials).answer("asked")


@pytest.mark.parametrize(
    ("expected", "rule"),
    [
        (True, ""),
        (True, "@"),
        (False, "!"),
        (True, "role:member"),
        (True, "role:MEMBER"),
        (False, "role:admin"),
        (True, "not role:admin"),
        (True, "user_id:ann"),
        (False, "user_id:bob"),
        (True, "role:admin or (role:reader and user_id:ann)"),
        (False, "role:reader and not user_id:ann"),
        (True, "is_admin:False"),
        (False, "is_admin:True"),
        (True, "'x':x"),
        (False, "service_roles:service"),
        (False, "rule:context_is_admin"),
        (False, "rule:no_such"),
        (True, [["role:admin"], ["role:reader", "user_id:ann"]]),
    ],
)
def test_what_only_the_caller_decides_is_settled(expected: bool, rule: Any) -> None:
    """Nothing is left to ask of rows."""
    assert _answer(rule) is expected


@pytest.mark.parametrize(
    ("expected", "rule", "row", "parent"),
    [
        (True, "rule:owner", {"project_id": "p1"}, {}),
        (False, "rule:owner", {"project_id": "p2"}, {}),
        (False, "rule:owner", {}, {}),
        (True, "tenant_id:%(tenant_id)s", {"project_id": "p1"}, {}),
        (True, "project_id:%(network:project_id)s", {"project_id": "p2"}, {"project_id": "p1"}),
        (True, "tenant_id:%(network_tenant_id)s", {}, {"project_id": "p1"}),
        (True, "tenant_id:%(ext_parent:tenant_id)s", {}, {"project_id": "p1"}),
        (False, "tenant_id:%(security_group:tenant_id)s", {"project_id": "p1"}, {"project_id": "p2"}),
        (True, "field:networks:shared=True", {"shared": True}, {}),
        (True, "field:networks:shared=True", {"network_id": "n"}, {"shared": True}),
        (False, "field:networks:shared=True", {"shared": False}, {"shared": True}),
        (True, "field:networks:router:external=True", {}, {"router:external": True}),
        (True, "field:port:device_owner=~^network:", {"device_owner": "network:dhcp"}, {}),
        (False, "field:port:device_owner=~^network:", {"device_owner": "compute:network:x"}, {}),
        (False, "field:port:device_owner=~^network:", {}, {}),
        (True, "not field:rbac_policy:target_tenant=*", {"target_tenant": "p2"}, {}),
        (True, "'x':%(y)s", {"y": "x"}, {}),
        (False, "'x':%(y)s", {}, {}),
        (True, "user_id:%(creator)s", {"creator": "ann"}, {}),
        (True, "role:%(needed)s", {"needed": "Reader"}, {}),
        (True, "role:reader and rule:owner or field:networks:shared=True", {"project_id": "p1", "shared": False}, {}),
    ],
)
def test_the_rest_is_asked_of_the_row_and_its_parent(
    expected: bool, rule: str, row: dict[str, Any], parent: dict[str, Any]
) -> None:
    """A rule that the caller does not settle is a condition."""
    answer = _answer(rule)
    assert isinstance(answer, Condition)
    assert satisfied(answer, row, parent) is expected


def test_a_caller_of_no_project_owns_nothing() -> None:
    """Not even rows without a project."""
    assert _answer("rule:owner", NOBODY) is False


def test_tokens_of_a_domain_or_the_system_may_nothing() -> None:
    """As in Neutron, whose rules are all for projects."""
    for scope in ({"system_scope": "all"}, {"domain_id": "d"}):
        caller = Credentials(user_id="root", roles=frozenset({"admin"}), **scope)  # type: ignore[arg-type]  # names of fields
        assert _answer("@", caller) is False
        assert Policy(_BASE).rights(caller).is_admin is False


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("cannot be understood", "role:admin or nonsense"),
        ("cannot be understood", "role:admin and"),
        ("cannot be understood", "(role:admin"),
        ("is not text", 5),
        ("stands %", "project_id:p1"),
        ("resource:name=value", "field:networks"),
        ("no regular expression", "field:port:device_owner=~("),
        ("asked -> asked", "rule:asked"),
        ("leads back", "not rule:other"),
    ],
)
def test_a_broken_rule_is_named(reason: str, rule: Any) -> None:
    """It does not silently let nobody through."""
    with pytest.raises(BadPolicy, match=reason) as caught:
        _answer(rule, other="rule:asked")
    assert "asked" in str(caught.value)


def test_the_default_rule_stands_for_missing_ones() -> None:
    """An action without a rule is asked of `default`."""
    assert isinstance(Policy({**_BASE, "default": "rule:owner"}).rights(ANN).answer("create_thing"), Condition)
    assert Policy({**_BASE, "other": "@"}, default_rule="other").rights(ANN).answer("create_thing") is True


def test_conditions_of_the_same_shape_are_equal() -> None:
    """So that what a list already asked is not asked again of each row."""
    wide, same = _answer("rule:owner or field:networks:shared=True"), _answer("field:networks:shared=True or rule:owner")
    narrow = _answer("rule:owner and field:networks:name=x")
    assert wide == same
    assert [True, False] == [implied(_answer("rule:owner"), wide), implied(wide, _answer("rule:owner"))]
    assert [True, False] == [implied(narrow, _answer("rule:owner")), implied(_answer("rule:owner"), narrow)]
    never, always = _answer("!"), _answer("@")
    assert (implied(never, narrow), implied(narrow, always), implied(always, narrow)) == (True, True, False)


def test_a_foreign_check_is_asked_with_the_row() -> None:
    """`http:` and plugins' checks are called as oslo.policy calls them; nobody listens here."""
    policy = Policy({**_BASE, "asked": "http://127.0.0.1:9/%(id)s"})
    answer = policy.rights(ANN).answer("asked")
    assert isinstance(answer, Condition)
    assert answer.needs_parent
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        answer.holds({"id": "1"}, {})


def test_callers_of_the_same_credentials_share_what_was_compiled() -> None:
    """It is worked out once."""
    policy = Policy(_BASE)
    assert policy.rights(ANN) is policy.rights(Credentials("ann", "p1", frozenset({"reader", "member"})))
    assert policy.rights(ANN) is not policy.rights(NOBODY)
