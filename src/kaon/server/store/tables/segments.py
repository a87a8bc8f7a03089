"""Segments of networks, the ranges that their numbers are taken from, and who was chosen to serve what."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Name, SegmentationId, belongs_to, metadata, standard, tags_of

network_segments = sa.Table(
    "network_segments",
    metadata,
    *standard(owned=False),
    belongs_to("network_id", "networks.id", index=True),
    sa.Column("position", sa.Integer, nullable=False, comment="order inside the network"),
    sa.Column("network_type", sa.String(32), nullable=False),
    sa.Column("physical_network", sa.String(64), nullable=False, comment="empty for tunnels"),
    sa.Column("segmentation_id", SegmentationId, nullable=True),
    sa.UniqueConstraint("network_type", "physical_network", "segmentation_id"),
)

network_segment_ranges = sa.Table(
    "network_segment_ranges",
    metadata,
    *standard(),
    sa.Column("default", sa.Boolean, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("network_type", sa.String(32), nullable=False),
    sa.Column("physical_network", sa.String(64), nullable=False, comment="empty for tunnels"),
    sa.Column("minimum", sa.BigInteger, nullable=False),
    sa.Column("maximum", sa.BigInteger, nullable=False),
)

network_segment_range_tags = tags_of("network_segment_range", "network_segment_ranges")

pinned_networks = sa.Table(
    "pinned_networks",
    metadata,
    belongs_to("network_id", "networks.id", primary_key=True),
    sa.Column("host", Name, primary_key=True),
    sa.Index(None, "host"),
    comment="hosts that administrators chose to serve the network with DHCP, whether it needs that now or not",
)

pinned_routers = sa.Table(
    "pinned_routers",
    metadata,
    belongs_to("router_id", "routers.id", primary_key=True),
    sa.Column("host", Name, nullable=False, index=True),
    comment="routers whose host an administrator chose",
)
