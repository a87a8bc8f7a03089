"""Networks over which the highly available routers of a project will agree who of them works."""

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.gateways import ha_networks as _table


def of_project(tx: Transaction, project_id: str) -> str | None:
    """Tell which network it is."""
    found: str | None = tx.execute(sa.select(_table.c.network_id).where(_table.c.project_id == project_id)).scalar()
    return found


def insert(tx: Transaction, project_id: str, network_id: str) -> None:
    """Store which network it is. Errors: IntegrityError when the project has one."""
    tx.execute(sa.insert(_table).values(project_id=project_id, network_id=network_id))


def needed(tx: Transaction, project_id: str) -> bool:
    """Tell whether the project has highly available routers."""
    c = t.routers.c
    return tx.execute(sa.select(c.id).where(c.project_id == project_id, c.ha).limit(1)).first() is not None
