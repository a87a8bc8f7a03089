"""QoS policies: create, show, index, update, delete. What has one is `qos_users`'."""

from collections.abc import Sequence
from dataclasses import replace

from kaon.lib.ids import new_id
from kaon.model.errors.qos import QoSPolicyDefaultAlreadyExists, QosPolicyInUse, QosPolicyNotFound
from kaon.model.errors.sharing import RbacPolicyInUse
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, rbac
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import qos_policies, rows, select
from kaon.server.store import rbac as rbac_rows
from kaon.server.store.engine import Transaction

TYPE = qos_policies.OBJECT_TYPE


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make QoS policies, all or none. Errors: PolicyNotAuthorized, QoSPolicyDefaultAlreadyExists."""
    return following.write(core, lambda tx: [_create(core, caller, tx, body) for body in bodies])


def show(core: Core, caller: Caller, policy_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a QoS policy. Errors: QosPolicyNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, policy_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List QoS policies."""
    seeing = policy.visibility(caller, "policies")

    def page(asked: Query) -> Page:
        return Page(*core.store.read(lambda tx: qos_policies.index(tx, bounded(core, asked), seeing)))

    try:
        return page(query)
    except select.MarkerNotFound:
        return page(replace(query, marker=None))  # from the beginning, as Neutron does for policies: clients rely on it


def update(core: Core, caller: Caller, policy_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a QoS policy.

    Errors  QosPolicyNotFound, PolicyNotAuthorized, QoSPolicyDefaultAlreadyExists, RbacPolicyInUse when somebody has it only
            because it is shared with everybody and it shall be so no longer.
    """

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, policy_id)
        policy.authorize(caller, "update_policy", row, row, changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        qos_policies.update(tx, policy_id, changed | rows.raised(row, tx.now))
        if "is_default" in changed:
            _set_default(tx, row, wanted=changed["is_default"])
        if "shared" in changed:
            _share(core, tx, row, wanted=changed["shared"])
        return find(caller, tx, policy_id)

    return following.write(core, work)


def delete(core: Core, caller: Caller, policy_id: str, revision: int | None = None) -> None:
    """Delete a QoS policy with its rules. Errors: QosPolicyInUse while something has it."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, policy_id)
        policy.authorize(caller, "delete_policy", row, row)
        check_revision(row, revision)
        user = qos_policies.user_of(tx, policy_id)
        if user is not None:
            raise QosPolicyInUse(policy_id=policy_id, object_type=user[0], object_id=user[1])
        qos_policies.delete(tx, policy_id)
        rbac.forget(tx, TYPE, policy_id)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, policy_id: str) -> Row:
    """Find a QoS policy that the caller may see. Errors: QosPolicyNotFound."""
    row = qos_policies.show(tx, policy_id, caller.project_id)
    if row is None or not policy.visible(caller, "policies", row, row):
        raise QosPolicyNotFound(policy_id=policy_id)
    return row


def stamp(tx: Transaction, row: Row) -> None:
    """Raise the revision of a policy (as `find` gave it) because something that belongs to it changed."""
    qos_policies.update(tx, row["id"], rows.raised(row, tx.now))


def _create(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_policy", body, body, body)
    given = {"name": "", "description": "", "is_default": False, "shared": False, **body}
    row = given | rows.fresh(new_id(), body["project_id"], tx.now)
    qos_policies.insert(tx, row)
    if row["is_default"]:
        _set_default(tx, row, wanted=True)
    if row["shared"]:
        rbac.publish(core, tx, TYPE, row)
    return find(caller, tx, row["id"])


def _set_default(tx: Transaction, row: Row, *, wanted: bool) -> None:
    if not wanted:
        qos_policies.make_no_default(tx, row["id"])
        return
    if qos_policies.default_of(tx, row["project_id"]) is not None:
        raise QoSPolicyDefaultAlreadyExists(project_id=row["project_id"])
    qos_policies.make_default(tx, row)


def _share(core: Core, tx: Transaction, row: Row, *, wanted: bool) -> None:
    if wanted:
        rbac.share_with_all(core, tx, TYPE, row)
        return
    targets = rbac_rows.targets(tx, TYPE, row["id"])
    # The owner's own use counts too, as in Neutron.
    left = qos_policies.projects_using(tx, row["id"]) - targets
    if rbac_rows.EVERYBODY in targets and left:
        raise RbacPolicyInUse(object_id=row["id"], details=f"projects {', '.join(sorted(left))} have it")
    rbac.stop_sharing_with_all(tx, TYPE, row["id"])
