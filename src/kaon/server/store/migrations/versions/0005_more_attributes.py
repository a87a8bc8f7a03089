"""Attributes of the resources that were there before: what extensions add to networks, subnets, ports, routers and others.

And the rules that security groups begin with, as they were so far.
"""

import uuid
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
from alembic import op

from kaon.lib.ids import new_id

revision = "0005"
down_revision = "0004"

_NO = sa.false()
_EMPTY = sa.text("''")
_LIST = sa.text("'[]'")


def _gained() -> Mapping[str, tuple[sa.Column[object], ...]]:
    """Give the columns that each table gains; rows that are there get the default. Made anew: a column joins one table."""
    return {
        "networks": (
            sa.Column("dns_domain", sa.String(255), nullable=False, server_default=_EMPTY),
            sa.Column("vlan_transparent", sa.Boolean(), nullable=True),
            sa.Column("qinq", sa.Boolean(), nullable=True),
            sa.Column("is_default", sa.Boolean(), nullable=False, server_default=_NO),
            sa.Column("availability_zone_hints", sa.Text(), nullable=False, server_default=_LIST, comment="JSON list"),
        ),
        "subnets": (
            sa.Column("service_types", sa.Text(), nullable=False, server_default=_LIST, comment="JSON list"),
            sa.Column("dns_publish_fixed_ip", sa.Boolean(), nullable=False, server_default=_NO),
        ),
        "ports": (
            sa.Column(
                "qos_network_policy_id", sa.String(36), nullable=True, comment="of its network, so that lists need not ask"
            ),
            sa.Column("dns_name", sa.String(255), nullable=False, server_default=_EMPTY),
            sa.Column("dns_domain", sa.String(255), nullable=False, server_default=_EMPTY),
            sa.Column("extra_dhcp_opts", sa.Text(), nullable=False, server_default=_LIST, comment="JSON list"),
            sa.Column("data_plane_status", sa.String(16), nullable=True),
            sa.Column("propagate_uplink_status", sa.Boolean(), nullable=False, server_default=sa.true()),
            sa.Column("hints", sa.Text(), nullable=True, comment="JSON object"),
            sa.Column("numa_affinity_policy", sa.String(16), nullable=True),
            sa.Column("device_profile", sa.String(255), nullable=True),
            sa.Column("trusted", sa.Boolean(), nullable=True),
            sa.Column("hardware_offload_type", sa.String(64), nullable=True),
            sa.Column("ip_allocation", sa.String(16), nullable=False, server_default=sa.text("'immediate'")),
            sa.Column(
                "trunk_id",
                sa.String(36),
                nullable=True,
                comment="of the trunk whose parent it is; says that there is more to read",
            ),
            sa.Column("moving", sa.Boolean(), nullable=False, server_default=_NO, comment="it has inactive bindings"),
        ),
        "routers": (
            sa.Column("distributed", sa.Boolean(), nullable=False, server_default=_NO),
            sa.Column("ha", sa.Boolean(), nullable=False, server_default=_NO),
            sa.Column("availability_zone_hints", sa.Text(), nullable=False, server_default=_LIST, comment="JSON list"),
            sa.Column("enable_ndp_proxy", sa.Boolean(), nullable=False, server_default=_NO),
            sa.Column("enable_default_route_bfd", sa.Boolean(), nullable=False, server_default=_NO),
            sa.Column("enable_default_route_ecmp", sa.Boolean(), nullable=False, server_default=_NO),
            sa.Column(
                "conntrack_helpers",
                sa.Text(),
                nullable=False,
                server_default=_LIST,
                comment="JSON list: so lists need not ask",
            ),
        ),
        "router_ports": (
            sa.Column(
                "position",
                sa.Integer(),
                nullable=False,
                server_default=sa.text("0"),
                comment="of gateways: the first one counts",
            ),
        ),
        "floatingips": (
            sa.Column(
                "qos_network_policy_id", sa.String(36), nullable=True, comment="of its network, so that lists need not ask"
            ),
            sa.Column("dns_name", sa.String(255), nullable=False, server_default=_EMPTY),
            sa.Column("dns_domain", sa.String(255), nullable=False, server_default=_EMPTY),
            sa.Column("distributed", sa.Boolean(), nullable=True),
            sa.Column("forwards", sa.Boolean(), nullable=False, server_default=_NO, comment="it has port forwardings"),
        ),
        "security_groups": (sa.Column("is_default", sa.Boolean(), nullable=False, server_default=_NO),),
        "security_group_rules": (sa.Column("belongs_to_default_sg", sa.Boolean(), nullable=False, server_default=_NO),),
        "quota_usages": (sa.Column("limit", sa.Integer(), nullable=True, comment="of the project's own; as in quotas"),),
        "agents": (
            sa.Column("availability_zone", sa.String(255), nullable=False, server_default=sa.text("'nova'")),
            sa.Column(
                "resources_synced", sa.Boolean(), nullable=True, comment="whether Placement was told of what the agent has"
            ),
        ),
    }


