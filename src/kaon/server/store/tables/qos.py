"""Quality of service: policies and their rules."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Identity, Name, belongs_to, metadata, standard, tags_of

qos_policies = sa.Table("qos_policies", metadata, *standard())

qos_default_policies = sa.Table(
    "qos_default_policies",
    metadata,
    sa.Column("project_id", Name, primary_key=True),
    belongs_to("policy_id", "qos_policies.id", index=True),
    comment="the key decides between two who make a project's default at once",
)

qos_rules = sa.Table(
    "qos_rules",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    belongs_to("policy_id", "qos_policies.id"),
    sa.Column("kind", sa.String(32), nullable=False, comment="bandwidth_limit, dscp_marking, ..."),
    sa.Column("direction", sa.String(16), nullable=False, comment="empty where the kind has none"),
    sa.Column("max_kbps", sa.Integer, nullable=True),
    sa.Column("max_burst_kbps", sa.Integer, nullable=True),
    sa.Column("min_kbps", sa.Integer, nullable=True),
    sa.Column("max_kpps", sa.Integer, nullable=True),
    sa.Column("max_burst_kpps", sa.Integer, nullable=True),
    sa.Column("min_kpps", sa.Integer, nullable=True),
    sa.Column("dscp_mark", sa.Integer, nullable=True),
    sa.UniqueConstraint("policy_id", "kind", "direction"),
)

qos_policy_tags = tags_of("qos_policy", "qos_policies")
