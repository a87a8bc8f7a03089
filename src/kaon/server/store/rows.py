"""What rows of every resource have in common, between columns and wire names."""

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Row
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.select import RowMap


def standard(row: RowMap, columns: Mapping[str, str]) -> Row:
    """Make the attributes that are one column each, with those that every resource has. columns: wire name -> column."""
    return {wire: row[column] for wire, column in columns.items()} | {
        "tenant_id": row["project_id"],
        "created_at": format_time(row["created_at"]),
        "updated_at": format_time(row["updated_at"]),
        "revision_number": row["revision_number"],
    }


def values(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Translate a resource, or some attributes of it, to columns. What is no column is left out."""
    found = {column: row[wire] for wire, column in columns.items() if wire in row}
    found.update({key: parse_time(row[key]) for key in ("created_at", "updated_at") if key in row})
    if "revision_number" in row:
        found["revision_number"] = row["revision_number"]
    return found


def fresh(identity: str, project_id: str, now: datetime) -> Row:
    """Give a new resource what every resource has."""
    return {
        "id": identity,
        "project_id": project_id,
        "tenant_id": project_id,
        "created_at": format_time(now),
        "updated_at": format_time(now),
        "revision_number": 1,
    }


def raised(row: Row, now: datetime) -> Row:
    """Give the stamps of a resource after a change."""
    return {"revision_number": row["revision_number"] + 1, "updated_at": format_time(now)}


def insert(tx: Transaction, table: sa.Table, *values: Mapping[str, Any]) -> None:
    """Store rows, all with the same columns; none is none. Errors: IntegrityError."""
    if values:
        tx.execute(_inserting(table), values[0] if len(values) == 1 else list(values))


def change(tx: Transaction, table: sa.Table, identity: str, values: Mapping[str, Any]) -> None:
    """Store changed columns of a resource, its new revision among them. Errors: Retry when another one changed it meanwhile."""
    which = {"this_id": identity, "this_revision": values["revision_number"] - 1}
    if not tx.execute(_changing(table), {**values, **which}).rowcount:
        raise Retry(f"{table.name} {identity} has changed")
    tx.changed(table, identity)


def bump(tx: Transaction, table: sa.Table, *identities: str) -> None:
    """Raise the revision of resources because something that belongs to them changed."""
    tx.execute(_bumping(table), {"these": sorted(identities), "updated_at": tx.now})
    for identity in identities:
        tx.changed(table, identity, by=1)


def remove(tx: Transaction, table: sa.Table, identity: str) -> None:
    """Delete a resource. Errors: Retry when it changed since it was read, or went."""
    revision = tx.relies_on(table, identity)
    which = {"this_id": identity} | ({"this_revision": revision} if revision is not None else {})
    if not tx.execute(_removing(table, as_read=revision is not None), which).rowcount:
        raise Retry(f"{table.name} {identity} has changed")
    tx.changed(table, identity)


@functools.cache
def _inserting(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@functools.cache
def _changing(table: sa.Table) -> sa.Update:
    return sa.update(table).where(_this(table), _as_read(table))


@functools.cache
def _bumping(table: sa.Table) -> sa.Update:
    these = table.c.id.in_(sa.bindparam("these", expanding=True))
    return sa.update(table).where(these).values(revision_number=table.c.revision_number + 1)


@functools.cache
def _removing(table: sa.Table, *, as_read: bool) -> sa.Delete:
    return sa.delete(table).where(_this(table), *([_as_read(table)] if as_read else []))


def _this(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.id == sa.bindparam("this_id")


def _as_read(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.revision_number == sa.bindparam("this_revision")


def format_time(moment: datetime) -> str:
    """Write a time as the API does."""
    return f"{moment.isoformat(timespec='seconds')}Z"


def parse_time(text: str) -> datetime:
    """Read what `format_time` wrote."""
    return datetime.fromisoformat(text.removesuffix("Z"))  # the tables keep UTC without zone
