"""Subnet pools: what they were given, what is free of it, and which subnet has its prefix from which."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Do the step."""
    op.create_table(
        "subnetpools",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("default_prefixlen", sa.Integer(), nullable=False),
        sa.Column("min_prefixlen", sa.Integer(), nullable=False),
        sa.Column("max_prefixlen", sa.Integer(), nullable=False),
        sa.Column("default_quota", sa.Integer(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("default_of", sa.Integer(), nullable=True, comment="ip_version of a default; decides between two"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subnetpools")),
        sa.UniqueConstraint("default_of", name=op.f("uq_subnetpools_default_of")),
    )
    for column in ("name", "project_id", "shared"):
        op.create_index(op.f(f"ix_subnetpools_{column}"), "subnetpools", [column], unique=False)
    _prefixes("subnetpool_prefixes", "what a pool was given")
    _prefixes("free_prefixes", "the fewest prefixes that hold what no subnet has of its pool")
    op.create_index(
        op.f("ix_free_prefixes_subnetpool_id_length_first"), "free_prefixes", ["subnetpool_id", "length", "first"], unique=False
    )
    op.create_table(
        "subnetpool_tags",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["subnetpools.id"], name=op.f("fk_subnetpool_tags_resource_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resource_id", "tag", name=op.f("pk_subnetpool_tags")),
    )
    op.create_index(op.f("ix_subnetpool_tags_tag"), "subnetpool_tags", ["tag"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        # Not as a batch: it would make the table anew and drop the old one, and all that refers to a subnet would go with it.
        op.execute(
            "ALTER TABLE subnets ADD COLUMN subnetpool_id VARCHAR(36) "
            "CONSTRAINT fk_subnets_subnetpool_id REFERENCES subnetpools (id)"
        )
    else:
        op.add_column("subnets", sa.Column("subnetpool_id", sa.String(length=36), nullable=True))
        op.create_foreign_key(op.f("fk_subnets_subnetpool_id"), "subnets", "subnetpools", ["subnetpool_id"], ["id"])
    op.create_index(op.f("ix_subnets_subnetpool_id_project_id"), "subnets", ["subnetpool_id", "project_id"], unique=False)


def _prefixes(table: str, comment: str) -> None:
    op.create_table(
        table,
        sa.Column("subnetpool_id", sa.String(length=36), nullable=False),
        sa.Column("first", sa.String(length=32), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subnetpool_id"], ["subnetpools.id"], name=op.f(f"fk_{table}_subnetpool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnetpool_id", "first", name=op.f(f"pk_{table}")),
        comment=comment,
    )
