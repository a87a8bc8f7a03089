"""Lists of any resource: filters, order, pages by key, who may see what; children of a page with one statement each.

A list of any length takes one statement for the marker (when there is one), one for the page, and one for each kind of child.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from kaon.model.query import FilterValue, Query
from kaon.server.store.engine import Transaction

RowMap = Mapping[Any, Any]
Condition = sa.ColumnElement[bool]
Special = Callable[[tuple[FilterValue, ...]], Condition]

_FEW = 500
"""Up to so many parents are named one by one; more are named by the page's own statement."""


class Seeing(Protocol):
    """Which rows a caller may see; `server.control.policy.Visibility` is one.

    everything  no restriction
    project_id  the caller's; empty: none
    through     rows that stand in one of these relations to that project are seen, see `Listing.through`
    own         rows of that project are seen
    """

    @property
    def everything(self) -> bool: ...  # noqa: D102  # see the class

    @property
    def project_id(self) -> str: ...  # noqa: D102  # see the class

    @property
    def through(self) -> frozenset[str]: ...  # noqa: D102  # see the class

    @property
    def own(self) -> bool: ...  # noqa: D102  # see the class


@dataclass(frozen=True)
class Listing:
    """How a resource is listed.

    table    its rows; has `id`, and `project_id` unless only administrators see it
    columns  wire name -> what filters compare and sorting orders by
    special  wire name -> condition, for filters that are no plain comparison
    through  relation -> condition on a project's behalf (parent_owner, shared, external)
    viewed   wire name -> what a row is to the caller's project (shared with it, or not): comes with the row, and is a filter
    """

    table: sa.Table
    columns: Mapping[str, sa.ColumnElement[Any]]
    special: Mapping[str, Special] = field(default_factory=dict)
    through: Mapping[str, Callable[[str], Condition]] = field(default_factory=dict)
    viewed: Mapping[str, Callable[[str], Condition]] = field(default_factory=dict)

    def columns_viewed(self, project_id: str) -> list[sa.ColumnElement[bool]]:
        """Give the columns that come with a row that a project looks at."""
        return [asked(project_id).label(name) for name, asked in self.viewed.items()]


class MarkerNotFound(LookupError):  # noqa: N818  # one of the ways to not find, named as the others
    """The row after which the page should begin does not exist, or may not be seen."""


@dataclass(frozen=True)
class Rows:
    """One page of rows, in the order asked for, and the statement that chose them.

    Rows beyond what was asked for tell `has_more` and are not among `rows`; `chosen` has them, harmlessly.
    """

    rows: Sequence[RowMap]
    has_more: bool
    chosen: sa.Select[Any]


def standard_columns(table: sa.Table, *names: str, **renamed: str) -> dict[str, sa.ColumnElement[Any]]:
    """Give wire names for columns: those every resource has, further ones of the same name, and `column="wire:name"`."""
    common = ("id", "name", "project_id", "description", "revision_number", *names)
    columns: dict[str, sa.ColumnElement[Any]] = {name: table.c[name] for name in common if name in table.c}
    if "project_id" in table.c:
        columns["tenant_id"] = table.c.project_id
    return columns | {wire: table.c[column] for column, wire in renamed.items()}


def index(tx: Transaction, listing: Listing, query: Query, seeing: Seeing) -> Rows:
    """Find one page of a list.

    Errors  MarkerNotFound; KeyError for a filter or sort key that the listing does not know: the API checks them before.
    """
    visible = seen(listing, seeing)
    matches = [visible, *(_condition(listing, key, values, seeing.project_id) for key, values in query.filters.items())]
    order = _order(listing, query)
    if query.marker is not None:
        matches.append(_beyond(tx, listing, order, query.marker, visible))
    selected = sa.select(listing.table, *listing.columns_viewed(seeing.project_id)).where(*matches)
    chosen = selected.order_by(*(key.asc() if up else key.desc() for key, up in order))
    limited = chosen if query.limit is None else chosen.limit(query.limit + 1)
    found: list[RowMap] = list(tx.execute(limited).mappings())
    rows = found[: query.limit]
    if query.page_reverse:
        rows.reverse()
    return Rows(rows, has_more=len(found) > len(rows), chosen=limited)


def one(tx: Transaction, table: sa.Table, identity: str, *viewed: sa.ColumnElement[Any]) -> RowMap | None:
    """Find a row by its id, with `viewed` columns of the listing. A transaction that writes relies on the revision."""
    found = tx.execute(sa.select(table, *viewed).where(table.c.id == identity)).mappings().first()
    if found is not None and "revision_number" in found:
        tx.rely_on(table, identity, found["revision_number"])
    return found


