"""Flavors and the service profiles that they have: rows in, resources out."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.tables.services import flavor_service_profiles as _having
from kaon.server.store.tables.services import flavors as _table

COLUMNS = {name: name for name in ("id", "name", "description", "service_type", "enabled")}

LISTING = select.Listing(table=_table, columns={column.key: column for column in _table.c})


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List flavors: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, flavor_id: str) -> Row | None:
    """Find one flavor."""
    found = select.one(tx, _table, flavor_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def insert(tx: Transaction, row: Row) -> None:
    """Store a flavor with its profiles. Errors: IntegrityError when a profile went meanwhile."""
    tx.execute(sa.insert(_table).values(rows.values(row, COLUMNS)))
    for profile_id in row["service_profiles"]:
        add_profile(tx, row["id"], profile_id)


def update(tx: Transaction, flavor_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes of a flavor. Errors: as `insert`; Retry when it went meanwhile."""
    values = rows.values(changes, COLUMNS)
    if values and not tx.execute(sa.update(_table).where(_table.c.id == flavor_id).values(values)).rowcount:
        raise Retry(f"flavor {flavor_id} has gone")
    if "service_profiles" in changes:
        tx.execute(sa.delete(_having).where(_having.c.flavor_id == flavor_id))
        for profile_id in changes["service_profiles"]:
            add_profile(tx, flavor_id, profile_id)


def delete(tx: Transaction, flavor_id: str) -> None:
    """Forget a flavor. Errors: IntegrityError while a router is of it; Retry when it went meanwhile."""
    if not tx.execute(sa.delete(_table).where(_table.c.id == flavor_id)).rowcount:
        raise Retry(f"flavor {flavor_id} has gone")


def add_profile(tx: Transaction, flavor_id: str, profile_id: str) -> None:
    """Store that a flavor has a profile. Errors: IntegrityError when it has it, or one of the two is gone."""
    tx.execute(sa.insert(_having).values(flavor_id=flavor_id, service_profile_id=profile_id))


def remove_profile(tx: Transaction, flavor_id: str, profile_id: str) -> bool:
    """Store that a flavor has not a profile; tell whether it had."""
    c = _having.c
    return bool(tx.execute(sa.delete(_having).where(c.flavor_id == flavor_id, c.service_profile_id == profile_id)).rowcount)


def in_use(tx: Transaction, flavor_id: str) -> bool:
    """Tell whether a router is of the flavor."""
    return tx.execute(sa.select(t.routers.c.id).where(t.routers.c.flavor_id == flavor_id).limit(1)).first() is not None


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    profiles = select.children(tx, page, _having.c.flavor_id, _having.c.service_profile_id)
    return [
        {name: row[name] for name in COLUMNS}
        | {"service_profiles": [one["service_profile_id"] for one in _of(profiles, row["id"])]}
        for row in page.rows
    ]


def _of(profiles: Mapping[str, Sequence[select.RowMap]], flavor_id: str) -> Sequence[select.RowMap]:
    return profiles.get(flavor_id, ())
