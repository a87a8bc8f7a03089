"""What back ends find to be true becomes what users see: the sink that they are given.

    port        ACTIVE once its own host has wired its newest revision and, where a live DHCP server serves it, one has its
                reservation; it stays so while a later revision is being wired; DOWN when its host says so
    router      ACTIVE from the start, as in Neutron; DOWN while the host that forwards for it says that it cannot
    floatingip  ACTIVE once the router's host translates its newest revision; DOWN when that host says so

A status is no intent: it raises no revision and is never journaled to hosts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kaon.server.control import nova_events
from kaon.server.control.core import Core
from kaon.server.store import followers, port_bindings, realised
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.wire.messages import Realised, RealisedKind, Report

ACTIVE = "ACTIVE"
DOWN = "DOWN"

_BATCH = 500
"""Things looked at by one statement."""


@dataclass(frozen=True)
class Sink:
    """Stores what is told of an authenticated host and derives the statuses that follow; see `backends.protocol.StatusSink`.

    A host counts for its own ports, leases on networks that it serves, routers that it hosts and their floating IPs;
    anything else is passed over. The number of statements is bounded for each 500 things.
    """

    core: Core

    def realised(self, host: str, things: Sequence[Realised], applied: Mapping[str, int]) -> None:
        """Store a batch, in one transaction."""

        def work(tx: Transaction) -> None:
            followers.store_applied(tx, host, applied)
            for start in range(0, len(things), _BATCH):
                _take(tx, self.core, host, things[start : start + _BATCH])

        self.core.store.write(work)


def start_backends(core: Core) -> None:
    """Let every back end begin, with where its status goes. Once in each server, before hosts are served."""
    for backend in core.backends.values():
        backend.start(Sink(core))


def take_report(core: Core, host: str, report: Report) -> None:
    """Give a report of an authenticated host to the back ends whose status comes from hosts."""
    for backend in core.backends.values():
        if backend.capabilities.status_from == "hosts":
            backend.reported(host, report.realised, report.applied)


def refresh_waiting(core: Core) -> None:
    """Derive anew the status of wired ports that are not ACTIVE: the DHCP server that they waited for may have died."""
    waiting = core.store.read(realised.wired_but_down)
    if waiting:
        core.store.write(lambda tx: refresh_ports(tx, core, waiting))


def refresh_ports(tx: Transaction, core: Core, port_ids: Collection[str]) -> None:
    """Derive the status of ports anew: after a DHCP server came, went or died, or the port lost its host."""
    ordered = sorted(port_ids)
    for start in range(0, len(ordered), _BATCH):
        verdicts: dict[str, list[Mapping[str, Any]]] = {ACTIVE: [], DOWN: []}
        for row in realised.port_standing(tx, ordered[start : start + _BATCH], alive_after(core, tx.now)):
            verdict = port_status(row)
            if verdict != row["status"]:
                verdicts[verdict].append(row)
        for verdict, moved in verdicts.items():
            realised.set_status(tx, t.ports, verdict, {row["id"] for row in moved})
            for row in moved:
                nova_events.status_changed(core, tx, row, row["status"], verdict)


def refresh_network(tx: Transaction, core: Core, network_id: str) -> None:
    """Derive anew the status of the ports of a network that wait for something."""
    waiting = sa.select(t.ports.c.id).where(
        t.ports.c.network_id == network_id, t.ports.c.host != "", t.ports.c.status != ACTIVE
    )
    refresh_ports(tx, core, list(tx.execute(waiting).scalars()))


def port_status(row: Mapping[str, Any]) -> str:
    """Derive the status of a port from its standing (`store.realised.port_standing`)."""
    if not row["bound"] or not row["admin_state_up"] or not row["up"]:
        return DOWN
    if row["status"] == ACTIVE:
        return ACTIVE
    wired = row["realised_revision"] >= row["revision_number"]
    leased = not row["awaits_lease"] or (row["lease_revision"] or 0) >= row["revision_number"]
    return ACTIVE if wired and leased else DOWN


def port_realised(core: Core, port_id: str) -> list[dict[str, Any]]:
    """List what each host said of a port: host, kind (port, lease), revision, up, reason, reported_at."""

    def work(tx: Transaction) -> list[dict[str, Any]]:
        told = [row for kind in (RealisedKind.PORT, RealisedKind.LEASE) for row in realised.of_entity(tx, kind, port_id)]
        names = ("host", "kind", "revision", "up", "reason", "reported_at")
        return [{name: row[name] for name in names} for row in told]

    return core.store.read(work)


def alive_after(core: Core, now: datetime) -> datetime:
    """Give the moment since which an agent must have been heard of to count as alive."""
    return now - timedelta(seconds=core.settings.agent_down_time_s)


def _take(tx: Transaction, core: Core, host: str, told: Collection[Realised]) -> None:
    ids: dict[RealisedKind, set[str]] = {
        kind: realised.concerned(tx, host, kind, [thing.id for thing in told if thing.kind is kind]) for kind in RealisedKind
    }
    # What is gone may be forgotten even when it is no longer the host's: that is when it goes.
    mine = [thing for thing in told if thing.gone or thing.id in ids[thing.kind]]
    if not mine:
        return
    realised.store(tx, host, mine)
    refresh_ports(tx, core, ids[RealisedKind.PORT] | ids[RealisedKind.LEASE])
    wired = {thing.id for thing in mine if thing.kind is RealisedKind.PORT and thing.up and not thing.gone}
    if wired and core.settings.notify_nova_of_status:
        for port in port_bindings.prepared(tx, host, wired):
            nova_events.wired_at_destination(core, tx, port)
    _refresh_others(tx, mine, t.routers, RealisedKind.ROUTER, from_revision=False)
    _refresh_others(tx, mine, t.floatingips, RealisedKind.FLOATINGIP, from_revision=True)


def _refresh_others(
    tx: Transaction, told: Collection[Realised], table: sa.Table, kind: RealisedKind, *, from_revision: bool
) -> None:
    """Set the status of routers or floating IPs; `from_revision`: only the newest revision makes ACTIVE."""
    latest = {thing.id: thing for thing in told if thing.kind is kind and not thing.gone}
    if not latest:
        return
    current = sa.select(table.c.id, table.c.revision_number, table.c.status).where(table.c.id.in_(sorted(latest)))
    verdicts: dict[str, set[str]] = {ACTIVE: set(), DOWN: set()}
    for identity, revision, status in tx.execute(current):
        thing = latest[identity]
        if not thing.up:
            verdict = DOWN
        elif from_revision and thing.revision < revision:
            verdict = status
        else:
            verdict = ACTIVE
        if verdict != status:
            verdicts[verdict].add(identity)
    for verdict, ids in verdicts.items():
        realised.set_status(tx, table, verdict, ids)
