"""What is left of a policy rule when the caller is known: yes, no, or a condition on the row.

A condition keeps its shape, so that two of them can be compared and lists can be narrowed in SQL by the parts that it knows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Row = Mapping[str, Any]

PARENTS: Final = ("network", "security_group", "ext_parent")
"""Words before a colon that stand for the row's parent: `network:project_id`."""

FROM_PARENT: Final = frozenset({"shared", "router:external"})
"""Fields that a row without them (a port, a subnet) has from its network."""

_NOTHING: Final[Row] = {}


@dataclass(frozen=True)
class Condition:
    """A question about a row and its parent that neither the rule nor the caller answers alone.

    kind          `is` one thing that is asked, or `all`, `any`, `not` of parts
    what          what is asked, for `is`: (`project`, where it is read, whose) or (`field`, name, value) or another tuple
    parts         of the others
    holds         the answer for a row and its parent ({}: none)
    reads         names that it looks up in the row
    needs_parent  whether the parent decides too
    """

    kind: Literal["is", "all", "any", "not"]
    what: tuple[str, ...]
    parts: frozenset["Condition"]
    holds: Callable[[Row, Row], bool] = field(compare=False, repr=False)
    reads: frozenset[str] = field(compare=False, default=frozenset())
    needs_parent: bool = field(compare=False, default=False)

    @property
    def ways(self) -> frozenset["Condition"]:
        """The conditions any one of which is enough."""
        return self.parts if self.kind == "any" else frozenset({self})


Answer = bool | Condition


def both(answers: list[Answer]) -> Answer:
    """All of them must hold."""
    parts = frozenset(answer for answer in answers if isinstance(answer, Condition))
    if any(answer is False for answer in answers):
        return False
    return _joined("all", parts) if parts else True


def either(answers: list[Answer]) -> Answer:
    """One of them is enough."""
    found: set[Condition] = set()
    for answer in answers:
        if answer is True:
            return True
        if isinstance(answer, Condition):
            found |= answer.ways
    return _joined("any", frozenset(found)) if found else False


def negated(answer: Answer) -> Answer:
    """It must not hold."""
    if isinstance(answer, bool):
        return not answer
    inner = answer.holds
    return Condition(
        "not", (), frozenset({answer}), lambda row, parent: not inner(row, parent), answer.reads, answer.needs_parent
    )


def _joined(kind: Literal["all", "any"], parts: frozenset[Condition]) -> Condition:
    if len(parts) == 1:
        return next(iter(parts))
    # What needs no parent is asked first; the rest of the order is only there to be the same every time.
    tests = tuple(part.holds for part in sorted(parts, key=lambda part: (part.needs_parent, part.kind, part.what)))
    wanted = kind == "any"

    def holds(row: Row, parent: Row) -> bool:
        for test in tests:
            if test(row, parent) is wanted:
                return wanted
        return not wanted

    reads = frozenset[str]().union(*(part.reads for part in parts))
    return Condition(kind, (), parts, holds, reads, any(part.needs_parent for part in parts))


def asking(
    what: tuple[str, ...], holds: Callable[[Row, Row], bool], names: frozenset[str], *, needs_parent: bool = False
) -> Condition:
    """A single question. names: what it reads, with the words before the colon of those of the parent."""
    of_parent = {name for name in names if name.partition(":")[0] in PARENTS}
    from_parent = needs_parent or bool(of_parent) or bool(names & FROM_PARENT)
    return Condition("is", what, frozenset(), holds, names - of_parent, from_parent)


def canonical(name: str) -> str:
    """The name under which a row has it: for `tenant_id` `project_id`, for `network_tenant_id` of old `network:project_id`."""
    for parent in PARENTS:
        if name in (f"{parent}_tenant_id", f"{parent}_project_id", f"{parent}:tenant_id"):
            return f"{parent}:project_id"
    return "project_id" if name == "tenant_id" else name


def value_at(name: str) -> Callable[[Row, Row], Any]:
    """What reads a canonical name in a row and its parent; None where there is no such thing."""
    before, _, rest = name.partition(":")
    if before in PARENTS:
        return lambda row, parent: row[name] if name in row else parent.get(rest)
    if name in FROM_PARENT:
        return lambda row, parent: row[name] if name in row else parent.get(name)
    return lambda row, _parent: row.get(name)


def satisfied(answer: Answer, row: Row, parent: Row | None = None) -> bool:
    """The answer for one row."""
    return answer if isinstance(answer, bool) else answer.holds(row, _NOTHING if parent is None else parent)


def implied(given: Answer, answer: Answer) -> bool:
    """Whether the answer is certainly yes for rows for which `given` holds. May miss some: it compares shapes only."""
    if isinstance(answer, bool) or isinstance(given, bool):
        return answer is True or given is False
    if any(given == part or (given.kind == "all" and part in given.parts) for part in answer.ways):
        return True
    return given.kind == "any" and all(implied(way, answer) for way in given.ways)
