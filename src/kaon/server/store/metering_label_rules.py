"""Metering label rules: rows in, resources out."""

from typing import Final

import sqlalchemy as sa

from kaon.model.metering_label_rules import PREFIXES
from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.tables.services import metering_label_rules as _table
from kaon.server.store.tables.services import metering_labels

COLUMNS: Final = ("id", "project_id", "metering_label_id", "direction", "excluded", *PREFIXES)

LISTING = select.Listing(
    table=_table,
    columns=select.standard_columns(_table, *COLUMNS[2:]),
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List metering label rules: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, rule_id: str) -> Row | None:
    """Find one metering label rule."""
    found = select.one(tx, _table, rule_id)
    return _row(found) if found is not None else None


def of_label(tx: Transaction, label_id: str) -> list[Row]:
    """List the rules of a label. Until the end nobody adds one."""
    tx.lock(metering_labels, label_id)
    return [_row(row) for row in tx.execute(sa.select(_table).where(_table.c.metering_label_id == label_id)).mappings()]


def hold_label(tx: Transaction, label_id: str) -> None:
    """Have everybody wait who would make or forget rules of a label."""
    tx.lock(metering_labels, label_id, references=True)


def insert(tx: Transaction, row: Row) -> None:
    """Store a metering label rule. Errors: IntegrityError when its label is gone."""
    tx.execute(sa.insert(_table).values({name: row[name] for name in COLUMNS}))


def delete(tx: Transaction, rule_id: str) -> None:
    """Forget a metering label rule. Errors: Retry when it went meanwhile."""
    if not tx.execute(sa.delete(_table).where(_table.c.id == rule_id)).rowcount:
        raise Retry(f"metering label rule {rule_id} has gone")


def _row(row: select.RowMap) -> Row:
    return {name: row[name] for name in COLUMNS} | {"tenant_id": row["project_id"]}
