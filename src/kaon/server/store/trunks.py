"""Trunks and their sub-ports: rows in, resources out."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables import trunks as tt

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "port_id": "port_id",
    "admin_state_up": "admin_state_up",
    "status": "status",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=tt.trunks,
    columns=select.standard_columns(tt.trunks) | {wire: tt.trunks.c[column] for wire, column in COLUMNS.items()},
    special=tags.filters(tt.trunks),
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List trunks: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, trunk_id: str) -> Row | None:
    """Find one trunk."""
    found = select.one(tx, tt.trunks, trunk_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def insert(tx: Transaction, row: Row) -> None:
    """Store a trunk without its sub-ports. Errors: IntegrityError when its port has one."""
    tx.execute(sa.insert(tt.trunks).values(rows.values(row, COLUMNS)))


def update(tx: Transaction, trunk_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision; sub-ports are not among them."""
    rows.change(tx, tt.trunks, trunk_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, trunk_id: str) -> None:
    """Forget a trunk; its sub-ports are plain ports again."""
    rows.remove(tx, tt.trunks, trunk_id)


def join(tx: Transaction, trunk_id: str, sub_ports: Sequence[Mapping[str, Any]]) -> None:
    """Store sub-ports of a trunk. Errors: IntegrityError when one is in a trunk, or its segmentation is taken."""
    if sub_ports:
        tx.execute(sa.insert(tt.trunk_subports), [{"trunk_id": trunk_id} | dict(one) for one in sub_ports])


def leave(tx: Transaction, trunk_id: str, port_ids: Sequence[str]) -> None:
    """Forget sub-ports of a trunk."""
    c = tt.trunk_subports.c
    if port_ids:
        tx.execute(sa.delete(tt.trunk_subports).where(c.trunk_id == trunk_id, c.port_id.in_(sorted(port_ids))))


def hold(tx: Transaction, port_ids: Collection[str]) -> None:
    """Have everybody wait who would let these ports be in a trunk, or delete them; what they are in can then be told."""
    for port_id in sorted(set(port_ids)):
        tx.lock(t.ports, port_id)


def standing(tx: Transaction, port_ids: Sequence[str]) -> Mapping[str, RowMap]:
    """Tell of ports that are to be in a trunk, by id: one statement.

    id, project_id, network_id, device_id; their network's mtu, network_type, segmentation_id and project (`network_owner`);
    parent_of and sub_port_of: the trunk, or None.
    """
    p, n, s = t.ports.c, t.networks.c, tt.trunk_subports.c
    wanted = (
        sa.select(
            p.id,
            p.project_id,
            p.network_id,
            p.device_id,
            p.trunk_id.label("parent_of"),
            s.trunk_id.label("sub_port_of"),
            n.mtu,
            n.network_type,
            n.segmentation_id,
            n.project_id.label("network_owner"),
        )
        .select_from(t.ports.join(t.networks, n.id == p.network_id).outerjoin(tt.trunk_subports, s.port_id == p.id))
        .where(p.id.in_(sorted(port_ids)))
    )
    return {row["id"]: row for row in tx.execute(wanted).mappings()}


def carried(tx: Transaction, trunk_ids: Sequence[str]) -> dict[str, list[Row]]:
    """List what trunks carry, by trunk: sub-ports with their MAC addresses. One statement; none when no trunk is named."""
    if not trunk_ids:
        return {}
    s, p = tt.trunk_subports.c, t.ports.c
    wanted = sa.select(s.trunk_id, s.port_id, s.segmentation_type, s.segmentation_id, p.mac_address).join(
        t.ports, p.id == s.port_id
    )
    found: dict[str, list[Row]] = {}
    chosen = wanted.where(s.trunk_id.in_(sorted(trunk_ids))).order_by(s.segmentation_type, s.segmentation_id)
    for row in tx.execute(chosen).mappings():
        found.setdefault(row["trunk_id"], []).append(_sub_port(row) | {"mac_address": row["mac_address"]})
    return found


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    s = tt.trunk_subports.c
    joined = select.children(tx, page, s.trunk_id, s.segmentation_type, s.segmentation_id)
    tagged = tags.of_page(tx, page, "trunks")
    return [
        rows.standard(row, COLUMNS)
        | {"sub_ports": [_sub_port(one) for one in joined.get(row["id"], ())], "tags": tagged.get(row["id"], [])}
        for row in page.rows
    ]


def _sub_port(row: RowMap) -> Row:
    return {name: row[name] for name in ("port_id", "segmentation_type", "segmentation_id")}
