"""Hosts that introduced themselves, and their agents: one row for each role of a host."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kaon.lib.ids import new_id
from kaon.model.query import FilterValue, Query, Row
from kaon.server.store import select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import NOT_WIRED
from kaon.server.store.select import RowMap

_PLAIN = (
    "id",
    "agent_type",
    "binary",
    "topic",
    "host",
    "admin_state_up",
    "description",
    "availability_zone",
    "resources_synced",
)
_TIMES = ("created_at", "started_at", "heartbeat_timestamp")


def index(tx: Transaction, query: Query, seeing: select.Seeing, heard_after: datetime) -> tuple[list[Row], bool]:
    """List agents: a page, and whether more follow. Errors: select.MarkerNotFound.

    heard_after  an agent heard of since then is alive
    """
    alive = sa.case((t.agents.c.heartbeat_timestamp >= heard_after, sa.true()), else_=sa.false())
    columns = {name: t.agents.c[name] for name in (*_PLAIN, *_TIMES)} | {"alive": alive}
    listing = select.Listing(table=t.agents, columns=columns, special={"agent_type": _of_types})
    page = select.index(tx, listing, query, seeing)
    return [_row(row, heard_after) for row in page.rows], page.has_more


def _of_types(values: tuple[FilterValue, ...]) -> select.Condition:
    """Agents of these types in small or capital letters: clients count on what Neutron's usual database does."""
    return sa.func.lower(t.agents.c.agent_type).in_([str(value).lower() for value in values])


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


def hosts(tx: Transaction, names: Collection[str] | None = None) -> list[RowMap]:
    """List hosts by name, all or these: what they said of themselves."""
    chosen = sa.select(t.hosts).order_by(t.hosts.c.name)
    return list(tx.execute(chosen if names is None else chosen.where(t.hosts.c.name.in_(sorted(names)))).mappings())


def zones(tx: Transaction, agent_types: Iterable[str]) -> list[RowMap]:
    """List which zones agents of these types are in: availability_zone, agent_type, admin_state_up."""
    c = t.agents.c
    wanted = sa.select(c.availability_zone, c.agent_type, c.admin_state_up).where(c.agent_type.in_(sorted(agent_types)))
    return list(tx.execute(wanted.distinct()).mappings())


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


@dataclass(frozen=True)
class Choice:
    """What an agent must be like to be chosen.

    agent_type   its type
    heard_after  it was heard of since then
    load         a select of (host, number) for hosts that have any of what is placed
    without      hosts that are out of the question
    zones        one of these; empty: any
    apart_from   zones that are taken only when there is no other
    """

    agent_type: str
    heard_after: datetime
    load: sa.Select[Any]
    without: Collection[str] = ()
    zones: Collection[str] = ()
    apart_from: Collection[str] = ()


def least_loaded(tx: Transaction, choice: Choice) -> str | None:
    """Choose the host of an enabled agent that has the least of the load; by name among equals."""
    counted = choice.load.subquery("load")
    host_column, number = counted.c
    c = t.agents.c
    fits = [c.agent_type == choice.agent_type, c.admin_state_up, c.heartbeat_timestamp >= choice.heard_after]
    fits.append(c.host.not_in(sorted(choice.without)))
    if choice.zones:
        fits.append(c.availability_zone.in_(sorted(choice.zones)))
    again = sa.case((c.availability_zone.in_(sorted(choice.apart_from)), 1), else_=0)
    chosen = (
        sa.select(c.host)
        .select_from(t.agents.outerjoin(counted, host_column == c.host))
        .where(*fits)
        .order_by(again, sa.func.coalesce(number, 0), c.host)
        .limit(1)
    )
    found: str | None = tx.execute(chosen).scalar()
    return found


def zones_of(tx: Transaction, agent_type: str, names: Collection[str]) -> set[str]:
    """Name the zones that the agents of a type on these hosts are in."""
    c = t.agents.c
    chosen = sa.select(c.availability_zone).where(c.agent_type == agent_type, c.host.in_(sorted(names)))
    return set(tx.execute(chosen).scalars()) if names else set()


def of_hosts(tx: Transaction, agent_type: str, names: Collection[str]) -> list[str]:
    """List the agents of a type on these hosts, by id."""
    c = t.agents.c
    chosen = sa.select(c.id).where(c.agent_type == agent_type, c.host.in_(sorted(names))).order_by(c.id)
    return list(tx.execute(chosen).scalars()) if names else []


def _row(row: RowMap, heard_after: datetime) -> Row:
    """Make a resource of a row. Times are written as Neutron writes those of agents: with a blank, without zone."""
    return (
        {name: row[name] for name in _PLAIN}
        | {name: row[name].strftime("%Y-%m-%d %H:%M:%S") for name in _TIMES}
        | {"alive": row["heartbeat_timestamp"] >= heard_after, "configurations": json.loads(row["configurations"])}
    )
