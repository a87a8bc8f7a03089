"""What placement asks the tables: how networks lie, and who is bound where."""

from collections.abc import Collection

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import NOT_WIRED
from kaon.server.store.select import RowMap

SERVING = ("network:dhcp", "network:distributed", "network:floatingip_agent_gateway")
"""Owners of ports that come and go with what is served."""


def networks(tx: Transaction, network_ids: Collection[str]) -> list[RowMap]:
    """Read where networks lie: id, backend, network_type, physical_network, segmentation_id, availability_zone_hints."""
    if not network_ids:
        return []
    c = t.networks.c
    wanted = (c.id, c.backend, c.network_type, c.physical_network, c.segmentation_id, c.availability_zone_hints)
    return list(tx.execute(sa.select(*wanted).where(c.id.in_(sorted(network_ids))).order_by(c.id)).mappings())


def bound(tx: Transaction, network_id: str) -> list[RowMap]:
    """List the ports of a network that a host wires, but for those that serve it: id, host."""
    c = t.ports.c
    wired = sa.and_(c.network_id == network_id, c.host != "", c.vif_type.not_in(NOT_WIRED), c.device_owner.not_in(SERVING))
    return list(tx.execute(sa.select(c.id, c.host).where(wired).order_by(c.id)).mappings())
