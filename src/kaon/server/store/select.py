"""Lists of any resource: filters, order, pages by key, who may see what; children of a page with one statement each.

A list of any length takes one statement for the marker (when there is one), one for the page, and one for each kind of child.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from kaon.model.query import FilterValue, Query
from kaon.server.store import packed
from kaon.server.store.engine import Transaction

RowMap = Mapping[Any, Any]
Condition = sa.ColumnElement[bool]
Special = Callable[[tuple[FilterValue, ...]], Condition]

VIEWER = "viewer"
"""Name of the parameter for the project that looks."""

_PART, _VALUE = "\x1e", "\x1d"
"""What stands between the parts, and between the values of a part, that come `inside` a row: separators of ASCII."""

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
    besides  labelled columns that come with each row
    shown    (column, wire name) of columns: rows come under these names, with times as text, as the API has them; empty: as
             they are
    """

    table: sa.Table
    columns: Mapping[str, sa.ColumnElement[Any]]
    special: Mapping[str, Special] = field(default_factory=dict)
    through: Mapping[str, Callable[[str], Condition]] = field(default_factory=dict)
    viewed: Mapping[str, Callable[[str], Condition]] = field(default_factory=dict)
    besides: tuple[sa.ColumnElement[Any], ...] = ()
    shown: tuple[tuple[str, str], ...] = ()

    @functools.cached_property
    def extra(self) -> tuple[sa.ColumnElement[Any], ...]:
        """Give what comes with a row besides the columns of the table. Parameter VIEWER: the project that looks."""
        viewer: Any = sa.bindparam(VIEWER, type_=sa.String)
        return (*(asked(viewer).label(name) for name, asked in self.viewed.items()), *self.besides)

    def asked_by(self, project_id: str) -> dict[str, str]:
        """Give the parameters of `extra` for a project that looks."""
        return {VIEWER: project_id} if self.viewed else {}


class MarkerNotFound(LookupError):  # noqa: N818  # one of the ways to not find, named as the others
    """The row after which the page should begin does not exist, or may not be seen."""


