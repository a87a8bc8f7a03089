"""How much of each resource a project has, and its own limits."""

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction


def add(tx: Transaction, project_id: str, resource: str, count: int, default_limit: int) -> bool:
    """Count more, if the project's limit (or the default one; negative: none) allows. False: not allowed, or never counted."""
    c = t.quota_usages.c
    limit = sa.func.coalesce(_own_limit(project_id, resource), default_limit)
    allowed = sa.or_(limit < 0, c.used + count <= limit)
    counted = sa.update(t.quota_usages).where(_of(t.quota_usages, project_id, resource), allowed)
    return bool(tx.execute(counted.values(used=c.used + count)).rowcount)


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
    tx.execute(sa.insert(t.quota_usages).values(project_id=project_id, resource=resource, used=count))


def take_off(tx: Transaction, project_id: str, resource: str, count: int) -> None:
    """Count less, never below nothing."""
    c = t.quota_usages.c
    left = sa.case((c.used > count, c.used - count), else_=0)
    tx.execute(sa.update(t.quota_usages).where(_of(t.quota_usages, project_id, resource)).values(used=left))


def _own_limit(project_id: str, resource: str) -> sa.ScalarSelect[int]:
    return sa.select(t.quotas.c.limit).where(_of(t.quotas, project_id, resource)).scalar_subquery()


def _of(table: sa.Table, project_id: str, resource: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.project_id == project_id, table.c.resource == resource)
