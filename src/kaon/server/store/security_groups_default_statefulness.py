"""Default statefulness of security groups: rows in, resources out. The row of every project has the project ""."""

import sqlalchemy as sa

from kaon.model.query import Query, Row
from kaon.server.store import select
from kaon.server.store.engine import Transaction
from kaon.server.store.tables.templates import security_groups_default_statefulness as _TABLE  # noqa: N812  # a constant here

LISTING = select.Listing(table=_TABLE, columns={name: _TABLE.c[name] for name in ("id", "project_id", "stateful")})


def index(tx: Transaction, query: Query, seeing: select.Seeing) -> tuple[list[Row], bool]:
    """List settings: a page, and whether more follow. Errors: select.MarkerNotFound."""
    page = select.index(tx, LISTING, query, seeing)
    return [_row(row) for row in page.rows], page.has_more


def show(tx: Transaction, identity: str) -> Row | None:
    """Find one setting."""
    found = select.one(tx, _TABLE, identity)
    return _row(found) if found is not None else None


def of_project(tx: Transaction, project_id: str) -> str | None:
    """Find the setting that a project has of its own; "": that of every project."""
    found: str | None = tx.execute(sa.select(_TABLE.c.id).where(_TABLE.c.project_id == project_id)).scalar()
    return found


def stateful(tx: Transaction, project_id: str) -> bool:
    """Tell whether a project's groups are stateful when nobody says: by its own setting, by that of every project, or so."""
    c = _TABLE.c
    found = {
        row.project_id: row.stateful
        for row in tx.execute(sa.select(c.project_id, c.stateful).where(c.project_id.in_({project_id, ""})))
    }
    return bool(found.get(project_id, found.get("", True)))


def insert(tx: Transaction, row: Row) -> None:
    """Store a setting. Errors: IntegrityError when the project has one."""
    tx.execute(sa.insert(_TABLE).values(row | {"project_id": row["project_id"] or ""}))


def update(tx: Transaction, identity: str, *, stateful: bool) -> None:
    """Store a changed setting."""
    tx.execute(sa.update(_TABLE).where(_TABLE.c.id == identity).values(stateful=stateful))


def delete(tx: Transaction, identity: str) -> None:
    """Forget a setting."""
    tx.execute(sa.delete(_TABLE).where(_TABLE.c.id == identity))


def _row(row: select.RowMap) -> Row:
    return {"id": row["id"], "project_id": row["project_id"] or None, "stateful": row["stateful"]}
