"""What is to be told to other services."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Do the step."""
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("peer", sa.String(length=32), nullable=False, comment="nova, designate"),
        sa.Column(
            "subject",
            sa.String(length=255),
            nullable=False,
            comment="messages of one subject go out in the order of their numbers",
        ),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False, comment="not to be tried again before"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often the service refused it for the time being"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
        comment="written with the change that it tells of, deleted when the service has it",
    )
    op.create_index(op.f("ix_outbox_peer_subject_id"), "outbox", ["peer", "subject", "id"], unique=False)
    op.create_table(
        "peer_turns",
        sa.Column("peer", sa.String(length=32), nullable=False),
        sa.Column(
            "holder", sa.String(length=255), nullable=False, comment="the process that speaks to the service; empty: none"
        ),
        sa.Column("until", sa.DateTime(), nullable=False, comment="then any other may"),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_peer_turns")),
    )
    op.create_table(
        "dns_records",
        sa.Column("resource_id", sa.String(length=36), nullable=False, comment="a port or a floating IP"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="with its domain"),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("zone", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False, comment="in whose zone"),
        sa.PrimaryKeyConstraint("resource_id", "name", "address", name=op.f("pk_dns_records")),
        comment="what the DNS service was told, or will be: the outbox holds the rest of the way",
    )
    op.create_table(
        "placement_providers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="of what Placement was told of it; empty: not all of it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_providers")),
        comment="resource providers that we made in Placement",
    )
