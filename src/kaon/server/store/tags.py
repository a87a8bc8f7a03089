"""Tags of resources: one table a collection, whose rows go with their resource."""

from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa

from kaon.model.query import FilterValue
from kaon.server.store import select
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.select import Condition, Special
from kaon.server.store.tables.segments import network_segment_range_tags
from kaon.server.store.tables.trunks import trunk_tags

TABLES: Final[Mapping[str, sa.Table]] = {
    "networks": t.network_tags,
    "subnets": t.subnet_tags,
    "subnetpools": t.subnetpool_tags,
    "ports": t.port_tags,
    "routers": t.router_tags,
    "floatingips": t.floatingip_tags,
    "security_groups": t.security_group_tags,
    "policies": t.qos.qos_policy_tags,
    "trunks": trunk_tags,
    "network_segment_ranges": network_segment_range_tags,
}
"""Collection -> its tags."""

MARK: Final = "tagged"
"""The column of `mark`."""


def filters(resources: sa.Table, collection: str = "") -> dict[str, Special]:
    """Give the four filters by tags of a table of resources; a value may name several tags, with commas between them.

    collection  where it is not called as the table is
    """
    identity: sa.Column[str] = resources.c.id
    table = TABLES[collection or resources.name]
    c = table.c

    def with_all(values: tuple[FilterValue, ...]) -> Condition:
        wanted = _split(values)
        counted = sa.func.count(c.tag) == len(wanted)
        return identity.in_(sa.select(c.resource_id).where(c.tag.in_(wanted)).group_by(c.resource_id).having(counted))

    def with_any(values: tuple[FilterValue, ...]) -> Condition:
        return identity.in_(sa.select(c.resource_id).where(c.tag.in_(_split(values))))

    return {
        "tags": with_all,
        "tags-any": with_any,
        "not-tags": lambda values: sa.not_(with_all(values)),
        "not-tags-any": lambda values: sa.not_(with_any(values)),
    }


def mark(resources: sa.Table, collection: str = "") -> sa.ColumnElement[bool]:
    """Give the column that says whether a resource has tags. collection: where it is not called as the table is."""
    c = TABLES[collection or resources.name].c
    return sa.exists(sa.select(c.tag).where(c.resource_id == resources.c.id)).correlate(resources).label(MARK)


def of_page(tx: Transaction, page: select.Rows, collection: str) -> dict[str, list[str]]:
    """Find the tags of a page's resources by id, sorted: one statement. Who has none is not among them.

    No statement when the rows say, by their `mark`, that there are none.
    """
    if not any(row.get(MARK, True) for row in page.rows):
        return {}
    # Sorted here: databases do not agree on the order of letters.
    found = select.children(tx, page, TABLES[collection].c.resource_id)
    return {identity: sorted(row["tag"] for row in rows) for identity, rows in found.items()}


def add(tx: Transaction, collection: str, identity: str, tags: Collection[str]) -> None:
    """Store tags of a resource that it does not have. Errors: IntegrityError when it has one of them, or is gone."""
    if tags:
        tx.execute(sa.insert(TABLES[collection]), [{"resource_id": identity, "tag": tag} for tag in sorted(tags)])


def remove(tx: Transaction, collection: str, identity: str, tags: Collection[str]) -> None:
    """Forget these tags of a resource."""
    if tags:
        c = TABLES[collection].c
        tx.execute(sa.delete(TABLES[collection]).where(c.resource_id == identity, c.tag.in_(sorted(tags))))


def _split(values: tuple[FilterValue, ...]) -> list[str]:
    return sorted({tag for value in values for tag in str(value).split(",")})
