"""The language of rules: oslo.policy's parser, whose trees become plain ones. Nothing else here knows oslo.policy.

It is imported when rules are read, so that the process that serves hosts, which asks none, does without it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg
from oslo_policy import _checks, policy  # the kinds of checks are named nowhere else

from kaon.server.control.policy_settings import Remote
from kaon.server.control.rules import BadPolicy, Check

OWNER = re.compile(r"^%\((.*)\)s$")
"""What stands after `project_id:`."""

_KINDS: Mapping[type[_checks.BaseCheck], str] = {
    _checks.TrueCheck: "true",
    _checks.FalseCheck: "false",
    _checks.NotCheck: "not",
    _checks.AndCheck: "and",
    _checks.OrCheck: "or",
    _checks.RuleCheck: "rule",
    _checks.RoleCheck: "role",
    _checks.GenericCheck: "value",
}


def parsed(written: Mapping[str, Any], remote: Remote) -> dict[str, Check]:
    """Rules by name, as trees. Errors: BadPolicy, where oslo.policy would log and let nobody do it."""
    theirs = {name: _tree(name, rule) for name, rule in written.items()}
    ask = _asking(theirs, remote)
    checks = {name: _plain(check, ask) for name, check in theirs.items()}
    for name, check in checks.items():
        for part in check.walk():
            _refuse_unfit(name, part)
    return checks


def _tree(name: str, written: Any) -> _checks.BaseCheck:
    if not isinstance(written, str | list):
        raise BadPolicy(f"rule {name!r} is not text: {written!r}")
    try:
        check: _checks.BaseCheck = policy.Rules.from_dict({name: written})[name]  # type: ignore[dict-item]  # lists are taken too
    except (TypeError, ValueError, IndexError, AttributeError) as problem:
        raise BadPolicy(f"rule {name!r} cannot be understood: {written!r}: {problem}") from problem
    meant = sum(token == "!" for token in str(written).replace("(", " ").replace(")", " ").split())  # noqa: S105  # no password
    if isinstance(written, str) and sum(isinstance(part, _checks.FalseCheck) for part in _walk(check)) != meant:
        raise BadPolicy(f"rule {name!r} cannot be understood: {written!r}")
    return check


def _below(check: _checks.BaseCheck) -> list[_checks.BaseCheck]:
    return getattr(check, "rules", None) or ([check.rule] if isinstance(check, _checks.NotCheck) else [])


def _walk(check: _checks.BaseCheck) -> list[_checks.BaseCheck]:
    return [check, *(deeper for part in _below(check) for deeper in _walk(part))]


_Ask = Callable[[_checks.BaseCheck, Mapping[str, Any], Mapping[str, Any]], bool]


def _plain(check: _checks.BaseCheck, ask: _Ask) -> Check:
    kind = _KINDS.get(type(check), "foreign")
    word, match = getattr(check, "kind", ""), getattr(check, "match", "")
    if kind == "value" and word in ("field", "project_id", "tenant_id"):
        kind = "field" if word == "field" else "owner"
    if kind == "foreign":
        return Check(kind, word, str(check), ask=lambda target, words: ask(check, target, words))
    return Check(kind, word, match, tuple(_plain(part, ask) for part in _below(check)))


def _refuse_unfit(name: str, part: Check) -> None:
    if part.kind == "owner" and not OWNER.findall(part.match):
        raise BadPolicy(f"rule {name!r}: after {part.word}: stands %(name)s, not {part.match!r}")
    if part.kind != "field":
        return
    resource, colon, rest = part.match.partition(":")
    column, equals, value = rest.partition("=")
    if not (resource and colon and column and equals):
        raise BadPolicy(f"rule {name!r}: field: is followed by resource:name=value, not by {part.match!r}")
    if value.startswith("~"):
        try:
            re.compile(value[1:])
        except re.error as problem:
            raise BadPolicy(f"rule {name!r}: {value[1:]!r} is no regular expression: {problem}") from problem


def _asking(checks: Mapping[str, _checks.BaseCheck], remote: Remote) -> _Ask:
    """How a check that is not known here is asked: as oslo.policy does, with its options and the other rules."""
    options = cfg.ConfigOpts()
    options(args=[], project="kaon", default_config_files=[], default_config_dirs=[])
    enforcer = policy.Enforcer(options, rules=dict(checks), use_conf=False)
    for key, value in vars(remote).items():
        options.set_override(key, value, group="oslo_policy")

    def ask(check: _checks.BaseCheck, target: Mapping[str, Any], words: Mapping[str, Any]) -> bool:
        return bool(_checks._check(check, target, dict(words), enforcer, None))  # noqa: SLF001  # old and new signatures

    return ask
