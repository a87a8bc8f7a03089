"""Service profiles: rows in, resources out."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.tables.services import flavor_service_profiles as _having
from kaon.server.store.tables.services import service_profiles as _table

COLUMNS = {name: name for name in ("id", "description", "driver", "metainfo", "enabled")}

LISTING = select.Listing(table=_table, columns={column.key: column for column in _table.c})


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List profiles: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, profile_id: str) -> Row | None:
    """Find one profile."""
    found = select.one(tx, _table, profile_id)
    return _row(found) if found is not None else None


def missing(tx: Transaction, profile_ids: Sequence[str]) -> list[str]:
    """List which of these profiles do not exist."""
    if not profile_ids:
        return []
    there = set(tx.execute(sa.select(_table.c.id).where(_table.c.id.in_(profile_ids))).scalars())
    return sorted(set(profile_ids) - there)


def insert(tx: Transaction, row: Row) -> None:
    """Store a profile."""
    tx.execute(sa.insert(_table).values(rows.values(row, COLUMNS)))


def update(tx: Transaction, profile_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes of a profile. Errors: Retry when it went meanwhile."""
    if not tx.execute(sa.update(_table).where(_table.c.id == profile_id).values(rows.values(changes, COLUMNS))).rowcount:
        raise Retry(f"service profile {profile_id} has gone")


def hold(tx: Transaction, profile_id: str) -> None:
    """Have everybody wait who would give it to a flavor."""
    tx.lock(_table, profile_id, references=True)


def delete(tx: Transaction, profile_id: str) -> None:
    """Forget a profile. Errors: IntegrityError while a flavor has it; Retry when it went meanwhile."""
    if not tx.execute(sa.delete(_table).where(_table.c.id == profile_id)).rowcount:
        raise Retry(f"service profile {profile_id} has gone")


def in_use(tx: Transaction, profile_id: str) -> bool:
    """Tell whether a flavor has the profile."""
    c = _having.c
    return tx.execute(sa.select(c.flavor_id).where(c.service_profile_id == profile_id).limit(1)).first() is not None


def _row(row: select.RowMap) -> Row:
    return {name: row[name] for name in COLUMNS}
