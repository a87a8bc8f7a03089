"""Default statefulness of security groups: create, show, index, update, delete. A change is for groups made later."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.errors.security_groups import (
    SecurityGroupDefaultStatefulnessAlreadyExists,
    SecurityGroupDefaultStatefulnessNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import security_groups_default_statefulness as settings
from kaon.server.store import select
from kaon.server.store.engine import Transaction

_COLLECTION = "security_groups_default_statefulness"


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make settings, all or none. Errors: PolicyNotAuthorized, SecurityGroupDefaultStatefulnessAlreadyExists."""

    def work(tx: Transaction) -> list[Row]:
        return [_create(tx, caller, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, identity: str, fields: frozenset[str] | None = None) -> Row:
    """Find a setting. Errors: SecurityGroupDefaultStatefulnessNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(tx, caller, identity))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List settings. Errors: SecurityGroupDefaultStatefulnessNotFound (the marker)."""
    seeing = policy.visibility(caller, _COLLECTION)
    try:
        return Page(*core.store.read(lambda tx: settings.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise SecurityGroupDefaultStatefulnessNotFound(id=query.marker) from None


def update(core: Core, caller: Caller, identity: str, changes: Body, revision: int | None = None) -> Row:
    """Change a setting. Errors: SecurityGroupDefaultStatefulnessNotFound, PolicyNotAuthorized."""
    del revision  # it has none

    def work(tx: Transaction) -> Row:
        row = _find(tx, caller, identity)
        policy.authorize(caller, f"update_{_COLLECTION}", row, body=changes)
        if "stateful" in changes:
            settings.update(tx, identity, stateful=changes["stateful"])
        return row | changes

    return following.write(core, work)


def delete(core: Core, caller: Caller, identity: str, revision: int | None = None) -> None:
    """Delete a setting. Errors: SecurityGroupDefaultStatefulnessNotFound, PolicyNotAuthorized."""
    del revision  # it has none

    def work(tx: Transaction) -> None:
        policy.authorize(caller, f"delete_{_COLLECTION}", _find(tx, caller, identity))
        settings.delete(tx, identity)

    following.write(core, work)


def _find(tx: Transaction, caller: Caller, identity: str) -> Row:
    row = settings.show(tx, identity)
    if row is None or not policy.visible(caller, _COLLECTION, row):
        raise SecurityGroupDefaultStatefulnessNotFound(id=identity)
    return row


def _create(tx: Transaction, caller: Caller, body: Body) -> Row:
    policy.authorize(caller, f"create_{_COLLECTION}", body, body=body)
    project_id = body["project_id"]
    if settings.of_project(tx, project_id or "") is not None:
        raise SecurityGroupDefaultStatefulnessAlreadyExists(
            project_id=f"project {project_id}" if project_id else "all projects"
        )
    row = {"id": new_id(), "project_id": project_id or None, "stateful": body["stateful"]}
    settings.insert(tx, row)
    return row
