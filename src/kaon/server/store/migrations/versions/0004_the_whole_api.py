"""The tables of the whole API: sharing, QoS, trunks, segments, flavors, metering, logs and what hangs on routers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Do the step."""
    _sharing()
    _qos()
    _segments()
    _trunks()
    _services()
    _gateways()
    _templates()


def _sharing() -> None:
    op.create_table(
        "address_groups",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_groups")),
    )
    op.create_index(op.f("ix_address_groups_name"), "address_groups", ["name"], unique=False)
    op.create_index(op.f("ix_address_groups_project_id"), "address_groups", ["project_id"], unique=False)
    op.create_table(
        "address_scopes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_scopes")),
    )
    op.create_index(op.f("ix_address_scopes_name"), "address_scopes", ["name"], unique=False)
    op.create_index(op.f("ix_address_scopes_project_id"), "address_scopes", ["project_id"], unique=False)
    op.create_table(
        "rbac_policies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("target_project", sa.String(length=255), nullable=False, comment="`*`: every project"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rbac_policies")),
        sa.UniqueConstraint(
            "object_id", "action", "target_project", name=op.f("uq_rbac_policies_object_id_action_target_project")
        ),
    )
    op.create_index(op.f("ix_rbac_policies_project_id"), "rbac_policies", ["project_id"], unique=False)
    op.create_index(
        op.f("ix_rbac_policies_target_project_object_type_action_object_id"),
        "rbac_policies",
        ["target_project", "object_type", "action", "object_id"],
        unique=False,
    )
    op.create_table(
        "address_group_addresses",
        sa.Column("address_group_id", sa.String(length=36), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False, comment="CIDR"),
        sa.ForeignKeyConstraint(
            ["address_group_id"],
            ["address_groups.id"],
            name=op.f("fk_address_group_addresses_address_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("address_group_id", "address", name=op.f("pk_address_group_addresses")),
    )


def _qos() -> None:
    op.create_table(
        "qos_policies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qos_policies")),
    )
    op.create_index(op.f("ix_qos_policies_name"), "qos_policies", ["name"], unique=False)
    op.create_index(op.f("ix_qos_policies_project_id"), "qos_policies", ["project_id"], unique=False)
    op.create_table(
        "qos_default_policies",
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("policy_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["qos_policies.id"], name=op.f("fk_qos_default_policies_policy_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_qos_default_policies")),
        comment="the key decides between two who make a project's default at once",
    )
    op.create_index(op.f("ix_qos_default_policies_policy_id"), "qos_default_policies", ["policy_id"], unique=False)
    op.create_table(
        "qos_policy_tags",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["qos_policies.id"], name=op.f("fk_qos_policy_tags_resource_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resource_id", "tag", name=op.f("pk_qos_policy_tags")),
    )
    op.create_index(op.f("ix_qos_policy_tags_tag"), "qos_policy_tags", ["tag"], unique=False)
    op.create_table(
        "qos_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("policy_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="bandwidth_limit, dscp_marking, ..."),
        sa.Column("direction", sa.String(length=16), nullable=False, comment="empty where the kind has none"),
        sa.Column("max_kbps", sa.Integer(), nullable=True),
        sa.Column("max_burst_kbps", sa.Integer(), nullable=True),
        sa.Column("min_kbps", sa.Integer(), nullable=True),
        sa.Column("max_kpps", sa.Integer(), nullable=True),
        sa.Column("max_burst_kpps", sa.Integer(), nullable=True),
        sa.Column("min_kpps", sa.Integer(), nullable=True),
        sa.Column("dscp_mark", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["policy_id"], ["qos_policies.id"], name=op.f("fk_qos_rules_policy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qos_rules")),
        sa.UniqueConstraint("policy_id", "kind", "direction", name=op.f("uq_qos_rules_policy_id_kind_direction")),
    )


