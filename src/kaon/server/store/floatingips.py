"""Floating IPs: rows in, resources out."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import port_forwardings, rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.routers import GATEWAY
from kaon.server.store.select import RowMap

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "description": "description",
    "floating_network_id": "floating_network_id",
    "floating_ip_address": "floating_ip_address",
    "port_id": "fixed_port_id",
    "fixed_ip_address": "fixed_ip_address",
    "router_id": "router_id",
    "status": "status",
    "qos_policy_id": "qos_policy_id",
    "qos_network_policy_id": "qos_network_policy_id",
    "dns_name": "dns_name",
    "dns_domain": "dns_domain",
    "distributed": "distributed",
    "forwards": "forwards",
}
"""Wire name -> column, for attributes that are one column."""

LISTING = select.Listing(
    table=t.floatingips,
    columns=select.standard_columns(t.floatingips) | {wire: t.floatingips.c[column] for wire, column in COLUMNS.items()},
    special=tags.filters(t.floatingips),
    besides=(tags.mark(t.floatingips),),
)

_DETAILS = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")
_FEW = 500


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List floating IPs: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, floatingip_id: str) -> Row | None:
    """Find one floating IP."""
    found = select.member(tx, LISTING, floatingip_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def insert(tx: Transaction, row: Row, floating_port_id: str) -> None:
    """Store a floating IP. Errors: IntegrityError when its fixed address has one of that network already."""
    rows.insert(tx, t.floatingips, rows.values(row, COLUMNS) | {"name": "", "floating_port_id": floating_port_id})


def update(tx: Transaction, floatingip_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision. Errors: as `insert`."""
    rows.change(tx, t.floatingips, floatingip_id, rows.values(changes, COLUMNS))


def delete(tx: Transaction, floatingip_id: str) -> str | None:
    """Forget a floating IP; give the id of its floating port, which is then nobody's."""
    mine = t.floatingips.c.id == floatingip_id
    port_id: str | None = tx.execute(sa.select(t.floatingips.c.floating_port_id).where(mine)).scalar()
    rows.remove(tx, t.floatingips, floatingip_id)
    return port_id


def of_port(tx: Transaction, port_id: str) -> list[Row]:
    """List the floating IPs that stand for addresses of a port, without `port_details`. Until the end nobody adds one."""
    tx.lock(t.ports, port_id, references=True)
    c = t.floatingips.c
    found = tx.execute(sa.select(t.floatingips).where(c.fixed_port_id == port_id).order_by(c.id)).mappings()
    return [rows.standard(row, COLUMNS) for row in found]


def unused(tx: Transaction, network_id: str) -> list[Row]:
    """List the floating IPs of an external network that stand for no port, without `port_details`."""
    c = t.floatingips.c
    idle = sa.and_(c.floating_network_id == network_id, c.fixed_port_id.is_(None), sa.not_(c.forwards))
    found = tx.execute(sa.select(t.floatingips).where(idle))
    return [rows.standard(row, COLUMNS) for row in found.mappings()]


def of_address(tx: Transaction, network_id: str, port_id: str, fixed_ip_address: str) -> Row | None:
    """Find the floating IP of a network that stands for this address of a port, without `port_details`."""
    c = t.floatingips.c
    mine = sa.and_(c.floating_network_id == network_id, c.fixed_port_id == port_id, c.fixed_ip_address == fixed_ip_address)
    row = tx.execute(sa.select(t.floatingips).where(mine)).mappings().first()
    return rows.standard(row, COLUMNS) if row is not None else None


def router_between(tx: Transaction, subnet_id: str, external_network_id: str) -> str | None:
    """Find a router that has a leg on the subnet and its gateway on the external network; its gateway address counts first."""
    leg, address, subnet, router = t.router_ports.c, t.ip_allocations.c, t.subnets.c, t.routers.c
    gateway = t.router_ports.alias("gateway")
    there = sa.and_(gateway.c.network_id == external_network_id, gateway.c.device_owner == GATEWAY)
    outside = router.id.in_(sa.select(gateway.c.router_id).where(there))
    statement = (
        sa.select(router.id)
        .select_from(
            t.routers.join(t.router_ports, leg.router_id == router.id)
            .join(t.ip_allocations, address.port_id == leg.port_id)
            .join(t.subnets, subnet.id == address.subnet_id)
        )
        .where(address.subnet_id == subnet_id, leg.device_owner != GATEWAY, outside)
        .order_by(sa.case((address.ip_address == subnet.gateway_ip, 0), else_=1), router.id)
        .limit(1)
    )
    found: str | None = tx.execute(statement).scalar()
    return found


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    details = _port_details(tx, page)
    tagged = tags.of_page(tx, page, "floatingips")
    forwarded = port_forwardings.of_page(tx, page)
    return [
        rows.standard(row, COLUMNS)
        | {
            "port_details": details.get(row["fixed_port_id"]),
            "port_forwardings": [_forwarding(one) for one in forwarded.get(row["id"], ())],
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]


def _forwarding(row: Row) -> Row:
    """Tell of a port forwarding what its floating IP shows; ranges where one number does not say it."""
    shown = {name: row[name] for name in ("id", "protocol", "internal_ip_address", "internal_port_id")}
    for side in ("external", "internal"):
        single = row[f"{side}_port"] is not None
        shown |= {f"{side}_port": row[f"{side}_port"]} if single else {f"{side}_port_range": row[f"{side}_port_range"]}
    return shown


def _port_details(tx: Transaction, page: select.Rows) -> dict[str, Row]:
    """Find what a page's floating IPs tell of their ports, by port id: one statement."""
    wanted = {row["fixed_port_id"] for row in page.rows} - {None}
    if not wanted:
        return {}
    c = t.ports.c
    statement = sa.select(c.id, *(c[name] for name in _DETAILS))
    if len(wanted) <= _FEW:
        statement = statement.where(c.id.in_(sorted(wanted)))
    else:  # so many are not named one by one; see `select.children`
        chosen = page.chosen.with_only_columns(t.floatingips.c.fixed_port_id).subquery("page")
        statement = statement.join(chosen, chosen.c.fixed_port_id == c.id)
    return {row["id"]: _details(row) for row in tx.execute(statement).mappings()}


def _details(row: RowMap) -> Row:
    return {name: row[name] for name in _DETAILS}
