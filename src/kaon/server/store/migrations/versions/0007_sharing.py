"""Networks and subnet pools are shared by RBAC policies, not by a column; external networks are for everybody by such, too."""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_rbac_policies = sa.table(
    "rbac_policies", *map(sa.column, ("id", "project_id", "object_type", "object_id", "action", "target_project"))
)
_quota_usages = sa.table("quota_usages", *map(sa.column, ("project_id", "resource", "used")))


def upgrade() -> None:
    """Do the step."""
    policies = [
        *_policies("networks", "shared", "network", "access_as_shared"),
        *_policies("networks", "external", "network", "access_as_external"),
        *_policies("subnetpools", "shared", "subnetpool", "access_as_shared"),
    ]
    used = Counter(policy["project_id"] for policy in policies if policy["project_id"])
    if policies:
        op.bulk_insert(_rbac_policies, policies)
    if used:
        op.bulk_insert(
            _quota_usages,
            [{"project_id": project, "resource": "rbac_policy", "used": count} for project, count in used.items()],
        )
    for table in ("networks", "subnetpools"):
        op.drop_index(op.f(f"ix_{table}_shared"), table_name=table)
        # Not as a batch: SQLite would make the table anew and drop the old one, and all that refers to it would go with it.
        op.execute(f"ALTER TABLE {table} DROP COLUMN shared")


def _policies(table: str, switch: str, object_type: str, action: str) -> Iterator[dict[str, Any]]:
    """Give the policies that say what a column said: for everybody."""
    source = sa.table(table, sa.column("id"), sa.column("project_id"), sa.column(switch, sa.Boolean))
    found = op.get_bind().execute(sa.select(source.c.id, source.c.project_id).where(source.c[switch].is_(sa.true())))
    for row in found:
        values = {"id": str(uuid.uuid4()), "project_id": row.project_id, "object_type": object_type, "object_id": row.id}
        yield values | {"action": action, "target_project": "*"}
