"""How much of each resource a project has, and its own limits."""

import functools

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction


def add(tx: Transaction, project_id: str, resource: str, count: int, default_limit: int) -> bool:
    """Count more, if the project's limit (or the default one; negative: none) allows. False: not allowed, or never counted."""
    which = {"of_project": project_id, "of_resource": resource}
    return bool(tx.execute(_adding(), {**which, "more": count, "default_limit": default_limit}).rowcount)


@functools.cache
def _adding() -> sa.Update:
    c, more = t.quota_usages.c, sa.bindparam("more", type_=sa.BigInteger)
    # In this row, not in `quotas`: who waited for the row goes on with it as it then is, but with others as they were.
    limit = sa.func.coalesce(c.limit, sa.bindparam("default_limit", type_=sa.Integer))
    mine = sa.and_(c.project_id == sa.bindparam("of_project"), c.resource == sa.bindparam("of_resource"))
    return sa.update(t.quota_usages).where(mine, sa.or_(limit < 0, c.used + more <= limit)).values(used=c.used + more)


def used(tx: Transaction, project_id: str, resource: str) -> int | None:
    """Tell how much is counted; None when nothing ever was."""
    found: int | None = tx.connection.scalar(sa.select(t.quota_usages.c.used).where(_of(t.quota_usages, project_id, resource)))
    return found


def limit(tx: Transaction, project_id: str, resource: str, default_limit: int) -> int:
    """Tell the limit that holds for a project; negative: none."""
    own = tx.connection.scalar(sa.select(_own_limit(project_id, resource)))
    return default_limit if own is None else int(own)


def begin(tx: Transaction, project_id: str, resource: str, count: int) -> None:
    """Count for the first time. Errors: IntegrityError when another one began meanwhile."""
    values = {"project_id": project_id, "resource": resource, "used": count, "limit": _own_limit(project_id, resource)}
    tx.execute(sa.insert(t.quota_usages).values(values))


def follow_limits(tx: Transaction, project_id: str) -> dict[str, int]:
    """Have counting keep to the limits that a project now has of its own; give what it then has of each resource.

    Who is counting meanwhile waits for this transaction, or this one for it. Errors: as `begin`.
    """
    c, q = t.quota_usages.c, t.quotas.c
    own = sa.select(q.limit).where(q.project_id == c.project_id, q.resource == c.resource).scalar_subquery()
    tx.execute(sa.update(t.quota_usages).where(c.project_id == project_id).values(limit=own))
    counted = {row.resource: row.used for row in tx.execute(sa.select(c.resource, c.used).where(c.project_id == project_id))}
    for resource in tx.execute(sa.select(q.resource).where(q.project_id == project_id).order_by(q.resource)).scalars().all():
        if resource not in counted:
            begin(tx, project_id, resource, 0)
    return counted


def take_off(tx: Transaction, project_id: str, resource: str, count: int) -> None:
    """Count less, never below nothing."""
    c = t.quota_usages.c
    left = sa.case((c.used > count, c.used - count), else_=0)
    tx.execute(sa.update(t.quota_usages).where(_of(t.quota_usages, project_id, resource)).values(used=left))


def _own_limit(project_id: str, resource: str) -> sa.ScalarSelect[int]:
    return sa.select(t.quotas.c.limit).where(_of(t.quotas, project_id, resource)).scalar_subquery()


def _of(table: sa.Table, project_id: str, resource: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.project_id == project_id, table.c.resource == resource)
