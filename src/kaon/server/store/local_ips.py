"""Local IPs and the ports that they stand for: rows in, resources out."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.tables.gateways import local_ip_associations as _standing
from kaon.server.store.tables.gateways import local_ips as _table

_MORE: Final = ("local_port_id", "network_id", "local_ip_address", "ip_mode")
COLUMNS: Final = {name: name for name in ("id", "project_id", "name", "description", *_MORE)}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(table=_table, columns=select.standard_columns(_table, *_MORE))


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List local IPs: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [rows.standard(row, COLUMNS) for row in page.rows], page.has_more


def show(tx: Transaction, local_ip_id: str) -> Row | None:
    """Find one local IP."""
    found = select.one(tx, _table, local_ip_id)
    return rows.standard(found, COLUMNS) if found is not None else None


def of_local_port(tx: Transaction, port_id: str) -> bool:
    """Tell whether a port gives its address to a local IP."""
    return tx.execute(sa.select(_table.c.id).where(_table.c.local_port_id == port_id).limit(1)).first() is not None


def insert(tx: Transaction, row: Row) -> None:
    """Store a local IP. Errors: IntegrityError when its port is gone."""
    tx.execute(sa.insert(_table).values(rows.values(row, COLUMNS)))


def update(tx: Transaction, local_ip_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, _table, local_ip_id, rows.values(changes, COLUMNS))


def hold(tx: Transaction, local_ip_id: str) -> None:
    """Have everybody wait who would let it stand for a port."""
    tx.lock(_table, local_ip_id, references=True)


def delete(tx: Transaction, local_ip_id: str) -> None:
    """Forget a local IP."""
    rows.remove(tx, _table, local_ip_id)


# ---- ports that they stand for


def associations(tx: Transaction, local_ip_id: str) -> list[Row]:
    """List the ports that a local IP stands for, by port id."""
    c, p = _standing.c, t.ports.c
    statement = (
        sa.select(c.fixed_port_id, c.fixed_ip, p.host, _table.c.local_ip_address)
        .select_from(_standing.join(t.ports, p.id == c.fixed_port_id).join(_table, _table.c.id == c.local_ip_id))
        .where(c.local_ip_id == local_ip_id)
        .order_by(c.fixed_port_id)
    )
    return [{"local_ip_id": local_ip_id, **row} for row in tx.execute(statement).mappings()]


def associate(tx: Transaction, local_ip_id: str, port_id: str, address: str) -> None:
    """Store that a local IP stands for an address of a port. Errors: IntegrityError when it stands for the port already."""
    tx.execute(sa.insert(_standing).values(local_ip_id=local_ip_id, fixed_port_id=port_id, fixed_ip=address))


def dissociate(tx: Transaction, local_ip_id: str, port_id: str) -> None:
    """Store that a local IP does not stand for a port. Errors: Retry when it did not."""
    c = _standing.c
    if not tx.execute(sa.delete(_standing).where(c.local_ip_id == local_ip_id, c.fixed_port_id == port_id)).rowcount:
        raise Retry(f"local IP {local_ip_id} does not stand for port {port_id} any more")


def forget_addresses(tx: Transaction, port_id: str, left: Collection[str]) -> None:
    """Forget that local IPs stand for addresses that a port has no longer."""
    c = _standing.c
    tx.execute(sa.delete(_standing).where(c.fixed_port_id == port_id, c.fixed_ip.not_in(sorted(left))))
