"""QoS policies: rows in, resources out; and who uses them."""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.query import FilterValue, Query, Row
from kaon.server.store import qos_rules, rbac, rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.qos import qos_default_policies as _defaults
from kaon.server.store.tables.qos import qos_policies as _table

OBJECT_TYPE: Final = "qos_policy"
"""How RBAC policies name them."""

COLUMNS = {"id": "id", "project_id": "project_id", "name": "name", "description": "description"}
"""Wire name -> column, for attributes that are one column."""


def _is_default(values: tuple[FilterValue, ...]) -> sa.ColumnElement[bool]:
    default = _table.c.id.in_(sa.select(_defaults.c.policy_id))
    return sa.or_(*(default if value else sa.not_(default) for value in dict.fromkeys(values)))


LISTING = select.Listing(
    table=_table,
    columns=select.standard_columns(_table),
    special={"is_default": _is_default, **tags.filters(_table, "policies")},
    through={"shared": rbac.shared_condition(OBJECT_TYPE, _table.c.id)},
    viewed={"shared": rbac.allowed(OBJECT_TYPE, _table.c.id)},
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List policies: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page), page.has_more


def show(tx: Transaction, policy_id: str, project_id: str) -> Row | None:
    """Find one policy as a project sees it."""
    found = select.member(tx, LISTING, policy_id, project_id)
    return _rows(tx, select.only(found))[0] if found is not None else None


def default_of(tx: Transaction, project_id: str) -> str | None:
    """Find the default policy of a project."""
    found: str | None = tx.execute(sa.select(_defaults.c.policy_id).where(_defaults.c.project_id == project_id)).scalar()
    return found


def make_default(tx: Transaction, row: Row) -> None:
    """Store that a policy is the default of its project. Errors: IntegrityError when there is one."""
    tx.execute(sa.insert(_defaults).values(project_id=row["project_id"], policy_id=row["id"]))


def make_no_default(tx: Transaction, policy_id: str) -> None:
    """Store that a policy is nobody's default."""
    tx.execute(sa.delete(_defaults).where(_defaults.c.policy_id == policy_id))


def insert(tx: Transaction, row: Row) -> None:
    """Store a policy."""
    tx.execute(sa.insert(_table).values(rows.values(row, COLUMNS)))


