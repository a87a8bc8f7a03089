"""Logs: rows in, resources out. A log goes with the group, router or port that it is about."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.logs import SECURITY_GROUP, SNAT
from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.services import logs

COLUMNS: Final = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "resource_type": "resource_type",
    "target_id": "target_id",
    "event": "event",
    "enabled": "enabled",
}
"""Wire name -> column, for attributes that are one column."""

_RESOURCES: Final[Mapping[str, str]] = {SECURITY_GROUP: "security_group_id", SNAT: "router_id"}
"""Type of resource -> the column that names one."""

LISTING = select.Listing(
    table=logs,
    columns=select.standard_columns(logs, "resource_type", "target_id", "event", "enabled")
    | {"resource_id": sa.func.coalesce(logs.c.security_group_id, logs.c.router_id, "")},
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List logs: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, log_id: str) -> Row | None:
    """Find one log."""
    found = select.one(tx, logs, log_id)
    return _row(found) if found is not None else None


def insert(tx: Transaction, row: Row) -> None:
    """Store a log. Errors: IntegrityError when what it is about is gone."""
    named = {_RESOURCES[row["resource_type"]]: row["resource_id"]}
    tx.execute(sa.insert(logs).values(rows.values(row, COLUMNS) | named))


def update(tx: Transaction, log_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, logs, log_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, log_id: str) -> None:
    """Forget a log."""
    rows.remove(tx, logs, log_id)


def _row(row: select.RowMap) -> Row:
    return rows.standard(row, COLUMNS) | {"resource_id": row[_RESOURCES[row["resource_type"]]]}
