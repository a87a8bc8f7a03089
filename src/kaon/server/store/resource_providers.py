"""What resource providers are made of: addresses of segments, what agents say; and which were made."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.peers import placement_providers

_V4 = 4
_p = placement_providers.c


def routed_subnets(tx: Transaction) -> list[RowMap]:
    """List the IPv4 subnets of segments: id, network_id, segment_id, gateway_ip, enable_dhcp. One statement."""
    c = t.subnets.c
    chosen = sa.select(c.id, c.network_id, c.segment_id, c.gateway_ip, c.enable_dhcp)
    mine = sa.and_(c.segment_id.is_not(None), c.ip_version == _V4)
    return list(tx.execute(chosen.where(mine).order_by(c.segment_id, c.id)).mappings())


def pool_sizes(tx: Transaction, subnet_ids: Collection[str]) -> Mapping[str, int]:
    """Count the addresses of the allocation pools of subnets. One statement."""
    c = t.allocation_pools.c
    found: dict[str, int] = {}
    for row in tx.execute(sa.select(c.subnet_id, c.first, c.last).where(c.subnet_id.in_(sorted(subnet_ids)))):
        found[row.subnet_id] = found.get(row.subnet_id, 0) + int(row.last, 16) - int(row.first, 16) + 1
    return found


def taken_by_others(tx: Transaction, subnet_ids: Collection[str]) -> Mapping[str, int]:
    """Count the addresses in subnets that ports have which no server has, those of DHCP servers aside. One statement."""
    a, p = t.ip_allocations.c, t.ports.c
    others = sa.and_(p.device_owner.not_like("compute:%"), p.device_owner != "network:dhcp")
    counted = (
        sa.select(a.subnet_id, sa.func.count())
        .select_from(t.ip_allocations.join(t.ports, p.id == a.port_id))
        .where(a.subnet_id.in_(sorted(subnet_ids)), others)
        .group_by(a.subnet_id)
    )
    return {row[0]: row[1] for row in tx.execute(counted)}


def reporting_agents(tx: Transaction, agent_type: str) -> list[RowMap]:
    """List the agents that say how much their devices carry: host, agent_type, configurations (JSON text). One statement."""
    c = t.agents.c
    chosen = sa.select(c.host, c.agent_type, c.configurations).where(
        c.agent_type == agent_type, c.configurations.like("%resource_provider_%")
    )
    return list(tx.execute(chosen.order_by(c.host, c.agent_type)).mappings())


def made(tx: Transaction) -> dict[str, tuple[str, str]]:
    """List the providers that were made: id -> name, digest."""
    return {row.id: (row.name, row.digest) for row in tx.execute(sa.select(placement_providers).order_by(_p.id))}


def remember(tx: Transaction, provider_id: str, name: str, digest: str) -> None:
    """Store that a provider is made, or being made (digest "")."""
    if not tx.execute(sa.update(placement_providers).where(_p.id == provider_id).values(name=name, digest=digest)).rowcount:
        tx.execute(sa.insert(placement_providers).values(id=provider_id, name=name, digest=digest))


def forget(tx: Transaction, provider_id: str) -> None:
    """Forget a provider that is gone."""
    tx.execute(sa.delete(placement_providers).where(_p.id == provider_id))
