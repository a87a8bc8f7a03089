"""Topologies that were made by themselves: which network and router a project was given."""

from dataclasses import dataclass

import sqlalchemy as sa

from kaon.server.store.engine import Transaction
from kaon.server.store.tables.services import auto_allocated_topologies


@dataclass(frozen=True)
class Topology:
    """What a project was given. router_id: None when the router was deleted since."""

    network_id: str
    router_id: str | None


def show(tx: Transaction, project_id: str) -> Topology | None:
    """Find the topology of a project."""
    c = auto_allocated_topologies.c
    found = tx.execute(sa.select(c.network_id, c.router_id).where(c.project_id == project_id)).first()
    return Topology(found.network_id, found.router_id) if found is not None else None


def insert(tx: Transaction, project_id: str, made: Topology) -> None:
    """Store the topology of a project. Errors: IntegrityError when it has one. It goes with its network."""
    values = {"project_id": project_id, "network_id": made.network_id, "router_id": made.router_id}
    tx.execute(sa.insert(auto_allocated_topologies).values(values))