def update(tx: Transaction, policy_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes of a policy and its new revision."""
    rows.change(tx, _table, policy_id, rows.values(changes, COLUMNS))


def bump(tx: Transaction, policy_id: str) -> None:
    """Raise the revision of a policy because something that belongs to it changed."""
    rows.bump(tx, _table, policy_id)


def delete(tx: Transaction, policy_id: str) -> None:
    """Forget a policy with its rules. Errors: IntegrityError while something has it."""
    rows.remove(tx, _table, policy_id)


_USERS: Final = (
    ("port", t.ports, t.ports.c.qos_policy_id),
    ("network", t.networks, t.networks.c.qos_policy_id),
    ("fip", t.floatingips, t.floatingips.c.qos_policy_id),
    ("router", t.routers, t.routers.c.gateway_qos_policy_id),
)


def user_of(tx: Transaction, policy_id: str) -> tuple[str, str] | None:
    """Find something that has the policy: port, network, fip or router, and its id."""
    ways = [sa.select(sa.literal(kind), table.c.id).where(column == policy_id) for kind, table, column in _USERS]
    found = tx.execute(sa.union_all(*ways).limit(1)).first()
    return (str(found[0]), str(found[1])) if found is not None else None


def projects_using(tx: Transaction, policy_id: str) -> frozenset[str]:
    """Find the projects of everything that has the policy."""
    ways = [sa.select(table.c.project_id).where(column == policy_id) for _, table, column in _USERS]
    return frozenset(tx.execute(sa.union(*ways)).scalars())


def hold(tx: Transaction, policy_id: str) -> None:
    """Have everybody wait who would bring something under the policy; what is there now can then be told."""
    tx.lock(_table, policy_id, references=True)
    n = t.networks.c
    for network_id in tx.execute(sa.select(n.id).where(n.qos_policy_id == policy_id).order_by(n.id)).scalars().all():
        hold_network(tx, network_id)


def hold_network(tx: Transaction, network_id: str) -> None:
    """Have everybody wait who would make a port or floating IP on the network."""
    tx.lock(t.networks, network_id, references=True)


def ports_under(tx: Transaction, policy_id: str) -> list[Row]:
    """List the ports that have the policy, or no other and are on a network that has it.

    Of each by wire names what the policy's rules may concern: id, network, owner, binding with its profile, both policies.
    """
    c = t.ports.c
    networks = sa.select(t.networks.c.id).where(t.networks.c.qos_policy_id == policy_id)
    return _ports(tx, sa.or_(c.qos_policy_id == policy_id, sa.and_(c.network_id.in_(networks), c.qos_policy_id.is_(None))))


def ports_of_network(tx: Transaction, network_id: str) -> list[Row]:
    """List the ports of a network that have no policy of their own, as `ports_under`."""
    return _ports(tx, sa.and_(t.ports.c.network_id == network_id, t.ports.c.qos_policy_id.is_(None)))


def floatingips_under(tx: Transaction, policy_id: str) -> list[tuple[str, str]]:
    """List the floating IPs behind a router that have the policy, or no other and are of a network that has it.

    Each as its router's id and its own, in this order.
    """
    f = t.floatingips.c
    networks = sa.select(t.networks.c.id).where(t.networks.c.qos_policy_id == policy_id)
    following = sa.and_(f.floating_network_id.in_(networks), f.qos_policy_id.is_(None))
    return _floatingips(tx, sa.or_(f.qos_policy_id == policy_id, following))


def floatingips_of_network(tx: Transaction, network_id: str) -> list[tuple[str, str]]:
    """List the floating IPs of a network that have no policy of their own, as `floatingips_under`."""
    f = t.floatingips.c
    return _floatingips(tx, sa.and_(f.floating_network_id == network_id, f.qos_policy_id.is_(None)))


def routers_under(tx: Transaction, policy_id: str) -> list[str]:
    """List the routers whose gateway has the policy, by id."""
    c = t.routers.c
    return list(tx.execute(sa.select(c.id).where(c.gateway_qos_policy_id == policy_id).order_by(c.id)).scalars())


def users_on(tx: Transaction, policy_id: str, backends: Collection[str]) -> tuple[str, str] | None:
    """Find a network of one of these back ends that has the policy, or a port on one: network or port, and its id."""
    n, p = t.networks.c, t.ports.c
    there = n.backend.in_(sorted(backends))
    networks = sa.select(sa.literal("network"), n.id).where(there, n.qos_policy_id == policy_id)
    ports = (
        sa.select(sa.literal("port"), p.id).join(t.networks, n.id == p.network_id).where(there, p.qos_policy_id == policy_id)
    )
    found = tx.execute(sa.union_all(networks, ports).limit(1)).first()
    return (str(found[0]), str(found[1])) if found is not None else None


def follow_network(tx: Transaction, network_id: str, policy_id: str | None) -> None:
    """Store with a network's ports and floating IPs which policy it has: lists of them then ask no network."""
    for table, network in ((t.ports, t.ports.c.network_id), (t.floatingips, t.floatingips.c.floating_network_id)):
        tx.execute(sa.update(table).where(network == network_id).values(qos_network_policy_id=policy_id))


_OF_PORTS: Final = {
    "id": "id",
    "network_id": "network_id",
    "device_owner": "device_owner",
    "binding:host_id": "host",
    "binding:vif_type": "vif_type",
    "binding:profile": "profile",
    "qos_policy_id": "qos_policy_id",
    "qos_network_policy_id": "qos_network_policy_id",
}


def _ports(tx: Transaction, chosen: sa.ColumnElement[bool]) -> list[Row]:
    c = t.ports.c
    columns = [c[column].label(wire) for wire, column in _OF_PORTS.items()]
    found = tx.execute(sa.select(*columns).where(chosen).order_by(c.id)).mappings()
    return [{**row, "binding:profile": json.loads(row["binding:profile"])} for row in found]


def _floatingips(tx: Transaction, chosen: sa.ColumnElement[bool]) -> list[tuple[str, str]]:
    f = t.floatingips.c
    found = sa.select(f.router_id, f.id).where(chosen, f.router_id.is_not(None)).order_by(f.router_id, f.id)
    return [(row.router_id, row.id) for row in tx.execute(found)]


def _rows(tx: Transaction, page: select.Rows) -> list[Row]:
    default = select.children(tx, page, _defaults.c.policy_id)
    rules = qos_rules.of_page(tx, page)
    tagged = tags.of_page(tx, page, "policies")
    return [
        rows.standard(row, COLUMNS)
        | {
            "shared": bool(row["shared"]),
            "is_default": row["id"] in default,
            "rules": rules.get(row["id"], []),
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]
