"""Bindings of ports that are not the active one (which is in the port's own row): where a server may be moved to."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Row
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import NOT_WIRED
from kaon.server.store.select import RowMap
from kaon.server.store.tables.trunks import port_bindings as _TABLE  # noqa: N812  # it is a constant here

_DOCUMENTS = ("profile", "vif_details")


def of_port(tx: Transaction, port_id: str) -> list[Row]:
    """List the inactive bindings of a port, by host: host, vnic_type, vif_type, profile, vif_details."""
    c = _TABLE.c
    found = tx.execute(sa.select(_TABLE).where(c.port_id == port_id).order_by(c.host)).mappings()
    return [{"host": row["host"], "vnic_type": row["vnic_type"], "vif_type": row["vif_type"]} | _read(row) for row in found]


def there_are(tx: Transaction, port_id: str) -> bool:
    """Tell whether a port has inactive bindings."""
    return tx.execute(sa.select(_TABLE.c.host).where(_TABLE.c.port_id == port_id).limit(1)).first() is not None


def hosts(tx: Transaction, port_id: str) -> list[str]:
    """List the hosts that are prepared for a port, by name."""
    c = _TABLE.c
    prepared = sa.select(c.host).where(c.port_id == port_id, c.vif_type.not_in(NOT_WIRED)).order_by(c.host)
    return list(tx.execute(prepared).scalars())


def insert(tx: Transaction, port_id: str, binding: Mapping[str, Any]) -> None:
    """Store an inactive binding. Errors: IntegrityError when the port has one on that host."""
    values = {key: binding[key] for key in ("host", "vnic_type", "vif_type")}
    values |= {key: json.dumps(binding[key], sort_keys=True) for key in _DOCUMENTS}
    tx.execute(sa.insert(_TABLE).values(port_id=port_id, **values))


def delete(tx: Transaction, port_id: str, host: str | None = None) -> None:
    """Forget the inactive binding of a port on a host, or (None) all."""
    mine = _TABLE.c.port_id == port_id
    tx.execute(sa.delete(_TABLE).where(mine if host is None else sa.and_(mine, _TABLE.c.host == host)))


def prepared(tx: Transaction, host: str, port_ids: Collection[str]) -> Sequence[RowMap]:
    """List which of these ports may move to the host: id, device_id, device_owner; by id. One statement."""
    p, c = t.ports.c, _TABLE.c
    chosen = sa.select(p.id, p.device_id, p.device_owner).join(_TABLE, c.port_id == p.id)
    return list(tx.execute(chosen.where(c.host == host, p.id.in_(sorted(port_ids))).order_by(p.id)).mappings())


def _read(row: RowMap) -> Row:
    return {key: json.loads(row[key]) for key in _DOCUMENTS}
