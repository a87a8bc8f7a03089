"""Networks: rows in, resources out."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "admin_state_up": "admin_state_up",
    "status": "status",
    "shared": "shared",
    "router:external": "external",
    "mtu": "mtu",
    "port_security_enabled": "port_security_enabled",
    "provider:network_type": "network_type",
    "provider:physical_network": "physical_network",
    "provider:segmentation_id": "segmentation_id",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=t.networks,
    columns=select.standard_columns(t.networks) | {wire: t.networks.c[column] for wire, column in COLUMNS.items()},
    special=tags.filters(t.networks),
    through={
        "shared": lambda _project: t.networks.c.shared.is_(sa.true()),
        "external": lambda _project: t.networks.c.external.is_(sa.true()),
    },
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List networks: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, network_id: str) -> Row | None:
    """Find one network."""
    found = select.one(tx, t.networks, network_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def lock(tx: Transaction, network_id: str) -> None:
    """Have everybody else who would change the network wait."""
    tx.lock(t.networks, network_id)


def backend_of(tx: Transaction, network_id: str) -> str:
    """Tell which back end a network was made with."""
    return str(tx.execute(sa.select(t.networks.c.backend).where(t.networks.c.id == network_id)).scalar_one())


def insert(tx: Transaction, row: Row, backend: str) -> None:
    """Store a network. Errors: IntegrityError when its segment is taken."""
    tx.execute(sa.insert(t.networks).values(_values(row) | {"backend": backend}))


def update(tx: Transaction, network_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision; at least one."""
    rows.change(tx, t.networks, network_id, _values(changes))


def delete(tx: Transaction, network_id: str) -> None:
    """Forget a network, and its subnets with it. Errors: IntegrityError while ports are on it."""
    rows.remove(tx, t.networks, network_id)


def bump(tx: Transaction, network_id: str) -> None:
    """Raise the revision of a network because something that belongs to it changed."""
    rows.bump(tx, t.networks, network_id)


def foreign_projects(tx: Transaction, network_id: str, owner: str) -> bool:
    """Tell whether another project than the owner has a port or subnet on the network. Ports of nobody do not count."""
    p, s = t.ports.c, t.subnets.c
    ports = sa.select(p.id).where(p.network_id == network_id, p.project_id.not_in(["", owner]))
    subnets = sa.select(s.id).where(s.network_id == network_id, s.project_id != owner)
    return tx.execute(sa.union_all(ports, subnets).limit(1)).first() is not None


def used_as_external(tx: Transaction, network_id: str) -> bool:
    """Tell whether routers have their gateway, or floating IPs their address, on the network."""
    routers = sa.select(t.routers.c.id).where(t.routers.c.gateway_network_id == network_id)
    floatingips = sa.select(t.floatingips.c.id).where(t.floatingips.c.floating_network_id == network_id)
    return tx.execute(sa.union_all(routers, floatingips).limit(1)).first() is not None


def ports_on(tx: Transaction, network_id: str) -> Sequence[RowMap]:
    """List the ports of a network: id, project_id and device_owner."""
    c = t.ports.c
    found = tx.execute(sa.select(c.id, c.project_id, c.device_owner).where(c.network_id == network_id).order_by(c.id))
    return list(found.mappings())


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = rows.values(row, COLUMNS)
    if "physical_network" in values:
        values["physical_network"] = values["physical_network"] or ""
    if values.get("network_type") == "flat":
        values["segmentation_id"] = 0  # not NULL: the unique key must decide about flat networks too
    return values


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    subnets = select.children(tx, page, t.subnets.c.network_id, t.subnets.c.created_at, t.subnets.c.id)
    tagged = tags.of_page(tx, page, "networks")
    return [
        rows.standard(row, COLUMNS)
        | {
            "provider:physical_network": row["physical_network"] or None,
            "provider:segmentation_id": row["segmentation_id"] or None,
            "subnets": [subnet["id"] for subnet in subnets.get(row["id"], ())],
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]
