"""Rows as a caller is shown them: the attributes that it may read and asked for, in the order of declaration."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from kaon.model.attributes import Resource
from kaon.model.query import Row
from kaon.server.control import parents, policy
from kaon.server.control.conditions import Condition
from kaon.server.control.core import Caller, Core


def needed(caller: Caller, resource: Resource, fields: frozenset[str] | None) -> frozenset[str] | None:
    """What control has to give so that these fields can be shown, and the next page be named; None: all."""
    if fields is None:
        return None
    mirror = {"project_id", "tenant_id"} if fields & {"project_id", "tenant_id"} else set()
    conditions = policy.reading(caller, resource).conditions
    asked_of_rows = frozenset[str]().union(*(condition.reads for condition in conditions))
    naming = parents.NAMING if any(condition.needs_parent for condition in conditions) else frozenset()
    return fields | {"id"} | mirror | asked_of_rows | naming


def page(  # noqa: PLR0913, PLR0917  # each is one trait of the list
    core: Core,
    caller: Caller,
    resource: Resource,
    rows: Sequence[Row],
    fields: frozenset[str] | None,
    conditions: Iterable[Condition] = (),
) -> list[Row]:
    """The rows of a list that the caller may see, as it may see them. conditions: further ones that a row must satisfy."""
    reading = policy.reading(caller, resource)
    wanted = [*conditions, *((reading.rows,) if isinstance(reading.rows, Condition) else ())]
    return _shown(core, caller, rows, _names(reading, fields), wanted)


def one(core: Core, caller: Caller, resource: Resource, row: Row, fields: frozenset[str] | None = None) -> Row:
    """A row that control has found that the caller may see."""
    return _shown(core, caller, [row], _names(policy.reading(caller, resource), fields), [])[0]


_Names = Sequence[tuple[str, Condition | None]]


def _names(reading: policy.Reading, fields: frozenset[str] | None) -> _Names:
    return [(name, condition) for name, condition in reading.names if fields is None or name in fields]


def _shown(core: Core, caller: Caller, rows: Sequence[Row], names: _Names, wanted: Sequence[Condition]) -> list[Row]:
    asked = [*wanted, *(condition for _, condition in names if condition is not None)]
    if not asked:  # nearly always: nothing is asked of single rows
        return _plain(rows, [name for name, _ in names])
    above = parents.of(core, rows, caller.project_id) if any(one.needs_parent for one in asked) else [{}] * len(rows)
    return [
        {name: row[name] for name, condition in names if name in row and (condition is None or condition.holds(row, parent))}
        for row, parent in zip(rows, above, strict=True)
        if all(condition.holds(row, parent) for condition in wanted)
    ]


def _plain(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """These attributes of rows. They nearly always have the same ones: what the first has is taken in one step."""
    there = [name for name in names if rows and name in rows[0]]
    absent = [name for name in names if name not in there]
    if len(there) < 2:  # noqa: PLR2004  # of one name itemgetter gives no tuple
        return [{name: row[name] for name in names if name in row} for row in rows]
    values = itemgetter(*there)
    shown = []
    for row in rows:
        try:
            one = dict(zip(there, values(row)))  # noqa: B905  # as many by what they are, and asking costs
        except KeyError:
            one = {}
        if not one or any(name in row for name in absent):
            one = {name: row[name] for name in names if name in row}
        shown.append(one)
    return shown
