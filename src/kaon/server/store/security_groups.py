"""Security groups and their rules: rows in, resources out."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import rbac, rows, select, tags
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

OBJECT_TYPE = "security_group"
"""In RBAC policies."""

COLUMNS = {"id": "id", "project_id": "project_id", "name": "name", "description": "description", "stateful": "stateful"}
"""Wire name -> column, for attributes of a group that are one column."""

RULE_COLUMNS = {
    "id": "id",
    "project_id": "project_id",
    "description": "description",
    "security_group_id": "security_group_id",
    "remote_group_id": "remote_group_id",
    "remote_address_group_id": "remote_address_group_id",
    "direction": "direction",
    "ethertype": "ethertype",
    "protocol": "protocol",
    "port_range_min": "port_range_min",
    "port_range_max": "port_range_max",
    "remote_ip_prefix": "remote_ip_prefix",
    "normalized_cidr": "normalized_cidr",
    "belongs_to_default_sg": "belongs_to_default_sg",
}
"""Wire name -> column, for attributes of a rule that are one column."""

_RULES = t.security_group_rules

LISTING = select.Listing(
    table=t.security_groups,
    columns=select.standard_columns(t.security_groups, "stateful"),
    special=tags.filters(t.security_groups),
    through={"shared": rbac.condition(OBJECT_TYPE, t.security_groups.c.id)},
    viewed={"shared": rbac.allowed(OBJECT_TYPE, t.security_groups.c.id)},
    besides=(tags.mark(t.security_groups),),
)

RULE_LISTING = select.Listing(
    table=_RULES,
    columns=select.standard_columns(_RULES) | {wire: _RULES.c[column] for wire, column in RULE_COLUMNS.items()},
    through={
        "parent_owner": lambda project: _RULES.c.security_group_id.in_(
            sa.select(t.security_groups.c.id).where(t.security_groups.c.project_id == project)
        ),
    },
)


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List groups: a page, and whether more follow; without their rules when these are not asked for.

    Errors  select.MarkerNotFound.
    """
    page = select.index(tx, LISTING, query, seeing)
    return _rows(tx, page, with_rules=query.fields is None or "security_group_rules" in query.fields), page.has_more


def show(tx: Transaction, group_id: str, project_id: str, *, with_rules: bool = True) -> Row | None:
    """Find one group, with `shared` as the project sees it, and `is_default`."""
    found = select.member(tx, LISTING, group_id, project_id)
    return _rows(tx, select.only(found), with_rules=with_rules)[0] if found is not None else None


def index_rules(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List rules: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, RULE_LISTING, query, seeing)
    return [rule_row(row) for row in page.rows], page.has_more


def show_rule(tx: Transaction, rule_id: str) -> Row | None:
    """Find one rule."""
    found = select.one(tx, _RULES, rule_id)
    return rule_row(found) if found is not None else None


def default_of(tx: Transaction, project_id: str) -> str | None:
    """Find the default group of a project."""
    c = t.default_security_groups.c
    found: str | None = tx.execute(sa.select(c.security_group_id).where(c.project_id == project_id)).scalar()
    return found


def usable(tx: Transaction, group_ids: Collection[str], project_id: str | None) -> dict[str, bool]:
    """Map those of the groups that a project may use to whether they are stateful: its own, and those shared with it.

    project_id  None: all that exist
    """
    c = t.security_groups.c
    chosen = sa.select(c.id, c.stateful).where(c.id.in_(sorted(group_ids)))
    if project_id is not None:
        chosen = chosen.where(sa.or_(c.project_id == project_id, rbac.condition(OBJECT_TYPE, c.id)(project_id)))
    return {row.id: row.stateful for row in tx.execute(chosen)}


def insert(tx: Transaction, row: Row, *, default: bool = False) -> None:
    """Store a group without its rules. Errors: IntegrityError when it is to be the default and there is one."""
    tx.execute(sa.insert(t.security_groups).values(rows.values(row, COLUMNS) | {"is_default": default}))
    if default:
        entry = {"project_id": row["project_id"], "security_group_id": row["id"]}
        tx.execute(sa.insert(t.default_security_groups).values(entry))


def insert_rules(tx: Transaction, rules: Sequence[Row], fingerprints: Sequence[str]) -> None:
    """Store rules. Errors: IntegrityError when the same rule is there already."""
    given = zip(rules, fingerprints, strict=True)
    rows.insert(tx, _RULES, *(rows.values(rule, RULE_COLUMNS) | {"name": "", "fingerprint": mark} for rule, mark in given))


def same_rule(tx: Transaction, group_id: str, fingerprints: Collection[str]) -> str | None:
    """Find a rule of the group that says the same as one of these."""
    chosen = sa.select(_RULES.c.id).where(
        _RULES.c.security_group_id == group_id, _RULES.c.fingerprint.in_(sorted(fingerprints))
    )
    found: str | None = tx.execute(chosen.limit(1)).scalar()
    return found


def update(tx: Transaction, group_id: str, changes: Mapping[str, Any]) -> None:
    """Store changed attributes and the new revision."""
    rows.change(tx, t.security_groups, group_id, rows.values(changes, COLUMNS))


def bump(tx: Transaction, group_ids: Collection[str]) -> None:
    """Raise the revision of groups because their rules changed."""
    rows.bump(tx, t.security_groups, *group_ids)


def port_in(tx: Transaction, group_id: str) -> str | None:
    """Find a port that is in the group."""
    c = t.port_security_groups.c
    found: str | None = tx.execute(sa.select(c.port_id).where(c.security_group_id == group_id).limit(1)).scalar()
    return found


def rules_naming(tx: Transaction, group_id: str) -> list[tuple[str, str, str]]:
    """List (rule id, its group, its project) of other groups' rules that have this one as their remote group."""
    c = _RULES.c
    chosen = sa.select(c.id, c.security_group_id, c.project_id).where(
        c.remote_group_id == group_id, c.security_group_id != group_id
    )
    return [(rule_id, its_group, project_id) for rule_id, its_group, project_id in tx.execute(chosen)]


def count_rules(tx: Transaction, group_id: str) -> dict[str, int]:
    """Count the rules of a group by the project whose quota they are in."""
    c = _RULES.c
    counted = sa.select(c.project_id, sa.func.count()).where(c.security_group_id == group_id).group_by(c.project_id)
    return {project_id: int(number) for project_id, number in tx.execute(counted)}


def delete(tx: Transaction, group_id: str) -> None:
    """Forget a group and its rules. Errors: IntegrityError while ports are in it."""
    rows.remove(tx, t.security_groups, group_id)


def delete_rules(tx: Transaction, rule_ids: Collection[str]) -> None:
    """Forget rules."""
    tx.execute(sa.delete(_RULES).where(_RULES.c.id.in_(sorted(rule_ids))))
    for rule_id in rule_ids:
        tx.changed(_RULES, rule_id)


def rule_row(row: RowMap) -> Row:
    """Make a resource of a rule's row."""
    return rows.standard(row, RULE_COLUMNS)


def _rows(tx: Transaction, page: select.Rows, *, with_rules: bool) -> list[Row]:
    rules = select.children(tx, page, _RULES.c.security_group_id, _RULES.c.created_at, _RULES.c.id) if with_rules else {}
    tagged = tags.of_page(tx, page, "security_groups")
    return [
        rows.standard(row, COLUMNS)
        | {
            "shared": bool(row["shared"]),
            "is_default": row["is_default"],
            "security_group_rules": [rule_row(rule) for rule in rules.get(row["id"], ())],
            "tags": tagged.get(row["id"], []),
        }
        for row in page.rows
    ]
