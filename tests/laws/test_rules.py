"""Laws of the policy engine."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from oslo_config import cfg
from oslo_policy import policy as oslo

from kaon.server.control.conditions import implied, satisfied
from kaon.server.control.rules import Credentials, Policy

_LEAVES = st.sampled_from(
    [
        "@",
        "!",
        "role:admin",
        "role:member",
        "role:%(needed)s",
        "rule:helper",
        "rule:missing",
        "user_id:ann",
        "user_id:%(creator)s",
        "'x':%(y)s",
        "domain_id:%(creator)s",
        "service_roles:service",
        "is_admin:True",
    ]
)
_RULES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda rule: f"not {rule}"),
    ),
    max_leaves=8,
)
_ROWS = st.fixed_dictionaries(
    {},
    optional={
        "needed": st.sampled_from(["admin", "Member"]),
        "creator": st.sampled_from(["ann", "bob"]),
        "y": st.sampled_from(["x", "z"]),
    },
)
_ROLES = st.frozensets(st.sampled_from(["admin", "member", "reader"]))


def _compiled(rules: dict[str, str], roles: frozenset[str]) -> Any:
    return Policy(rules).rights(Credentials("ann", "p1", roles))


@given(_RULES, _RULES, _ROWS, _ROLES)
def test_a_compiled_rule_says_what_oslo_policy_says(rule: str, helper: str, row: dict[str, str], roles: frozenset[str]) -> None:
    """Of whatever rule, row and caller."""
    helper = helper.replace("rule:helper", "@")
    rules = {"context_is_admin": "role:admin", "helper": helper, "default": "role:reader", "asked": rule}
    conf = cfg.ConfigOpts()
    conf(args=[], project="kaon", default_config_files=[], default_config_dirs=[])
    enforcer = oslo.Enforcer(conf, rules=oslo.Rules.from_dict(dict(rules), "default"), default_rule="default", use_conf=False)
    words = {"user_id": "ann", "project_id": "p1", "roles": sorted(roles), "service_roles": [], "is_admin": "admin" in roles}
    expected = enforcer.enforce("asked", dict(row), words)
    assert bool(expected) is satisfied(_compiled(rules, roles).answer("asked"), row)


@given(_RULES, _RULES, _ROWS, _ROLES)
def test_what_is_implied_holds(one: str, other: str, row: dict[str, str], roles: frozenset[str]) -> None:
    """Where one condition is said to imply another, no row satisfies the one and not the other."""
    rights = _compiled({"context_is_admin": "role:admin", "helper": "user_id:%(creator)s", "one": one, "other": other}, roles)
    given_that, then = rights.answer("one"), rights.answer("other")
    if implied(given_that, then) and satisfied(given_that, row):
        assert satisfied(then, row)
