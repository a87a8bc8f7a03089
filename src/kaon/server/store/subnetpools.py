"""Subnet pools: rows in, resources out. What is free in them is `free_prefixes`'."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import Prefix, to_hex
from kaon.lib.prefixes import prefix_at
from kaon.model.query import Query, Row
from kaon.server.store import rbac, rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "ip_version": "ip_version",
    "default_prefixlen": "default_prefixlen",
    "min_prefixlen": "min_prefixlen",
    "max_prefixlen": "max_prefixlen",
    "default_quota": "default_quota",
    "is_default": "is_default",
    "address_scope_id": "address_scope_id",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=t.subnetpools,
    columns=select.standard_columns(t.subnetpools) | {wire: t.subnetpools.c[column] for wire, column in COLUMNS.items()},
    special=tags.filters(t.subnetpools),
    through={"shared": rbac.condition("subnetpool", t.subnetpools.c.id)},
    viewed={"shared": rbac.allowed("subnetpool", t.subnetpools.c.id)},
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List pools: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, pool_id: str, project_id: str) -> Row | None:
    """Find one pool, as a project sees it."""
    found = select.member(tx, LISTING, pool_id, project_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def default_of(tx: Transaction, version: int) -> str | None:
    """Find the default pool of an IP version."""
    c = t.subnetpools.c
    found: str | None = tx.execute(sa.select(c.id).where(c.default_of == version)).scalar()
    return found


def insert(tx: Transaction, row: Row) -> None:
    """Store a pool. Errors: IntegrityError when it is to be the default and there is one."""
    tx.execute(sa.insert(t.subnetpools).values(_values(row, row["ip_version"])))
    _insert_prefixes(tx, row["id"], row)


def update(tx: Transaction, row: Row, changes: Mapping[str, Any]) -> None:
    """Store changed attributes of a pool and its new revision. Errors: IntegrityError as `insert`."""
    rows.change(tx, t.subnetpools, row["id"], _values(changes, row["ip_version"]))
    if "prefixes" in changes:
        c = t.subnetpool_prefixes.c
        tx.execute(sa.delete(t.subnetpool_prefixes).where(c.subnetpool_id == row["id"]))
        _insert_prefixes(tx, row["id"], changes)


def delete(tx: Transaction, pool_id: str) -> None:
    """Forget a pool. Errors: IntegrityError while subnets are from it."""
    rows.remove(tx, t.subnetpools, pool_id)


def in_use(tx: Transaction, pool_id: str) -> bool:
    """Tell whether a subnet is from the pool."""
    c = t.subnets.c
    return tx.execute(sa.select(c.id).where(c.subnetpool_id == pool_id).limit(1)).first() is not None


def prefixes_of(tx: Transaction, pool_id: str, project_id: str) -> Sequence[Prefix]:
    """List what the subnets of a project have from the pool."""
    c = t.subnets.c
    found = tx.execute(sa.select(c.cidr).where(c.subnetpool_id == pool_id, c.project_id == project_id))
    return [ip_network(cidr) for cidr in found.scalars()]


def _values(row: Mapping[str, Any], version: int) -> dict[str, Any]:
    values = rows.values(row, COLUMNS)
    if "is_default" in values:
        values["default_of"] = version if values["is_default"] else None
    return values


def _insert_prefixes(tx: Transaction, pool_id: str, row: Mapping[str, Any]) -> None:
    prefixes: Iterable[Prefix] = map(ip_network, row["prefixes"])
    given = [
        {"subnetpool_id": pool_id, "first": to_hex(prefix.network_address), "length": prefix.prefixlen} for prefix in prefixes
    ]
    if given:
        tx.execute(sa.insert(t.subnetpool_prefixes), given)


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    p = t.subnetpool_prefixes.c
    prefixes = select.children(tx, page, p.subnetpool_id, p.first)
    tagged = tags.of_page(tx, page, "subnetpools")
    return [
        rows.standard(row, COLUMNS)
        | {
            "shared": row["shared"],
            "prefixes": [_text(one, row["ip_version"]) for one in prefixes.get(row["id"], ())],
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]


def _text(row: RowMap, version: int) -> str:
    return str(prefix_at(int(row["first"], 16), row["length"], version))
