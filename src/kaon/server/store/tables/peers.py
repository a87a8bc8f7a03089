"""What is to be told to other services, and who tells it."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Address, Identity, Name, metadata

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("peer", sa.String(32), nullable=False, comment="nova, designate"),
    sa.Column("subject", Name, nullable=False, comment="messages of one subject go out in the order of their numbers"),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("due_at", sa.DateTime, nullable=False, comment="not to be tried again before"),
    sa.Column("attempts", sa.Integer, nullable=False, comment="how often the service refused it for the time being"),
    sa.Index(None, "peer", "subject", "id"),
    sqlite_autoincrement=True,
    comment="written with the change that it tells of, deleted when the service has it",
)

peer_turns = sa.Table(
    "peer_turns",
    metadata,
    sa.Column("peer", sa.String(32), primary_key=True),
    sa.Column("holder", Name, nullable=False, comment="the process that speaks to the service; empty: none"),
    sa.Column("until", sa.DateTime, nullable=False, comment="then any other may"),
)

dns_records = sa.Table(
    "dns_records",
    metadata,
    sa.Column("resource_id", Identity, primary_key=True, comment="a port or a floating IP"),
    sa.Column("name", Name, primary_key=True, comment="with its domain"),
    sa.Column("address", Address, primary_key=True),
    sa.Column("zone", Name, nullable=False),
    sa.Column("project_id", Name, nullable=False, comment="in whose zone"),
    comment="what the DNS service was told, or will be: the outbox holds the rest of the way",
)

placement_providers = sa.Table(
    "placement_providers",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("name", Name, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, comment="of what Placement was told of it; empty: not all of it"),
    comment="resource providers that we made in Placement",
)
