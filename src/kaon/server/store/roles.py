"""Which hosts serve which networks and forward for which routers, and what waits for one."""

from typing import Any

import sqlalchemy as sa

from kaon.server.store import select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.segments import pinned_networks, pinned_routers

_served, _hosted, _pinned = t.served_networks.c, t.hosted_routers.c, pinned_networks.c

DHCP_LOAD = sa.select(_served.host, sa.func.count().label("number")).group_by(_served.host)
"""(host, networks that it serves)."""

ROUTER_LOAD = sa.select(_hosted.host, sa.func.count().label("number")).group_by(_hosted.host)
"""(host, routers that it forwards for)."""


def dhcp_subnets(tx: Transaction, network_id: str) -> list[RowMap]:
    """List the subnets of a network that want DHCP, oldest first: id, segment_id."""
    c = t.subnets.c
    chosen = sa.select(c.id, c.segment_id).where(c.network_id == network_id, c.enable_dhcp).order_by(c.created_at, c.id)
    return list(tx.execute(chosen).mappings())


def serving(tx: Transaction, network_id: str) -> list[RowMap]:
    """List who serves a network: host, port_id; by host."""
    return list(
        tx.execute(sa.select(t.served_networks).where(_served.network_id == network_id).order_by(_served.host)).mappings()
    )


def serve(tx: Transaction, network_id: str, host: str, port_id: str) -> None:
    """Store that a host serves a network on a port."""
    tx.execute(sa.insert(t.served_networks).values(network_id=network_id, host=host, port_id=port_id))


def served_by_port(tx: Transaction, port_id: str) -> RowMap | None:
    """Tell which host serves which network on this port: host, network_id."""
    return tx.execute(sa.select(t.served_networks).where(_served.port_id == port_id)).mappings().first()


def host_router(tx: Transaction, router_id: str, host: str) -> None:
    """Store that a host forwards for a router."""
    tx.execute(sa.insert(t.hosted_routers).values(router_id=router_id, host=host))


def stop_hosting(tx: Transaction, router_id: str) -> None:
    """Forget who forwards for a router."""
    tx.execute(sa.delete(t.hosted_routers).where(_hosted.router_id == router_id))


def pin_network(tx: Transaction, network_id: str, host: str) -> None:
    """Store that a host was chosen to serve a network."""
    tx.execute(sa.insert(pinned_networks).values(network_id=network_id, host=host))


def unpin_network(tx: Transaction, network_id: str, host: str) -> bool:
    """Forget that a host was chosen to serve a network; tell whether it was."""
    mine = sa.and_(_pinned.network_id == network_id, _pinned.host == host)
    return bool(tx.execute(sa.delete(pinned_networks).where(mine)).rowcount)


def pinned_hosts(tx: Transaction, network_id: str) -> list[str]:
    """List the hosts that were chosen to serve a network, sorted."""
    return list(tx.execute(sa.select(_pinned.host).where(_pinned.network_id == network_id).order_by(_pinned.host)).scalars())


def pin_router(tx: Transaction, router_id: str, host: str | None) -> None:
    """Store which host was chosen to forward for a router; None: none was."""
    tx.execute(sa.delete(pinned_routers).where(pinned_routers.c.router_id == router_id))
    if host is not None:
        tx.execute(sa.insert(pinned_routers).values(router_id=router_id, host=host))


def pinned_router(tx: Transaction, router_id: str) -> str | None:
    """Tell which host was chosen to forward for a router."""
    c = pinned_routers.c
    found: str | None = tx.execute(sa.select(c.host).where(c.router_id == router_id)).scalar()
    return found


def networks_on(tx: Transaction, host: str) -> list[str]:
    """List the networks that a host serves, or was chosen for, sorted."""
    chosen = sa.union(
        sa.select(_served.network_id).where(_served.host == host), sa.select(_pinned.network_id).where(_pinned.host == host)
    )
    return sorted(tx.execute(chosen).scalars())


def hosts_serving(tx: Transaction, network_id: str) -> list[str]:
    """List the hosts that serve a network, or were chosen for it, sorted."""
    return sorted({*pinned_hosts(tx, network_id), *(server["host"] for server in serving(tx, network_id))})


def routers_on(tx: Transaction, host: str) -> list[str]:
    """List the routers that a host forwards for, sorted."""
    return list(tx.execute(sa.select(_hosted.router_id).where(_hosted.host == host).order_by(_hosted.router_id)).scalars())


def router_hints(tx: Transaction, router_id: str) -> str:
    """Give the zones that a router should be in, as JSON."""
    c = t.routers.c
    return str(tx.execute(sa.select(c.availability_zone_hints).where(c.id == router_id)).scalar_one())


def zones_of_network() -> sa.ColumnElement[str | None]:
    """Give the column `zones` of networks, for `zones`: where their DHCP agents are."""
    return _zones(t.networks.c.id, _served.network_id, "DHCP agent")


def zones_of_router() -> sa.ColumnElement[str | None]:
    """Give the column `zones` of routers, for `zones`: where their L3 agents are."""
    return _zones(t.routers.c.id, _hosted.router_id, "L3 agent")


def zones(row: RowMap) -> list[str]:
    """Name the zones that a row has in its column `zones`, sorted."""
    return sorted({zone for (zone,) in select.parts(row["zones"]) if zone})


def _zones(mine: sa.Column[Any], parent: sa.Column[Any], agent_type: str) -> sa.ColumnElement[str | None]:
    c = t.agents.c
    there = sa.and_(c.host == parent.table.c.host, c.agent_type == agent_type)
    return select.inside("zones", mine, parent, sa.select(c.availability_zone).where(there).scalar_subquery())


def unserved_networks(tx: Transaction) -> list[str]:
    """List the networks that want DHCP and that nobody serves, or that have a segment where nobody does, sorted."""
    c, a = t.subnets.c, t.ip_allocations.c
    there = t.served_networks.join(t.ip_allocations, a.port_id == _served.port_id)
    without = ~sa.exists(sa.select(_served.host).select_from(there).where(a.subnet_id == c.id))
    nobody = sa.or_(
        ~sa.exists(sa.select(_served.host).where(_served.network_id == c.network_id)),
        sa.and_(c.segment_id.is_not(None), without),
    )
    return list(tx.execute(sa.select(c.network_id).where(c.enable_dhcp, nobody).distinct().order_by(c.network_id)).scalars())


def unhosted_routers(tx: Transaction) -> list[str]:
    """List the routers that have legs and that nobody forwards for, sorted."""
    c = t.router_ports.c
    nobody = ~sa.exists(sa.select(_hosted.host).where(_hosted.router_id == c.router_id))
    return list(tx.execute(sa.select(c.router_id).where(nobody).distinct().order_by(c.router_id)).scalars())
