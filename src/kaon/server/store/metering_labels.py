"""Metering labels: rows in, resources out. Their rules go with them."""

from typing import Final

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.tables.services import metering_labels as _table

COLUMNS: Final = ("id", "project_id", "name", "description", "shared")

LISTING = select.Listing(table=_table, columns=select.standard_columns(_table, "shared"))


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List metering labels: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, label_id: str) -> Row | None:
    """Find one metering label."""
    found = select.one(tx, _table, label_id)
    return _row(found) if found is not None else None


def insert(tx: Transaction, row: Row) -> None:
    """Store a metering label."""
    tx.execute(sa.insert(_table).values({name: row[name] for name in COLUMNS}))


def delete(tx: Transaction, label_id: str) -> None:
    """Forget a metering label with its rules. Errors: Retry when it went meanwhile."""
    if not tx.execute(sa.delete(_table).where(_table.c.id == label_id)).rowcount:
        raise Retry(f"metering label {label_id} has gone")


def _row(row: select.RowMap) -> Row:
    return {name: row[name] for name in COLUMNS} | {"tenant_id": row["project_id"]}
