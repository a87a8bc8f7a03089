"""What hosts say they have made true, kept per host. Never journaled: nobody else's intent depends on it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import RowMap
from kaon.server.store.tables.trunks import port_bindings
from kaon.wire.messages import Realised, RealisedKind


def store(tx: Transaction, host: str, told: Iterable[Realised]) -> None:
    """Keep the latest value of each thing; what is gone is forgotten. One statement for each kind, and one more."""
    latest = {(thing.kind, thing.id): thing for thing in told}
    c = t.realised.c
    for kind in RealisedKind:
        ids = sorted(identity for known, identity in latest if known is kind)
        if ids:
            tx.execute(sa.delete(t.realised).where(c.host == host, c.kind == kind, c.entity_id.in_(ids)))
    fresh = [
        {
            "host": host,
            "kind": str(thing.kind),
            "entity_id": thing.id,
            "revision": thing.revision,
            "up": thing.up,
            "reason": thing.reason,
            "reported_at": tx.now,
        }
        for thing in latest.values()
        if not thing.gone
    ]
    if fresh:
        tx.execute(sa.insert(t.realised), fresh)


def concerned(tx: Transaction, host: str, kind: RealisedKind, ids: Collection[str]) -> set[str]:
    """Say of which of these things the host may speak: its own ports, what it serves, what it hosts. One statement."""
    if not ids:
        return set()
    chosen = sorted(set(ids))
    port, served, hosted, floating = t.ports.c, t.served_networks.c, t.hosted_routers.c, t.floatingips.c
    statements: Mapping[RealisedKind, sa.Select[Any]] = {
        RealisedKind.PORT: sa.select(port.id).where(
            sa.or_(port.host == host, port.id.in_(sa.select(port_bindings.c.port_id).where(port_bindings.c.host == host))),
            port.id.in_(chosen),
        ),
        RealisedKind.LEASE: sa.select(port.id)
        .join(t.served_networks, served.network_id == port.network_id)
        .where(served.host == host, port.id.in_(chosen)),
        RealisedKind.ROUTER: sa.select(hosted.router_id).where(hosted.host == host, hosted.router_id.in_(chosen)),
        RealisedKind.FLOATINGIP: sa.select(floating.id)
        .join(t.hosted_routers, hosted.router_id == floating.router_id)
        .where(hosted.host == host, floating.id.in_(chosen)),
    }
    return set(tx.execute(statements[kind]).scalars())


def port_standing(tx: Transaction, port_ids: Collection[str], dhcp_heard_after: datetime) -> list[RowMap]:
    """Tell what the status of ports depends on, one row a port, in one statement.

    id, device_id, device_owner, status, revision_number, admin_state_up, bound (it has a host that wires it);
    realised_revision and up of its own host (None: not told); awaits_lease: a live DHCP server serves its network, and it
    has an address that such a server hands out; lease_revision: the newest that a live server has.
    """
    port, wired, served, agent = t.ports.c, t.realised.c, t.served_networks.c, t.agents.c
    leases = t.realised.alias("leases")
    live = t.served_networks.join(t.agents, agent.host == served.host)
    is_live = sa.and_(agent.agent_type == "DHCP agent", agent.heartbeat_timestamp >= dhcp_heard_after)
    hands_out = sa.and_(
        t.subnets.c.enable_dhcp,
        sa.or_(
            t.subnets.c.ip_version == 4,  # noqa: PLR2004  # the IP version
            t.subnets.c.ipv6_address_mode == "dhcpv6-stateful",
            sa.and_(t.subnets.c.ipv6_address_mode.is_(None), t.subnets.c.ipv6_ra_mode.is_(None)),
        ),
    )
    served_by_live = sa.exists(sa.select(served.host).select_from(live).where(served.network_id == port.network_id, is_live))
    has_such_address = sa.exists(
        sa.select(t.ip_allocations.c.port_id)
        .join(t.subnets, t.subnets.c.id == t.ip_allocations.c.subnet_id)
        .where(t.ip_allocations.c.port_id == port.id, hands_out)
    )
    newest_lease = (
        sa.select(sa.func.max(leases.c.revision))
        .select_from(live.join(leases, leases.c.host == served.host))
        .where(served.network_id == port.network_id, is_live, leases.c.kind == str(RealisedKind.LEASE))
        .where(leases.c.entity_id == port.id, leases.c.up)
        .correlate(t.ports)
        .scalar_subquery()
    )
    own = sa.and_(wired.entity_id == port.id, wired.host == port.host, wired.kind == str(RealisedKind.PORT))
    needs = sa.and_(port.device_owner.not_like("network:%"), served_by_live, has_such_address)
    chosen = (
        sa.select(
            port.id,
            port.device_id,
            port.device_owner,
            port.status,
            port.revision_number,
            (port.host != "").label("bound"),
            port.admin_state_up,
            wired.revision.label("realised_revision"),
            wired.up,
            sa.case((needs, sa.true()), else_=sa.false()).label("awaits_lease"),
            newest_lease.label("lease_revision"),
        )
        .select_from(t.ports.outerjoin(t.realised, own))
        .where(port.id.in_(sorted(port_ids)))
    )
    return list(tx.execute(chosen).mappings())  # type: ignore[arg-type]  # RowMapping reads as Mapping[str, Any]


def wired_but_down(tx: Transaction) -> list[str]:
    """List the ports that are DOWN although their host has wired their newest revision."""
    port, wired = t.ports.c, t.realised.c
    own = sa.and_(wired.entity_id == port.id, wired.host == port.host, wired.kind == str(RealisedKind.PORT))
    chosen = (
        sa.select(port.id)
        .select_from(t.ports.join(t.realised, own))
        .where(port.status == "DOWN", port.admin_state_up, wired.up, wired.revision >= port.revision_number)
    )
    return list(tx.execute(chosen).scalars())


def set_status(tx: Transaction, table: sa.Table, status: str, ids: Collection[str]) -> None:
    """Set the status of resources. Their revision stays: what hosts should do has not changed."""
    if ids:
        tx.execute(sa.update(table).where(table.c.id.in_(sorted(ids))).values(status=status))


def of_entity(tx: Transaction, kind: RealisedKind, identity: str) -> list[RowMap]:
    """Tell what every host said of one thing, by host name."""
    c = t.realised.c
    chosen = sa.select(t.realised).where(c.kind == str(kind), c.entity_id == identity).order_by(c.host)
    return list(tx.execute(chosen).mappings())  # type: ignore[arg-type]  # RowMapping reads as Mapping[str, Any]


def forget(tx: Transaction, ids: Collection[str]) -> None:
    """Forget what hosts said of things that are deleted."""
    if ids:
        tx.execute(sa.delete(t.realised).where(t.realised.c.entity_id.in_(sorted(ids))))
