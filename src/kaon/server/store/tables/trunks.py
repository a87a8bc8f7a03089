"""Trunks, and the bindings of a port that are not the active one."""

import sqlalchemy as sa

from kaon.server.store.tables.base import Identity, Name, belongs_to, metadata, standard, tags_of

trunks = sa.Table(
    "trunks",
    metadata,
    *standard(),
    sa.Column("port_id", Identity, sa.ForeignKey("ports.id"), nullable=False, unique=True),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
)

trunk_subports = sa.Table(
    "trunk_subports",
    metadata,
    sa.Column("port_id", Identity, sa.ForeignKey("ports.id"), primary_key=True),
    belongs_to("trunk_id", "trunks.id"),
    sa.Column("segmentation_type", sa.String(32), nullable=False),
    sa.Column("segmentation_id", sa.Integer, nullable=False),
    sa.UniqueConstraint("trunk_id", "segmentation_type", "segmentation_id"),
)

trunk_tags = tags_of("trunk", "trunks")

port_bindings = sa.Table(
    "port_bindings",
    metadata,
    belongs_to("port_id", "ports.id", primary_key=True),
    sa.Column("host", Name, primary_key=True),
    sa.Column("vnic_type", sa.String(64), nullable=False),
    sa.Column("vif_type", sa.String(64), nullable=False),
    sa.Column("profile", sa.Text, nullable=False, comment="JSON object"),
    sa.Column("vif_details", sa.Text, nullable=False, comment="JSON object"),
    sa.Index(None, "host"),
    comment="inactive bindings; the active one is in the port's own row",
)
