"""Rules of QoS policies: rows in, resources out. One table has all kinds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kaon.model.qos_rules import BY_NAME, KINDS, Kind
from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store import tables as t
from kaon.server.store.engine import Retry, Transaction
from kaon.server.store.select import RowMap
from kaon.server.store.tables.qos import qos_rules as _table
from kaon.server.store.tables.segments import network_segments

_FEW = 500
_ORDER = {kind.name: at for at, kind in enumerate(KINDS)}


LISTING = select.Listing(
    table=_table,
    columns={column.key: column for column in _table.c},
)


def index(tx: Transaction, kind: Kind, policy_id: str, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List the rules of a kind that a policy has: a page, and whether more follow. Errors: select.MarkerNotFound."""
    mine = {"policy_id": (policy_id,), "kind": (kind.name,)}
    page = select.index(tx, LISTING, replace(query, filters={**query.filters, **mine}), seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, kind: Kind, rule_id: str) -> Row | None:
    """Find a rule of a kind."""
    found = tx.execute(sa.select(_table).where(_table.c.id == rule_id, _table.c.kind == kind.name)).mappings().first()
    return _row(found) if found is not None else None


def of_page(tx: Transaction, page: select.Rows) -> dict[str, list[Row]]:
    """Find the rules of a page's policies by policy: one statement."""
    found = select.children(tx, page, _table.c.policy_id)
    return {policy_id: sorted(map(_row, there), key=_order) for policy_id, there in found.items()}


def of_ports(tx: Transaction, page: select.Rows) -> dict[str, list[Row]]:
    """Find the rules that count for a page's ports, by port: one statement, or none when no port is under a policy.

    Each has besides `physical_network`, of the first segment of the port's network; empty for tunnels, None without segments.
    """
    if not any(row["qos_policy_id"] or row["qos_network_policy_id"] for row in page.rows):
        return {}
    p, n = t.ports.c, network_segments.c
    first = sa.select(n.physical_network).where(n.network_id == p.network_id).order_by(n.position).limit(1)
    counts = _table.c.policy_id == sa.func.coalesce(p.qos_policy_id, p.qos_network_policy_id)
    statement = sa.select(
        _table, p.id.label("port_id"), first.correlate(t.ports).scalar_subquery().label("physical_network")
    ).select_from(t.ports.join(_table, counts))
    if len(page.rows) <= _FEW:
        statement = statement.where(p.id.in_([row["id"] for row in page.rows]))
    else:  # so many are not named one by one; see `select.children`
        chosen = page.chosen.subquery("page")
        statement = statement.join(chosen, chosen.c.id == p.id)
    found: dict[str, list[Row]] = {}
    for row in tx.execute(statement).mappings():
        found.setdefault(row["port_id"], []).append(_row(row) | {"physical_network": row["physical_network"]})
    return found


def insert(tx: Transaction, rule: Row) -> None:
    """Store a rule. Errors: IntegrityError when its policy has one of its kind and direction."""
    tx.execute(sa.insert(_table).values(_values(rule) | {"kind": rule["type"], "policy_id": rule["qos_policy_id"]}))


def update(tx: Transaction, rule: Row) -> None:
    """Store a changed rule. Errors: as `insert`; Retry when it went meanwhile."""
    if not tx.execute(sa.update(_table).where(_table.c.id == rule["id"]).values(_values(rule))).rowcount:
        raise Retry(f"QoS rule {rule['id']} has gone")


def delete(tx: Transaction, rule_id: str) -> None:
    """Forget a rule. Errors: Retry when it went meanwhile."""
    if not tx.execute(sa.delete(_table).where(_table.c.id == rule_id)).rowcount:
        raise Retry(f"QoS rule {rule_id} has gone")


def _order(rule: Mapping[str, Any]) -> tuple[int, str]:
    return _ORDER[rule["type"]], rule.get("direction", "")


def _values(rule: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: rule[name] for name in BY_NAME[rule["type"]].numbers}
    return values | {"id": rule["id"], "direction": rule.get("direction", "")}


def _row(row: RowMap) -> Row:
    kind = BY_NAME[row["kind"]]
    return {"id": row["id"], "qos_policy_id": row["policy_id"], "type": kind.name} | {name: row[name] for name in kind.shown}
