"""The rows behind a scope: all of them, or those of some entries only. A bounded number of statements, whatever is stored."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from kaon.model.qos_policies import effective, of_floatingip
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.subnets import address_scope
from kaon.server.store.tables import trunks as trunk_tables
from kaon.server.store.tables.gateways import port_forwardings
from kaon.server.store.tables.qos import qos_rules
from kaon.server.store.tables.segments import network_segments
from kaon.server.store.tables.sharing import address_group_addresses
from kaon.server.store.tables.trunks import port_bindings

RowMap = Mapping[str, Any]
ByParent = Mapping[str, list[RowMap]]

NOT_WIRED = ("unbound", "binding_failed")
"""vif_types of ports that no host wires, whatever host they name."""


class Wanted:
    """Which entries of a scope are asked for: all, or some keys (`port/<id>`, `network`, ...)."""

    def __init__(self, keys: Iterable[str] | None) -> None:
        self.everything = keys is None
        self._ids: dict[str, set[str]] = defaultdict(set)
        for key in keys or ():
            kind, _, identity = key.partition("/")
            self._ids[kind].add(identity)

    def any_of(self, kind: str) -> bool:
        """Say whether entries of the kind (`port`, `rule`, `network`, ...) are asked for at all."""
        return self.everything or kind in self._ids

    def only(self, kind: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Give the condition that `column` is the id of a wanted entry of the kind."""
        return sa.true() if self.everything else column.in_(sorted(self._ids[kind]))


@dataclass(frozen=True, slots=True)
class PortRows:
    """Ports with what hangs on them, by port id; `rules` by the id of the QoS policy that they belong to."""

    ports: Sequence[RowMap] = ()
    addresses: ByParent = field(default_factory=dict)
    groups: ByParent = field(default_factory=dict)
    pairs: ByParent = field(default_factory=dict)
    rules: ByParent = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostRows:
    """Behind `host:<h>`."""

    ports: PortRows
    served: Sequence[RowMap]
    hosted: Sequence[RowMap]
    trunks: Sequence[RowMap] = ()
    sub_ports: ByParent = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetworkRows:
    """Behind `network:<n>`; `networks` has one row or none, `segments` are read only where there are several."""

    networks: Sequence[RowMap]
    segments: Sequence[RowMap]
    subnets: Sequence[RowMap]
    dns_nameservers: ByParent
    routes: ByParent
    ports: PortRows
    endpoints: Sequence[RowMap]


@dataclass(frozen=True, slots=True)
class GroupRows:
    """Behind `group:<g>`; `groups` has one row or none."""

    groups: Sequence[RowMap]
    rules: Sequence[RowMap]


@dataclass(frozen=True, slots=True)
class RouterRows:
    """Behind `router:<r>`; `routers` has one row or none.

    rules     by QoS policy, of the gateway and of the floating IPs
    forwards  port forwardings by floating IP
    """

    routers: Sequence[RowMap]
    routes: Sequence[RowMap]
    legs: Sequence[RowMap]
    floatingips: Sequence[RowMap]
    rules: ByParent
    forwards: ByParent


def revision_of(tx: Transaction, scope: str) -> int | None:
    """Give the revision of a scope, or None when there is no such scope."""
    found: int | None = tx.connection.scalar(sa.select(t.scopes.c.revision).where(t.scopes.c.name == scope))
    return found


def of_host(tx: Transaction, host: str, wanted: Wanted) -> HostRows:
    """Read what `host:<host>` tells."""
    c = t.ports.c
    here = sa.and_(c.host == host, c.vif_type.not_in(NOT_WIRED))
    prepared = _prepared(tx, host) if wanted.any_of("port") else []
    if prepared:  # by name, so that either way has its index
        here = sa.or_(here, c.id.in_(prepared))
    bound = sa.and_(here, wanted.only("port", c.id))
    served = hosted = None
    if wanted.any_of("dhcp"):
        d = t.served_networks.c
        served = sa.select(t.served_networks).where(d.host == host, wanted.only("dhcp", d.network_id))
    if wanted.any_of("router"):
        r = t.hosted_routers.c
        hosted = sa.select(t.hosted_routers).where(r.host == host, wanted.only("router", r.router_id))
    trunks = _trunks(tx, host, wanted)
    return HostRows(
        ports=_with_rules(tx, _ports(tx, bound, groups=True, pairs=True)) if wanted.any_of("port") else PortRows(),
        served=_rows(tx, served),
        hosted=_rows(tx, hosted),
        trunks=trunks,
        sub_ports=_carried(tx, [row["id"] for row in trunks]),
    )


