"""Segmentation ids that networks have, and the fact that says from which ranges free ones were laid out."""

from collections.abc import Sequence

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction


def laid_out(tx: Transaction, fact: str) -> str | None:
    """Tell what the free ids were laid out from."""
    found: str | None = tx.connection.scalar(sa.select(t.facts.c.value).where(t.facts.c.name == fact))
    return found


def remember(tx: Transaction, fact: str, value: str) -> None:
    """Store what the free ids were laid out from."""
    tx.execute(sa.delete(t.facts).where(t.facts.c.name == fact))
    tx.execute(sa.insert(t.facts).values(name=fact, value=value))


def in_use(tx: Transaction, network_type: str) -> Sequence[int]:
    """List the ids of a network type that networks have, sorted."""
    c = t.networks.c
    wanted = sa.select(c.segmentation_id).where(c.network_type == network_type, c.segmentation_id.is_not(None))
    return list(tx.execute(wanted.order_by(c.segmentation_id)).scalars())


def taken(tx: Transaction, network_type: str, physical_network: str, segmentation_id: int) -> bool:
    """Tell whether a network has the segment."""
    c = t.networks.c
    same = sa.and_(c.network_type == network_type, c.physical_network == physical_network, c.segmentation_id == segmentation_id)
    return tx.execute(sa.select(c.id).where(same)).first() is not None
