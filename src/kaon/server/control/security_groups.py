"""Security groups: the five verbs, and the default group that every project has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kaon.lib.ids import new_id
from kaon.model import errors
from kaon.model.default_security_group_rules import PARENT
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, quota_usage, rbac, rule_values
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import address_groups, default_security_group_rules, followers, rows, select
from kaon.server.store import security_groups as groups
from kaon.server.store import security_groups_default_statefulness as default_statefulness
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

DEFAULT = "default"
_DEFAULT_DESCRIPTION = "Default security group"


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Create groups, all or none; each begins with the default rules.

    Errors  SecurityGroupDefaultAlreadyExists, OverQuota, PolicyNotAuthorized.
    """

    def work(tx: Transaction) -> list[Row]:
        return [_create(core, tx, caller, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, group_id: str, fields: frozenset[str] | None = None) -> Row:
    """Show a group. Errors: SecurityGroupNotFound."""
    with_rules = fields is None or "security_group_rules" in fields
    return core.store.read(lambda tx: visible(tx, caller, group_id, with_rules=with_rules))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List groups; a project that has none yet gets its default group first. Errors: SecurityGroupNotFound (the marker)."""
    ensure_listed(core, caller, query)
    try:
        found, more = core.store.read(
            lambda tx: groups.index(tx, bounded(core, query), policy.visibility(caller, "security_groups"))
        )
    except select.MarkerNotFound:
        raise errors.SecurityGroupNotFound(id=query.marker) from None
    return Page(found, more)


def update(core: Core, caller: Caller, group_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a group.

    Errors  SecurityGroupNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, SecurityGroupCannotUpdateDefault,
            SecurityGroupDefaultAlreadyExists, SecurityGroupInUse (statefulness while ports are in it).
    """

    def work(tx: Transaction) -> Row:
        row = visible(tx, caller, group_id)
        policy.authorize(caller, "update_security_group", row, body=changes)
        check_revision(row, revision)
        _refuse_default_name(changes)  # not even the default group may be given the name that it has
        if changes.get("name", row["name"]) != row["name"] and row["is_default"]:
            raise errors.SecurityGroupCannotUpdateDefault
        turned = changes.get("stateful", row["stateful"]) != row["stateful"]
        port_id = groups.port_in(tx, group_id) if turned else None
        if port_id is not None:
            raise errors.SecurityGroupInUse(id=group_id, reason=f"port {port_id} is in it")
        if not changes:
            return row
        stamps = rows.raised(row, tx.now)
        groups.update(tx, group_id, changes | stamps)
        if turned:
            tx.touch(scopes.group(group_id), "group")
        return row | changes | stamps

    return following.write(core, work)


def delete(core: Core, caller: Caller, group_id: str, revision: int | None = None) -> None:
    """Delete a group with its rules, and the rules of other groups that name it.

    Errors  SecurityGroupNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, SecurityGroupInUse,
            SecurityGroupCannotRemoveDefault (an administrator may).
    """

    def work(tx: Transaction) -> None:
        row = visible(tx, caller, group_id, with_rules=False)
        policy.authorize(caller, "delete_security_group", row)
        check_revision(row, revision)
        if not caller.is_admin and row["is_default"]:
            raise errors.SecurityGroupCannotRemoveDefault
        port_id = groups.port_in(tx, group_id)
        if port_id is not None:
            raise errors.SecurityGroupInUse(id=group_id, reason=f"port {port_id} is in it")
        _remove_rules_naming(tx, group_id)
        for project_id, number in groups.count_rules(tx, group_id).items():
            quota_usage.release(tx, project_id, "security_group_rule", number)
        groups.delete(tx, group_id)
        rbac.forget(tx, groups.OBJECT_TYPE, group_id)
        quota_usage.release(tx, row["project_id"], "security_group", 1)
        tx.close_scope(scopes.group(group_id))
        tx.close_scope(scopes.members(group_id))

    following.write(core, work)


def ensure_default(core: Core, tx: Transaction, project_id: str) -> str:
    """Give the id of a project's default group, making it when there is none, with the default rules.

    Of two who make it at once the key lets one through; the other's transaction begins again and finds it.
    """
    found = groups.default_of(tx, project_id)
    if found is not None:
        return found
    body = {"project_id": project_id, "name": DEFAULT, "description": _DEFAULT_DESCRIPTION, "stateful": True}
    row = _insert(tx, body, default=True)
    quota_usage.count_made(tx, project_id, "security_group", 1, core.settings)
    quota_usage.count_made(tx, project_id, "security_group_rule", len(row["security_group_rules"]), core.settings)
    return str(row["id"])


def ensure_listed(core: Core, caller: Caller, query: Query) -> None:
    """Make sure that the projects a list is about have their default groups: those it names, else the caller's."""
    named = query.filters.get("project_id") or query.filters.get("tenant_id") or ()
    wanted = {str(project_id) for project_id in named if project_id} if caller.is_admin else set()
    for project_id in sorted(wanted or {caller.project_id} - {""}):
        if core.store.read(lambda tx, project_id=project_id: groups.default_of(tx, project_id)) is None:  # type: ignore[misc]  # the default binds the loop's value
            following.write(core, lambda tx, project_id=project_id: ensure_default(core, tx, project_id))  # type: ignore[misc]  # as above


def visible(tx: Transaction, caller: Caller, group_id: str, *, with_rules: bool = True) -> Row:
    """Find a group that the caller may know of. Errors: SecurityGroupNotFound."""
    row = groups.show(tx, group_id, caller.project_id, with_rules=with_rules)
    if row is None or not policy.visible(caller, "security_groups", row):
        raise errors.SecurityGroupNotFound(id=group_id)
    return row


def new_rule(project_id: str, group: Row, values: Row, now: datetime, description: str = "") -> Row:
    """Make a rule of checked values (`rule_values.checked`). group: the row of its group."""
    own = {"security_group_id": group["id"], "belongs_to_default_sg": group["is_default"], "description": description}
    return rows.fresh(new_id(), project_id, now) | own | values


def _create(core: Core, tx: Transaction, caller: Caller, body: Body) -> Row:
    _refuse_default_name(body)
    project_id = body["project_id"]
    if project_id:
        ensure_default(core, tx, project_id)
    quota_usage.reserve(tx, project_id, "security_group", 1, core.settings)
    policy.authorize(caller, "create_security_group", body)
    if "stateful" not in body:
        body = body | {"stateful": default_statefulness.stateful(tx, project_id)}
    row = _insert(tx, body, default=False)
    quota_usage.reserve(tx, project_id, "security_group_rule", len(row["security_group_rules"]), core.settings)
    return row


def _insert(tx: Transaction, body: Body, *, default: bool) -> Row:
    """Store a group with the rules that it begins with, and open its scopes."""
    project_id = body["project_id"]
    given = {"name": "", "description": "", "stateful": True} | {key: body[key] for key in groups.COLUMNS if key in body}
    row = rows.fresh(new_id(), project_id, tx.now) | given | {"is_default": default, "shared": False}
    rules = [new_rule(project_id, row, values, tx.now) for values in _first_rules(tx, row)]
    rules.sort(key=lambda rule: str(rule["id"]))  # as they are listed: those of one second by id
    groups.insert(tx, row, default=default)
    groups.insert_rules(tx, rules, [rule_values.fingerprint(rule) for rule in rules])
    tx.open_scope(scopes.group(row["id"]))
    tx.open_scope(scopes.members(row["id"]))
    return row | {"security_group_rules": rules, "tags": []}


def _first_rules(tx: Transaction, group: Row) -> list[Row]:
    """Give the values of the rules that a new group begins with: the default rules, but those that name what is gone."""
    found = []
    for rule in default_security_group_rules.used_in(tx, default=group["is_default"]):
        own = rule["remote_group_id"] == PARENT
        values = rule_values.checked(rule | ({"remote_group_id": group["id"]} if own else {}))
        if own or _is_there(tx, values):
            found.append(values)
    return found


def _is_there(tx: Transaction, values: Row) -> bool:
    group, addresses = values["remote_group_id"], values["remote_address_group_id"]
    if group is not None:
        return bool(groups.usable(tx, [group], None))
    return addresses is None or bool(address_groups.usable(tx, [addresses], None))


def _remove_rules_naming(tx: Transaction, group_id: str) -> None:
    """Remove the rules of other groups whose remote group is about to go."""
    naming = groups.rules_naming(tx, group_id)
    groups.delete_rules(tx, [rule_id for rule_id, _, _ in naming])
    groups.bump(tx, {its_group for _, its_group, _ in naming})
    for rule_id, its_group, project_id in naming:
        tx.touch(scopes.group(its_group), f"rule/{rule_id}")
        quota_usage.release(tx, project_id, "security_group_rule", 1)
    for its_group in sorted({its_group for _, its_group, _ in naming}):
        followers.follow_remote_groups(tx, its_group, [group_id])


def _refuse_default_name(body: dict[str, Any]) -> None:
    if body.get("name", "").lower() == DEFAULT:
        raise errors.SecurityGroupDefaultAlreadyExists
