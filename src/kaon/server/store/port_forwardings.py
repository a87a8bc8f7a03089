"""Port forwardings: rows in, resources out. A row knows its floating IP (`floatingip_id`) and its project's is that one's."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.gateways import port_forwardings as _table

COLUMNS: Final = {
    "id": "id",
    "project_id": "project_id",
    "description": "description",
    "floatingip_id": "floatingip_id",
    "internal_port_id": "internal_port_id",
    "internal_ip_address": "internal_ip_address",
    "protocol": "protocol",
}
"""Wire name -> column, for attributes that are one column."""

_ENDS: Final = ("external_first", "external_last", "internal_first", "internal_last")


def _range(side: str) -> sa.ColumnElement[str]:
    first, last = _table.c[f"{side}_first"], _table.c[f"{side}_last"]
    return sa.cast(first, sa.String(8)) + ":" + sa.cast(last, sa.String(8))


def _one(side: str) -> sa.ColumnElement[int]:
    first, last = _table.c[f"{side}_first"], _table.c[f"{side}_last"]
    return sa.case((first == last, first), else_=0)


LISTING = select.Listing(
    table=_table,
    columns=select.standard_columns(_table, "floatingip_id", "internal_port_id", "protocol")
    | {"external_port": _one("external"), "external_port_range": _range("external")},
)


def index(tx: Transaction, floatingip_id: str, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List the port forwardings of a floating IP: a page, and whether more follow. Errors: select.MarkerNotFound."""
    mine = {"floatingip_id": (floatingip_id,)}
    page = select.index(tx, LISTING, replace(query, filters={**query.filters, **mine}), seeing)
    return [row_of(row) for row in page.rows], page.has_more


def of_page(tx: Transaction, page: select.Rows) -> dict[str, list[Row]]:
    """Find the port forwardings of a page's floating IPs, by floating IP: one statement, or none when there are none."""
    if not any(row["forwards"] for row in page.rows):
        return {}
    found = select.children(tx, page, _table.c.floatingip_id, _table.c.protocol, _table.c.external_first)
    return {floatingip_id: [row_of(row) for row in there] for floatingip_id, there in found.items()}


def of_floatingip(tx: Transaction, floatingip_id: str) -> list[Row]:
    """List the port forwardings of a floating IP."""
    return _found(tx, _table.c.floatingip_id == floatingip_id)


def of_port(tx: Transaction, port_id: str) -> list[Row]:
    """List the port forwardings to a port."""
    return _found(tx, _table.c.internal_port_id == port_id)


def insert(tx: Transaction, row: Row) -> None:
    """Store a port forwarding. Errors: IntegrityError when its floating IP or port is gone."""
    tx.execute(sa.insert(_table).values({**_values(row), "name": ""}))


def update(tx: Transaction, forwarding_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, _table, forwarding_id, _values(changes))


def delete(tx: Transaction, ids: Collection[str]) -> None:
    """Forget port forwardings."""
    tx.execute(sa.delete(_table).where(_table.c.id.in_(sorted(ids))))


def subnet_in_use(subnet_id: str, router_id: str) -> sa.ColumnElement[bool]:
    """Give the condition on `floatingips` that one forwards to an address of the subnet through the router."""
    a = t.ip_allocations.c
    inside = sa.and_(a.port_id == _table.c.internal_port_id, a.ip_address == _table.c.internal_ip_address)
    reached = sa.select(_table.c.id).join(t.ip_allocations, inside)
    mine = sa.and_(_table.c.floatingip_id == t.floatingips.c.id, a.subnet_id == subnet_id)
    return sa.and_(t.floatingips.c.router_id == router_id, sa.exists(reached.where(mine).correlate(t.floatingips)))


def row_of(row: RowMap) -> Row:
    """Make the resource, with the numbers of its ports besides."""
    found = rows.standard(row, COLUMNS) | {name: row[name] for name in _ENDS}
    for side in ("external", "internal"):
        first, last = row[f"{side}_first"], row[f"{side}_last"]
        found[f"{side}_port"] = first if first == last else None
        found[f"{side}_port_range"] = f"{first}:{last}"
    return found


def _found(tx: Transaction, condition: sa.ColumnElement[bool]) -> list[Row]:
    statement = sa.select(_table).where(condition).order_by(_table.c.id)
    return [row_of(row) for row in tx.execute(statement).mappings()]


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return rows.values(row, COLUMNS) | {name: row[name] for name in _ENDS if name in row}
