"""Routers, their legs and routes: rows in, resources out."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import port_forwardings, roles, rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

GATEWAY = "network:router_gateway"
INTERFACE = "network:router_interface"

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "admin_state_up": "admin_state_up",
    "status": "status",
    "flavor_id": "flavor_id",
    "distributed": "distributed",
    "ha": "ha",
    "enable_snat": "enable_snat",
    "enable_ndp_proxy": "enable_ndp_proxy",
    "enable_default_route_bfd": "enable_default_route_bfd",
    "enable_default_route_ecmp": "enable_default_route_ecmp",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=t.routers,
    columns=select.standard_columns(t.routers, "admin_state_up", "status", "flavor_id", "enable_snat", "enable_ndp_proxy"),
    special=tags.filters(t.routers),
    besides=(
        select.inside(
            "routes",
            t.routers.c.id,
            t.router_routes.c.router_id,
            t.router_routes.c.destination,
            t.router_routes.c.nexthop,
        ),
        roles.zones_of_router(),
        tags.mark(t.routers),
    ),
)

_FEW = 500


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List routers: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, router_id: str) -> Row | None:
    """Find one router."""
    found = select.member(tx, LISTING, router_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def lock(tx: Transaction, router_id: str) -> None:
    """Have everybody else who would change the router wait."""
    tx.lock(t.routers, router_id)


def insert(tx: Transaction, row: Row) -> None:
    """Store a router that leads nowhere yet."""
    bare = {"gateway_network_id": None}
    hints = {"availability_zone_hints": json.dumps(row["availability_zone_hints"])}
    tx.execute(sa.insert(t.routers).values(rows.values(row, COLUMNS) | bare | hints))


def update(tx: Transaction, router_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision; routes and gateway are not among them."""
    rows.change(tx, t.routers, router_id, rows.values(changes, COLUMNS))


def set_gateway(tx: Transaction, router_id: str, network_id: str | None, *, enable_snat: bool) -> None:
    """Store where the router leads; its gateway port is a leg."""
    values = {"gateway_network_id": network_id, "enable_snat": enable_snat}
    tx.execute(sa.update(t.routers).where(t.routers.c.id == router_id).values(values))


def set_ndp_proxy(tx: Transaction, router_id: str, *, enabled: bool) -> None:
    """Store whether the router answers for addresses inside."""
    tx.execute(sa.update(t.routers).where(t.routers.c.id == router_id).values(enable_ndp_proxy=enabled))


def leave_gateway(tx: Transaction, router_id: str) -> None:
    """Store that the router leads nowhere, and so answers for nobody there."""
    values = {"gateway_network_id": None, "enable_snat": True, "enable_ndp_proxy": False}
    tx.execute(sa.update(t.routers).where(t.routers.c.id == router_id).values(values))


def set_gateway_policy(tx: Transaction, router_id: str, policy_id: str | None) -> None:
    """Store which QoS policy the gateway of a router has."""
    tx.execute(sa.update(t.routers).where(t.routers.c.id == router_id).values(gateway_qos_policy_id=policy_id))


def set_routes(tx: Transaction, router_id: str, routes: Sequence[Mapping[str, str]]) -> None:
    """Store the extra routes of a router in place of what it had."""
    tx.execute(sa.delete(t.router_routes).where(t.router_routes.c.router_id == router_id))
    if routes:
        tx.execute(sa.insert(t.router_routes), [{"router_id": router_id} | dict(route) for route in routes])


def set_helpers(tx: Transaction, router_id: str, helpers: Sequence[Mapping[str, Any]]) -> None:
    """Store what the router shows of its conntrack helpers."""
    tx.execute(sa.update(t.routers).where(t.routers.c.id == router_id).values(conntrack_helpers=json.dumps(list(helpers))))


def add_leg(tx: Transaction, router_id: str, port: Row, position: int = 0) -> None:
    """Store that a port is a leg of the router. position: among its gateways."""
    leg = {"port_id": port["id"], "network_id": port["network_id"], "device_owner": port["device_owner"]}
    tx.execute(sa.insert(t.router_ports).values(leg | {"router_id": router_id, "position": position}))


def place_leg(tx: Transaction, port_id: str, position: int) -> None:
    """Store where a gateway stands among those of its router."""
    tx.execute(sa.update(t.router_ports).where(t.router_ports.c.port_id == port_id).values(position=position))


def remove_leg(tx: Transaction, port_id: str) -> None:
    """Forget that a port is a leg."""
    tx.execute(sa.delete(t.router_ports).where(t.router_ports.c.port_id == port_id))


def legs(tx: Transaction, router_id: str, owner: str | None = None) -> list[RowMap]:
    """List the legs of a router: port_id, network_id, device_owner, position; gateways first to last. owner: only its."""
    c = t.router_ports.c
    mine = c.router_id == router_id if owner is None else sa.and_(c.router_id == router_id, c.device_owner == owner)
    return list(tx.execute(sa.select(t.router_ports).where(mine).order_by(c.position, c.port_id)).mappings())


