"""Ports: rows in, resources out."""

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import to_hex
from kaon.model import resource_requests
from kaon.model.query import FilterValue, Query, Row
from kaon.server.store import networks, packed, qos_rules, rows, select, tags, trunks
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


def _besides() -> tuple[sa.ColumnElement[Any], ...]:
    """Give what comes with each port: nearly every one has an address and a group, few have pairs or tags."""
    a, g, p = t.ip_allocations.c, t.port_security_groups.c, t.allowed_address_pairs.c
    mine = t.ports.c.id
    return (
        select.inside("addresses", mine, a.port_id, a.position, a.subnet_id, a.ip_address),
        select.inside("groups", mine, g.port_id, g.security_group_id),
        sa.exists(sa.select(p.port_id).where(p.port_id == mine)).correlate(t.ports).label("paired"),
        tags.mark(t.ports),
    )


LISTING = select.Listing(
    table=t.ports,
    columns=select.standard_columns(t.ports) | {wire: t.ports.c[column] for wire, column in COLUMNS.items()},
    special={"fixed_ips": _fixed_ips, "security_groups": _groups, **tags.filters(t.ports)},
    through={
        "parent_owner": lambda project: t.ports.c.network_id.in_(
            sa.select(t.networks.c.id).where(t.networks.c.project_id == project)
        ),
    },
    besides=_besides(),
    shown=tuple((column, wire) for wire, column in (COLUMNS | DOCUMENTS).items()),
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List ports: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, port_id: str) -> Row | None:
    """Find one port."""
    found = select.member(tx, LISTING, port_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def ground(
    tx: Transaction, network_id: str, project_id: str, viewer: str = ""
) -> tuple[Row | None, Sequence[RowMap], str | None]:
    """Read all that a new port needs to know, in one statement.

    The network (None: there is none) by column names with `router:external`, and what it is to the project that looks
    (`viewer`): `shared`, `access_as_external`; its subnets, oldest first, each with `next_free`, the first free address as
    hexadecimal digits or None; the id of the project's default security group.
    """
    statement, of_network, of_subnet = _ground(tx.dialect)
    found = tx.execute(statement, {"network": network_id, "project": project_id, select.VIEWER: viewer}).all()
    if not found:
        return None, [], None
    try:
        network = of_network.row(found[0].network)
        subnets: list[RowMap] = [of_subnet.row(row.subnet) for row in found if row.subnet_id is not None]
    except packed.Unpackable:
        network, subnets = _ground_plain(tx, network_id, viewer)
    network["router:external"] = network["external"]
    tx.rely_on(t.networks, network_id, network["revision_number"])
    return network, subnets, found[0].default_group


@functools.cache
def _ground(dialect: str) -> tuple[sa.Select[Any], packed.Packing, packed.Packing]:
    """Make the statement of `ground`, and say how its `network` and `subnet` are packed."""
    n, s, d = t.networks.c, t.subnets.c, t.default_security_groups.c
    of_network = packed.extended(packed.of_table(t.networks, dialect), networks.LISTING.extra, dialect)
    of_subnet = packed.extended(packed.of_table(t.subnets, dialect), (_next_free(),), dialect)
    default = sa.select(d.security_group_id).where(d.project_id == sa.bindparam("project")).scalar_subquery()
    statement = (
        sa.select(
            of_network.column.label("network"),
            of_subnet.column.label("subnet"),
            s.id.label("subnet_id"),
            default.label("default_group"),
        )
        .select_from(t.networks.outerjoin(t.subnets, s.network_id == n.id))
        .where(n.id == sa.bindparam("network"))
        .order_by(s.created_at, s.id)
    )
    return statement, of_network, of_subnet


def _next_free() -> sa.ColumnElement[str | None]:
    f = t.free_addresses.c
    lowest = sa.select(sa.func.min(f.first)).where(f.subnet_id == t.subnets.c.id)
    return lowest.correlate(t.subnets).scalar_subquery().label("next_free")


def _ground_plain(tx: Transaction, network_id: str, viewer: str) -> tuple[dict[str, Any], list[RowMap]]:
    """Read what `ground` could not cut, in two statements."""
    network = select.member(tx, networks.LISTING, network_id, viewer)
    s = t.subnets.c
    on_network = sa.select(s.id).where(s.network_id == network_id).order_by(s.created_at, s.id)
    return dict(network or {}), select.fetched(tx, select.fetch(on_network, t.subnets, (_next_free(),), tx.dialect))


def resource_request(tx: Transaction, row: Row) -> dict[str, Any] | None:
    """Tell what a port (a resource, stored) asks of its host; no statement when it is under no policy."""
    page = select.only(row)
    return _request(row["id"], row["binding:vnic_type"], qos_rules.of_ports(tx, page).get(row["id"], ()))


def insert(tx: Transaction, made: Sequence[Row]) -> None:
    """Store new ports with all that hangs on them. Errors: IntegrityError for a MAC or an address that is taken."""
    rows.insert(tx, t.ports, *map(_values, made))
    rows.insert(tx, t.ip_allocations, *(one for row in made for one in _allocations(row, row["fixed_ips"], 0)))
    groups = ({"port_id": row["id"], "security_group_id": group_id} for row in made for group_id in row["security_groups"])
    rows.insert(tx, t.port_security_groups, *groups)
    rows.insert(
        tx, t.allowed_address_pairs, *({"port_id": row["id"], **pair} for row in made for pair in row["allowed_address_pairs"])
    )
    for row in made:
        tags.add(tx, "ports", row["id"], row["tags"])


def insert_addresses(
    tx: Transaction, row: Mapping[str, Any], fixed_ips: Sequence[Mapping[str, str]], position: int = 0
) -> None:
    """Store addresses of a port, from a position on. Errors: IntegrityError when one is taken."""
    rows.insert(tx, t.ip_allocations, *_allocations(row, fixed_ips, position))


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


def set_groups(tx: Transaction, port_id: str, group_ids: Sequence[str]) -> None:
    """Store which security groups a port is in. Errors: IntegrityError when a group does not exist."""
    table = t.port_security_groups
    tx.execute(sa.delete(table).where(table.c.port_id == port_id))
    rows.insert(tx, table, *({"port_id": port_id, "security_group_id": group_id} for group_id in group_ids))


def set_pairs(tx: Transaction, port_id: str, pairs: Sequence[Mapping[str, str]]) -> None:
    """Store the allowed address pairs of a port."""
    table = t.allowed_address_pairs
    tx.execute(sa.delete(table).where(table.c.port_id == port_id))
    rows.insert(tx, table, *({"port_id": port_id, **pair} for pair in pairs))


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


def _allocations(row: Mapping[str, Any], fixed_ips: Sequence[Mapping[str, str]], position: int) -> list[dict[str, Any]]:
    return [
        {
            "port_id": row["id"],
            "network_id": row["network_id"],
            "subnet_id": fixed_ip["subnet_id"],
            "ip_address": fixed_ip["ip_address"],
            "address_hex": to_hex(fixed_ip["ip_address"]),
            "position": at,
        }
        for at, fixed_ip in enumerate(fixed_ips, position)
    ]


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    p = t.allowed_address_pairs.c
    paired = any(row["paired"] for row in page.rows)
    pairs = select.children(tx, page, p.port_id, p.mac_address, p.ip_address) if paired else {}
    tagged = tags.of_page(tx, page, "ports")
    carried = trunks.carried(tx, [row["trunk_id"] for row in page.rows if row["trunk_id"]])
    ruled = qos_rules.of_ports(tx, page)
    made = []
    for row in page.rows:  # lists of thousands take their time here: each row becomes the port
        port = _row(row)
        identity = port["id"]
        if port["trunk_id"]:
            port["trunk_details"] = {"trunk_id": port["trunk_id"], "sub_ports": carried.get(port["trunk_id"], [])}
        port["allowed_address_pairs"] = [
            {"mac_address": pair["mac_address"], "ip_address": pair["ip_address"]} for pair in pairs.get(identity, ())
        ]
        port["resource_request"] = _request(identity, port["binding:vnic_type"], ruled.get(identity, ()))
        port["tags"] = tagged.get(identity, [])
        made.append(port)
    return made


def _row(row: RowMap) -> Row:
    """Make a port of what came with its row."""
    made: Row = {**row}
    made["tenant_id"] = made["project_id"]
    for wire in DOCUMENTS:
        made[wire] = _document(made[wire])
    made["fixed_ips"] = _addresses(made.pop("addresses"))
    made["security_groups"] = sorted(group_id for (group_id,) in select.parts(made.pop("groups")))
    del made["paired"], made[tags.MARK]
    return made


def _document(text: str | None) -> Any:
    """Read what `_json` wrote."""
    if text is None:
        return None
    if text == "{}":
        return {}
    return [] if text == "[]" else json.loads(text)


def _addresses(text: str | None) -> list[dict[str, str]]:
    """Read the addresses that come with a port, and put them in order."""
    found = select.parts(text)
    if len(found) > 1:
        found.sort(key=lambda address: int(address[0]))
    return [{"subnet_id": subnet_id, "ip_address": address} for _, subnet_id, address in found]


def _request(port_id: str, vnic_type: str, rules: Sequence[Row]) -> dict[str, Any] | None:
    return resource_requests.request(port_id, vnic_type, rules[0]["physical_network"], rules) if rules else None
