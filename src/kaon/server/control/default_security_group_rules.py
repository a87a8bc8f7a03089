"""Default security group rules: create, show, index, delete. They are for groups made later; those that are there stay."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.default_security_group_rules import PARENT
from kaon.model.errors import SecurityGroupNotFound
from kaon.model.errors.address_groups import AddressGroupNotFound
from kaon.model.errors.security_groups import DefaultSecurityGroupRuleExists, DefaultSecurityGroupRuleNotFound
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, rule_values
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import address_groups, security_groups, select
from kaon.server.store import default_security_group_rules as default_rules
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make default rules, all or none.

    Errors  PolicyNotAuthorized, DefaultSecurityGroupRuleExists, SecurityGroupNotFound, AddressGroupNotFound (of what they
            name), those of `rule_values.checked`.
    """

    def work(tx: Transaction) -> list[Row]:
        return [_create(tx, caller, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, rule_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a default rule. Errors: DefaultSecurityGroupRuleNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(tx, caller, rule_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List default rules. Errors: DefaultSecurityGroupRuleNotFound (the marker)."""
    seeing = policy.visibility(caller, "default_security_group_rules")
    try:
        return Page(*core.store.read(lambda tx: default_rules.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise DefaultSecurityGroupRuleNotFound(id=query.marker) from None


def delete(core: Core, caller: Caller, rule_id: str, revision: int | None = None) -> None:
    """Delete a default rule. Errors: DefaultSecurityGroupRuleNotFound, PolicyNotAuthorized."""
    del revision  # it has none

    def work(tx: Transaction) -> None:
        row = _find(tx, caller, rule_id)
        policy.authorize(caller, "delete_default_security_group_rule", row)
        default_rules.delete(tx, rule_id)

    following.write(core, work)


def _find(tx: Transaction, caller: Caller, rule_id: str) -> Row:
    row = default_rules.show(tx, rule_id)
    if row is None or not policy.visible(caller, "default_security_group_rules", row):
        raise DefaultSecurityGroupRuleNotFound(id=rule_id)
    return row


def _create(tx: Transaction, caller: Caller, body: Body) -> Row:
    values = rule_values.checked(body)
    policy.authorize(caller, "create_default_security_group_rule", body, body=body)
    row = {name: body.get(name) for name in default_rules.COLUMNS} | values | {"id": new_id()}
    fingerprint = rule_values.fingerprint(values)
    _check_named(tx, values)
    same = default_rules.same(tx, row, fingerprint)
    if same is not None:
        raise DefaultSecurityGroupRuleExists(rule_id=same)
    default_rules.insert(tx, row, fingerprint)
    return row


def _check_named(tx: Transaction, values: Row) -> None:
    group, addresses = values["remote_group_id"], values["remote_address_group_id"]
    if group not in (None, PARENT) and not security_groups.usable(tx, [group], None):
        raise SecurityGroupNotFound(id=group)
    if addresses is not None and not address_groups.usable(tx, [addresses], None):
        raise AddressGroupNotFound(address_group_id=addresses)
