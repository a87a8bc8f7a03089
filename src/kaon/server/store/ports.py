"""Ports: rows in, resources out."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import to_hex
from kaon.model import resource_requests
from kaon.model.query import FilterValue, Query, Row
from kaon.server.store import networks, qos_rules, rows, select, tags, trunks
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables import trunks as tt

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "network_id": "network_id",
    "mac_address": "mac_address",
    "admin_state_up": "admin_state_up",
    "status": "status",
    "device_id": "device_id",
    "device_owner": "device_owner",
    "port_security_enabled": "port_security_enabled",
    "binding:host_id": "host",
    "binding:vnic_type": "vnic_type",
    "binding:vif_type": "vif_type",
    "dns_name": "dns_name",
    "dns_domain": "dns_domain",
    "data_plane_status": "data_plane_status",
    "propagate_uplink_status": "propagate_uplink_status",
    "numa_affinity_policy": "numa_affinity_policy",
    "device_profile": "device_profile",
    "trusted": "trusted",
    "hardware_offload_type": "hardware_offload_type",
    "ip_allocation": "ip_allocation",
    "trunk_id": "trunk_id",
    "moving": "moving",
    "qos_policy_id": "qos_policy_id",
    "qos_network_policy_id": "qos_network_policy_id",
}
"""Name in the resource -> column, for attributes that are one column. `trunk_id` and `moving` are not shown."""

DOCUMENTS = {
    "binding:profile": "profile",
    "binding:vif_details": "vif_details",
    "extra_dhcp_opts": "extra_dhcp_opts",
    "hints": "hints",
}
"""Wire name -> column, for those that are kept as JSON; null when the column is."""


TRUNK_PARENT = "parent of a trunk"
SUB_PORT = "sub-port of a trunk"
"""What a port may be to a trunk; see `service_of`."""


def _having(table: sa.Table, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return t.ports.c.id.in_(sa.select(table.c.port_id).where(condition))


def _fixed_ips(values: tuple[FilterValue, ...]) -> sa.ColumnElement[bool]:
    """Ports with one address that fits every sub-key; several values of one sub-key are alternatives."""
    a = t.ip_allocations.c
    by_key: dict[str, list[str]] = {}
    for value in values:
        key, wanted = value if isinstance(value, tuple) else ("", "")
        by_key.setdefault(key, []).append(wanted)
    fits: list[sa.ColumnElement[bool]] = [a[key].in_(by_key[key]) for key in ("subnet_id", "ip_address") if key in by_key]
    parts = by_key.get("ip_address_substr", ())
    if parts:
        fits.append(sa.or_(*(select.like_part(a.ip_address, part) for part in parts)))
    return _having(t.ip_allocations, sa.and_(*fits)) if fits else sa.true()


def _groups(values: tuple[FilterValue, ...]) -> sa.ColumnElement[bool]:
    return _having(t.port_security_groups, t.port_security_groups.c.security_group_id.in_(values))


LISTING = select.Listing(
    table=t.ports,
    columns=select.standard_columns(t.ports) | {wire: t.ports.c[column] for wire, column in COLUMNS.items()},
    special={"fixed_ips": _fixed_ips, "security_groups": _groups, **tags.filters(t.ports)},
    through={
        "parent_owner": lambda project: t.ports.c.network_id.in_(
            sa.select(t.networks.c.id).where(t.networks.c.project_id == project)
        ),
    },
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List ports: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, port_id: str) -> Row | None:
    """Find one port."""
    found = select.one(tx, t.ports, port_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def ground(
    tx: Transaction, network_id: str, project_id: str, viewer: str = ""
) -> tuple[Row | None, Sequence[RowMap], str | None]:
    """Read all that a new port needs to know, in one statement.

    The network (None: there is none) by column names with `router:external`, and what it is to the project that looks
    (`viewer`): `shared`, `access_as_external`; its subnets, oldest first, each with `next_free`, the first free address as
    hexadecimal digits or None; the id of the project's default security group.
    """
    n, s, f, d = t.networks.c, t.subnets.c, t.free_addresses.c, t.default_security_groups.c
    next_free = sa.select(sa.func.min(f.first)).where(f.subnet_id == s.id).correlate(t.subnets).scalar_subquery()
    default = sa.select(d.security_group_id).where(d.project_id == project_id).scalar_subquery()
    viewed = networks.LISTING.columns_viewed(viewer)
    statement = (
        sa.select(
            *(column.label(f"network_{column.key}") for column in n),
            *viewed,
            t.subnets,
            next_free.label("next_free"),
            default.label("default_group"),
        )
        .select_from(t.networks.outerjoin(t.subnets, s.network_id == n.id))
        .where(n.id == network_id)
        .order_by(s.created_at, s.id)
    )
    found = tx.execute(statement).mappings().all()
    if not found:
        return None, [], None
    network = {column.key: found[0][f"network_{column.key}"] for column in n}
    network |= {name: found[0][name] for name in networks.LISTING.viewed}
    network["router:external"] = network["external"]
    tx.rely_on(t.networks, network_id, network["revision_number"])
    return network, [row for row in found if row["id"] is not None], found[0]["default_group"]


def resource_request(tx: Transaction, row: Row) -> dict[str, Any] | None:
    """Tell what a port (a resource, stored) asks of its host; no statement when it is under no policy."""
    page = select.only(row)
    return _request({"id": row["id"], "vnic_type": row["binding:vnic_type"]}, qos_rules.of_ports(tx, page).get(row["id"], ()))


def insert(tx: Transaction, row: Row) -> None:
    """Store a port without what hangs on it. Errors: IntegrityError when its MAC is taken on the network."""
    tx.execute(sa.insert(t.ports).values(_values(row)))


def insert_addresses(
    tx: Transaction, row: Mapping[str, Any], fixed_ips: Sequence[Mapping[str, str]], position: int = 0
) -> None:
    """Store addresses of a port, from a position on. Errors: IntegrityError when one is taken."""
    if fixed_ips:
        of = {"port_id": row["id"], "network_id": row["network_id"]}
        tx.execute(
            sa.insert(t.ip_allocations),
            [of | _allocation(fixed_ip) | {"position": at} for at, fixed_ip in enumerate(fixed_ips, position)],
        )


def delete_address(tx: Transaction, fixed_ip: Mapping[str, str]) -> None:
    """Forget who has an address."""
    c = t.ip_allocations.c
    mine = sa.and_(c.subnet_id == fixed_ip["subnet_id"], c.address_hex == to_hex(fixed_ip["ip_address"]))
    tx.execute(sa.delete(t.ip_allocations).where(mine))


def place_addresses(tx: Transaction, fixed_ips: Sequence[Mapping[str, str]]) -> None:
    """Store the order of a port's addresses."""
    c = t.ip_allocations.c
    for at, fixed_ip in enumerate(fixed_ips):
        mine = sa.and_(c.subnet_id == fixed_ip["subnet_id"], c.address_hex == to_hex(fixed_ip["ip_address"]))
        tx.execute(sa.update(t.ip_allocations).where(mine).values(position=at))


