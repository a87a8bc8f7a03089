"""Subnets: rows in, resources out."""

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import from_hex, to_hex
from kaon.model.query import Query, Row
from kaon.server.store import rbac, rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "network_id": "network_id",
    "ip_version": "ip_version",
    "cidr": "cidr",
    "gateway_ip": "gateway_ip",
    "enable_dhcp": "enable_dhcp",
    "ipv6_ra_mode": "ipv6_ra_mode",
    "ipv6_address_mode": "ipv6_address_mode",
    "subnetpool_id": "subnetpool_id",
    "segment_id": "segment_id",
    "dns_publish_fixed_ip": "dns_publish_fixed_ip",
}
"""Wire name -> column, for attributes that are one column."""

AUTO_MODES = ("slaac", "dhcpv6-stateless")
"""Modes in which hosts form their own addresses (EUI-64)."""


_EXTERNAL = "router:external"


def _on_networks(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return t.subnets.c.network_id.in_(sa.select(t.networks.c.id).where(condition))


def _external(_project: str) -> sa.ColumnElement[bool]:
    """Tell of a subnet whether its network leads outside, whoever looks."""
    n = t.networks.c
    outside = sa.exists().where(n.id == t.subnets.c.network_id, n.external)
    return outside.correlate(t.subnets)


def _besides() -> tuple[sa.ColumnElement[Any], ...]:
    """Give what comes with each subnet."""
    mine, p, d, r = t.subnets.c.id, t.allocation_pools.c, t.dns_nameservers.c, t.subnet_routes.c
    return (
        select.inside("pools", mine, p.subnet_id, p.first, p.last),
        select.inside("servers", mine, d.subnet_id, d.position, d.address),
        select.inside("routes", mine, r.subnet_id, r.destination, r.nexthop),
        tags.mark(t.subnets),
    )


LISTING = select.Listing(
    table=t.subnets,
    columns=select.standard_columns(t.subnets) | {wire: t.subnets.c[column] for wire, column in COLUMNS.items()},
    special=tags.filters(t.subnets),
    through={
        "parent_owner": lambda project: _on_networks(t.networks.c.project_id == project),
        "shared": rbac.condition("network", t.subnets.c.network_id),
        "external": rbac.condition("network", t.subnets.c.network_id, rbac.EXTERNAL),
    },
    viewed={"shared": rbac.allowed("network", t.subnets.c.network_id), _EXTERNAL: _external},
    besides=_besides(),
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List subnets: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, subnet_id: str) -> Row | None:
    """Find one subnet."""
    found = select.member(tx, LISTING, subnet_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def address_scope() -> sa.ColumnElement[str | None]:
    """Give the column `address_scope_id` of a subnet: that of the subnet pool that it is from."""
    p = t.subnetpools.c
    scope = sa.select(p.address_scope_id).where(p.id == t.subnets.c.subnetpool_id)
    return scope.correlate(t.subnets).scalar_subquery().label("address_scope_id")


def of_network(tx: Transaction, network_id: str) -> Sequence[RowMap]:
    """List the subnets of a network, oldest first: their columns and `address_scope_id`, without pools, servers and routes."""
    c = t.subnets.c
    wanted = sa.select(t.subnets, address_scope()).where(c.network_id == network_id)
    return list(tx.execute(wanted.order_by(c.created_at, c.id)).mappings())


def insert(tx: Transaction, row: Row) -> None:
    """Store a subnet with its pools, name servers and routes; its free addresses are `addresses.lay_out`'s."""
    tx.execute(sa.insert(t.subnets).values(_values(row)))
    _insert_children(tx, row["id"], row)


def update(tx: Transaction, subnet_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision. Lists that are among the changes replace what was there."""
    rows.change(tx, t.subnets, subnet_id, _values(changes))
    for key, table in _LISTS.items():
        if key in changes:
            tx.execute(sa.delete(table).where(table.c.subnet_id == subnet_id))
    _insert_children(tx, subnet_id, changes)


def delete(tx: Transaction, subnet_id: str) -> None:
    """Forget a subnet, and every address in it."""
    rows.remove(tx, t.subnets, subnet_id)


def delete_all(tx: Transaction, going: Sequence[Mapping[Any, Any]]) -> None:
    """Forget these subnets where they are on segments, before their network goes with its segments; others go by themselves."""
    on_segments = [subnet["id"] for subnet in going if subnet["segment_id"]]
    if on_segments:
        tx.execute(sa.delete(t.subnets).where(t.subnets.c.id.in_(on_segments)))


def users(tx: Transaction, subnet_id: str) -> Sequence[RowMap]:
    """List who has addresses in a subnet: port id, device_owner, host and address. Until the end nobody takes one."""
    tx.lock(t.subnets, subnet_id, references=True)
    p, a = t.ports.c, t.ip_allocations.c
    joined = t.ip_allocations.join(t.ports, p.id == a.port_id)
    wanted = sa.select(p.id, p.device_owner, p.host, a.ip_address).select_from(joined).where(a.subnet_id == subnet_id)
    return list(tx.execute(wanted.order_by(p.id, a.position)).mappings())


def is_auto(subnet: Mapping[Any, Any]) -> bool:
    """Tell whether hosts of the subnet form their own addresses."""
    return subnet["ipv6_address_mode"] in AUTO_MODES or subnet["ipv6_ra_mode"] in AUTO_MODES


def service_types(subnet: Mapping[Any, Any]) -> list[str]:
    """List the owners of ports that a subnet (its columns, or as the API shows it) is for; empty: any."""
    kept = subnet["service_types"]
    found: list[str] = json.loads(kept) if isinstance(kept, str) else kept
    return found


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"service_types": json.dumps(row["service_types"])} if "service_types" in row else {}
    return rows.values(row, COLUMNS) | kept


_LISTS = {"allocation_pools": t.allocation_pools, "dns_nameservers": t.dns_nameservers, "host_routes": t.subnet_routes}


def _insert_children(tx: Transaction, subnet_id: str, row: Mapping[str, Any]) -> None:
    of = {"subnet_id": subnet_id}
    pools = [of | {"first": to_hex(pool["start"]), "last": to_hex(pool["end"])} for pool in row.get("allocation_pools", ())]
    servers = [of | {"position": at, "address": address} for at, address in enumerate(row.get("dns_nameservers", ()))]
    routes = [of | {"destination": route["destination"], "nexthop": route["nexthop"]} for route in row.get("host_routes", ())]
    for table, found in ((t.allocation_pools, pools), (t.dns_nameservers, servers), (t.subnet_routes, routes)):
        if found:
            tx.execute(sa.insert(table), found)


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    tagged = tags.of_page(tx, page, "subnets")
    return [
        rows.standard(row, COLUMNS)
        | {
            "service_types": service_types(row),
            _EXTERNAL: bool(row[_EXTERNAL]),
            "allocation_pools": [
                pool_of({"first": first, "last": last}, row["ip_version"]) for first, last in sorted(select.parts(row["pools"]))
            ],
            "dns_nameservers": [
                address for _, address in sorted(select.parts(row["servers"]), key=lambda server: int(server[0]))
            ],
            "host_routes": [
                {"destination": destination, "nexthop": nexthop} for destination, nexthop in sorted(select.parts(row["routes"]))
            ],
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]


def pool_of(row: RowMap, version: int) -> dict[str, str]:
    """Make a pool as the API shows it."""
    return {"start": str(from_hex(row["first"], version)), "end": str(from_hex(row["last"], version))}


def contains(subnet: Mapping[Any, Any], address: str) -> bool:
    """Tell whether the address lies in the subnet's prefix."""
    prefix = ip_network(subnet["cidr"])
    first, last = to_hex(prefix[0]), to_hex(prefix[-1])
    return (":" in address) == (prefix.version == 6) and first <= to_hex(address) <= last  # noqa: PLR2004  # IPv6
