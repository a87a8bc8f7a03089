"""Networks: rows in, resources out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.lib.addresses import IPV4, IPV6
from kaon.model.query import Query, Row
from kaon.server.store import rbac, roles, rows, segments, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.subnets import address_scope
from kaon.server.store.tables.segments import network_segments

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "name": "name",
    "description": "description",
    "admin_state_up": "admin_state_up",
    "status": "status",
    "router:external": "external",
    "is_default": "is_default",
    "mtu": "mtu",
    "port_security_enabled": "port_security_enabled",
    "provider:network_type": "network_type",
    "provider:physical_network": "physical_network",
    "provider:segmentation_id": "segmentation_id",
    "vlan_transparent": "vlan_transparent",
    "qinq": "qinq",
    "availability_zone_hints": "availability_zone_hints",
    "dns_domain": "dns_domain",
    "qos_policy_id": "qos_policy_id",
}
"""Wire name -> column, for attributes that are one column."""


def _special() -> dict[str, select.Special]:
    def on_segment(column: sa.Column[Any]) -> select.Special:
        return lambda values: t.networks.c.id.in_(sa.select(network_segments.c.network_id).where(column.in_(values)))

    c = network_segments.c
    of_segments = {wire: on_segment(c[COLUMNS[wire]]) for wire in COLUMNS if wire.startswith("provider:")}
    return of_segments | tags.filters(t.networks)


def _besides() -> tuple[sa.ColumnElement[Any], ...]:
    """Give what comes with each network; its subnets: when they were made, id, IP version, segment, address scope."""
    s = t.subnets.c
    subnets = (s.created_at, s.id, s.ip_version, s.segment_id, address_scope().element)
    return (
        select.inside("subnets", t.networks.c.id, s.network_id, *subnets),
        roles.zones_of_network(),
        tags.mark(t.networks),
    )


LISTING = select.Listing(
    table=t.networks,
    columns=select.standard_columns(t.networks) | {wire: t.networks.c[column] for wire, column in COLUMNS.items()},
    special=_special(),
    through={
        "shared": rbac.condition("network", t.networks.c.id),
        "external": rbac.condition("network", t.networks.c.id, rbac.EXTERNAL),
    },
    viewed={
        "shared": rbac.allowed("network", t.networks.c.id),
        rbac.EXTERNAL: rbac.allowed("network", t.networks.c.id, rbac.EXTERNAL),
    },
    besides=_besides(),
)
"""Besides what is shown, rows say whether the project that looks may use the network as external (`access_as_external`)."""


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List networks: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, network_id: str, project_id: str) -> Row | None:
    """Find one network, as a project sees it."""
    found = select.member(tx, LISTING, network_id, project_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def lock(tx: Transaction, network_id: str) -> None:
    """Have everybody else who would change the network wait."""
    tx.lock(t.networks, network_id)


def backend_of(tx: Transaction, network_id: str) -> str:
    """Tell which back end a network was made with."""
    return str(tx.execute(sa.select(t.networks.c.backend).where(t.networks.c.id == network_id)).scalar_one())


def project_of(tx: Transaction, network_id: str) -> str:
    """Tell whose a network is."""
    return str(tx.execute(sa.select(t.networks.c.project_id).where(t.networks.c.id == network_id)).scalar_one())


def insert(tx: Transaction, row: Row, backend: str) -> None:
    """Store a network. Errors: IntegrityError when its segment is taken."""
    tx.execute(sa.insert(t.networks).values(_values(row) | {"backend": backend}))


def update(tx: Transaction, network_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision; at least one."""
    rows.change(tx, t.networks, network_id, _values(changes))


def delete(tx: Transaction, network_id: str) -> None:
    """Forget a network, and its subnets with it. Errors: IntegrityError while ports are on it."""
    rows.remove(tx, t.networks, network_id)


def bump(tx: Transaction, network_id: str) -> None:
    """Raise the revision of a network because something that belongs to it changed."""
    rows.bump(tx, t.networks, network_id)