def _trunks(tx: Transaction, host: str, wanted: Wanted) -> Sequence[RowMap]:
    """Read the trunks whose parent is bound to the host."""
    if not wanted.any_of("trunk"):
        return ()
    c, port = trunk_tables.trunks.c, t.ports.c
    here = sa.and_(port.host == host, port.vif_type.not_in(NOT_WIRED), port.trunk_id.is_not(None))
    chosen = sa.select(trunk_tables.trunks).join(t.ports, port.id == c.port_id).where(here, wanted.only("trunk", c.id))
    return _rows(tx, chosen)


def _carried(tx: Transaction, trunk_ids: Sequence[str]) -> ByParent:
    """Read the sub-ports of trunks, with the networks of their ports, by trunk; no statement when there is no trunk."""
    if not trunk_ids:
        return {}
    c, port = trunk_tables.trunk_subports.c, t.ports.c
    joined = sa.select(trunk_tables.trunk_subports, port.network_id).join(t.ports, port.id == c.port_id)
    return _by(_rows(tx, joined.where(c.trunk_id.in_(sorted(trunk_ids)))), "trunk_id")


def _prepared(tx: Transaction, host: str) -> list[str]:
    """List the ports that may be moved to a host: it wires their devices before that happens."""
    c = port_bindings.c
    there = sa.select(c.port_id).where(c.host == host, c.vif_type.not_in(NOT_WIRED)).order_by(c.port_id)
    return list(tx.connection.execute(there).scalars())


def of_network(tx: Transaction, network_id: str, wanted: Wanted) -> NetworkRows:
    """Read what `network:<network_id>` tells."""
    networks = endpoints = None
    if wanted.any_of("network"):
        networks = sa.select(t.networks).where(t.networks.c.id == network_id)
    if wanted.any_of("host"):
        # A host that was never heard of has ports all the same: where its tunnels end is simply not known.
        endpoints = (
            sa.select(t.ports.c.host, t.hosts.c.tunnel_ip)
            .select_from(t.ports.outerjoin(t.hosts, t.hosts.c.name == t.ports.c.host))
            .where(t.ports.c.network_id == network_id, t.ports.c.host != "", t.ports.c.vif_type.not_in(NOT_WIRED))
            .where(wanted.only("host", t.ports.c.host))
            .distinct()
        )
    subnets: Sequence[RowMap] = ()
    dns: Sequence[RowMap] = ()
    routes: Sequence[RowMap] = ()
    if wanted.any_of("subnet"):
        chosen = sa.and_(t.subnets.c.network_id == network_id, wanted.only("subnet", t.subnets.c.id))
        subnets = _rows(tx, sa.select(t.subnets, address_scope()).where(chosen))
        dns = _rows(tx, sa.select(t.dns_nameservers).join(t.subnets).where(chosen))
        routes = _rows(tx, sa.select(t.subnet_routes).join(t.subnets).where(chosen))
    found = _rows(tx, networks)
    several = None
    if any(not row["network_type"] for row in found):
        c = network_segments.c
        several = sa.select(network_segments).where(c.network_id == network_id).order_by(c.position, c.id)
    members = sa.and_(t.ports.c.network_id == network_id, wanted.only("port", t.ports.c.id))
    return NetworkRows(
        networks=found,
        segments=_rows(tx, several),
        subnets=subnets,
        dns_nameservers=_by(dns, "subnet_id"),
        routes=_by(routes, "subnet_id"),
        ports=_ports(tx, members) if wanted.any_of("port") else PortRows(),
        endpoints=_rows(tx, endpoints),
    )


def from_subnetpool(tx: Transaction, pool_id: str) -> Sequence[RowMap]:
    """List the subnets that are from a subnet pool: `network_id` and `id`."""
    c = t.subnets.c
    return _rows(tx, sa.select(c.network_id, c.id).where(c.subnetpool_id == pool_id).order_by(c.network_id, c.id))


def of_group(tx: Transaction, group_id: str, wanted: Wanted) -> GroupRows:
    """Read what `group:<group_id>` tells."""
    groups = rules = None
    if wanted.any_of("group"):
        groups = sa.select(t.security_groups).where(t.security_groups.c.id == group_id)
    if wanted.any_of("rule"):
        r = t.security_group_rules.c
        rules = sa.select(t.security_group_rules).where(r.security_group_id == group_id, wanted.only("rule", r.id))
    return GroupRows(groups=_rows(tx, groups), rules=_rows(tx, rules))


