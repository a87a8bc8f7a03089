"""Who besides its owner may use what: RBAC policies, address scopes, address groups."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Address, Identity, Name, belongs_to, metadata, standard

rbac_policies = sa.Table(
    "rbac_policies",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("project_id", Name, nullable=False, index=True),
    sa.Column("object_type", sa.String(32), nullable=False),
    sa.Column("object_id", Identity, nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("target_project", Name, nullable=False, comment="`*`: every project"),
    sa.UniqueConstraint("object_id", "action", "target_project"),
    sa.Index(None, "target_project", "object_type", "action", "object_id"),
)

address_scopes = sa.Table(
    "address_scopes",
    metadata,
    *standard(),
    sa.Column("ip_version", sa.Integer, nullable=False),
)

address_groups = sa.Table("address_groups", metadata, *standard())

address_group_addresses = sa.Table(
    "address_group_addresses",
    metadata,
    belongs_to("address_group_id", "address_groups.id", primary_key=True),
    sa.Column("address", Address, primary_key=True, comment="CIDR"),
)
