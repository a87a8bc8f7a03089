"""How much of each resource a project may have, and has.

Use is counted in the transaction that creates or deletes: the row of (project, resource) is changed and checked in one UPDATE,
so two who create at once cannot both take the last place, and nobody counts resources.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from kaon.model.errors import OverQuota
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction

UNLIMITED = -1

_limit = t.quotas.c.limit
_used = t.quota_usages.c.used


def take(tx: Transaction, defaults: Mapping[str, int], project_id: str, resource: str, number: int = 1) -> None:
    """Count what a project is about to have more. One statement, but for the first of a kind in a project.

    defaults  limits of projects that have none of their own; a resource without one is unlimited

    Errors  OverQuota.
    """
    default = defaults.get(resource, UNLIMITED)
    own = sa.select(_limit).where(t.quotas.c.project_id == project_id, t.quotas.c.resource == resource).scalar_subquery()
    limit = sa.func.coalesce(own, default)
    mine = _mine(project_id, resource)
    fits = sa.or_(limit < 0, _used + number <= limit)
    if tx.execute(sa.update(t.quota_usages).where(mine, fits).values(used=_used + number)).rowcount:
        return
    known = tx.execute(sa.select(_used).where(mine)).first()
    least = limits(tx, {resource: default}, project_id)[resource]
    if known is not None or 0 <= least < number:
        raise OverQuota(overs=[resource])
    tx.execute(sa.insert(t.quota_usages).values(project_id=project_id, resource=resource, used=number))


def give_back(tx: Transaction, project_id: str, resource: str, number: int = 1) -> None:
    """Count what a project has less."""
    if number:
        tx.execute(sa.update(t.quota_usages).where(_mine(project_id, resource)).values(used=_used - number))


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
