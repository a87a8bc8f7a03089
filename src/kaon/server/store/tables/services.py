"""What stands beside networks and routers: flavors, metering, logs, topologies made by themselves."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Address, Identity, Name, belongs_to, metadata, standard

flavors = sa.Table(
    "flavors",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("name", Name, nullable=False),
    sa.Column("description", sa.String(1024), nullable=True),
    sa.Column("service_type", sa.String(64), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
)

service_profiles = sa.Table(
    "service_profiles",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("description", sa.String(1024), nullable=True),
    sa.Column("driver", sa.String(1024), nullable=False),
    sa.Column("metainfo", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
)

flavor_service_profiles = sa.Table(
    "flavor_service_profiles",
    metadata,
    belongs_to("flavor_id", "flavors.id", primary_key=True),
    sa.Column("service_profile_id", Identity, sa.ForeignKey("service_profiles.id"), primary_key=True),
)

auto_allocated_topologies = sa.Table(
    "auto_allocated_topologies",
    metadata,
    sa.Column("project_id", Name, primary_key=True),
    belongs_to("network_id", "networks.id"),
    sa.Column("router_id", Identity, sa.ForeignKey("routers.id", ondelete="SET NULL"), nullable=True),
)

metering_labels = sa.Table(
    "metering_labels",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("project_id", Name, nullable=False, index=True),
    sa.Column("name", Name, nullable=False),
    sa.Column("description", sa.String(1024), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
)

metering_label_rules = sa.Table(
    "metering_label_rules",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("project_id", Name, nullable=False, index=True, comment="of its label"),
    belongs_to("metering_label_id", "metering_labels.id", index=True),
    sa.Column("direction", sa.String(16), nullable=False),
    sa.Column("excluded", sa.Boolean, nullable=False),
    sa.Column("remote_ip_prefix", Address, nullable=True),
    sa.Column("source_ip_prefix", Address, nullable=True),
    sa.Column("destination_ip_prefix", Address, nullable=True),
)

logs = sa.Table(
    "logs",
    metadata,
    *standard(),
    sa.Column("resource_type", sa.String(32), nullable=False),
    sa.Column("security_group_id", sa.ForeignKey("security_groups.id", ondelete="CASCADE"), nullable=True, index=True),
    sa.Column("router_id", Identity, sa.ForeignKey("routers.id", ondelete="CASCADE"), nullable=True, index=True),
    sa.Column("target_id", Identity, sa.ForeignKey("ports.id", ondelete="CASCADE"), nullable=True, index=True),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    comment="resource_id is the group or the router; a log goes with what it is about",
)
