"""Hosts that introduced themselves, and their agents: one row for each role of a host."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kaon.lib.ids import new_id
from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import NOT_WIRED
from kaon.server.store.select import RowMap

_PLAIN = ("id", "agent_type", "binary", "topic", "host", "admin_state_up", "description")
_TIMES = ("created_at", "started_at", "heartbeat_timestamp")


def index(tx: Transaction, query: Query, seeing: select.Seeing, heard_after: datetime) -> tuple[list[Row], bool]:
    """List agents: a page, and whether more follow. Errors: select.MarkerNotFound.

    heard_after  an agent heard of since then is alive
    """
    alive = sa.case((t.agents.c.heartbeat_timestamp >= heard_after, sa.true()), else_=sa.false())
    listing = select.Listing(table=t.agents, columns={name: t.agents.c[name] for name in (*_PLAIN, *_TIMES)} | {"alive": alive})
    page = select.index(tx, listing, query, seeing)
    return [_row(row, heard_after) for row in page.rows], page.has_more


def show(tx: Transaction, agent_id: str, heard_after: datetime) -> Row | None:
    """Find one agent."""
    found = select.one(tx, t.agents, agent_id)
    return _row(found, heard_after) if found is not None else None


def update(tx: Transaction, agent_id: str, changes: Mapping[str, Any]) -> None:
    """Store what administrators decide about an agent."""
    tx.execute(sa.update(t.agents).where(t.agents.c.id == agent_id).values(dict(changes)))


def delete(tx: Transaction, agent_id: str) -> None:
    """Forget an agent."""
    tx.execute(sa.delete(t.agents).where(t.agents.c.id == agent_id))


def host(tx: Transaction, name: str) -> RowMap | None:
    """Find a host by its name."""
    return tx.execute(sa.select(t.hosts).where(t.hosts.c.name == name)).mappings().first()


def save_host(tx: Transaction, name: str, values: Mapping[str, Any], *, known: bool) -> None:
    """Write what a host said of itself: instance, tunnel_ip, physical_networks (JSON text)."""
    if known:
        tx.execute(sa.update(t.hosts).where(t.hosts.c.name == name).values(**values, heard_at=tx.now))
    else:
        tx.execute(sa.insert(t.hosts).values(name=name, **values, heard_at=tx.now))


def hosts_apart(tx: Transaction, needed: Collection[str]) -> set[str]:
    """Name the hosts that are not wired to all of these physical networks. When none is needed, nothing is read."""
    if not needed:
        return set()
    found = tx.execute(sa.select(t.hosts.c.name, t.hosts.c.physical_networks))
    return {name for name, reached in found if not set(needed) <= set(json.loads(reached))}


def networks_of(tx: Transaction, name: str) -> list[str]:
    """List the networks that have ports on the host, sorted."""
    c = t.ports.c
    chosen = sa.select(c.network_id).where(c.host == name, c.vif_type.not_in(NOT_WIRED)).distinct().order_by(c.network_id)
    return list(tx.execute(chosen).scalars())


def save_agents(tx: Transaction, name: str, wanted: Mapping[str, Mapping[str, Any]], *, restarted: bool) -> None:
    """Make a host have exactly these agents.

    wanted     agent type -> binary, topic, configurations (JSON text)
    restarted  the agent process is another one than last time
    """
    c = t.agents.c
    known = set(tx.execute(sa.select(c.agent_type).where(c.host == name)).scalars())
    gone = known - wanted.keys()
    if gone:
        tx.execute(sa.delete(t.agents).where(c.host == name, c.agent_type.in_(sorted(gone))))
    started = {"started_at": tx.now} if restarted else {}
    for agent_type in sorted(known & wanted.keys()):
        mine = sa.and_(c.host == name, c.agent_type == agent_type)
        changes = {**wanted[agent_type], **started, "heartbeat_timestamp": tx.now}
        tx.execute(sa.update(t.agents).where(mine).values(**changes))
    fresh = [
        {
            "id": new_id(),
            "host": name,
            "agent_type": agent_type,
            "admin_state_up": True,
            "description": None,
            "created_at": tx.now,
            "started_at": tx.now,
            "heartbeat_timestamp": tx.now,
            **wanted[agent_type],
        }
        for agent_type in sorted(wanted.keys() - known)
    ]
    if fresh:
        tx.execute(sa.insert(t.agents), fresh)


def heard(tx: Transaction, names: Collection[str], now: datetime) -> None:
    """Remember that these hosts were heard of now: two statements for any number of hosts."""
    chosen = sorted(names)
    tx.execute(sa.update(t.hosts).where(t.hosts.c.name.in_(chosen)).values(heard_at=now))
    tx.execute(sa.update(t.agents).where(t.agents.c.host.in_(chosen)).values(heartbeat_timestamp=now))


def least_loaded(
    tx: Transaction, agent_type: str, heard_after: datetime, load: sa.Select[Any], without: Collection[str]
) -> str | None:
    """Choose the host of a live, enabled agent of the type that has the least of the load; by name among equals.

    load  a select of (host, number) for hosts that have any
    """
    counted = load.subquery("load")
    host_column, number = counted.c
    c = t.agents.c
    chosen = (
        sa.select(c.host)
        .select_from(t.agents.outerjoin(counted, host_column == c.host))
        .where(
            c.agent_type == agent_type, c.admin_state_up, c.heartbeat_timestamp >= heard_after, c.host.not_in(sorted(without))
        )
        .order_by(sa.func.coalesce(number, 0), c.host)
        .limit(1)
    )
    found: str | None = tx.execute(chosen).scalar()
    return found


def _row(row: RowMap, heard_after: datetime) -> Row:
    """Make a resource of a row. Times are written as Neutron writes those of agents: with a blank, without zone."""
    return (
        {name: row[name] for name in _PLAIN}
        | {name: row[name].strftime("%Y-%m-%d %H:%M:%S") for name in _TIMES}
        | {"alive": row["heartbeat_timestamp"] >= heard_after, "configurations": json.loads(row["configurations"])}
    )
