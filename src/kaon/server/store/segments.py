"""Segments of networks: rows in, resources out; which segmentation ids are taken.

A network with a single segment has a copy of it in its own row; a network with several, or none, has nothing there.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.lib.ids import new_id
from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.segments import network_segments as TABLE  # noqa: N812  # it is a constant here

_c = TABLE.c

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "network_id": "network_id",
    "network_type": "network_type",
    "physical_network": "physical_network",
    "segmentation_id": "segmentation_id",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=TABLE, columns={wire: _c[column] for wire, column in COLUMNS.items()} | {"revision_number": _c.revision_number}
)

ALONE = "network_type"
"""Column of a network that is empty unless it has a single segment."""


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List segments: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, segment_id: str) -> Row | None:
    """Find one segment."""
    found = select.one(tx, TABLE, segment_id)
    return _row(found) if found is not None else None


def of_networks(tx: Transaction, network_ids: Collection[str]) -> dict[str, list[RowMap]]:
    """Find the segments of networks, in their order, by network."""
    found: dict[str, list[RowMap]] = {}
    if network_ids:
        chosen = sa.select(TABLE).where(_c.network_id.in_(sorted(network_ids)))
        for row in tx.execute(chosen.order_by(_c.network_id, _c.position, _c.id)).mappings():
            found.setdefault(row["network_id"], []).append(row)
    return found


def insert(tx: Transaction, network_id: str, wanted: Sequence[Mapping[str, Any]], position: int = 0) -> None:
    """Store segments (network_type, physical_network, segmentation_id) of a network that were taken for it.

    Errors: IntegrityError when one is taken by another.
    """
    bare = {"project_id": "", "name": "", "description": "", "revision_number": 1, "created_at": tx.now, "updated_at": tx.now}
    of = bare | {"network_id": network_id}
    made = [of | {"id": new_id(), "position": at} | columns(one) for at, one in enumerate(wanted, position)]
    tx.execute(sa.insert(TABLE), made)


def add(tx: Transaction, row: Row, position: int) -> None:
    """Store a segment as the API made it. Errors: IntegrityError when it is taken by another."""
    tx.execute(sa.insert(TABLE).values(rows.values(row, COLUMNS) | columns(row) | {"position": position}))


def update(tx: Transaction, segment_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, TABLE, segment_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, segment_id: str) -> None:
    """Forget a segment. Errors: IntegrityError while subnets are on it."""
    rows.remove(tx, TABLE, segment_id)


def copy_to_network(tx: Transaction, network_id: str) -> None:
    """Have the row of a network say which segment it has, if that is a single one, and nothing otherwise."""
    there = of_networks(tx, [network_id]).get(network_id, [])
    none = {"network_type": "", "physical_network": "", "segmentation_id": None}
    only = {key: there[0][key] for key in none} if len(there) == 1 else none
    tx.execute(sa.update(t.networks).where(t.networks.c.id == network_id).values(only))


def columns(segment: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a segment to columns: no NULL that would keep the unique key from deciding between two."""
    number = segment["segmentation_id"]
    return {
        "network_type": segment["network_type"],
        "physical_network": segment["physical_network"] or "",
        "segmentation_id": 0 if segment["network_type"] == "flat" else number,
    }


def taken(tx: Transaction, network_type: str, physical_network: str, segmentation_id: int) -> bool:
    """Tell whether a network has the segment."""
    same = sa.and_(
        _c.network_type == network_type, _c.physical_network == physical_network, _c.segmentation_id == segmentation_id
    )
    return tx.execute(sa.select(_c.id).where(same)).first() is not None


def in_use(
    tx: Transaction, network_type: str, physical_network: str, low: int = 0, high: int = 0xFFFFFFFF
) -> list[tuple[int, str]]:
    """List the ids of a type and physical network that networks have, and whose the networks are; by id."""
    wanted = (
        sa.select(_c.segmentation_id, t.networks.c.project_id)
        .select_from(TABLE.join(t.networks, t.networks.c.id == _c.network_id))
        .where(_c.network_type == network_type, _c.physical_network == physical_network, _c.segmentation_id.between(low, high))
        .order_by(_c.segmentation_id)
    )
    return [(row.segmentation_id, row.project_id) for row in tx.execute(wanted)]


def used_and_free(tx: Transaction, keys: Collection[tuple[str, str]]) -> tuple[list[RowMap], list[RowMap]]:
    """List what is used and what is free of types on physical networks (pairs of both), by id: two statements.

    Used: network_type, physical_network, segmentation_id, project_id. Free: network_type, physical_network, first, last.
    """
    used = (
        sa.select(_c.network_type, _c.physical_network, _c.segmentation_id, t.networks.c.project_id)
        .select_from(TABLE.join(t.networks, t.networks.c.id == _c.network_id))
        .where(sa.tuple_(_c.network_type, _c.physical_network).in_(sorted(keys)))
        .order_by(_c.segmentation_id)
    )
    f = t.free_segments.c
    free = sa.select(t.free_segments).where(sa.tuple_(f.network_type, f.physical_network).in_(sorted(keys)))
    return list(tx.execute(used).mappings()), list(tx.execute(free.order_by(f.first)).mappings())


def subnets_on(tx: Transaction, segment_id: str) -> list[str]:
    """List the subnets that are on a segment, sorted."""
    c = t.subnets.c
    return list(tx.execute(sa.select(c.id).where(c.segment_id == segment_id).order_by(c.id)).scalars())


def laid_out(tx: Transaction, fact: str) -> str | None:
    """Tell what the free ids were laid out from."""
    found: str | None = tx.connection.scalar(sa.select(t.facts.c.value).where(t.facts.c.name == fact))
    return found


def remember(tx: Transaction, fact: str, value: str) -> None:
    """Store what the free ids were laid out from."""
    tx.execute(sa.delete(t.facts).where(t.facts.c.name == fact))
    tx.execute(sa.insert(t.facts).values(name=fact, value=value))


def shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Say in the words of networks which segment it is."""
    return {
        "provider:network_type": row["network_type"],
        "provider:physical_network": row["physical_network"] or None,
        "provider:segmentation_id": row["segmentation_id"] or None,
    }


def _row(row: RowMap) -> Row:
    empty = {"physical_network": row["physical_network"] or None, "segmentation_id": row["segmentation_id"] or None}
    return rows.standard(row, COLUMNS) | empty | {"name": row["name"] or None}
