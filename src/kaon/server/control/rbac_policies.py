"""RBAC policies: create, show, index, update, delete. What follows for the objects' own `shared` is `store.rbac`'s."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy.exc import IntegrityError

from kaon.lib.ids import new_id
from kaon.model.errors import InvalidInput, NetworkNotFound, NotFound, SecurityGroupNotFound, SubnetPoolNotFound
from kaon.model.errors.address_groups import AddressGroupNotFound
from kaon.model.errors.qos import QosPolicyNotFound
from kaon.model.errors.sharing import (
    AddressScopeNotFound,
    DuplicateRbacPolicy,
    InvalidActionForType,
    RbacPolicyInitError,
    RbacPolicyInUse,
    RbacPolicyNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.model.rbac_policies import ACTIONS, EVERYBODY, EXTERNAL
from kaon.server.control import following, policy, quota_usage
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import networks, rbac, rbac_policies, select
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make policies, all or none.

    Errors  InvalidActionForType, DuplicateRbacPolicy, the object type's own NotFound, InvalidInput for what belongs to another
            project, RbacPolicyInitError for a subnet pool in an address scope that the target may not use.
    """
    return following.write(core, lambda tx: [_create(core, caller, tx, body) for body in bodies])


def show(core: Core, caller: Caller, policy_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a policy. Errors: RbacPolicyNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, policy_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List policies: those that the caller's project has made."""
    seeing = policy.visibility(caller, "rbac_policies")
    try:
        return Page(*core.store.read(lambda tx: rbac_policies.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise _unknown(query.marker) from None


def update(core: Core, caller: Caller, policy_id: str, changes: Body, revision: int | None = None) -> Row:
    """Give to another project what was given. Errors: RbacPolicyInUse, DuplicateRbacPolicy, InvalidInput."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, policy_id)
        policy.authorize(caller, "update_rbac_policy", row, row, changes)
        check_revision(row | {"revision_number": 0}, revision)
        target = str(changes.get("target_tenant", row["target_tenant"]))
        if target == row["target_tenant"]:
            return row
        owner = _owner(caller, tx, row)
        _check_unused(tx, row, owner, target)
        _once(lambda: rbac_policies.retarget(tx, policy_id, target))
        _stamp(tx, row)
        return row | {"target_tenant": target}

    return following.write(core, work)


def delete(core: Core, caller: Caller, policy_id: str, revision: int | None = None) -> None:
    """Take back what was given. Errors: RbacPolicyInUse while somebody depends on it."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, policy_id)
        policy.authorize(caller, "delete_rbac_policy", row, row)
        check_revision(row | {"revision_number": 0}, revision)
        owner = rbac_policies.owner_of(tx, row["object_type"], row["object_id"])
        if owner is not None:
            _check_unused(tx, row, owner, None)
        if not rbac_policies.delete(tx, policy_id):
            raise _unknown(policy_id)
        quota_usage.release(tx, row["project_id"], "rbac_policy", 1)
        if row["action"] == EXTERNAL and not rbac.targets(tx, "network", row["object_id"], EXTERNAL):
            networks.set_external(tx, row["object_id"], external=False)
        _stamp(tx, row)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, policy_id: str) -> Row:
    """Find a policy that the caller may see. Errors: RbacPolicyNotFound."""
    row = rbac_policies.show(tx, policy_id)
    if row is None or not policy.visible(caller, "rbac_policies", row, row):
        raise _unknown(policy_id)
    return row


def _create(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_rbac_policy", body, body, body)
    row = {**body, "id": new_id(), "tenant_id": body["project_id"]}
    valid = ACTIONS[row["object_type"]]
    if row["action"] not in valid:
        raise InvalidActionForType(action=row["action"], object_type=row["object_type"], valid_actions=", ".join(valid))
    _owner(caller, tx, row)
    if row["object_type"] == "subnetpool" and not rbac_policies.scope_open_to(tx, row["object_id"], row["target_tenant"]):
        reason = "the target may not use the address scope of the subnet pool"
        raise RbacPolicyInitError(object_id=row["object_id"], reason=reason)
    quota_usage.reserve(tx, row["project_id"], "rbac_policy", 1, core.settings)
    _once(lambda: rbac_policies.insert(tx, row))
    if row["action"] == EXTERNAL:
        networks.set_external(tx, row["object_id"], external=True)
    _stamp(tx, row)
    return row


_MISSING: Final[Mapping[str, tuple[type[NotFound], str]]] = {
    "address_group": (AddressGroupNotFound, "address_group_id"),
    "address_scope": (AddressScopeNotFound, "address_scope_id"),
    "network": (NetworkNotFound, "net_id"),
    "qos_policy": (QosPolicyNotFound, "policy_id"),
    "security_group": (SecurityGroupNotFound, "id"),
    "subnetpool": (SubnetPoolNotFound, "subnetpool_id"),
}
"""Object type -> what is raised when there is no such object, and the fact that names it."""


def _owner(caller: Caller, tx: Transaction, row: Row) -> str:
    """Tell whose the object of a policy is: the caller's own, unless an administrator asks.

    Errors  the object type's own NotFound for what the caller may not see, InvalidInput for what it may see only.
    """
    object_type, object_id = row["object_type"], row["object_id"]
    owner = rbac_policies.owner_of(tx, object_type, object_id)
    mine = owner is not None and (caller.is_admin or owner == caller.project_id)
    if not mine:
        shared = rbac.shared_ids(tx, object_type, [object_id], caller.project_id) if owner is not None else ()
        if object_id not in shared:
            error, fact = _MISSING[object_type]
            raise error(**{fact: object_id})
        raise InvalidInput(error_message="only administrators can make policies about objects of other projects")
    return str(owner)


def _check_unused(tx: Transaction, row: Row, owner: str, instead: str | None) -> None:
    """Refuse to take from a target what it needs. instead: who gets it then; None: nobody. Errors: RbacPolicyInUse."""
    object_type, object_id, action = row["object_type"], row["object_id"], row["action"]
    kept = rbac.targets(tx, object_type, object_id, action) - {row["target_tenant"]}
    # Of networks a single project counts, of others only everybody does, as in Neutron: not even who uses it now.
    left = kept | ({instead} if instead and (object_type == "network" or instead == EVERYBODY) else set())
    if EVERYBODY in left:
        return
    details = ""
    users = rbac_policies.users(tx, object_type, object_id, action)
    losing = users - left - {owner, ""}
    if row["target_tenant"] != EVERYBODY:
        losing &= {row["target_tenant"]}
    if losing:
        details = f"projects {', '.join(sorted(losing))} use it"
    elif action == EXTERNAL and row["target_tenant"] == EVERYBODY and networks.default_external(tx) == object_id:
        details = "the default external network is for everybody"
    elif action == EXTERNAL and not left and networks.used_as_external(tx, object_id):
        details = "routers or floating IPs are on the network, which would no longer be external"
    if details:
        raise RbacPolicyInUse(object_id=object_id, details=details)


def _stamp(tx: Transaction, row: Row) -> None:
    """Raise the revision of the object, where Neutron does: of networks. Others who change the network then know of it."""
    if row["object_type"] == "network":
        networks.bump(tx, row["object_id"])
        tx.touch(scopes.network(row["object_id"]), "network")


def _once(store: Callable[[], None]) -> None:
    """Store a policy, unless there is one that says the same. Errors: DuplicateRbacPolicy."""
    try:
        store()
    except IntegrityError:
        raise DuplicateRbacPolicy from None


def _unknown(policy_id: object) -> RbacPolicyNotFound:
    return RbacPolicyNotFound(id=policy_id, object_type="unknown")
