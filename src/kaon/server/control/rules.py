"""The policy engine: rules in the language of oslo.policy, parsed once, then compiled for each caller.

oslo.policy evaluates a rule by walking its tree with a dictionary of the row and one of the caller. A list of 5000 rows would
walk 5000 times. Here the caller's side is settled once (roles, ids), and what is left is yes, no or a short condition; see
`control.conditions`. The language is oslo.policy's own, with the checks that Neutron adds:

    project_id:%(project_id)s            and tenant_id: the row's project is the caller's
    project_id:%(network:project_id)s    its network's is; likewise `security_group:` and `ext_parent:`
    field:networks:shared=True           a field of the row (or of its network) has a value; `=~` begins a regular expression
"""

import ast
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kaon.server.control.conditions import (
    PARENTS,
    Answer,
    Condition,
    Row,
    asking,
    both,
    canonical,
    either,
    negated,
    satisfied,
    value_at,
)
from kaon.server.control.policy_settings import DEFAULT_RULE, Remote

REMEMBERED: Final = 4096
"""Callers whose compiled rules are kept."""

_PLACE = re.compile(r"%\((.*?)\)s")
_TRUE = frozenset({"true", "1", "yes", "on"})


class BadPolicy(ValueError):  # noqa: N818  # the name says it
    """Rules that cannot be used; the text names the rule and the reason."""


@dataclass(frozen=True)
class Credentials:
    """What rules may ask of the caller.

    roles           with those that they imply
    service_roles   of the service token, when a service speaks on the user's behalf
    domain_id, system_scope  of a token that is of no project; no rule lets it do anything, as in Neutron
    """

    user_id: str = ""
    project_id: str = ""
    roles: frozenset[str] = frozenset()
    service_roles: frozenset[str] = frozenset()
    user_domain_id: str = ""
    project_domain_id: str = ""
    domain_id: str = ""
    system_scope: str = ""

    def words(self) -> dict[str, Any]:
        """The same as oslo.policy's checks want it; what is empty is not there."""
        words = {
            "user_id": self.user_id,
            "project_id": self.project_id,
            "tenant_id": self.project_id,
            "roles": sorted(self.roles),
            "service_roles": sorted(self.service_roles),
            "user_domain_id": self.user_domain_id,
            "project_domain_id": self.project_domain_id,
            "domain_id": self.domain_id,
            "system_scope": self.system_scope,
        }
        return {key: value for key, value in words.items() if value}


@dataclass(frozen=True)
class Check:
    """A rule or a part of one, as it was written.

    kind   true, false, not, and, or; rule, role, owner, field; value: a literal or a word of the caller; foreign: others
    word   before the colon
    match  after it
    parts  of not, and, or
    ask    for foreign ones: (row, words of the caller) -> whether it holds
    """

    kind: str
    word: str = ""
    match: str = ""
    parts: tuple["Check", ...] = ()
    ask: Callable[[Row, Mapping[str, Any]], bool] | None = field(default=None, compare=False, repr=False)

    def walk(self) -> list["Check"]:
        """It and all below it, not following rules that it names."""
        return [self, *(deeper for part in self.parts for deeper in part.walk())]


class Policy:
    """Rules, parsed; and what they say to callers, kept while it is in use."""

    def __init__(self, written: Mapping[str, Any], remote: Remote | None = None, default_rule: str = DEFAULT_RULE) -> None:
        """written: name of a rule -> the rule in oslo.policy's language. Errors: BadPolicy."""
        self._default = default_rule
        from kaon.server.control.policy_language import parsed  # noqa: PLC0415  # see there

        self.checks: Mapping[str, Check] = parsed(written, remote or Remote())
        _refuse_circles(self.checks, default_rule)
        self._lock = threading.Lock()
        self._rights: OrderedDict[Credentials, Rights] = OrderedDict()

    def rights(self, credentials: Credentials) -> "Rights":
        """What these rules say to such a caller."""
        with self._lock:
            found = self._rights.pop(credentials, None) or Rights(self.checks, credentials, self._default)
            self._rights[credentials] = found
            if len(self._rights) > REMEMBERED:
                self._rights.popitem(last=False)
            return found


