"""Who follows which scope: rows `(host, scope)`, settled in the transaction that changes the need.

A host needs
    host:<itself>      always
    network:<n>        while a port of n is bound to it or may be moved to it, it serves n with DHCP, or a router it hosts has a
                       leg on n
    group:<g>          while such a port is in g
    members:<r>        while a rule of a group it needs names r as its remote group or remote address group
    router:<r>         while it hosts r

Settling asks the tables about some hosts and some scopes only, so its cost follows the change. Two transactions at once could
miss each other's rows on databases that read committed rows only; therefore rows in question are locked before the need is
looked up, and a host that asks for a scope it does not follow is settled again (`allowed`).
"""

import functools
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.scope_rows import NOT_WIRED
from kaon.server.store.tables.trunks import port_bindings
from kaon.wire import scopes


def follow_port(tx: Transaction, host: str, network_id: str, group_ids: Iterable[str] = ()) -> None:
    """Settle what a host needs for a port that was bound to it, changed its groups, left it or was deleted.

    Call it after the rows of the port are written, with its old and new groups together; once for each host when it moved.
    A port without a host ("") costs nothing.
    """
    if host:
        settle(tx, [host], port_scopes(tx, network_id, group_ids))


def follow_router(tx: Transaction, hosts: Collection[str], router_id: str, network_ids: Iterable[str] = ()) -> None:
    """Settle what the hosts need for a router that they host or no longer host, and for networks it gained or lost legs on."""
    settle(tx, hosts, {scopes.router(router_id), *map(scopes.network, network_ids)})


def follow_remote_groups(tx: Transaction, group_id: str, remote_group_ids: Iterable[str]) -> None:
    """Settle who follows the members of remote groups, address groups too, after rules that name them were made or removed."""
    wanted = {scopes.members(remote) for remote in remote_group_ids}
    if wanted:
        settle(tx, hosts_following(tx, scopes.group(group_id)), wanted)


def port_scopes(tx: Transaction, network_id: str, group_ids: Iterable[str]) -> set[str]:
    """List the scopes that a bound port of this network and these groups makes its host need."""
    needed = {scopes.network(network_id)}
    group_ids = set(group_ids)
    if group_ids:
        needed.update(map(scopes.group, group_ids))
        named = tx.execute(_remote(), {"groups": sorted(group_ids)}).scalars()
        needed.update(scopes.members(group_id) for group_id in named)
    return needed


@functools.cache
def _remote() -> sa.Select[Any]:
    r = t.security_group_rules.c
    named = sa.func.coalesce(r.remote_group_id, r.remote_address_group_id)
    ours = r.security_group_id.in_(sa.bindparam("groups", expanding=True))
    return sa.select(named).where(ours, named.is_not(None)).distinct()


def hosts_following(tx: Transaction, scope: str) -> list[str]:
    """List the hosts that follow a scope, sorted."""
    return list(tx.execute(_following(), {"of_scope": scope}).scalars())


@functools.cache
def _following() -> sa.Select[Any]:
    c = t.followers.c
    return sa.select(c.host).where(c.scope == sa.bindparam("of_scope")).order_by(c.host)


def settle(tx: Transaction, hosts: Collection[str], names: Iterable[str]) -> None:
    """Make the hosts follow those of the named scopes that they need, and no other of the named."""
    names = set(names)
    if not hosts or not names:
        return
    candidates = sorted(names | {scopes.host(host) for host in hosts})
    c = t.followers.c
    held = {(host, scope) for host, scope in tx.execute(_locking(), {"hosts": sorted(hosts), "names": candidates})}
    needed = _needed(tx, hosts, names)
    superfluous = sorted(held - needed)
    if superfluous:
        going = sa.tuple_(c.host, c.scope).in_(superfluous)
        tx.execute(sa.delete(t.followers).where(going))
    missing = sorted(needed - held)
    if missing:
        tx.execute(sa.insert(t.followers), [{"host": host, "scope": scope, "applied": 0} for host, scope in missing])


@functools.cache
def _locking() -> sa.Select[Any]:
    c = t.followers.c
    asked = sa.and_(c.host.in_(sa.bindparam("hosts", expanding=True)), c.scope.in_(sa.bindparam("names", expanding=True)))
    return sa.select(c.host, c.scope).where(asked).order_by(c.host, c.scope).with_for_update()


def settle_host(tx: Transaction, host: str) -> None:
    """Settle all that a host follows, from nothing: when it introduces itself. Work grows with what is on that host."""
    tx.touch(scopes.host(host)) if _host_scope_missing(tx, host) else None
    settle(tx, [host], {scopes.host(host), *followed(tx, host), *_all_needed_by(tx, host)})


def followed(tx: Transaction, host: str) -> dict[str, int]:
    """Map each scope that the host follows to its revision now."""
    joined = t.followers.join(t.scopes, t.scopes.c.name == t.followers.c.scope)
    chosen = sa.select(t.scopes.c.name, t.scopes.c.revision).select_from(joined).where(t.followers.c.host == host)
    return {row.name: row.revision for row in tx.execute(chosen)}


def allowed(tx: Transaction, host: str, names: Collection[str]) -> set[str]:
    """Say which of the named scopes the host needs by the tables, whether it follows them or not. Reads only."""
    return {scope for _, scope in _needed(tx, [host], names)} & set(names)