def attached(tx: Transaction, router_id: str) -> list[RowMap]:
    """List the addresses of a router's legs: port_id, device_owner, ip_address, subnet_id, and its cidr and ip_version."""
    leg, address, subnet = t.router_ports.c, t.ip_allocations.c, t.subnets.c
    statement = (
        sa.select(leg.port_id, leg.device_owner, address.ip_address, address.subnet_id, subnet.cidr, subnet.ip_version)
        .select_from(
            t.router_ports.join(t.ip_allocations, address.port_id == leg.port_id).join(
                t.subnets, subnet.id == address.subnet_id
            )
        )
        .where(leg.router_id == router_id)
        .order_by(leg.port_id, address.position)
    )
    return list(tx.execute(statement).mappings())


def subnets_of(tx: Transaction, network_id: str) -> list[RowMap]:
    """List the subnets of a network: subnet_id, cidr."""
    c = t.subnets.c
    return list(tx.execute(sa.select(c.id.label("subnet_id"), c.cidr).where(c.network_id == network_id)).mappings())


def router_of_leg(tx: Transaction, port_id: str) -> str | None:
    """Tell which router a port is a leg of."""
    found: str | None = tx.execute(sa.select(t.router_ports.c.router_id).where(t.router_ports.c.port_id == port_id)).scalar()
    return found


def hosts_of(tx: Transaction, router_id: str) -> list[str]:
    """List the hosts that forward for a router."""
    c = t.hosted_routers.c
    return list(tx.execute(sa.select(c.host).where(c.router_id == router_id).order_by(c.host)).scalars())


def floatingips_through(tx: Transaction, router_id: str, subnet_id: str | None = None) -> list[str]:
    """List the floating IPs that the router translates; of a subnet: only those to addresses in it."""
    f, a = t.floatingips.c, t.ip_allocations.c
    statement = sa.select(f.id).where(f.router_id == router_id).order_by(f.id)
    if subnet_id is not None:
        inside = sa.and_(a.port_id == f.fixed_port_id, a.ip_address == f.fixed_ip_address, a.subnet_id == subnet_id)
        forwarded = port_forwardings.subnet_in_use(subnet_id, router_id)
        statement = statement.where(sa.or_(sa.exists(sa.select(a.port_id).where(inside)), forwarded))
    return list(tx.execute(statement).scalars())


def floatingips_on(tx: Transaction, router_id: str, network_id: str) -> bool:
    """Tell whether floating IPs of an external network go through the router."""
    f = t.floatingips.c
    mine = sa.and_(f.router_id == router_id, f.floating_network_id == network_id)
    return tx.execute(sa.select(f.id).where(mine).limit(1)).first() is not None


def delete(tx: Transaction, router_id: str) -> None:
    """Forget a router with its routes. Errors: IntegrityError while it has legs."""
    rows.remove(tx, t.routers, router_id)


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    gateways = _gateways(tx, page)
    tagged = tags.of_page(tx, page, "routers")
    return [
        rows.standard(row, COLUMNS)
        | _outside(row, gateways.get(row["id"], ()))
        | {
            "routes": [
                {"destination": destination, "nexthop": nexthop} for destination, nexthop in sorted(select.parts(row["routes"]))
            ],
            "availability_zone_hints": json.loads(row["availability_zone_hints"]),
            "availability_zones": roles.zones(row),
            "conntrack_helpers": json.loads(row["conntrack_helpers"]),
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]


def _outside(row: RowMap, addresses: Collection[RowMap]) -> Row:
    """Tell where a router leads out: its gateways, and the first of them."""
    by_port: dict[str, Row] = {}
    for found in addresses:
        gateway = by_port.setdefault(
            found["port_id"],
            {"network_id": found["network_id"], "external_fixed_ips": [], "enable_snat": row["enable_snat"]},
        )
        if found["ip_address"] is not None:
            gateway["external_fixed_ips"].append({"subnet_id": found["subnet_id"], "ip_address": found["ip_address"]})
    gateways = list(by_port.values())
    if gateways and row["gateway_qos_policy_id"]:
        gateways[0]["qos_policy_id"] = row["gateway_qos_policy_id"]
    return {"external_gateway_info": dict(gateways[0]) if gateways else None, "external_gateways": gateways}


def _gateways(tx: Transaction, page: select.Rows) -> dict[str, list[RowMap]]:
    """Find the gateways of a page's routers and their addresses, by router id: one statement."""
    if all(row["gateway_network_id"] is None for row in page.rows):
        return {}
    leg, address = t.router_ports.c, t.ip_allocations.c
    statement = (
        sa.select(leg.router_id, leg.port_id, leg.network_id, address.subnet_id, address.ip_address)
        .select_from(t.router_ports.outerjoin(t.ip_allocations, address.port_id == leg.port_id))
        .where(leg.device_owner == GATEWAY)
        .order_by(leg.position, leg.port_id, address.position)
    )
    if len(page.rows) <= _FEW:
        statement = statement.where(leg.router_id.in_([row["id"] for row in page.rows]))
    else:  # so many are not named one by one; see `select.children`
        chosen = page.chosen.subquery("page")
        statement = statement.join(chosen, chosen.c.id == leg.router_id)
    found: dict[str, list[RowMap]] = {}
    for row in tx.execute(statement).mappings():
        found.setdefault(row["router_id"], []).append(row)
    return found