def of_members(tx: Transaction, group_id: str, wanted: Wanted) -> PortRows:
    """Read what `members:<group_id>` tells."""
    if not wanted.any_of("port"):
        return PortRows()
    inside = sa.select(t.port_security_groups.c.port_id).where(t.port_security_groups.c.security_group_id == group_id)
    return _ports(tx, sa.and_(t.ports.c.id.in_(inside), wanted.only("port", t.ports.c.id)), pairs=True)


def of_address_group(tx: Transaction, group_id: str, wanted: Wanted) -> Sequence[RowMap]:
    """Read what `members:<group_id>` tells of an address group."""
    if not wanted.any_of("prefix"):
        return ()
    a = address_group_addresses.c
    return _rows(tx, sa.select(a.address).where(a.address_group_id == group_id, wanted.only("prefix", a.address)))


def of_router(tx: Transaction, router_id: str, wanted: Wanted) -> RouterRows:
    """Read what `router:<router_id>` tells."""
    routers = routes = legs = floatingips = None
    if wanted.any_of("router"):
        routers = sa.select(t.routers).where(t.routers.c.id == router_id)
        routes = sa.select(t.router_routes).where(t.router_routes.c.router_id == router_id)
    if wanted.any_of("port"):
        p = t.router_ports.c
        # Of several gateways hosts use the first one only.
        legs = sa.select(t.router_ports).where(p.router_id == router_id, p.position == 0, wanted.only("port", p.port_id))
    if wanted.any_of("floatingip"):
        f = t.floatingips.c
        floatingips = sa.select(t.floatingips).where(
            f.router_id == router_id, sa.or_(f.fixed_port_id.is_not(None), f.forwards), wanted.only("floatingip", f.id)
        )
    found, addresses = _rows(tx, routers), _rows(tx, floatingips)
    policy_ids = [row["gateway_qos_policy_id"] for row in found] + [of_floatingip(row) for row in addresses]
    return RouterRows(
        routers=found,
        routes=_rows(tx, routes),
        legs=_rows(tx, legs),
        floatingips=addresses,
        rules=_rules(tx, policy_ids),
        forwards=_forwards(tx, [row["id"] for row in addresses if row["forwards"]]),
    )


def _forwards(tx: Transaction, floatingip_ids: Collection[str]) -> ByParent:
    """Read the port forwardings of floating IPs, by floating IP: one statement, or none when there are no such floating IPs."""
    chosen = sa.select(port_forwardings).where(port_forwardings.c.floatingip_id.in_(sorted(floatingip_ids)))
    return _by(_rows(tx, chosen), "floatingip_id") if floatingip_ids else {}


def _ports(tx: Transaction, chosen: sa.ColumnElement[bool], *, groups: bool = False, pairs: bool = False) -> PortRows:
    """Read ports and what hangs on them: one statement for each table."""
    return PortRows(
        ports=_rows(tx, sa.select(t.ports).where(chosen)),
        addresses=_by(_rows(tx, _hanging(t.ip_allocations, chosen)), "port_id"),
        groups=_by(_rows(tx, _hanging(t.port_security_groups, chosen)), "port_id") if groups else {},
        pairs=_by(_rows(tx, _hanging(t.allowed_address_pairs, chosen)), "port_id") if pairs else {},
    )


def _with_rules(tx: Transaction, found: PortRows) -> PortRows:
    """Read besides the rules that count for the ports: one statement, or none when no port is under a policy."""
    return replace(found, rules=_rules(tx, {effective(row) for row in found.ports}))


def _rules(tx: Transaction, policy_ids: Collection[str | None]) -> ByParent:
    """Read the rules of QoS policies, by policy: one statement, or none when there are no policies."""
    named = sorted(filter(None, set(policy_ids)))
    return _by(_rows(tx, sa.select(qos_rules).where(qos_rules.c.policy_id.in_(named))), "policy_id") if named else {}


def _hanging(table: sa.Table, chosen: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(table).join(t.ports, t.ports.c.id == table.c.port_id).where(chosen)


def _rows(tx: Transaction, statement: sa.Select[Any] | None) -> Sequence[RowMap]:
    return () if statement is None else tx.connection.execute(statement).mappings().all()  # type: ignore[return-value]  # RowMapping reads as Mapping[str, Any]


def _by(rows: Collection[RowMap], column: str) -> ByParent:
    """Gather rows by the id of what they hang on; who has none gets an empty list."""
    gathered: dict[str, list[RowMap]] = defaultdict(list)
    for row in rows:
        gathered[row[column]].append(row)
    return gathered
