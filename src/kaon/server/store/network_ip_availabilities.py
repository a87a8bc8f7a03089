"""How many addresses of networks are there and taken: networks and their subnets in, counts out. Three statements a page."""

import functools
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import IPV4
from kaon.model.query import FilterValue, Query, Row
from kaon.server.store import select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import Condition, RowMap


def _with_version(values: tuple[FilterValue, ...]) -> Condition:
    c = t.subnets.c
    return t.networks.c.id.in_(sa.select(c.network_id).where(sa.type_coerce(c.ip_version, sa.BigInteger).in_(values)))


LISTING = select.Listing(
    table=t.networks,
    columns=select.standard_columns(t.networks, id="network_id", name="network_name"),
    special={"ip_version": _with_version},
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List networks: a page, and whether more follow; a filter on the IP version leaves out other subnets.

    Errors  select.MarkerNotFound.
    """
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page, query.filters.get("ip_version")), page.has_more


def show(tx: Transaction, network_id: str) -> Row | None:
    """Find one network."""
    found = select.one(tx, t.networks, network_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


@functools.cache
def _counts() -> tuple[sa.ColumnElement[int], ...]:
    s, a, p = t.subnets.c, t.ip_allocations.c, t.allocation_pools.c
    used = sa.select(sa.func.count()).select_from(t.ip_allocations).where(a.subnet_id == s.id)
    in_pool = sa.exists().where(p.subnet_id == s.id, p.first <= a.address_hex, p.last >= a.address_hex)
    return (
        used.correlate(t.subnets).scalar_subquery().label("used"),
        used.where(in_pool).correlate(t.subnets).scalar_subquery().label("used_in_pools"),
    )


def _rows(tx: Transaction, page: select.Rows, versions: Sequence[FilterValue] | None = None) -> list[Row]:
    s, p = t.subnets.c, t.allocation_pools.c
    subnets = select.children(tx, page, s.network_id, s.created_at, s.id, also=_counts())
    pools = select.children(tx, select.below(page, s.network_id, subnets), p.subnet_id)
    return [
        _network(network, [_subnet(one, pools.get(one["id"], ())) for one in subnets.get(network["id"], ())], versions)
        for network in page.rows
    ]


def _network(network: RowMap, subnets: Sequence[Row], versions: Sequence[FilterValue] | None) -> Row:
    shown = [one for one in subnets if versions is None or one["ip_version"] in versions]

    def total(name: str) -> int:
        return sum(one[name] for one in shown)

    def details(name: str) -> int:
        return sum(one["ip_availability_details"][name] for one in shown)

    return {
        "id": network["id"],
        "network_id": network["id"],
        "network_name": network["name"],
        "project_id": network["project_id"],
        "tenant_id": network["project_id"],
        "total_ips": total("total_ips"),
        "used_ips": total("used_ips"),
        "subnet_ip_availability": shown,
        "ip_availability_details": {name: details(name) for name in _DETAILS},
    }


_DETAILS = ("total_ips_in_subnet", "total_ips_in_allocation_pool", "used_ips_in_subnet", "used_ips_in_allocation_pool")


def _subnet(subnet: RowMap, pools: Sequence[RowMap]) -> dict[str, Any]:
    everything = ip_network(subnet["cidr"]).num_addresses
    pooled = sum(int(pool["last"], 16) - int(pool["first"], 16) + 1 for pool in pools)
    hosts = max(everything - 2, 0) if subnet["ip_version"] == IPV4 else everything  # but for network and broadcast
    details = (hosts, pooled, subnet["used"], subnet["used_in_pools"])
    return {
        "subnet_id": subnet["id"],
        "subnet_name": subnet["name"],
        "ip_version": subnet["ip_version"],
        "cidr": subnet["cidr"],
        "total_ips": pooled or everything,
        "used_ips": subnet["used"],
        "ip_availability_details": dict(zip(_DETAILS, details, strict=True)),
    }
