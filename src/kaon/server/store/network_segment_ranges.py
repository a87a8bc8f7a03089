"""Network segment ranges: rows in, resources out. Which ids of them are free is `addresses.free_segments`'."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from kaon.lib.ids import new_id
from kaon.model.query import Query, Row
from kaon.server.store import rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.segments import network_segment_ranges as TABLE  # noqa: N812  # it is a constant here

_c = TABLE.c

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "default": "default",
    "shared": "shared",
    "network_type": "network_type",
    "physical_network": "physical_network",
    "minimum": "minimum",
    "maximum": "maximum",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=TABLE,
    columns=select.standard_columns(TABLE) | {wire: _c[column] for wire, column in COLUMNS.items()},
    special=tags.filters(TABLE),
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List ranges: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, range_id: str) -> Row | None:
    """Find one range."""
    found = select.one(tx, TABLE, range_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def hold(tx: Transaction) -> None:
    """Have everybody wait who would change ranges; one that is new has nothing of its own to hold."""
    tx.lock(t.facts, "epoch")


def of_type(tx: Transaction, network_type: str) -> list[RowMap]:
    """List the ranges of a type of network, by physical network and minimum."""
    chosen = sa.select(TABLE).where(_c.network_type == network_type)
    return list(tx.execute(chosen.order_by(_c.physical_network, _c.minimum, _c.id)).mappings())


def defaults(tx: Transaction) -> list[RowMap]:
    """List the ranges that come from the configuration."""
    return list(tx.execute(sa.select(TABLE).where(_c.default)).mappings())


def insert_default(tx: Transaction, network_type: str, physical_network: str, minimum: int, maximum: int) -> None:
    """Store a range that comes from the configuration: everybody's."""
    row = {
        **rows.fresh(new_id(), "", tx.now),
        "name": "",
        "description": "",
        "default": True,
        "shared": True,
        "network_type": network_type,
        "physical_network": physical_network,
        "minimum": minimum,
        "maximum": maximum,
    }
    insert(tx, row)


def insert(tx: Transaction, row: Row) -> None:
    """Store a range."""
    tx.execute(sa.insert(TABLE).values(_values(row)))


def update(tx: Transaction, range_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, TABLE, range_id, _values(changes))


def delete(tx: Transaction, range_id: str) -> None:
    """Forget a range."""
    tx.execute(sa.delete(TABLE).where(_c.id == range_id))


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = rows.values(row, COLUMNS)
    for key in ("project_id", "physical_network"):
        if key in values:
            values[key] = values[key] or ""
    return values


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    tagged = tags.of_page(tx, page, "network_segment_ranges")
    return [
        rows.standard(row, COLUMNS)
        | {
            "project_id": row["project_id"] or None,
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]
