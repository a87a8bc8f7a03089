"""What holds of a database whenever nobody writes, whatever was done to it, by whom, and in whatever order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import to_hex
from kaon.server.store import followers
from kaon.server.store import tables as t
from kaon.server.store.engine import CLOSED, Store
from kaon.server.store.tables import gateways, segments, services, sharing, trunks

COUNTED: Mapping[str, sa.Table] = {
    "network": t.networks,
    "subnet": t.subnets,
    "subnetpool": t.subnetpools,
    "port": t.ports,
    "router": t.routers,
    "floatingip": t.floatingips,
    "security_group": t.security_groups,
    "security_group_rule": t.security_group_rules,
    "rbac_policy": sharing.rbac_policies,
    "trunk": trunks.trunks,
}
"""Resource of a quota -> its table."""

SHARED = {
    "network": t.networks,
    "subnetpool": t.subnetpools,
    "security_group": t.security_groups,
    "qos_policy": t.qos.qos_policies,
    "address_scope": sharing.address_scopes,
    "address_group": sharing.address_groups,
}
"""Type of object that is shared -> its table."""


def check(store: Store) -> None:
    """Look at all of it."""
    for look in (addresses, prefixes, numbers, quotas, journal, exclusions):
        look(store)
    for host in {row.name for row in rows(store, sa.select(t.hosts.c.name))}:
        before = store.read(lambda tx, host=host: set(followers.followed(tx, host)))  # type: ignore[misc]  # the default binds the loop's value
        store.write(lambda tx, host=host: followers.settle_host(tx, host))  # type: ignore[misc]  # as above
        assert before == store.read(lambda tx, host=host: set(followers.followed(tx, host))), host  # type: ignore[misc]  # as above


def rows(store: Store, statement: Any) -> list[Any]:
    """All rows of a SELECT."""
    return list(store.read(lambda tx: tx.execute(statement).all()))


def addresses(store: Store) -> None:
    """Each address of a pool is free or had, never both; nobody has another's address or MAC address."""
    a, f, p = t.ip_allocations.c, t.free_addresses.c, t.allocation_pools.c
    had, free, pools = (
        _spans(rows(store, sa.select(*columns)))
        for columns in (
            (a.subnet_id, a.address_hex, a.address_hex),
            (f.subnet_id, f.first, f.last),
            (p.subnet_id, p.first, p.last),
        )
    )
    for subnet_id, spans in pools.items():
        inside = [one for one in had[subnet_id] if any(first <= one[0] <= last for first, last in spans)]
        if free[subnet_id] or inside:
            assert _joined([*free[subnet_id], *inside], apart=True) == _joined(spans), subnet_id
    c = t.ports.c
    assert not rows(store, sa.select(c.mac_address).group_by(c.network_id, c.mac_address).having(sa.func.count() > 1))
    assert not rows(store, sa.select(a.ip_address).group_by(a.network_id, a.ip_address).having(sa.func.count() > 1))


def prefixes(store: Store) -> None:
    """Each address of a subnet pool is free or in one subnet of it; what is free is kept as few prefixes."""
    for pool in rows(store, sa.select(t.subnetpools.c.id, t.subnetpools.c.ip_version)):
        given, free = (
            [_prefix_span(row.first, row.length, pool.ip_version) for row in rows(store, sa.select(table).where(mine))]
            for table in (t.subnetpool_prefixes, t.free_prefixes)
            for mine in (table.c.subnetpool_id == pool.id,)
        )
        of_pool = sa.select(t.subnets.c.cidr).where(t.subnets.c.subnetpool_id == pool.id)
        taken = [_cidr_span(row.cidr) for row in rows(store, of_pool)]
        assert _joined([*free, *taken], apart=True) == _joined(given), pool.id


def numbers(store: Store) -> None:
    """Each id of a segment in a range is free or a network's; ranges of a kind do not overlap."""
    s, f, r = segments.network_segments.c, t.free_segments.c, segments.network_segment_ranges.c
    used, free, given, chosen = defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list)
    for row in rows(store, sa.select(s.network_type, s.physical_network, s.segmentation_id)):
        used[row.network_type, row.physical_network].append((row.segmentation_id, row.segmentation_id))
    for row in rows(store, sa.select(f.network_type, f.physical_network, f.first, f.last)):
        free[row.network_type, row.physical_network].append((row.first, row.last))
    for row in rows(store, sa.select(r.network_type, r.physical_network, r.minimum, r.maximum, r.default)):
        given[row.network_type, row.physical_network].append((row.minimum, row.maximum))
        if not row.default:
            chosen[row.network_type, row.physical_network].append((row.minimum, row.maximum))
    for key, spans in given.items():
        inside = [one for one in used[key] if any(first <= one[0] <= last for first, last in spans)]
        assert _joined([*free[key], *inside], apart=True) == _joined(spans), key
        _joined(chosen[key], apart=True)