def taken(tx: Transaction, fixed_ips: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    """Find one of these addresses that some port has."""
    c = t.ip_allocations.c
    for fixed_ip in fixed_ips:
        mine = sa.and_(c.subnet_id == fixed_ip["subnet_id"], c.address_hex == to_hex(fixed_ip["ip_address"]))
        if tx.execute(sa.select(c.port_id).where(mine)).first() is not None:
            return fixed_ip
    return None


def set_groups(tx: Transaction, port_id: str, group_ids: Sequence[str], *, fresh: bool = False) -> None:
    """Store which security groups a port is in. fresh: it had none. Errors: IntegrityError when a group does not exist."""
    table = t.port_security_groups
    if not fresh:
        tx.execute(sa.delete(table).where(table.c.port_id == port_id))
    if group_ids:
        tx.execute(sa.insert(table), [{"port_id": port_id, "security_group_id": group_id} for group_id in group_ids])


def set_pairs(tx: Transaction, port_id: str, pairs: Sequence[Mapping[str, str]], *, fresh: bool = False) -> None:
    """Store the allowed address pairs of a port. fresh: it had none."""
    table = t.allowed_address_pairs
    if not fresh:
        tx.execute(sa.delete(table).where(table.c.port_id == port_id))
    if pairs:
        tx.execute(sa.insert(table), [{"port_id": port_id} | dict(pair) for pair in pairs])


def update(tx: Transaction, port_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision; lists are not among them."""
    rows.change(tx, t.ports, port_id, _values(changes))


def delete(tx: Transaction, port_id: str) -> None:
    """Forget a port with all that hangs on it."""
    rows.remove(tx, t.ports, port_id)


def mac_taken(tx: Transaction, network_id: str, mac_address: str) -> bool:
    """Tell whether a port of the network has the MAC address."""
    c = t.ports.c
    return tx.execute(sa.select(c.id).where(c.network_id == network_id, c.mac_address == mac_address)).first() is not None


def forming(tx: Transaction, network_id: str, but: Sequence[str]) -> list[str]:
    """List the ports of a network that have an address, but for those of some owners: who forms addresses when it can."""
    c, a = t.ports.c, t.ip_allocations.c
    with_address = sa.select(a.port_id).where(a.network_id == network_id)
    wanted = sa.select(c.id).where(c.network_id == network_id, c.device_owner.not_in(but), c.id.in_(with_address))
    return list(tx.execute(wanted.order_by(c.id)).scalars())


def service_of(tx: Transaction, port_id: str) -> tuple[str, str] | None:
    """Tell what stands on a port and forbids to delete it as a plain port: an owner, and an id of it; None: nothing does.

    Owners  those of devices (`network:...`), TRUNK_PARENT and SUB_PORT with the id of the trunk.
    """
    nobody = sa.literal("")
    leg = sa.select(t.router_ports.c.device_owner, t.router_ports.c.router_id).where(t.router_ports.c.port_id == port_id)
    floating = sa.select(sa.literal("network:floatingip"), nobody).where(t.floatingips.c.floating_port_id == port_id)
    parent = sa.select(sa.literal(TRUNK_PARENT), tt.trunks.c.id).where(tt.trunks.c.port_id == port_id)
    joined = sa.select(sa.literal(SUB_PORT), tt.trunk_subports.c.trunk_id).where(tt.trunk_subports.c.port_id == port_id)
    found = tx.execute(sa.union_all(leg, floating, parent, joined)).first()
    return (found[0], found[1]) if found is not None else None


def devices(tx: Transaction, port_ids: Collection[str]) -> list[RowMap]:
    """Tell whose these ports are: id, device_id, device_owner; by id. One statement."""
    c = t.ports.c
    chosen = sa.select(c.id, c.device_id, c.device_owner).where(c.id.in_(sorted(port_ids))).order_by(c.id)
    return list(tx.execute(chosen).mappings())


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = rows.values(row, COLUMNS)
    values.update({column: _json(row[wire]) for wire, column in DOCUMENTS.items() if wire in row})
    return values


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)


def _allocation(fixed_ip: Mapping[str, str]) -> dict[str, str]:
    address = fixed_ip["ip_address"]
    return {"subnet_id": fixed_ip["subnet_id"], "ip_address": address, "address_hex": to_hex(address)}


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    a, g, p = t.ip_allocations.c, t.port_security_groups.c, t.allowed_address_pairs.c
    addresses = select.children(tx, page, a.port_id, a.position)
    groups = select.children(tx, page, g.port_id, g.security_group_id)
    pairs = select.children(tx, page, p.port_id, p.mac_address, p.ip_address)
    tagged = tags.of_page(tx, page, "ports")
    carried = trunks.carried(tx, [row["trunk_id"] for row in page.rows if row["trunk_id"]])
    ruled = qos_rules.of_ports(tx, page)
    return [
        rows.standard(row, COLUMNS)
        | {wire: json.loads(row[column] or "null") for wire, column in DOCUMENTS.items()}
        | _trunk_details(row, carried)
        | {
            "fixed_ips": [
                {"subnet_id": found["subnet_id"], "ip_address": found["ip_address"]} for found in addresses.get(row["id"], ())
            ],
            "security_groups": [found["security_group_id"] for found in groups.get(row["id"], ())],
            "allowed_address_pairs": [
                {"mac_address": found["mac_address"], "ip_address": found["ip_address"]} for found in pairs.get(row["id"], ())
            ],
            "resource_request": _request(row, ruled.get(row["id"], ())),
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]


def _request(row: RowMap, rules: Sequence[Row]) -> dict[str, Any] | None:
    where = rules[0]["physical_network"] if rules else None
    return resource_requests.request(row["id"], row["vnic_type"], where, rules)


def _trunk_details(row: RowMap, carried: Mapping[str, list[Row]]) -> Row:
    """Tell what the parent of a trunk carries; nothing of other ports."""
    if not row["trunk_id"]:
        return {}
    return {"trunk_details": {"trunk_id": row["trunk_id"], "sub_ports": carried.get(row["trunk_id"], [])}}