@dataclass(frozen=True)
class Rows:
    """One page of rows, in the order asked for, and the statement that chose them: it selects their ids.

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
    chosen = sa.select(listing.table.c.id).where(*matches)
    chosen = chosen.order_by(*(key.asc() if up else key.desc() for key, up in order))
    limited = chosen if query.limit is None else chosen.limit(query.limit + 1)
    asked = fetch(limited, listing.table, listing.extra, tx.dialect, listing.shown)
    found = fetched(tx, asked, listing.asked_by(seeing.project_id))
    rows = found[: query.limit]
    if query.page_reverse:
        rows.reverse()
    return Rows(rows, has_more=len(found) > len(rows), chosen=limited)


def one(tx: Transaction, table: sa.Table, identity: str) -> RowMap | None:
    """Find a row by its id. A transaction that writes relies on the revision."""
    return _relied_on(tx, table, identity, fetched(tx, _by_id(table, (), tx.dialect), {"id": identity}))


def member(tx: Transaction, listing: Listing, identity: str, project_id: str = "") -> RowMap | None:
    """Find a row by its id, with what comes with it, as a project sees it. Relied on as by `one`."""
    asked = _by_id(listing.table, listing.extra, tx.dialect, listing.shown)
    found = fetched(tx, asked, {"id": identity, **listing.asked_by(project_id)})
    return _relied_on(tx, listing.table, identity, found)


@dataclass(frozen=True)
class Fetch:
    """A statement for rows of a table, in two forms: one text a row, and column by column.

    Made once wherever it can be: to make it takes longer than to run it.
    """

    packing: packed.Packing
    statement: sa.Select[Any]
    plain: sa.Select[Any]


def fetch(
    chosen: sa.Select[Any],
    table: sa.Table,
    extra: tuple[sa.ColumnElement[Any], ...],
    dialect: str,
    shown: tuple[tuple[str, str], ...] = (),
) -> Fetch:
    """Make a statement give all columns of a table and more, whatever it selects so far. shown: see `Listing`."""
    packing = _packing(table, extra, dialect, shown)
    return Fetch(
        packing,
        chosen.with_only_columns(packing.column, maintain_column_froms=True),
        chosen.with_only_columns(table, *extra, maintain_column_froms=True),
    )


def fetched(tx: Transaction, asked: Fetch, parameters: Mapping[str, Any] | None = None) -> list[RowMap]:
    """Find rows; their values are those of `sa.select(table)`."""
    row = asked.packing.row
    try:
        return [row(text) for text in tx.execute(asked.statement, parameters).scalars()]
    except packed.Unpackable:
        return [asked.packing.plain(found) for found in tx.execute(asked.plain, parameters)]


@functools.lru_cache(256)
def _packing(
    table: sa.Table, extra: tuple[sa.ColumnElement[Any], ...], dialect: str, shown: tuple[tuple[str, str], ...]
) -> packed.Packing:
    packing = packed.extended(packed.of_table(table, dialect), extra, dialect)
    return packing.shown(dict(shown)) if shown else packing


@functools.lru_cache(256)
def _by_id(
    table: sa.Table, extra: tuple[sa.ColumnElement[Any], ...], dialect: str, shown: tuple[tuple[str, str], ...] = ()
) -> Fetch:
    identity = sa.bindparam("id", type_=table.c.id.type)
    return fetch(sa.select(table.c.id).where(table.c.id == identity), table, extra, dialect, shown)


@functools.lru_cache(256)
def _of_parents(
    parent: sa.Column[Any], order: tuple[sa.ColumnElement[Any], ...], also: tuple[sa.ColumnElement[Any], ...], dialect: str
) -> Fetch:
    named = parent.in_(sa.bindparam("parents", expanding=True))
    return fetch(sa.select(parent).where(named).order_by(*order), parent.table, also, dialect)


def _relied_on(tx: Transaction, table: sa.Table, identity: str, found: Sequence[RowMap]) -> RowMap | None:
    if not found:
        return None
    if "revision_number" in found[0]:
        tx.rely_on(table, identity, found[0]["revision_number"])
    return found[0]


def children(
    tx: Transaction,
    page: Rows,
    parent: sa.Column[Any],
    *order: sa.ColumnElement[Any],
    also: tuple[sa.ColumnElement[Any], ...] = (),
) -> Mapping[str, list[RowMap]]:
    """Find what belongs to the rows of a page, by parent id.

    parent  the column of the child that names its parent
    also    further columns
    """
    grouped: defaultdict[str, list[RowMap]] = defaultdict(list)
    if not page.rows:
        return grouped
    if len(page.rows) <= _FEW:
        asked = _of_parents(parent, order, also, tx.dialect)
        parameters = {"parents": [row["id"] for row in page.rows]}
    else:
        # A join: MariaDB refuses LIMIT inside IN. Only the id is carried; the order decides which rows are within the limit.
        chosen = page.chosen.subquery("page")
        joined = sa.select(parent).join(chosen, chosen.c.id == parent).order_by(*order)
        asked, parameters = fetch(joined, parent.table, also, tx.dialect), {}
    for row in fetched(tx, asked, parameters):
        grouped[row[parent.key]].append(row)
    return grouped


def inside(
    label: str, mine: sa.Column[Any], parent: sa.ColumnElement[Any], *columns: sa.ColumnElement[Any]
) -> sa.ColumnElement[str | None]:
    """Give what belongs to a row as one column beside it (`Listing.besides`), for `parts` to read; no order is kept.

    mine     what names the row in its own table
    parent   what names it in the table of what belongs to it
    columns  of that table, or made from it. Only what the service itself writes: identities, addresses, numbers, names of zones
    """
    texts: list[sa.ColumnElement[str]] = [
        sa.func.coalesce(sa.cast(column, sa.Text), sa.literal_column("''", sa.Text)) for column in columns
    ]
    value = functools.reduce(lambda joined, text: joined + sa.literal_column(f"'{_VALUE}'", sa.Text) + text, texts)
    strung = sa.select(sa.func.aggregate_strings(value, _PART)).where(parent == mine)
    return strung.correlate(mine.table).scalar_subquery().label(label)


def parts(text: str | None) -> list[list[str]]:
    """Read what `inside` gave: the values of each, as text; NULL is empty."""
    return [part.split(_VALUE) for part in text.split(_PART)] if text else []


def only(row: RowMap) -> Rows:
    """Make a page of one row that is at hand, to find its children."""
    return Rows([row], has_more=False, chosen=sa.select(sa.literal(row["id"]).label("id")))


def below(page: Rows, parent: sa.Column[Any], found: Mapping[str, Sequence[RowMap]]) -> Rows:
    """Make a page of the children of a page's rows, as `children` found them by `parent`, to find theirs."""
    above = page.chosen.subquery("above")
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
    if isinstance(column.type, sa.Integer):
        # They may be larger than the column holds, and PostgreSQL compares it with its own kind only.
        numbers = sa.type_coerce(column, sa.BigInteger).in_([value for value in values if value != ""])
        return sa.or_(numbers, column.is_(None)) if "" in values else numbers
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