def _segments() -> None:
    op.create_table(
        "network_segment_ranges",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("default", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("network_type", sa.String(length=32), nullable=False),
        sa.Column("physical_network", sa.String(length=64), nullable=False, comment="empty for tunnels"),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_segment_ranges")),
    )
    op.create_index(op.f("ix_network_segment_ranges_name"), "network_segment_ranges", ["name"], unique=False)
    op.create_index(op.f("ix_network_segment_ranges_project_id"), "network_segment_ranges", ["project_id"], unique=False)
    op.create_table(
        "network_segment_range_tags",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["network_segment_ranges.id"],
            name=op.f("fk_network_segment_range_tags_resource_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resource_id", "tag", name=op.f("pk_network_segment_range_tags")),
    )
    op.create_index(op.f("ix_network_segment_range_tags_tag"), "network_segment_range_tags", ["tag"], unique=False)
    op.create_table(
        "network_segments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order inside the network"),
        sa.Column("network_type", sa.String(length=32), nullable=False),
        sa.Column("physical_network", sa.String(length=64), nullable=False, comment="empty for tunnels"),
        sa.Column("segmentation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_network_segments_network_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_segments")),
        sa.UniqueConstraint(
            "network_type",
            "physical_network",
            "segmentation_id",
            name=op.f("uq_network_segments_network_type_physical_network_segmentation_id"),
        ),
    )
    op.create_index(op.f("ix_network_segments_name"), "network_segments", ["name"], unique=False)
    op.create_index(op.f("ix_network_segments_network_id"), "network_segments", ["network_id"], unique=False)
    op.create_table(
        "pinned_networks",
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_pinned_networks_network_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("network_id", "host", name=op.f("pk_pinned_networks")),
        comment="hosts that administrators chose to serve the network with DHCP, whether it needs that now or not",
    )
    op.create_index(op.f("ix_pinned_networks_host"), "pinned_networks", ["host"], unique=False)
    op.create_table(
        "pinned_routers",
        sa.Column("router_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["router_id"], ["routers.id"], name=op.f("fk_pinned_routers_router_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("router_id", name=op.f("pk_pinned_routers")),
        comment="routers whose host an administrator chose",
    )
    op.create_index(op.f("ix_pinned_routers_host"), "pinned_routers", ["host"], unique=False)


def _trunks() -> None:
    op.create_table(
        "port_bindings",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("vnic_type", sa.String(length=64), nullable=False),
        sa.Column("vif_type", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False, comment="JSON object"),
        sa.Column("vif_details", sa.Text(), nullable=False, comment="JSON object"),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name=op.f("fk_port_bindings_port_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("port_id", "host", name=op.f("pk_port_bindings")),
        comment="inactive bindings; the active one is in the port's own row",
    )
    op.create_index(op.f("ix_port_bindings_host"), "port_bindings", ["host"], unique=False)
    op.create_table(
        "trunks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name=op.f("fk_trunks_port_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunks")),
        sa.UniqueConstraint("port_id", name=op.f("uq_trunks_port_id")),
    )
    op.create_index(op.f("ix_trunks_name"), "trunks", ["name"], unique=False)
    op.create_index(op.f("ix_trunks_project_id"), "trunks", ["project_id"], unique=False)
    op.create_table(
        "trunk_subports",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("trunk_id", sa.String(length=36), nullable=False),
        sa.Column("segmentation_type", sa.String(length=32), nullable=False),
        sa.Column("segmentation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name=op.f("fk_trunk_subports_port_id")),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunks.id"], name=op.f("fk_trunk_subports_trunk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("port_id", name=op.f("pk_trunk_subports")),
        sa.UniqueConstraint(
            "trunk_id",
            "segmentation_type",
            "segmentation_id",
            name=op.f("uq_trunk_subports_trunk_id_segmentation_type_segmentation_id"),
        ),
    )
    op.create_table(
        "trunk_tags",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["trunks.id"], name=op.f("fk_trunk_tags_resource_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("resource_id", "tag", name=op.f("pk_trunk_tags")),
    )
    op.create_index(op.f("ix_trunk_tags_tag"), "trunk_tags", ["tag"], unique=False)


def _services() -> None:
    op.create_table(
        "flavors",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=True),
        sa.Column("service_type", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flavors")),
    )
    op.create_table(
        "metering_labels",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metering_labels")),
    )
    op.create_index(op.f("ix_metering_labels_project_id"), "metering_labels", ["project_id"], unique=False)
    op.create_table(
        "service_profiles",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=True),
        sa.Column("driver", sa.String(length=1024), nullable=False),
        sa.Column("metainfo", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_profiles")),
    )
    op.create_table(
        "flavor_service_profiles",
        sa.Column("flavor_id", sa.String(length=36), nullable=False),
        sa.Column("service_profile_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["flavor_id"], ["flavors.id"], name=op.f("fk_flavor_service_profiles_flavor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["service_profile_id"], ["service_profiles.id"], name=op.f("fk_flavor_service_profiles_service_profile_id")
        ),
        sa.PrimaryKeyConstraint("flavor_id", "service_profile_id", name=op.f("pk_flavor_service_profiles")),
    )
    op.create_table(
        "metering_label_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False, comment="of its label"),
        sa.Column("metering_label_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("remote_ip_prefix", sa.String(length=64), nullable=True),
        sa.Column("source_ip_prefix", sa.String(length=64), nullable=True),
        sa.Column("destination_ip_prefix", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["metering_label_id"],
            ["metering_labels.id"],
            name=op.f("fk_metering_label_rules_metering_label_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metering_label_rules")),
    )
    op.create_index(
        op.f("ix_metering_label_rules_metering_label_id"), "metering_label_rules", ["metering_label_id"], unique=False
    )
    op.create_index(op.f("ix_metering_label_rules_project_id"), "metering_label_rules", ["project_id"], unique=False)
    op.create_table(
        "auto_allocated_topologies",
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("router_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["network_id"], ["networks.id"], name=op.f("fk_auto_allocated_topologies_network_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["router_id"], ["routers.id"], name=op.f("fk_auto_allocated_topologies_router_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_auto_allocated_topologies")),
    )
    op.create_table(
        "logs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("security_group_id", sa.String(length=36), nullable=True),
        sa.Column("router_id", sa.String(length=36), nullable=True),
        sa.Column("target_id", sa.String(length=36), nullable=True),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["router_id"], ["routers.id"], name=op.f("fk_logs_router_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["security_group_id"], ["security_groups.id"], name=op.f("fk_logs_security_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["target_id"], ["ports.id"], name=op.f("fk_logs_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logs")),
        comment="resource_id is the group or the router; a log goes with what it is about",
    )
    op.create_index(op.f("ix_logs_name"), "logs", ["name"], unique=False)
    op.create_index(op.f("ix_logs_project_id"), "logs", ["project_id"], unique=False)
    op.create_index(op.f("ix_logs_router_id"), "logs", ["router_id"], unique=False)
    op.create_index(op.f("ix_logs_security_group_id"), "logs", ["security_group_id"], unique=False)
    op.create_index(op.f("ix_logs_target_id"), "logs", ["target_id"], unique=False)


def _gateways() -> None:
    op.create_table(
        "ha_networks",
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], name=op.f("fk_ha_networks_network_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_ha_networks")),
        comment="over which the highly available routers of a project will agree; the key decides between two who make it",
    )
    op.create_index(op.f("ix_ha_networks_network_id"), "ha_networks", ["network_id"], unique=False)
    op.create_table(
        "conntrack_helpers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("router_id", sa.String(length=36), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("helper", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["router_id"], ["routers.id"], name=op.f("fk_conntrack_helpers_router_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conntrack_helpers")),
        sa.UniqueConstraint(
            "router_id", "protocol", "port", "helper", name=op.f("uq_conntrack_helpers_router_id_protocol_port_helper")
        ),
    )
    op.create_table(
        "local_ips",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("local_port_id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("local_ip_address", sa.String(length=64), nullable=False),
        sa.Column("ip_mode", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["local_port_id"], ["ports.id"], name=op.f("fk_local_ips_local_port_id")),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], name=op.f("fk_local_ips_network_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_local_ips")),
    )
    op.create_index(op.f("ix_local_ips_local_port_id"), "local_ips", ["local_port_id"], unique=False)
    op.create_index(op.f("ix_local_ips_name"), "local_ips", ["name"], unique=False)
    op.create_index(op.f("ix_local_ips_network_id"), "local_ips", ["network_id"], unique=False)
    op.create_index(op.f("ix_local_ips_project_id"), "local_ips", ["project_id"], unique=False)
    op.create_table(
        "ndp_proxies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("router_id", sa.String(length=36), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("ip_address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name=op.f("fk_ndp_proxies_port_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["router_id"], ["routers.id"], name=op.f("fk_ndp_proxies_router_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ndp_proxies")),
    )
    op.create_index(op.f("ix_ndp_proxies_name"), "ndp_proxies", ["name"], unique=False)
    op.create_index(op.f("ix_ndp_proxies_port_id"), "ndp_proxies", ["port_id"], unique=False)
    op.create_index(op.f("ix_ndp_proxies_project_id"), "ndp_proxies", ["project_id"], unique=False)
    op.create_index(op.f("ix_ndp_proxies_router_id"), "ndp_proxies", ["router_id"], unique=False)
    op.create_table(
        "local_ip_associations",
        sa.Column("local_ip_id", sa.String(length=36), nullable=False),
        sa.Column("fixed_port_id", sa.String(length=36), nullable=False),
        sa.Column("fixed_ip", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["fixed_port_id"], ["ports.id"], name=op.f("fk_local_ip_associations_fixed_port_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["local_ip_id"], ["local_ips.id"], name=op.f("fk_local_ip_associations_local_ip_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("local_ip_id", "fixed_port_id", name=op.f("pk_local_ip_associations")),
    )
    op.create_index(op.f("ix_local_ip_associations_fixed_port_id"), "local_ip_associations", ["fixed_port_id"], unique=False)
    op.create_table(
        "port_forwardings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("revision_number", sa.BigInteger(), nullable=False),
        sa.Column("floatingip_id", sa.String(length=36), nullable=False),
        sa.Column("internal_port_id", sa.String(length=36), nullable=False),
        sa.Column("internal_ip_address", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=False),
        sa.Column("external_first", sa.Integer(), nullable=False),
        sa.Column("external_last", sa.Integer(), nullable=False),
        sa.Column("internal_first", sa.Integer(), nullable=False),
        sa.Column("internal_last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["floatingip_id"], ["floatingips.id"], name=op.f("fk_port_forwardings_floatingip_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["internal_port_id"], ["ports.id"], name=op.f("fk_port_forwardings_internal_port_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_port_forwardings")),
    )
    op.create_index(op.f("ix_port_forwardings_floatingip_id"), "port_forwardings", ["floatingip_id"], unique=False)
    op.create_index(op.f("ix_port_forwardings_internal_port_id"), "port_forwardings", ["internal_port_id"], unique=False)
    op.create_index(op.f("ix_port_forwardings_name"), "port_forwardings", ["name"], unique=False)
    op.create_index(op.f("ix_port_forwardings_project_id"), "port_forwardings", ["project_id"], unique=False)


def _templates() -> None:
    op.create_table(
        "default_security_group_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("description", sa.String(length=1024), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("ethertype", sa.String(length=16), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=True),
        sa.Column("port_range_min", sa.Integer(), nullable=True),
        sa.Column("port_range_max", sa.Integer(), nullable=True),
        sa.Column("remote_ip_prefix", sa.String(length=64), nullable=True),
        sa.Column("remote_group_id", sa.String(length=36), nullable=True, comment="a group, or the word PARENT"),
        sa.Column("remote_address_group_id", sa.String(length=36), nullable=True),
        sa.Column("used_in_default_sg", sa.Boolean(), nullable=False),
        sa.Column("used_in_non_default_sg", sa.Boolean(), nullable=False),
        sa.Column("in_default", sa.String(length=64), nullable=True, comment="fingerprint, if default groups have it"),
        sa.Column("in_others", sa.String(length=64), nullable=True, comment="fingerprint, if other groups have it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_default_security_group_rules")),
        sa.UniqueConstraint("in_default", name=op.f("uq_default_security_group_rules_in_default")),
        sa.UniqueConstraint("in_others", name=op.f("uq_default_security_group_rules_in_others")),
        comment="no kind of group can have the same rule twice: the keys say so",
    )
    op.create_table(
        "security_groups_default_statefulness",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "project_id", sa.String(length=255), nullable=False, comment="empty: every project that has no row of its own"
        ),
        sa.Column("stateful", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_groups_default_statefulness")),
        sa.UniqueConstraint("project_id", name=op.f("uq_security_groups_default_statefulness_project_id")),
    )
