"""What projects use of their quota: counted in the transaction that creates or deletes, so that nobody counts rows."""

from kaon.model.errors import OverQuota
from kaon.server.control.settings import ServerSettings
from kaon.server.store import quota_usages
from kaon.server.store.engine import Transaction


def reserve(tx: Transaction, project_id: str, resource: str, count: int, settings: ServerSettings) -> None:
    """Count `count` more of a resource (`port`, `network`, ...). One statement, but for a project's first use.

    What belongs to no project ("") is not counted, and nothing is when the settings name no quotas.
    Errors  OverQuota.
    """
    if not project_id or not settings.quotas:
        return
    limit = settings.quotas.get(resource, -1)
    if quota_usages.add(tx, project_id, resource, count, limit):
        return
    used = quota_usages.used(tx, project_id, resource)
    if used is not None or 0 <= quota_usages.limit(tx, project_id, resource, limit) < count:
        raise OverQuota(overs=[resource])
    quota_usages.begin(tx, project_id, resource, count)


def release(tx: Transaction, project_id: str, resource: str, count: int) -> None:
    """Count `count` less of a resource."""
    if project_id and count:
        quota_usages.take_off(tx, project_id, resource, count)
