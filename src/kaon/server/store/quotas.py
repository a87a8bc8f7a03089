"""What limits projects have of their own, and what they use; counting with a limit is `quota_usages`."""

from collections.abc import Mapping

import sqlalchemy as sa

from kaon.server.store import quota_usages
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction

_used = t.quota_usages.c.used


def count(tx: Transaction, project_id: str, resource: str, number: int = 1) -> None:
    """Count what the server itself makes for a project, whatever the limit."""
    mine = _mine(project_id, resource)
    if number and not tx.execute(sa.update(t.quota_usages).where(mine).values(used=_used + number)).rowcount:
        quota_usages.begin(tx, project_id, resource, number)


def limits(tx: Transaction, defaults: Mapping[str, int], project_id: str) -> dict[str, int]:
    """Map each resource to the limit of a project: its own, or else the default."""
    c = t.quotas.c
    own = {row.resource: row.limit for row in tx.execute(sa.select(c.resource, c.limit).where(c.project_id == project_id))}
    return {resource: own.get(resource, default) for resource, default in defaults.items()}


def usages(tx: Transaction, project_id: str) -> dict[str, int]:
    """Map each resource that the project ever had to how many it has."""
    c = t.quota_usages.c
    return {row.resource: row.used for row in tx.execute(sa.select(c.resource, c.used).where(c.project_id == project_id))}


def projects(tx: Transaction) -> dict[str, dict[str, int]]:
    """Map each project with limits of its own to these, by resource; projects sorted."""
    found: dict[str, dict[str, int]] = {}
    for project_id, resource, limit in tx.execute(sa.select(t.quotas).order_by(t.quotas.c.project_id)):
        found.setdefault(project_id, {})[resource] = limit
    return found


def set_limits(tx: Transaction, project_id: str, wanted: Mapping[str, int]) -> None:
    """Give a project limits of its own; those not named stay."""
    if wanted:
        mine = sa.and_(t.quotas.c.project_id == project_id, t.quotas.c.resource.in_(sorted(wanted)))
        tx.execute(sa.delete(t.quotas).where(mine))
        given = [{"project_id": project_id, "resource": resource, "limit": limit} for resource, limit in sorted(wanted.items())]
        tx.execute(sa.insert(t.quotas), given)


def forget_limits(tx: Transaction, project_id: str) -> bool:
    """Let a project have the defaults again; tell whether it had limits of its own."""
    return bool(tx.execute(sa.delete(t.quotas).where(t.quotas.c.project_id == project_id)).rowcount)


def _mine(project_id: str, resource: str) -> sa.ColumnElement[bool]:
    return sa.and_(t.quota_usages.c.project_id == project_id, t.quota_usages.c.resource == resource)
