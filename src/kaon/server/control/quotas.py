"""Quotas: what each project may have. Resources are those of `model.quotas.RESOURCES`."""

from kaon.model import errors
from kaon.model.query import Body, Row
from kaon.model.quotas import RESOURCES, UNLIMITED
from kaon.server.control import policy
from kaon.server.control.core import Caller, Core
from kaon.server.store import quota_usages, quotas
from kaon.server.store.engine import Transaction


def show(core: Core, caller: Caller, project_id: str) -> Row:
    """Map each resource to the project's limit. Errors: PolicyNotAuthorized for another project's."""
    _see(caller, project_id)
    return core.store.read(lambda tx: quotas.limits(tx, _defaults(core), project_id))


def show_default(core: Core, caller: Caller, project_id: str) -> Row:
    """Map each resource to the limit of projects that have none of their own. Errors: PolicyNotAuthorized."""
    _see(caller, project_id)
    return _defaults(core)


def details(core: Core, caller: Caller, project_id: str) -> Row:
    """Map each resource to its limit, what is used of it and what is reserved (always 0: use is counted at once)."""
    _see(caller, project_id)

    def work(tx: Transaction) -> Row:
        limits, used = quotas.limits(tx, _defaults(core), project_id), quotas.usages(tx, project_id)
        return {name: {"limit": limit, "used": used.get(name, 0), "reserved": 0} for name, limit in limits.items()}

    return core.store.read(work)


def index(core: Core, caller: Caller) -> list[Row]:
    """List the projects with limits of their own: every limit, project_id and tenant_id. Errors: PolicyNotAuthorized."""
    policy.authorize(caller, "get_quota", {})
    found = core.store.read(quotas.projects)
    return [_defaults(core) | own | _named(project_id) for project_id, own in found.items()]


def update(core: Core, caller: Caller, project_id: str, changes: Body) -> Row:
    """Give a project limits of its own and show all that then hold.

    changes  as `model.quotas.update_body` gives it. A limit below what is used is refused unless `force` is there.

    Errors  PolicyNotAuthorized, HTTPBadRequest.
    """
    policy.authorize(caller, "update_quota", {"project_id": project_id})
    wanted: dict[str, int] = {name: int(changes[name]) for name in RESOURCES if name in changes}

    def work(tx: Transaction) -> Row:
        quotas.set_limits(tx, project_id, wanted)
        used = quota_usages.follow_limits(tx, project_id)
        if not changes.get("force", False):
            below = [name for name, limit in wanted.items() if limit != UNLIMITED and limit < used.get(name, 0)]
            if below:
                raise errors.HTTPBadRequest(reason=f"Quota limit is below current usage for: {', '.join(below)}")
        return quotas.limits(tx, _defaults(core), project_id)

    return core.store.write(work)


def delete(core: Core, caller: Caller, project_id: str) -> None:
    """Let a project have the defaults again. Errors: PolicyNotAuthorized, TenantQuotaNotFound."""
    policy.authorize(caller, "delete_quota", {"project_id": project_id})

    def work(tx: Transaction) -> None:
        if not quotas.forget_limits(tx, project_id):
            raise errors.TenantQuotaNotFound(tenant_id=project_id)
        quota_usages.follow_limits(tx, project_id)

    core.store.write(work)


def _defaults(core: Core) -> dict[str, int]:
    return {name: core.settings.quotas.get(name, UNLIMITED) for name in RESOURCES}


def _named(project_id: str) -> Row:
    return {"project_id": project_id, "tenant_id": project_id}


def _see(caller: Caller, project_id: str) -> None:
    """Refuse another project's quota to who may not look at it; its own everybody may."""
    if project_id != caller.project_id:
        policy.authorize(caller, "get_quota", {"project_id": project_id})
