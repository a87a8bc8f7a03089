"""Tags: a table for each collection that has them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TAGGED = {
    "floatingip_tags": "floatingips",
    "network_tags": "networks",
    "port_tags": "ports",
    "router_tags": "routers",
    "security_group_tags": "security_groups",
    "subnet_tags": "subnets",
}


def upgrade() -> None:
    """Do the step."""
    for table, resources in _TAGGED.items():
        op.create_table(
            table,
            sa.Column("resource_id", sa.String(length=36), nullable=False),
            sa.Column("tag", sa.String(length=255), nullable=False),
            sa.ForeignKeyConstraint(
                ["resource_id"], [f"{resources}.id"], name=op.f(f"fk_{table}_resource_id"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("resource_id", "tag", name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_tag"), table, ["tag"])
