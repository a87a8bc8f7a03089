"""Rules of QoS policies: the five verbs on a kind of rule, below its policy or (`Alias`) without it.

A rule changes its policy: that one's revision moves, and it is the revision that a caller can demand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaon.lib.ids import new_id
from kaon.model.errors.qos import QosPolicyNotFound, QosRuleNotFound, QoSRuleParameterConflict, QoSRulesConflict
from kaon.model.qos_rules import ANY, RULES, Kind
from kaon.model.query import Body, Page, Query, Row
from kaon.model.resource_requests import KINDS as ASKING
from kaon.server.control import following, policy, qos_policies, qos_users
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import qos_policies as policy_rows
from kaon.server.store import qos_rules, select
from kaon.server.store.engine import Transaction


@dataclass(frozen=True)
class Rules:
    """The verbs on rules of a kind below their policy."""

    kind: Kind

    def create(self, core: Core, caller: Caller, policy_id: str, bodies: Sequence[Body]) -> list[Row]:
        """Add rules to a policy, all or none.

        Errors  QosPolicyNotFound, PolicyNotAuthorized, QoSRuleParameterConflict, QoSRulesConflict, those of `_follow`.
        """

        def work(tx: Transaction) -> list[Row]:
            above = policy_rows.show(tx, policy_id, caller.project_id)
            if above is None:
                raise QosPolicyNotFound(policy_id=policy_id)
            made: list[Row] = []
            for body in bodies:
                # Not seen before it is refused: a foreign policy is forbidden, not missing, as Neutron has it.
                policy.authorize(caller, f"create_policy_{self.kind.name}_rule", body, above, body)
                rule = {"id": new_id(), "qos_policy_id": policy_id, "type": self.kind.name} | body
                _check_conflicts([*above["rules"], *made], rule, body)
                made.append(rule)
            policy_rows.bump(tx, policy_id)
            for rule in made:
                qos_rules.insert(tx, rule)
            _follow(core, tx, policy_id, self.kind)
            return made

        return following.write(core, work)

    def show(self, core: Core, caller: Caller, policy_id: str, rule_id: str, fields: frozenset[str] | None = None) -> Row:
        """Find a rule. Errors: QosPolicyNotFound, QosRuleNotFound."""
        del fields  # the API leaves out what was not asked for; here nothing is cheaper without
        return core.store.read(lambda tx: self._find(caller, tx, policy_id, rule_id)[0])

    def index(self, core: Core, caller: Caller, policy_id: str, query: Query) -> Page:
        """List the rules of a policy that the caller may see. Errors: QosPolicyNotFound, QosRuleNotFound (the marker)."""

        def work(tx: Transaction) -> Page:
            above = qos_policies.find(caller, tx, policy_id)
            if not policy.visible(caller, RULES[self.kind.name].collection, {}, above):
                return Page([])
            everything = policy.Visibility(everything=True, project_id="")
            return Page(*qos_rules.index(tx, self.kind, policy_id, bounded(core, query), everything))

        try:
            return core.store.read(work)
        except select.MarkerNotFound:
            raise QosRuleNotFound(policy_id=policy_id, rule_id=query.marker) from None

    def update(  # noqa: PLR0913, PLR0917  # the shape of the verb
        self, core: Core, caller: Caller, policy_id: str, rule_id: str, changes: Body, revision: int | None = None
    ) -> Row:
        """Change a rule. Errors: as `create`, and QosRuleNotFound."""

        def work(tx: Transaction) -> Row:
            rule, above = self._find(caller, tx, policy_id, rule_id)
            policy.authorize(caller, f"update_policy_{self.kind.name}_rule", rule, above, changes)
            return _change(core, tx, self.kind, (rule, above), changes, revision)

        return following.write(core, work)

    def delete(self, core: Core, caller: Caller, policy_id: str, rule_id: str, revision: int | None = None) -> None:
        """Remove a rule. Errors: QosPolicyNotFound, QosRuleNotFound, PolicyNotAuthorized, those of `_follow`."""

        def work(tx: Transaction) -> None:
            rule, above = self._find(caller, tx, policy_id, rule_id)
            policy.authorize(caller, f"delete_policy_{self.kind.name}_rule", rule, above)
            _remove(core, tx, self.kind, (rule, above), revision)

        following.write(core, work)

    def _find(self, caller: Caller, tx: Transaction, policy_id: str, rule_id: str) -> tuple[Row, Row]:
        """Find a rule that the caller may see, and its policy."""
        above = qos_policies.find(caller, tx, policy_id)
        rule = next((one for one in above["rules"] if one["id"] == rule_id and one["type"] == self.kind.name), None)
        if rule is None or not policy.visible(caller, RULES[self.kind.name].collection, rule, above):
            raise QosRuleNotFound(policy_id=policy_id, rule_id=rule_id)
        return rule, above


@dataclass(frozen=True)
class Alias:
    """The verbs on rules of a kind whose policy is not named. They show the policy's project as theirs."""

    kind: Kind

    def show(self, core: Core, caller: Caller, rule_id: str, fields: frozenset[str] | None = None) -> Row:
        """Find a rule. Errors: QosRuleNotFound."""
        del fields  # the API leaves out what was not asked for; here nothing is cheaper without
        return core.store.read(lambda tx: _owned(*self._find(caller, tx, rule_id)))

    def update(self, core: Core, caller: Caller, rule_id: str, changes: Body, revision: int | None = None) -> Row:
        """Change a rule. Errors: as `Rules.update`."""

        def work(tx: Transaction) -> Row:
            rule, above = self._find(caller, tx, rule_id)
            policy.authorize(caller, f"update_alias_{self.kind.name}_rule", rule, above, changes)
            return _owned(_change(core, tx, self.kind, (rule, above), changes, revision), above)

        return following.write(core, work)

    def delete(self, core: Core, caller: Caller, rule_id: str, revision: int | None = None) -> None:
        """Remove a rule. Errors: as `Rules.delete`."""

        def work(tx: Transaction) -> None:
            rule, above = self._find(caller, tx, rule_id)
            policy.authorize(caller, f"delete_alias_{self.kind.name}_rule", rule, above)
            _remove(core, tx, self.kind, (rule, above), revision)

        following.write(core, work)

    def _find(self, caller: Caller, tx: Transaction, rule_id: str) -> tuple[Row, Row]:
        rule = qos_rules.show(tx, self.kind, rule_id)
        above = policy_rows.show(tx, rule["qos_policy_id"], caller.project_id) if rule is not None else None
        if (
            rule is None
            or above is None
            or not policy.visible(caller, "policies", above, above)
            or not policy.visible(caller, f"alias_{self.kind.name}_rules", rule, above)
        ):
            raise QosRuleNotFound(policy_id="", rule_id=rule_id)
        return rule, above


