"""What a host may be told: scopes as snapshots and deltas, read from the tables at one moment.

Every function here reads in the transaction it is given, which must be one snapshot (`store.read`).
"""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from kaon.model.qos_policies import effective, of_floatingip
from kaon.server.control.core import Core
from kaon.server.intent import address_groups, floatingips, networks, ports, routers, security_groups, subnets, trunks
from kaon.server.store import scope_rows
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import Wanted
from kaon.wire.entries import Entry
from kaon.wire.messages import Delta, Dropped, Snapshot
from kaon.wire.scopes import Kind, parse

_TRIMMED_AT_ONCE = 5000
"""Journal rows that one transaction forgets: on SQLite everybody else waits for it."""

MOST_KEYS_IN_A_DELTA = 500
"""With more changes than these the whole scope is sent: it costs less than asking for the entries one by one."""


def read_scope(tx: Transaction, scope: str, keys: Collection[str] | None = None) -> tuple[int, dict[str, Entry]] | None:
    """Read a scope: its revision, and its entries by key; with `keys` only those of them that exist.

    None when there is no such scope. At most eleven statements.
    """
    revision = scope_rows.revision_of(tx, scope)
    if revision is None:
        return None
    kind, identity = parse(scope)
    entries = _READERS[kind](tx, identity, Wanted(keys))
    return revision, {entry.key: entry for entry in entries}


def read_changes(tx: Transaction, scope: str, from_revision: int) -> Snapshot | Delta | Dropped | None:
    """Tell who holds `from_revision` (0: nothing) of a scope what he lacks.

    A delta when the journal reaches back that far and the change is small, otherwise the whole scope; Dropped when there is
    no such scope; None when the revision held is the newest one.
    """
    newest = scope_rows.revision_of(tx, scope)
    if newest is None:
        return Dropped(scope=scope)
    if from_revision == newest:
        return None
    keys = _changed_keys(tx, scope, from_revision, newest)
    found = read_scope(tx, scope, keys)
    if found is None:  # cannot be in one snapshot; said for whoever passes something else
        return Dropped(scope=scope)
    revision, entries = found
    if keys is None:
        return Snapshot(scope=scope, revision=revision, entries=tuple(entries[key] for key in sorted(entries)))
    return Delta(
        scope=scope,
        from_revision=from_revision,
        to_revision=revision,
        entries=tuple(entries[key] for key in sorted(entries)),
        gone=tuple(sorted(keys - entries.keys())),
    )


def journal_end(tx: Transaction) -> int:
    """Tell the newest sequence number of the journal; 0 when it is empty."""
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.max(t.journal.c.sequence), 0))).scalar_one())


def trim_journal(core: Core, keep: int) -> int:
    """Forget all but about the newest `keep` journal rows; who is further behind gets whole scopes. Give the number forgotten.

    Cutting by sequence number is safe: rows of a later revision of a scope have higher numbers, as its row is locked before
    they are made. So while one row of a revision is left, all rows of the later ones are.
    """

    def work(tx: Transaction) -> int:
        first, newest = tx.execute(sa.select(sa.func.min(t.journal.c.sequence), sa.func.max(t.journal.c.sequence))).one()
        last = min((newest or 0) - keep, (first or 0) + _TRIMMED_AT_ONCE - 1)
        if not first or last < first:
            return 0
        return tx.execute(sa.delete(t.journal).where(t.journal.c.sequence <= last)).rowcount

    forgotten = 0
    while done := core.store.write(work):
        forgotten += done
    return forgotten


def _changed_keys(tx: Transaction, scope: str, from_revision: int, newest: int) -> set[str] | None:
    """List the keys that changed after a revision, or None when the journal cannot tell or there are too many."""
    if not 0 < from_revision < newest:
        return None
    c = t.journal.c
    # One row more than may be used tells that there are too many; a row of from_revision, if still there, tells that no
    # later one was trimmed.
    rows = tx.execute(
        sa.select(c.revision, c.entry_key)
        .where(c.scope == scope, c.revision >= from_revision)
        .order_by(c.revision, c.sequence)
        .limit(2 * MOST_KEYS_IN_A_DELTA + 1)
    ).all()
    if len(rows) > 2 * MOST_KEYS_IN_A_DELTA or not rows or rows[0][0] != from_revision:
        return None
    keys = {key for revision, key in rows if revision > from_revision}
    return None if len(keys) > MOST_KEYS_IN_A_DELTA else keys


def _host(tx: Transaction, host: str, wanted: Wanted) -> Iterable[Entry]:
    rows = scope_rows.of_host(tx, host, wanted)
    for row in rows.ports.ports:
        group_ids = [membership["security_group_id"] for membership in rows.ports.groups.get(row["id"], ())]
        addresses, pairs = rows.ports.addresses.get(row["id"], ()), rows.ports.pairs.get(row["id"], ())
        rules = rows.ports.rules.get(effective(row) or "", ())
        yield ports.host_port(row, addresses, group_ids, pairs, rules)
    yield from map(subnets.served_network, rows.served)
    yield from map(routers.hosted_router, rows.hosted)
    for row in rows.trunks:
        yield trunks.trunk(row, rows.sub_ports.get(row["id"], ()))


def _network(tx: Transaction, network_id: str, wanted: Wanted) -> Iterable[Entry]:
    rows = scope_rows.of_network(tx, network_id, wanted)
    for row in rows.networks:
        yield networks.network(row, rows.segments)
    for row in rows.subnets:
        yield subnets.subnet(row, rows.dns_nameservers.get(row["id"], ()), rows.routes.get(row["id"], ()))
    for row in rows.ports.ports:
        yield ports.network_port(row, rows.ports.addresses.get(row["id"], ()))
    yield from map(networks.endpoint, rows.endpoints)


def _group(tx: Transaction, group_id: str, wanted: Wanted) -> Iterable[Entry]:
    rows = scope_rows.of_group(tx, group_id, wanted)
    yield from map(security_groups.security_group, rows.groups)
    yield from map(security_groups.rule, rows.rules)


def _members(tx: Transaction, group_id: str, wanted: Wanted) -> Iterable[Entry]:
    rows = scope_rows.of_members(tx, group_id, wanted)
    for row in rows.ports:
        yield ports.group_member(row["id"], rows.addresses.get(row["id"], ()), rows.pairs.get(row["id"], ()))
    yield from map(address_groups.prefix, scope_rows.of_address_group(tx, group_id, wanted))


def _router(tx: Transaction, router_id: str, wanted: Wanted) -> Iterable[Entry]:
    rows = scope_rows.of_router(tx, router_id, wanted)
    for row in rows.routers:
        yield routers.router(row, rows.routes, rows.rules.get(row["gateway_qos_policy_id"], ()))
    yield from map(ports.router_port, rows.legs)
    for row in rows.floatingips:
        yield floatingips.floatingip(row, rows.rules.get(of_floatingip(row) or "", ()), rows.forwards.get(row["id"], ()))


_READERS = {Kind.HOST: _host, Kind.NETWORK: _network, Kind.GROUP: _group, Kind.MEMBERS: _members, Kind.ROUTER: _router}
