"""What binding asks the tables: the host."""

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap


def host(tx: Transaction, name: str) -> RowMap | None:
    """Find a host that has introduced itself."""
    return tx.execute(sa.select(t.hosts).where(t.hosts.c.name == name)).mappings().first()
