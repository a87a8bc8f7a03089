"""Rules of QoS policies, from rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from kaon.model.qos_rules import BY_NAME
from kaon.wire.qos_rules import QosRule


def qos_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[QosRule, ...]:
    """Tell of the rules of one policy, by kind and direction; `rows` are its `qos_rules`."""
    return tuple(sorted(map(_rule, rows), key=lambda rule: (rule.kind, rule.direction)))


def _rule(row: Mapping[str, Any]) -> QosRule:
    kind = BY_NAME[row["kind"]]
    burst = row[kind.burst] or 0 if kind.burst else 0
    return QosRule(kind=kind.name, direction=row["direction"], amount=row[kind.amount], burst=burst)
