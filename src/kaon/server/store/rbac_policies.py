"""RBAC policies: rows in, resources out; whose the objects are, and who depends on what was given.

What follows for the objects themselves is `rbac`'s.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rbac, rows, select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.qos import qos_policies
from kaon.server.store.tables.sharing import address_groups, address_scopes, rbac_policies

COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "object_type": "object_type",
    "object_id": "object_id",
    "action": "action",
    "target_tenant": "target_project",
}
"""Wire name -> column."""

LISTING = select.Listing(
    table=rbac_policies,
    columns=select.standard_columns(rbac_policies, "object_type", "object_id", "action", target_project="target_tenant"),
)

_TABLES: Final[Mapping[str, sa.Table]] = {
    "address_group": address_groups,
    "address_scope": address_scopes,
    "network": t.networks,
    "qos_policy": qos_policies,
    "security_group": t.security_groups,
    "subnetpool": t.subnetpools,
}
"""Object type -> the objects."""


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List policies: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, policy_id: str) -> Row | None:
    """Find one policy."""
    found = select.one(tx, rbac_policies, policy_id)
    return _row(found) if found is not None else None


def insert(tx: Transaction, row: Row) -> None:
    """Store a policy. Errors: IntegrityError when there is one that says the same."""
    tx.execute(sa.insert(rbac_policies).values(rows.values(row, COLUMNS)))


def retarget(tx: Transaction, policy_id: str, target: str) -> None:
    """Store another target. Errors: IntegrityError when there is a policy that says the same."""
    tx.execute(sa.update(rbac_policies).where(rbac_policies.c.id == policy_id).values(target_project=target))


def delete(tx: Transaction, policy_id: str) -> bool:
    """Forget a policy. False: it is gone already."""
    return bool(tx.execute(sa.delete(rbac_policies).where(rbac_policies.c.id == policy_id)).rowcount)


def owner_of(tx: Transaction, object_type: str, object_id: str) -> str | None:
    """Tell whose an object is; None: there is none. Until the end it stays."""
    table = _TABLES[object_type]
    tx.lock(table, object_id)
    owner: str | None = tx.execute(sa.select(table.c.project_id).where(table.c.id == object_id)).scalar()
    return owner


def users(tx: Transaction, object_type: str, object_id: str, action: str) -> frozenset[str]:
    """List the projects that use an object in the way that `action` allows; "" among them for what is nobody's."""
    return frozenset(tx.execute(sa.union(*_USERS[object_type, action](object_id))).scalars())


def scope_open_to(tx: Transaction, pool_id: str, project_id: str) -> bool:
    """Tell whether a project may use the address scope that a subnet pool is in; one in none is open to everybody."""
    p, s = t.subnetpools.c, address_scopes.c
    scope = sa.select(p.address_scope_id).where(p.id == pool_id)
    allowed = sa.or_(s.project_id == project_id, rbac.allowed("address_scope", s.id)(project_id))
    closed = sa.select(s.id).where(s.id.in_(scope), sa.not_(allowed))
    return tx.execute(closed).first() is None


_Users = Callable[[str], list[sa.Select[Any]]]


def _by(*columns: sa.Column[Any]) -> _Users:
    """Give what lists the owners of rows that name the object in one of these columns."""
    return lambda identity: [sa.select(column.table.c.project_id).where(column == identity) for column in columns]


def _in_group(identity: str) -> list[sa.Select[Any]]:
    members = t.port_security_groups.c
    ports = sa.select(members.port_id).where(members.security_group_id == identity)
    return [sa.select(t.ports.c.project_id).where(t.ports.c.id.in_(ports))]


_USERS: Final[Mapping[tuple[str, str], _Users]] = {
    ("address_group", rbac.SHARED): _by(t.security_group_rules.c.remote_address_group_id),
    ("address_scope", rbac.SHARED): _by(t.subnetpools.c.address_scope_id),
    ("network", rbac.SHARED): _by(t.ports.c.network_id, t.subnets.c.network_id),
    ("network", rbac.EXTERNAL): _by(t.routers.c.gateway_network_id),
    ("qos_policy", rbac.SHARED): _by(
        t.networks.c.qos_policy_id,
        t.ports.c.qos_policy_id,
        t.floatingips.c.qos_policy_id,
        t.routers.c.gateway_qos_policy_id,
    ),
    ("security_group", rbac.SHARED): _in_group,
    ("subnetpool", rbac.SHARED): _by(t.subnets.c.subnetpool_id),
}


def _row(row: select.RowMap) -> Row:
    return {wire: row[column] for wire, column in COLUMNS.items()} | {"tenant_id": row["project_id"]}
