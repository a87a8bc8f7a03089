"""Metering label rules: create, show, index, delete. A rule is its label's project's."""

from collections.abc import Sequence
from ipaddress import ip_interface

from kaon.lib.ids import new_id
from kaon.model.errors.metering import MeteringLabelRuleNotFound, MeteringLabelRuleOverlaps
from kaon.model.metering_label_rules import REMOTE, check_prefixes
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, metering_labels, policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import metering_label_rules, select
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make metering label rules, all or none.

    Errors  PolicyNotAuthorized, MeteringLabelNotFound, MeteringLabelRuleOverlaps, Invalid (`check_prefixes`).
    """
    return following.write(core, lambda tx: [_create(caller, tx, body) for body in bodies])


def show(core: Core, caller: Caller, rule_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a metering label rule. Errors: MeteringLabelRuleNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, rule_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List metering label rules. Errors: MeteringLabelRuleNotFound (the marker)."""
    seeing = policy.visibility(caller, "metering_label_rules")
    try:
        return Page(*core.store.read(lambda tx: metering_label_rules.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise MeteringLabelRuleNotFound(rule_id=query.marker) from None


def delete(core: Core, caller: Caller, rule_id: str, revision: int | None = None) -> None:
    """Delete a metering label rule; it has no revision. Errors: MeteringLabelRuleNotFound, PolicyNotAuthorized."""
    del revision

    def work(tx: Transaction) -> None:
        policy.authorize(caller, "delete_metering_label_rule", _find(caller, tx, rule_id))
        metering_label_rules.delete(tx, rule_id)

    following.write(core, work)


def _find(caller: Caller, tx: Transaction, rule_id: str) -> Row:
    row = metering_label_rules.show(tx, rule_id)
    if row is None or not policy.visible(caller, "metering_label_rules", row):
        raise MeteringLabelRuleNotFound(rule_id=rule_id)
    return row


def _create(caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_metering_label_rule", body, body=body)
    check_prefixes(body)
    label = metering_labels.find(caller, tx, body["metering_label_id"])
    owner = {"project_id": label["project_id"], "tenant_id": label["project_id"]}
    unsaid: Row = dict.fromkeys((REMOTE, "source_ip_prefix", "destination_ip_prefix"))
    row = {"excluded": False, **unsaid, **body, **owner, "id": new_id()}
    _check_overlap(tx, row)
    metering_label_rules.insert(tx, row)
    return row


def _check_overlap(tx: Transaction, row: Row) -> None:
    """Refuse that the same traffic is told twice by where it is far away. Errors: MeteringLabelRuleOverlaps."""
    if row[REMOTE] is None:
        return
    prefix = ip_interface(row[REMOTE]).network
    metering_label_rules.hold_label(tx, row["metering_label_id"])
    for other in metering_label_rules.of_label(tx, row["metering_label_id"]):
        alike = other["direction"] == row["direction"] and other["excluded"] == row["excluded"]
        if not alike or other[REMOTE] is None:
            continue
        if ip_interface(other[REMOTE]).network.overlaps(prefix):
            raise MeteringLabelRuleOverlaps(remote_ip_prefix=row[REMOTE])
