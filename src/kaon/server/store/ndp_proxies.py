"""NDP proxies: rows in, resources out."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.gateways import ndp_proxies as _table

COLUMNS: Final = {name: name for name in ("id", "project_id", "name", "description", "router_id", "port_id", "ip_address")}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(table=_table, columns=select.standard_columns(_table, "router_id", "port_id", "ip_address"))


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List NDP proxies: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [rows.standard(row, COLUMNS) for row in page.rows], page.has_more


def show(tx: Transaction, proxy_id: str) -> Row | None:
    """Find one NDP proxy."""
    found = select.one(tx, _table, proxy_id)
    return rows.standard(found, COLUMNS) if found is not None else None


def of_router(tx: Transaction, router_id: str, subnet_id: str | None = None) -> list[str]:
    """List the NDP proxies of a router; of a subnet: only those of addresses in it."""
    c, a = _table.c, t.ip_allocations.c
    statement = sa.select(c.id).where(c.router_id == router_id).order_by(c.id)
    if subnet_id is not None:
        inside = sa.and_(a.port_id == c.port_id, a.ip_address == c.ip_address, a.subnet_id == subnet_id)
        statement = statement.where(sa.exists(sa.select(a.port_id).where(inside)))
    return list(tx.execute(statement).scalars())


def forget_addresses(tx: Transaction, port_id: str, left: Collection[str]) -> None:
    """Forget the NDP proxies of addresses that a port has no longer."""
    tx.execute(sa.delete(_table).where(_table.c.port_id == port_id, _table.c.ip_address.not_in(sorted(left))))


def insert(tx: Transaction, row: Row) -> None:
    """Store an NDP proxy. Errors: IntegrityError when its router or port is gone."""
    tx.execute(sa.insert(_table).values(rows.values(row, COLUMNS)))


def update(tx: Transaction, proxy_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, _table, proxy_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, proxy_id: str) -> None:
    """Forget an NDP proxy."""
    rows.remove(tx, _table, proxy_id)