def children(
    tx: Transaction,
    page: Rows,
    parent: sa.Column[Any],
    *order: sa.ColumnElement[Any],
    also: Sequence[sa.ColumnElement[Any]] = (),
) -> Mapping[str, list[RowMap]]:
    """Find what belongs to the rows of a page, by parent id.

    parent  the column of the child that names its parent
    also    further columns
    """
    table = parent.table
    statement = sa.select(table, *also)
    if len(page.rows) <= _FEW:
        statement = statement.where(parent.in_([row["id"] for row in page.rows]))
    else:
        # A join: MariaDB refuses LIMIT inside IN. Only the id is carried; the order decides which rows are within the limit.
        chosen = page.chosen.with_only_columns(page.chosen.selected_columns.id).subquery("page")
        statement = statement.join(chosen, chosen.c.id == parent)
    grouped: defaultdict[str, list[RowMap]] = defaultdict(list)
    if page.rows:
        for row in tx.execute(statement.order_by(*order)).mappings():
            grouped[row[parent.key]].append(row)
    return grouped


def only(row: RowMap) -> Rows:
    """Make a page of one row that is at hand, to find its children."""
    return Rows([row], has_more=False, chosen=sa.select(sa.literal(row["id"]).label("id")))


def below(page: Rows, parent: sa.Column[Any], found: Mapping[str, Sequence[RowMap]]) -> Rows:
    """Make a page of the children of a page's rows, as `children` found them by `parent`, to find theirs."""
    above = page.chosen.with_only_columns(page.chosen.selected_columns.id).subquery("above")
    chosen = sa.select(parent.table.c.id).join(above, above.c.id == parent)
    return Rows([row for rows in found.values() for row in rows], has_more=False, chosen=chosen)


def seen(listing: Listing, seeing: Seeing) -> Condition:
    """Give the condition that a row may be seen."""
    if seeing.everything:
        return sa.true()
    if not seeing.project_id and "project_id" not in listing.table.c:
        return sa.false()
    ways = [listing.through[relation](seeing.project_id) for relation in sorted(seeing.through) if relation in listing.through]
    if seeing.own and seeing.project_id:
        ways.append(listing.table.c.project_id == seeing.project_id)
    return sa.or_(sa.false(), *ways)


def like_part(column: sa.ColumnElement[str], part: str) -> Condition:
    """Give the condition that the column contains the part."""
    return column.contains(part, autoescape=True)


def _condition(listing: Listing, key: str, values: tuple[FilterValue, ...], project_id: str) -> Condition:
    if key in listing.viewed:
        holds = listing.viewed[key](project_id)
        return sa.or_(*(holds if value else sa.not_(holds) for value in dict.fromkeys(values)))
    if key in listing.special:
        return listing.special[key](values)
    column = listing.columns[key]
    wanted: Condition = column.in_(values) if len(values) != 1 else column == values[0]
    return sa.or_(wanted, column.is_(None)) if "" in values else wanted


def _order(listing: Listing, query: Query) -> list[tuple[sa.ColumnElement[Any], bool]]:
    """Give the keys of the order and their directions of travel; the id comes last and makes it total."""
    keys = [(_orderable(listing.columns[name]), ascending) for name, ascending in query.sort]
    if all(name != "id" for name, _ in query.sort):
        keys.append((listing.table.c.id, True))
    return [(key, ascending != query.page_reverse) for key, ascending in keys]


def _orderable(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Put nothing before everything, on every database."""
    if not getattr(column, "nullable", False):
        return column
    return sa.func.coalesce(column, -1 if isinstance(column.type, sa.Integer) else "")


def _beyond(
    tx: Transaction, listing: Listing, order: list[tuple[sa.ColumnElement[Any], bool]], marker: str, visible: Condition
) -> Condition:
    """Give the condition that a row lies behind the marker in the direction of travel."""
    keys = [key.label(f"key_{at}") for at, (key, _) in enumerate(order)]
    there = tx.execute(sa.select(*keys).select_from(listing.table).where(listing.table.c.id == marker, visible)).first()
    if there is None:
        raise MarkerNotFound(marker)
    ways = []
    for at, (key, ascending) in enumerate(order):
        same = [earlier == value for (earlier, _), value in zip(order[:at], there[:at], strict=True)]
        ways.append(sa.and_(*same, key > there[at] if ascending else key < there[at]))
    return sa.or_(*ways)