def foreign_projects(tx: Transaction, network_id: str, owner: str) -> frozenset[str]:
    """List the projects, but for the owner, that have a port or subnet on the network. Ports of nobody do not count."""
    p, s = t.ports.c, t.subnets.c
    ports = sa.select(p.project_id).where(p.network_id == network_id, p.project_id.not_in(["", owner]))
    subnets = sa.select(s.project_id).where(s.network_id == network_id, s.project_id != owner)
    return frozenset(tx.execute(sa.union(ports, subnets)).scalars())


def hold_default(tx: Transaction) -> None:
    """Have everybody wait who would choose the default external network; there is nothing of its own to hold."""
    tx.lock(t.facts, "epoch")


def default_external(tx: Transaction) -> str | None:
    """Find the external network that is used when nobody says which."""
    c = t.networks.c
    found: str | None = tx.execute(sa.select(c.id).where(c.is_default, c.external).order_by(c.created_at, c.id)).scalar()
    return found


def set_external(tx: Transaction, network_id: str, *, external: bool) -> None:
    """Store whether a network is external; one that is not, is not the default external one. The caller raises its revision."""
    c = t.networks.c
    values = {"external": True} if external else {"external": False, "is_default": False}
    tx.execute(sa.update(t.networks).where(c.id == network_id).values(values))


def used_as_external(tx: Transaction, network_id: str) -> bool:
    """Tell whether routers have their gateway, or floating IPs their address, on the network."""
    routers = sa.select(t.routers.c.id).where(t.routers.c.gateway_network_id == network_id)
    floatingips = sa.select(t.floatingips.c.id).where(t.floatingips.c.floating_network_id == network_id)
    return tx.execute(sa.union_all(routers, floatingips).limit(1)).first() is not None


def ports_on(tx: Transaction, network_id: str) -> Sequence[RowMap]:
    """List the ports of a network: id, project_id and device_owner."""
    c = t.ports.c
    found = tx.execute(sa.select(c.id, c.project_id, c.device_owner).where(c.network_id == network_id).order_by(c.id))
    return list(found.mappings())


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = rows.values(row, COLUMNS)
    if "physical_network" in values:
        values["physical_network"] = values["physical_network"] or ""
    if values.get("network_type") == "flat":
        values["segmentation_id"] = 0  # not NULL: the unique key must decide about flat networks too
    if "segments" in row:  # they have rows of their own
        values |= {"network_type": "", "physical_network": "", "segmentation_id": None}
    if "availability_zone_hints" in values:
        values["availability_zone_hints"] = json.dumps(values["availability_zone_hints"])
    return values


_ALWAYS = {wire: column for wire, column in COLUMNS.items() if not wire.startswith("provider:")}


def _segments(row: RowMap, several: Sequence[RowMap]) -> dict[str, Any]:
    """Tell which segments a network has: provider attributes of a single one (of none: nothing), or `segments`."""
    if len(several) > 1:
        return {"segments": [segments.shown(one) for one in several]}
    return {wire: value or None for wire, value in segments.shown(row).items()}


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    tagged = tags.of_page(tx, page, "networks")
    several = segments.of_networks(tx, [row["id"] for row in page.rows if not row[segments.ALONE]])
    made = []
    for row in page.rows:
        subnets = sorted(select.parts(row["subnets"]))  # the oldest first
        made.append(
            rows.standard(row, _ALWAYS)
            | _segments(row, several.get(row["id"], ()))
            | {
                "shared": row["shared"],
                rbac.EXTERNAL: row[rbac.EXTERNAL],
                "ipv4_address_scope": _scope(subnets, IPV4),
                "ipv6_address_scope": _scope(subnets, IPV6),
                "availability_zone_hints": json.loads(row["availability_zone_hints"]),
                "availability_zones": roles.zones(row),
                "l2_adjacency": not any(segment for _, _, _, segment, _ in subnets),
                "subnets": [identity for _, identity, _, _, _ in subnets],
                "tags": tagged.get(row["id"], []),
            }
        )
    return made


def _scope(subnets: Sequence[Sequence[str]], version: int) -> str | None:
    """Give the address scope of a network: that of the pool of its subnets, which are all of one pool."""
    return next((scope or None for _, _, its_version, _, scope in subnets if int(its_version) == version), None)
