"""Which hosts serve which networks and forward for which routers, and what waits for one."""

from collections.abc import Collection

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

_served, _hosted = t.served_networks.c, t.hosted_routers.c

DHCP_LOAD = sa.select(_served.host, sa.func.count().label("number")).group_by(_served.host)
"""(host, networks that it serves)."""

ROUTER_LOAD = sa.select(_hosted.host, sa.func.count().label("number")).group_by(_hosted.host)
"""(host, routers that it forwards for)."""


def dhcp_subnets(tx: Transaction, network_id: str) -> list[str]:
    """List the subnets of a network that want DHCP, oldest first."""
    c = t.subnets.c
    chosen = sa.select(c.id).where(c.network_id == network_id, c.enable_dhcp).order_by(c.created_at, c.id)
    return list(tx.execute(chosen).scalars())


def physical_networks(tx: Transaction, network_ids: Collection[str]) -> set[str]:
    """Name the physical networks that these networks lie on; those of tunnels lie on none."""
    c = t.networks.c
    chosen = sa.select(c.physical_network).where(c.id.in_(sorted(network_ids)), c.physical_network != "")
    return set(tx.execute(chosen).scalars()) if network_ids else set()


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


def unserved_networks(tx: Transaction) -> list[str]:
    """List the networks that want DHCP and that nobody serves, sorted."""
    c = t.subnets.c
    nobody = ~sa.exists(sa.select(_served.host).where(_served.network_id == c.network_id))
    return list(tx.execute(sa.select(c.network_id).where(c.enable_dhcp, nobody).distinct().order_by(c.network_id)).scalars())


def unhosted_routers(tx: Transaction) -> list[str]:
    """List the routers that have legs and that nobody forwards for, sorted."""
    c = t.router_ports.c
    nobody = ~sa.exists(sa.select(_hosted.host).where(_hosted.router_id == c.router_id))
    return list(tx.execute(sa.select(c.router_id).where(nobody).distinct().order_by(c.router_id)).scalars())
