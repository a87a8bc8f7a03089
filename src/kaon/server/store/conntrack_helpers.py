"""Conntrack helpers: rows in, resources out. Their router has a copy of what it shows of them (`routers.set_helpers`)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.tables.gateways import conntrack_helpers as _table

COLUMNS: Final = ("id", "router_id", "protocol", "port", "helper")

LISTING = select.Listing(table=_table, columns={column.key: column for column in _table.c})


def index(tx: Transaction, router_id: str, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List the helpers of a router: a page, and whether more follow. Errors: select.MarkerNotFound."""
    mine = {"router_id": (router_id,)}
    page = select.index(tx, LISTING, replace(query, filters={**query.filters, **mine}), seeing)
    return [_row(row) for row in page.rows], page.has_more


def of_router(tx: Transaction, router_id: str) -> list[Row]:
    """List the helpers of a router, in one order."""
    c = _table.c
    statement = sa.select(_table).where(c.router_id == router_id).order_by(c.protocol, c.port, c.helper)
    return [_row(row) for row in tx.execute(statement).mappings()]


def insert(tx: Transaction, row: Row) -> None:
    """Store a helper. Errors: IntegrityError when there is the same, or its router is gone."""
    tx.execute(sa.insert(_table).values({name: row[name] for name in COLUMNS}))


def update(tx: Transaction, helper_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes. Errors: as `insert`; Retry when it went meanwhile."""
    if not tx.execute(sa.update(_table).where(_table.c.id == helper_id).values(dict(changes))).rowcount:
        raise Retry(f"conntrack helper {helper_id} has gone")


def delete(tx: Transaction, helper_id: str) -> None:
    """Forget a helper. Errors: Retry when it went meanwhile."""
    if not tx.execute(sa.delete(_table).where(_table.c.id == helper_id)).rowcount:
        raise Retry(f"conntrack helper {helper_id} has gone")


def _row(row: select.RowMap) -> Row:
    return {name: row[name] for name in COLUMNS}
