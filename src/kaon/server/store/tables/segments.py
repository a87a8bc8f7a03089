"""Segments of networks, and the ranges that their numbers are taken from."""

import sqlalchemy as sa

from kaon.server.store.tables.base import belongs_to, metadata, standard, tags_of

network_segments = sa.Table(
    "network_segments",
    metadata,
    *standard(owned=False),
    belongs_to("network_id", "networks.id", index=True),
    sa.Column("position", sa.Integer, nullable=False, comment="order inside the network"),
    sa.Column("network_type", sa.String(32), nullable=False),
    sa.Column("physical_network", sa.String(64), nullable=False, comment="empty for tunnels"),
    sa.Column("segmentation_id", sa.Integer, nullable=True),
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
