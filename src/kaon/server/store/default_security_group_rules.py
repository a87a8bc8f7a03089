"""Default security group rules, which new security groups begin with: rows in, resources out."""

from collections.abc import Mapping

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.templates import default_security_group_rules

_RULES = default_security_group_rules

COLUMNS = (
    "id",
    "description",
    "remote_group_id",
    "remote_address_group_id",
    "direction",
    "protocol",
    "port_range_min",
    "port_range_max",
    "ethertype",
    "remote_ip_prefix",
    "used_in_default_sg",
    "used_in_non_default_sg",
)
"""Attributes, each a column of the same name."""

_USES: Mapping[str, str] = {"used_in_default_sg": "in_default", "used_in_non_default_sg": "in_others"}
"""Attribute that says in which groups a rule is used -> the column with its fingerprint then."""

LISTING = select.Listing(table=_RULES, columns={name: _RULES.c[name] for name in COLUMNS})


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List rules: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, rule_id: str) -> Row | None:
    """Find one rule."""
    found = select.one(tx, _RULES, rule_id)
    return _row(found) if found is not None else None


def used_in(tx: Transaction, *, default: bool) -> list[Row]:
    """List the rules that default groups, or all other groups, begin with."""
    used = _RULES.c.used_in_default_sg if default else _RULES.c.used_in_non_default_sg
    return [_row(row) for row in tx.execute(sa.select(_RULES).where(used).order_by(_RULES.c.id)).mappings()]


def same(tx: Transaction, row: Row, fingerprint: str) -> str | None:
    """Find a rule that says the same and is used in the same groups, or in some of them."""
    ways = [_RULES.c[column] == fingerprint for use, column in _USES.items() if row[use]]
    found: str | None = tx.execute(sa.select(_RULES.c.id).where(sa.or_(sa.false(), *ways)).limit(1)).scalar()
    return found


def insert(tx: Transaction, row: Row, fingerprint: str) -> None:
    """Store a rule. Errors: IntegrityError when `same` would find one."""
    marks = {column: fingerprint if row[use] else None for use, column in _USES.items()}
    tx.execute(sa.insert(_RULES).values({name: row[name] for name in COLUMNS} | marks))


def delete(tx: Transaction, rule_id: str) -> None:
    """Forget a rule."""
    tx.execute(sa.delete(_RULES).where(_RULES.c.id == rule_id))


def _row(row: select.RowMap) -> Row:
    return {name: row[name] for name in COLUMNS}