def store_applied(tx: Transaction, host: str, applied: Mapping[str, int]) -> None:
    """Keep the revisions that a host says its kernel agrees with; of scopes it does not follow nothing is kept."""
    if applied:
        c = t.followers.c
        value = sa.case(dict(applied), value=c.scope, else_=c.applied)
        tx.execute(sa.update(t.followers).where(c.host == host, c.scope.in_(sorted(applied))).values(applied=value))


def _host_scope_missing(tx: Transaction, host: str) -> bool:
    return tx.execute(sa.select(t.scopes.c.name).where(t.scopes.c.name == scopes.host(host))).first() is None


def _needed(tx: Transaction, hosts: Collection[str], names: Iterable[str]) -> set[tuple[str, str]]:
    """Look up who needs which of the named scopes: one statement."""
    wanted: dict[scopes.Kind, list[str]] = {kind: [] for kind in scopes.Kind}
    for name in sorted(names):
        kind, identity = scopes.parse(name)
        wanted[kind].append(identity)
    found = {(host, scopes.host(host)) for host in hosts}
    asking = _asking(frozenset(kind for kind, identities in wanted.items() if identities))
    if asking is not None:
        parameters = {"hosts": sorted(hosts)} | {f"of_{kind}": identities for kind, identities in wanted.items() if identities}
        found.update((host, f"{kind}:{identity}") for kind, host, identity in tx.execute(asking, parameters))
    return found


@functools.cache
def _asking(kinds: frozenset[scopes.Kind]) -> sa.CompoundSelect[Any] | None:
    """Make the question who needs scopes of these kinds. Parameters: hosts, of_network and so on; None: nothing is asked."""
    questions = [
        question.where(
            host_column.in_(sa.bindparam("hosts", expanding=True)), id_column.in_(sa.bindparam(f"of_{kind}", expanding=True))
        )
        for kind, question, host_column, id_column in _questions()
        if kind in kinds
    ]
    return sa.union(*questions) if questions else None


def _all_needed_by(tx: Transaction, host: str) -> set[str]:
    questions = [question.where(host_column == host) for _, question, host_column, _ in _questions()]
    return {f"{kind}:{identity}" for kind, _, identity in tx.execute(sa.union(*questions))}


def _questions() -> list[tuple[scopes.Kind, sa.Select[*tuple[Any, ...]], sa.ColumnElement[str], sa.ColumnElement[str]]]:
    """List every reason to need a scope: (kind, select of (kind, host, id), its host column, its id column)."""
    port = t.ports.c
    served = t.served_networks.c
    hosted = t.hosted_routers.c
    leg = t.router_ports.c
    membership = t.port_security_groups.c
    rule = t.security_group_rules.c
    wired = port.vif_type.not_in(NOT_WIRED)
    prepared = port_bindings.c
    ready = prepared.vif_type.not_in(NOT_WIRED)
    moving = t.ports.join(port_bindings, prepared.port_id == port.id)
    moving_in_groups = port_bindings.join(t.port_security_groups, membership.port_id == prepared.port_id)
    rules_of_moving = moving_in_groups.join(t.security_group_rules, rule.security_group_id == membership.security_group_id)
    in_groups = t.port_security_groups.join(t.ports, port.id == membership.port_id)
    rules_of_ports = in_groups.join(t.security_group_rules, rule.security_group_id == membership.security_group_id)
    legs_of_hosted = t.router_ports.join(t.hosted_routers, hosted.router_id == leg.router_id)

    def reason(
        kind: scopes.Kind,
        source: sa.FromClause,
        host: sa.ColumnElement[str],
        identity: sa.ColumnElement[str],
        *when: sa.ColumnElement[bool],
    ) -> tuple[scopes.Kind, sa.Select[*tuple[Any, ...]], sa.ColumnElement[str], sa.ColumnElement[str]]:
        return kind, sa.select(sa.literal(str(kind)), host, identity).select_from(source).where(*when), host, identity

    return [
        reason(scopes.Kind.NETWORK, t.ports, port.host, port.network_id, wired),
        reason(scopes.Kind.NETWORK, t.served_networks, served.host, served.network_id),
        reason(scopes.Kind.NETWORK, legs_of_hosted, hosted.host, leg.network_id, leg.position == 0),
        reason(scopes.Kind.GROUP, in_groups, port.host, membership.security_group_id, wired),
        *(
            reason(scopes.Kind.MEMBERS, rules_of_ports, port.host, remote, wired, remote.is_not(None))
            for remote in (rule.remote_group_id, rule.remote_address_group_id)
        ),
        reason(scopes.Kind.NETWORK, moving, prepared.host, port.network_id, ready),
        reason(scopes.Kind.GROUP, moving_in_groups, prepared.host, membership.security_group_id, ready),
        *(
            reason(scopes.Kind.MEMBERS, rules_of_moving, prepared.host, remote, ready, remote.is_not(None))
            for remote in (rule.remote_group_id, rule.remote_address_group_id)
        ),
        reason(scopes.Kind.ROUTER, t.hosted_routers, hosted.host, hosted.router_id),
    ]
