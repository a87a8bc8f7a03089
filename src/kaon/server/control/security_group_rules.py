"""Security group rules: create, show, index, delete. Rules do not change: `update` exists only to say so."""

from collections.abc import Sequence

from kaon.model import errors
from kaon.model.errors.address_groups import AddressGroupNotFound
from kaon.model.errors.security_groups import SecurityGroupRulesNotSingleProject
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, quota_usage, rule_values, security_groups
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import address_groups, followers, select
from kaon.server.store import security_groups as groups
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Create rules of one group, all or none.

    Errors  SecurityGroupNotSingleGroupRules, SecurityGroupRulesNotSingleProject, SecurityGroupNotFound (of the group or a
            remote group), AddressGroupNotFound, OverQuota, PolicyNotAuthorized, DuplicateSecurityGroupRuleInPost,
            SecurityGroupRuleExists, those of `rule_values.checked`.
    """
    checked = [rule_values.checked(body) for body in bodies]
    marks = [rule_values.fingerprint(values) for values in checked]
    group_ids = {body["security_group_id"] for body in bodies}
    if len(group_ids) > 1:
        raise errors.SecurityGroupNotSingleGroupRules
    if len({body["project_id"] for body in bodies}) > 1:
        raise SecurityGroupRulesNotSingleProject
    if len(set(marks)) < len(marks):
        raise errors.DuplicateSecurityGroupRuleInPost
    (group_id,) = group_ids

    def work(tx: Transaction) -> list[Row]:
        # Not seen before it is refused: a foreign group is forbidden, not missing, as Neutron has it.
        group = groups.show(tx, group_id, caller.project_id, with_rules=False)
        if group is None:
            raise errors.SecurityGroupNotFound(id=group_id)
        for body in bodies:
            quota_usage.reserve(tx, body["project_id"], "security_group_rule", 1, core.settings)
            policy.authorize(caller, "create_security_group_rule", body, parent=group)
        remote = {named for named in map(_remote, checked) if named is not None}
        _check_named(tx, caller, checked)
        same = groups.same_rule(tx, group_id, marks)
        if same is not None:
            raise errors.SecurityGroupRuleExists(rule_id=same)
        rules = [
            security_groups.new_rule(body["project_id"], group, values, tx.now, body.get("description", ""))
            for body, values in zip(bodies, checked, strict=True)
        ]
        groups.bump(tx, [group_id])  # first: who only refers to a row and then changes it, deadlocks with his like
        groups.insert_rules(tx, rules, marks)
        tx.touch(scopes.group(group_id), *(f"rule/{rule['id']}" for rule in rules))
        followers.follow_remote_groups(tx, group_id, remote)
        return rules

    return following.write(core, work)


def show(core: Core, caller: Caller, rule_id: str, fields: frozenset[str] | None = None) -> Row:  # noqa: ARG001  # the shape of the verb
    """Show a rule. Errors: SecurityGroupRuleNotFound."""
    return core.store.read(lambda tx: _visible(tx, caller, rule_id)[0])


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List rules; the caller's project gets its default group first. Errors: SecurityGroupRuleNotFound (the marker)."""
    security_groups.ensure_listed(core, caller, query)
    try:
        found, more = core.store.read(
            lambda tx: groups.index_rules(tx, bounded(core, query), policy.visibility(caller, "security_group_rules"))
        )
    except select.MarkerNotFound:
        raise errors.SecurityGroupRuleNotFound(id=query.marker) from None
    return Page(found, more)


def update(core: Core, caller: Caller, rule_id: str, changes: Body, revision: int | None = None) -> Row:
    """Refuse: a rule is what it says. Errors: SecurityGroupRuleNotFound, HTTPBadRequest."""
    row = show(core, caller, rule_id)
    check_revision(row, revision)
    raise errors.HTTPBadRequest(reason=f"Cannot update {', '.join(sorted(changes)) or 'a security group rule'}")


def delete(core: Core, caller: Caller, rule_id: str, revision: int | None = None) -> None:
    """Delete a rule. Errors: SecurityGroupRuleNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> None:
        row, group = _visible(tx, caller, rule_id)
        policy.authorize(caller, "delete_security_group_rule", row, parent=group)
        check_revision(row, revision)
        groups.delete_rules(tx, [rule_id])
        groups.bump(tx, [row["security_group_id"]])
        quota_usage.release(tx, row["project_id"], "security_group_rule", 1)
        tx.touch(scopes.group(row["security_group_id"]), f"rule/{rule_id}")
        remote = _remote(row)
        if remote is not None:
            followers.follow_remote_groups(tx, row["security_group_id"], [remote])

    following.write(core, work)


def _visible(tx: Transaction, caller: Caller, rule_id: str) -> tuple[Row, Row]:
    """Find a rule that the caller may know of, and its group."""
    row = groups.show_rule(tx, rule_id)
    group = groups.show(tx, row["security_group_id"], caller.project_id, with_rules=False) if row is not None else None
    if row is None or group is None or not policy.visible(caller, "security_group_rules", row, parent=group):
        raise errors.SecurityGroupRuleNotFound(id=rule_id)
    return row, group


def _remote(rule: Row) -> str | None:
    """The group, or address group, whose addresses a rule means."""
    found: str | None = rule["remote_group_id"] or rule["remote_address_group_id"]
    return found


def _check_named(tx: Transaction, caller: Caller, rules: Sequence[Row]) -> None:
    """Refuse rules that name groups, or address groups, that their project has no part in."""
    project_id = None if caller.is_admin else caller.project_id
    groups_named = {rule["remote_group_id"] for rule in rules} - {None}
    if groups_named:
        for missing in sorted(groups_named - groups.usable(tx, groups_named, project_id).keys()):
            raise errors.SecurityGroupNotFound(id=missing)
    addresses_named = {rule["remote_address_group_id"] for rule in rules} - {None}
    if addresses_named:
        for missing in sorted(addresses_named - address_groups.usable(tx, addresses_named, project_id)):
            raise AddressGroupNotFound(address_group_id=missing)