def quotas(store: Store) -> None:
    """What is counted is what is there, and not more than the project may have."""
    u = t.quota_usages.c
    own = {(row.project_id, row.resource): row.limit for row in rows(store, sa.select(t.quotas))}
    for row in rows(store, sa.select(u.project_id, u.resource, u.used, u.limit)):
        table = COUNTED.get(row.resource)
        assert row.limit == own.get((row.project_id, row.resource))
        if table is not None:
            mine = sa.select(sa.func.count()).select_from(table).where(table.c.project_id == row.project_id)
            assert (row.project_id, row.resource, rows(store, mine)[0][0]) == (row.project_id, row.resource, row.used)
        if row.resource != "rbac_policy":  # what follows from `shared` is counted whatever the limit
            assert row.limit is None or row.limit < 0 or row.used <= row.limit, row


def journal(store: Store) -> None:
    """Revisions of a scope follow each other without a gap, in the order of their numbers, up to the one it has."""
    c = t.journal.c
    told: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows(store, sa.select(c.scope, c.revision).order_by(c.sequence)):
        if not told[row.scope] or told[row.scope][-1] != row.revision:
            told[row.scope].append(row.revision)
    now = {row.name: row.revision for row in rows(store, sa.select(t.scopes))}
    for scope, revisions in told.items():
        ended = revisions[-1] == CLOSED
        lasting = revisions[:-1] if ended else revisions
        assert lasting == list(range(lasting[0], lasting[0] + len(lasting))) if lasting else ended, scope
        assert (scope in now) is not ended
        if not ended:
            assert now[scope] == lasting[-1]


def exclusions(store: Store) -> None:
    """What no key of a table says: what may not be together is not."""
    p, s, r = t.ports.c, trunks.trunk_subports.c, sharing.rbac_policies.c
    assert not rows(store, sa.select(p.id).join(trunks.trunk_subports, s.port_id == p.id).where(p.trunk_id.is_not(None)))
    assert len(rows(store, sa.select(t.networks.c.id).where(t.networks.c.is_default))) <= 1
    for kind, table in SHARED.items():
        shared = sa.select(r.id).where(r.object_type == kind, r.object_id.not_in(sa.select(table.c.id)))
        assert not rows(store, shared), kind
    m, f = services.metering_label_rules.c, gateways.port_forwardings.c
    by_label = _spans(
        (row.metering_label_id, *_cidr_hex(row.remote_ip_prefix))
        for row in rows(store, sa.select(m.metering_label_id, m.remote_ip_prefix).where(m.remote_ip_prefix.is_not(None)))
    )
    forwarded = defaultdict(list)
    for row in rows(store, sa.select(f.floatingip_id, f.protocol, f.external_first, f.external_last)):
        forwarded[row.floatingip_id, row.protocol].append((row.external_first, row.external_last))
    for spans in (*by_label.values(), *forwarded.values()):
        _joined(spans, apart=True)


Span = tuple[int, int]


def _spans(found: Any) -> defaultdict[str, list[Span]]:
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for key, first, last in found:
        spans[key].append((int(first, 16), int(last, 16)))
    return spans


def _prefix_span(first: str, length: int, version: int) -> Span:
    return int(first, 16), int(first, 16) + (1 << ((32 if version == 4 else 128) - length)) - 1


def _cidr_span(cidr: str) -> Span:
    network = ip_network(cidr)
    return int(network[0]), int(network[-1])


def _cidr_hex(cidr: str) -> tuple[str, str]:
    return tuple(to_hex(str(address)) for address in (ip_network(cidr)[0], ip_network(cidr)[-1]))  # type: ignore[return-value]  # two


def _joined(spans: Sequence[Span], *, apart: bool = False) -> list[Span]:
    """Spans in order, those that touch made one. apart: they must not overlap."""
    found: list[Span] = []
    for first, last in sorted(spans):
        assert not apart or not found or found[-1][1] < first, (found[-1], (first, last))
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found