def _owned(rule: Row, above: Row) -> Row:
    return rule | {"project_id": above["project_id"], "tenant_id": above["project_id"]}


def _change(  # noqa: PLR0913, PLR0917  # what, of whom, and how
    core: Core, tx: Transaction, kind: Kind, found: tuple[Row, Row], changes: Body, revision: int | None
) -> Row:
    rule, above = found
    check_revision(above, revision)
    after = rule | changes
    if after == rule:
        return rule
    _check_conflicts(above["rules"], after, changes)
    policy_rows.bump(tx, above["id"])
    qos_rules.update(tx, after)
    _follow(core, tx, above["id"], kind)
    return after


def _remove(core: Core, tx: Transaction, kind: Kind, found: tuple[Row, Row], revision: int | None) -> None:
    rule, above = found
    check_revision(above, revision)
    policy_rows.bump(tx, above["id"])
    qos_rules.delete(tx, rule["id"])
    _follow(core, tx, above["id"], kind)


def _follow(core: Core, tx: Transaction, policy_id: str, kind: Kind) -> None:
    """Tell the hosts of ports under the policy; refuse what cannot be done for them.

    Errors  QosRuleNotSupported, QosRuleNotSupportedByNetwork, NotImplementedError where Placement has allocated for a VM what
            rules of this kind asked for.
    """
    qos_users.check_kind(core, tx, policy_id, kind.name)
    under = qos_users.touch(tx, policy_id)
    if kind.name in ASKING and any(port["device_owner"].startswith(qos_users.COMPUTE) for port in under):
        raise NotImplementedError("Cannot update QoS policies/rules backed by resources tracked in Placement")


def _check_conflicts(there: Sequence[Row], rule: Row, given: Mapping[str, Any]) -> None:
    """Refuse a rule that contradicts another one of its policy. given: what the caller says of it.

    Errors  QoSRuleParameterConflict, QoSRulesConflict.
    """
    others = [other for other in there if other["id"] != rule["id"]]
    if "direction" in rule:
        for other in others:
            _check_values(other, rule, given)
    for other in others:
        if other["type"] == rule["type"] and other.get("direction") == rule.get("direction"):
            raise QoSRulesConflict(new_rule_type=rule["type"], rule_id=other["id"], policy_id=rule["qos_policy_id"])


def _check_values(other: Row, rule: Row, given: Mapping[str, Any]) -> None:
    """Refuse a minimum above the limit of its direction, and minimum packet rates both with and without a direction."""
    clash: Any = None
    if other.get("direction") == rule["direction"]:
        if other["type"] == "minimum_bandwidth" and other["min_kbps"] > given.get("max_kbps", other["min_kbps"]):
            clash = given["max_kbps"], other["min_kbps"]
        if other["type"] == "bandwidth_limit" and other["max_kbps"] < given.get("min_kbps", other["max_kbps"]):
            clash = given["min_kbps"], other["max_kbps"]
    if rule["type"] == other["type"] == "minimum_packet_rate" and (rule["direction"] == ANY) != (other["direction"] == ANY):
        clash = rule["direction"], other["direction"]
    if clash:
        raise QoSRuleParameterConflict(
            rule_value=clash[0], policy_id=rule["qos_policy_id"], existing_rule=other["type"], existing_value=clash[1]
        )
