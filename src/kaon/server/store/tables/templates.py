"""What new security groups are made from."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Address, Identity, Name, metadata

default_security_group_rules = sa.Table(
    "default_security_group_rules",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("description", sa.String(1024), nullable=False),
    sa.Column("direction", sa.String(16), nullable=False),
    sa.Column("ethertype", sa.String(16), nullable=False),
    sa.Column("protocol", sa.String(40), nullable=True),
    sa.Column("port_range_min", sa.Integer, nullable=True),
    sa.Column("port_range_max", sa.Integer, nullable=True),
    sa.Column("remote_ip_prefix", Address, nullable=True),
    sa.Column("remote_group_id", Identity, nullable=True, comment="a group, or the word PARENT"),
    sa.Column("remote_address_group_id", Identity, nullable=True),
    sa.Column("used_in_default_sg", sa.Boolean, nullable=False),
    sa.Column("used_in_non_default_sg", sa.Boolean, nullable=False),
    sa.Column("in_default", sa.String(64), nullable=True, unique=True, comment="fingerprint, if default groups have it"),
    sa.Column("in_others", sa.String(64), nullable=True, unique=True, comment="fingerprint, if other groups have it"),
    comment="no kind of group can have the same rule twice: the keys say so",
)

security_groups_default_statefulness = sa.Table(
    "security_groups_default_statefulness",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("project_id", Name, nullable=False, unique=True, comment="empty: every project that has no row of its own"),
    sa.Column("stateful", sa.Boolean, nullable=False),
)
