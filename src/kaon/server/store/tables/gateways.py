"""What hangs on routers and floating IPs: port forwardings, helpers, NDP proxies; and local IPs."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Address, Identity, Name, belongs_to, metadata, standard

port_forwardings = sa.Table(
    "port_forwardings",
    metadata,
    *standard(),
    belongs_to("floatingip_id", "floatingips.id", index=True),
    belongs_to("internal_port_id", "ports.id", index=True),
    sa.Column("internal_ip_address", Address, nullable=False),
    sa.Column("protocol", sa.String(40), nullable=False),
    sa.Column("external_first", sa.Integer, nullable=False),
    sa.Column("external_last", sa.Integer, nullable=False),
    sa.Column("internal_first", sa.Integer, nullable=False),
    sa.Column("internal_last", sa.Integer, nullable=False),
)

conntrack_helpers = sa.Table(
    "conntrack_helpers",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    belongs_to("router_id", "routers.id"),
    sa.Column("protocol", sa.String(40), nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("helper", sa.String(64), nullable=False),
    sa.UniqueConstraint("router_id", "protocol", "port", "helper"),
)

ha_networks = sa.Table(
    "ha_networks",
    metadata,
    sa.Column("project_id", Name, primary_key=True),
    belongs_to("network_id", "networks.id", index=True),
    comment="over which the highly available routers of a project will agree; the key decides between two who make it",
)

ndp_proxies = sa.Table(
    "ndp_proxies",
    metadata,
    *standard(),
    sa.Column("router_id", Identity, sa.ForeignKey("routers.id"), nullable=False, index=True),
    belongs_to("port_id", "ports.id", index=True),
    sa.Column("ip_address", Address, nullable=False),
)

local_ips = sa.Table(
    "local_ips",
    metadata,
    *standard(),
    sa.Column("local_port_id", Identity, sa.ForeignKey("ports.id"), nullable=False, index=True),
    sa.Column("network_id", Identity, sa.ForeignKey("networks.id"), nullable=False, index=True),
    sa.Column("local_ip_address", Address, nullable=False),
    sa.Column("ip_mode", sa.String(32), nullable=False),
)

local_ip_associations = sa.Table(
    "local_ip_associations",
    metadata,
    belongs_to("local_ip_id", "local_ips.id", primary_key=True),
    belongs_to("fixed_port_id", "ports.id", primary_key=True),
    sa.Column("fixed_ip", Address, nullable=False),
    sa.Index(None, "fixed_port_id"),
)