_REFERENCES: Final = (
    ("networks", "qos_policy_id", "qos_policies"),
    ("subnetpools", "address_scope_id", "address_scopes"),
    ("subnets", "segment_id", "network_segments"),
    ("ports", "qos_policy_id", "qos_policies"),
    ("routers", "flavor_id", "flavors"),
    ("routers", "gateway_qos_policy_id", "qos_policies"),
    ("floatingips", "qos_policy_id", "qos_policies"),
    ("security_group_rules", "remote_address_group_id", "address_groups"),
)
"""Table, column, table that it refers to."""


def upgrade() -> None:
    """Do the step."""
    for table, columns in _gained().items():
        for column in columns:
            op.add_column(table, column)
    for table, reference, target in _REFERENCES:
        _refer(table, reference, target)
    _copy_limits()
    _mark_default_groups()
    _seed_default_rules()
    for table, number in (("networks", "segmentation_id"), ("free_segments", "first"), ("free_segments", "last")):
        _widen(table, number)
    _segments()


def _widen(table: str, column: str) -> None:
    if op.get_bind().dialect.name != "sqlite":  # whose integers are wide enough
        nullable = table == "networks"
        op.alter_column(table, column, existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=nullable)


def _segments() -> None:
    """Give every network that is there the one segment that it says it has."""
    names = ("id", "network_type", "physical_network", "segmentation_id", "created_at", "updated_at")
    networks = sa.table("networks", *(sa.column(name) for name in names))
    more = ("network_id", "position", "project_id", "name", "description", "revision_number")
    segments = sa.table("network_segments", *(sa.column(name) for name in (*names, *more)))
    found = op.get_bind().execute(sa.select(networks)).mappings().all()
    made = [
        {**row, "id": new_id(), "network_id": row["id"], "position": 0, "revision_number": 1}
        | dict.fromkeys(("project_id", "name", "description"), "")
        for row in found
    ]
    if made:
        op.get_bind().execute(sa.insert(segments), made)


def _copy_limits() -> None:
    used, own = (sa.table(name, *map(sa.column, ("project_id", "resource", "limit"))) for name in ("quota_usages", "quotas"))
    same = sa.and_(own.c.project_id == used.c.project_id, own.c.resource == used.c.resource)
    op.execute(sa.update(used).values(limit=sa.select(own.c.limit).where(same).scalar_subquery()))


def _mark_default_groups() -> None:
    defaults = sa.table("default_security_groups", sa.column("security_group_id"))
    for name, column, flag in (
        ("security_groups", "id", "is_default"),
        ("security_group_rules", "security_group_id", "belongs_to_default_sg"),
    ):
        table = sa.table(name, sa.column(column), sa.column(flag, sa.Boolean))
        chosen = table.c[column].in_(sa.select(defaults.c.security_group_id))
        op.execute(sa.update(table).where(chosen).values({flag: True}))


_EGRESS: Final = "Legacy default SG rule for egress traffic"
_INGRESS: Final = "Legacy default SG rule for ingress traffic"
_SEEDS: Final = (
    ("egress", "IPv4", _EGRESS, "7455c91e6954ac35464509f906d3f0e98eee5e464f02f680126b43517b0e316e"),
    ("egress", "IPv6", _EGRESS, "139a6eb204f100d5a4042aa29c23139f285398daa6834fc37a3b76cbdf6463f6"),
    ("ingress", "IPv4", _INGRESS, "5ef53773fd779cd1e69afc1d83111f587fa9c880ccd28bfa0c212b43487fc292"),
    ("ingress", "IPv6", _INGRESS, "a69eab1a0f730cf3f7ba5249803b6514959fa30cdd6af0d7281dac1c1d44b3da"),
)
"""Direction, ethertype, description (Neutron's own, clients look for it), fingerprint."""


def _seed_default_rules() -> None:
    """Everything out of every group; into a project's default group whatever comes from itself."""
    names = ("id", "description", "direction", "ethertype", "remote_group_id", "in_default", "in_others")
    flags = ("used_in_default_sg", "used_in_non_default_sg")
    table = sa.table("default_security_group_rules", *map(sa.column, names), *(sa.column(flag, sa.Boolean) for flag in flags))
    op.bulk_insert(
        table,
        [
            {
                "id": str(uuid.uuid4()),
                "description": description,
                "direction": direction,
                "ethertype": ethertype,
                "remote_group_id": "PARENT" if direction == "ingress" else None,
                "used_in_default_sg": True,
                "used_in_non_default_sg": direction == "egress",
                "in_default": fingerprint,
                "in_others": fingerprint if direction == "egress" else None,
            }
            for direction, ethertype, description, fingerprint in _SEEDS
        ],
    )


def _refer(table: str, column: str, target: str) -> None:
    name = f"fk_{table}_{column}"
    if op.get_bind().dialect.name == "sqlite":
        # Not as a batch: it would make the table anew and drop the old one, and all that refers to it would go with it.
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(36) CONSTRAINT {name} REFERENCES {target} (id)")
    else:
        op.add_column(table, sa.Column(column, sa.String(36), nullable=True))
        op.create_foreign_key(op.f(name), table, target, [column], ["id"])
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
