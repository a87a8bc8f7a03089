"""Address groups: rows in, resources out."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rbac, rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.sharing import address_group_addresses, address_groups

OBJECT_TYPE = "address_group"
"""In RBAC policies."""

COLUMNS = {"id": "id", "project_id": "project_id", "name": "name", "description": "description"}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=address_groups,
    columns=select.standard_columns(address_groups),
    through={"shared": rbac.condition(OBJECT_TYPE, address_groups.c.id)},
    viewed={"shared": rbac.allowed(OBJECT_TYPE, address_groups.c.id)},
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List groups: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, group_id: str, project_id: str) -> Row | None:
    """Find one group, with `shared` as the project sees it."""
    found = select.member(tx, LISTING, group_id, project_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def usable(tx: Transaction, group_ids: Collection[str], project_id: str | None) -> set[str]:
    """Find those of the groups that rules of a project may name: its own, and those shared with it. None: all that exist."""
    c = address_groups.c
    chosen = sa.select(c.id).where(c.id.in_(sorted(group_ids)))
    if project_id is not None:
        chosen = chosen.where(sa.or_(c.project_id == project_id, rbac.condition(OBJECT_TYPE, c.id)(project_id)))
    return set(tx.execute(chosen).scalars())


def in_use(tx: Transaction, group_id: str) -> bool:
    """Tell whether a security group rule names the group."""
    c = t.security_group_rules.c
    return tx.execute(sa.select(c.id).where(c.remote_address_group_id == group_id).limit(1)).first() is not None


def insert(tx: Transaction, row: Row) -> None:
    """Store a group with its addresses."""
    tx.execute(sa.insert(address_groups).values(rows.values(row, COLUMNS)))
    add_addresses(tx, row["id"], row["addresses"])


def update(tx: Transaction, group_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes, but not addresses, and the new revision."""
    rows.change(tx, address_groups, group_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, group_id: str) -> None:
    """Forget a group and its addresses. Errors: IntegrityError while rules name it."""
    rows.remove(tx, address_groups, group_id)


def add_addresses(tx: Transaction, group_id: str, prefixes: Collection[str]) -> None:
    """Store prefixes of a group. Errors: IntegrityError when it has one of them."""
    if prefixes:
        given = [{"address_group_id": group_id, "address": prefix} for prefix in sorted(prefixes)]
        tx.execute(sa.insert(address_group_addresses), given)


def remove_addresses(tx: Transaction, group_id: str, prefixes: Collection[str]) -> None:
    """Forget prefixes of a group."""
    c = address_group_addresses.c
    tx.execute(sa.delete(address_group_addresses).where(c.address_group_id == group_id, c.address.in_(sorted(prefixes))))


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    # Sorted here: databases do not agree on the order of letters.
    found = select.children(tx, page, address_group_addresses.c.address_group_id)
    return [
        rows.standard(row, COLUMNS)
        | {"shared": bool(row["shared"]), "addresses": sorted(one["address"] for one in found.get(row["id"], ()))}
        for row in page.rows
    ]