@dataclass
class Rights:
    """What the rules say to one caller; compiled when asked, by any thread, to the same."""

    checks: Mapping[str, Check]
    credentials: Credentials
    default_rule: str = DEFAULT_RULE
    kept: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._words = self.credentials.words()
        self._answers: dict[str, Answer] = {}
        # The rule that says who is an admin may itself ask `is_admin:True`, of nobody yet.
        self._of_project = not (self.credentials.system_scope or self.credentials.domain_id)
        self.is_admin = satisfied(self.answer("context_is_admin"), {})
        self._words["is_admin"] = self.is_admin
        self._answers.clear()

    def knows(self, name: str) -> bool:
        """Whether there is such a rule."""
        return name in self.checks

    def answer(self, name: str) -> Answer:
        """What the rule says to the caller; without such a rule what `default` says."""
        return self._named(name) if self._of_project else False

    def _named(self, name: str) -> Answer:
        found = self._answers.get(name)
        if found is None:
            check = self.checks.get(name, self.checks.get(self.default_rule))
            found = self._answers[name] = False if check is None else self._compiled(check)
        return found

    def _compiled(self, check: Check) -> Answer:
        match check.kind:
            case "true" | "false":
                return check.kind == "true"
            case "not":
                return negated(self._compiled(check.parts[0]))
            case "and":
                return both([self._compiled(part) for part in check.parts])
            case "or":
                return either([self._compiled(part) for part in check.parts])
            case "rule":
                return self._named(check.match)
            case _:
                return self._leaf(check)

    def _leaf(self, check: Check) -> Answer:
        match check.kind:
            case "role":
                roles = frozenset(role.lower() for role in self.credentials.roles)
                return _matching(("role", *sorted(roles)), check.match, lambda value: value.lower() in roles)
            case "field":
                return _field(check.match)
            case "owner":
                return self._owner(check.match)
            case "value":
                values = _values_of(check.word, self._words)
                return _matching(("value", *sorted(values)), check.match, lambda value: value in values)
            case _:
                return self._foreign(check)

    def _owner(self, match: str) -> Answer:
        mine = self.credentials.project_id
        if not mine:
            return False
        name = canonical(_PLACE.findall(match)[0])
        read = value_at(name)
        return asking(("project", name, mine), lambda row, parent: read(row, parent) == mine, frozenset({name}))

    def _foreign(self, check: Check) -> Answer:
        """A check of oslo.policy's that asks somebody else (`http:`), or a plugin's: it is called for every row."""
        words, ask = self._words, check.ask
        assert ask is not None, check  # noqa: S101  # foreign checks have it

        def holds(row: Row, parent: Row) -> bool:
            return ask(dict(row) | {f"{prefix}:{key}": parent[key] for prefix in PARENTS for key in parent}, words)

        return asking(("foreign", check.match), holds, frozenset(), needs_parent=True)


# ---- single checks


def _matching(what: tuple[str, ...], match: str, fits: Callable[[str], bool]) -> Answer:
    """Whether the text after the colon fits, once what it names of the row is put in."""
    names = {given: canonical(given) for given in _PLACE.findall(match)}
    if not names:
        return fits(match.replace("%%", "%"))
    readers = {given: value_at(name) for given, name in names.items()}

    def holds(row: Row, parent: Row) -> bool:
        found = {given: read(row, parent) for given, read in readers.items()}
        return all(value is not None for value in found.values()) and fits(match % found)

    return asking((*what, match), holds, frozenset(names.values()))


def _values_of(kind: str, words: Mapping[str, Any]) -> frozenset[str]:
    """What stands before the colon: a literal, or what the caller has under a name (dots lead further in)."""
    try:
        return frozenset({str(ast.literal_eval(kind))})
    except (ValueError, SyntaxError):
        pass
    found: list[Any] = [words]
    for part in kind.split("."):
        below = [value[part] for value in found if isinstance(value, Mapping) and part in value]
        found = [one for value in below for one in (value if isinstance(value, list) else [value])]
    return frozenset(str(value) for value in found)


def _field(match: str) -> Condition:
    name, _, wanted = match.partition(":")[2].partition("=")
    name = canonical(name)
    read = value_at(name)
    if wanted.startswith("~"):
        pattern = re.compile(wanted[1:])

        def fits(value: Any) -> bool:
            return pattern.match(str(value)) is not None
    else:

        def fits(value: Any) -> bool:
            return value is (wanted.lower() in _TRUE) if isinstance(value, bool) else str(value) == wanted

    def holds(row: Row, parent: Row) -> bool:
        value = read(row, parent)
        return value is not None and fits(value)

    return asking(("field", name, wanted), holds, frozenset({name}))


def _refuse_circles(checks: Mapping[str, Check], default_rule: str) -> None:
    named = {name: {part.match for part in check.walk() if part.kind == "rule"} for name, check in checks.items()}
    settled: set[str] = set()

    def follow(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise BadPolicy(f"rule {name!r} leads back to itself: {' -> '.join((*above, name))}")
        if name in settled:
            return
        for further in named.get(name, named.get(default_rule, set())):
            follow(further, (*above, name))
        settled.add(name)

    for name in named:
        follow(name, ())
