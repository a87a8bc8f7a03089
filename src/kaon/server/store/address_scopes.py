"""Address scopes: rows in, resources out; the subnet pools that are in them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import Prefix
from kaon.lib.prefixes import prefix_at
from kaon.model.query import Query, Row
from kaon.server.store import rbac, rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.sharing import address_scopes

COLUMNS = {"id": "id", "project_id": "project_id", "name": "name", "ip_version": "ip_version"}
"""Wire name -> column, for attributes that are one column."""

_viewed = rbac.allowed("address_scope", address_scopes.c.id)

LISTING = select.Listing(
    table=address_scopes,
    columns=select.standard_columns(address_scopes, "ip_version"),
    through={"shared": rbac.condition("address_scope", address_scopes.c.id)},
    viewed={"shared": _viewed},
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List address scopes: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, scope_id: str, project_id: str) -> Row | None:
    """Find one address scope, as a project sees it."""
    found = select.member(tx, LISTING, scope_id, project_id)
    return _row(found) if found is not None else None


def insert(tx: Transaction, row: Row) -> None:
    """Store an address scope."""
    tx.execute(sa.insert(address_scopes).values({"description": "", **rows.values(row, COLUMNS)}))


def update(tx: Transaction, scope_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, address_scopes, scope_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, scope_id: str) -> None:
    """Forget an address scope. Errors: IntegrityError while subnet pools are in it."""
    rows.remove(tx, address_scopes, scope_id)


def hold(tx: Transaction, scope_id: str) -> None:
    """Keep everybody else from bringing pools into the scope, or changing those there, until the end."""
    tx.lock(address_scopes, scope_id, references=True)


def in_use(tx: Transaction, scope_id: str) -> bool:
    """Tell whether a subnet pool is in the scope. Until the end none comes."""
    hold(tx, scope_id)
    c = t.subnetpools.c
    return tx.execute(sa.select(c.id).where(c.address_scope_id == scope_id).limit(1)).first() is not None


def prefixes_in(tx: Transaction, scope_id: str, but: str, version: int) -> list[Prefix]:
    """List the prefixes of the pools in the scope, but for one pool's."""
    c, p = t.subnetpools.c, t.subnetpool_prefixes.c
    pools = sa.select(c.id).where(c.address_scope_id == scope_id, c.id != but)
    found = tx.execute(sa.select(p.first, p.length).where(p.subnetpool_id.in_(pools)))
    return [prefix_at(int(row.first, 16), row.length, version) for row in found]


def torn(tx: Transaction, pool_id: str, version: int) -> bool:
    """Tell whether a network has subnets of the pool and others of the same IP version, which would be in another scope."""
    s = t.subnets.c
    networks = sa.select(s.network_id).where(s.subnetpool_id == pool_id)
    other = sa.or_(s.subnetpool_id.is_(None), s.subnetpool_id != pool_id)
    wanted = sa.select(s.id).where(s.network_id.in_(networks), s.ip_version == version, other).limit(1)
    return tx.execute(wanted).first() is not None


def _row(row: select.RowMap) -> Row:
    return rows.standard(row, COLUMNS) | {"shared": row["shared"]}
