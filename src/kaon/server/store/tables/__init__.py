"""Every table, once: the core ones here, others in the modules beside. Migrations are checked against this package.

Portable between SQLite, PostgreSQL and MariaDB. Identifiers are 36 characters, addresses inside ranges are 32 hexadecimal
digits (IPv4 and IPv6 alike, so that they sort and compare as text), times are UTC without zone, to the second.
Free-form dictionaries that the API itself defines as such (`binding:profile`, an agent's `configurations`) are JSON text.

Here      tables and their columns, keys and indexes.
Not here  statements (the nouns' own modules), how a database comes to have the tables (`migrations`).
Process   server.
"""

import sqlalchemy as sa

from kaon.server.store.tables import gateways, peers, qos, segments, services, sharing, templates, trunks
from kaon.server.store.tables.base import (
    Address,
    AddressHex,
    Identity,
    Name,
    ScopeName,
    SegmentationId,
    belongs_to,
    metadata,
    standard,
    tags_of,
)

networks = sa.Table(
    "networks",
    metadata,
    *standard(),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("external", sa.Boolean, nullable=False, index=True),
    sa.Column("mtu", sa.Integer, nullable=False),
    sa.Column("port_security_enabled", sa.Boolean, nullable=False),
    sa.Column("backend", sa.String(64), nullable=False),
    sa.Column("network_type", sa.String(32), nullable=False),
    sa.Column("physical_network", sa.String(64), nullable=False, comment="empty for tunnels"),
    sa.Column("segmentation_id", SegmentationId, nullable=True),
    sa.Column("qos_policy_id", Identity, sa.ForeignKey("qos_policies.id"), nullable=True, index=True),
    sa.Column("dns_domain", Name, nullable=False, server_default=sa.text("''")),
    sa.Column("vlan_transparent", sa.Boolean, nullable=True),
    sa.Column("qinq", sa.Boolean, nullable=True),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("availability_zone_hints", sa.Text, nullable=False, server_default=sa.text("'[]'"), comment="JSON list"),
    sa.UniqueConstraint("network_type", "physical_network", "segmentation_id"),
)

free_segments = sa.Table(
    "free_segments",
    metadata,
    sa.Column("network_type", sa.String(32), primary_key=True),
    sa.Column("physical_network", sa.String(64), primary_key=True),
    sa.Column("first", SegmentationId, primary_key=True, autoincrement=False),
    sa.Column("last", SegmentationId, nullable=False),
    comment="ranges of segmentation ids that are free to take",
)

subnetpools = sa.Table(
    "subnetpools",
    metadata,
    *standard(),
    sa.Column("ip_version", sa.Integer, nullable=False),
    sa.Column("default_prefixlen", sa.Integer, nullable=False),
    sa.Column("min_prefixlen", sa.Integer, nullable=False),
    sa.Column("max_prefixlen", sa.Integer, nullable=False),
    sa.Column("default_quota", sa.Integer, nullable=True),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("default_of", sa.Integer, nullable=True, unique=True, comment="ip_version of a default; decides between two"),
    sa.Column("address_scope_id", Identity, sa.ForeignKey("address_scopes.id"), nullable=True, index=True),
)

subnetpool_prefixes = sa.Table(
    "subnetpool_prefixes",
    metadata,
    belongs_to("subnetpool_id", "subnetpools.id", primary_key=True),
    sa.Column("first", AddressHex, primary_key=True),
    sa.Column("length", sa.Integer, nullable=False),
    comment="what a pool was given",
)

free_prefixes = sa.Table(
    "free_prefixes",
    metadata,
    belongs_to("subnetpool_id", "subnetpools.id", primary_key=True),
    sa.Column("first", AddressHex, primary_key=True),
    sa.Column("length", sa.Integer, nullable=False),
    sa.Index(None, "subnetpool_id", "length", "first"),
    comment="the fewest prefixes that hold what no subnet has of its pool",
)

subnets = sa.Table(
    "subnets",
    metadata,
    *standard(),
    belongs_to("network_id", "networks.id", index=True),
    sa.Column("ip_version", sa.Integer, nullable=False),
    sa.Column("cidr", Address, nullable=False, index=True),
    sa.Column("gateway_ip", Address, nullable=True),
    sa.Column("enable_dhcp", sa.Boolean, nullable=False),
    sa.Column("ipv6_ra_mode", sa.String(16), nullable=True),
    sa.Column("ipv6_address_mode", sa.String(16), nullable=True),
    sa.Column("subnetpool_id", Identity, sa.ForeignKey("subnetpools.id"), nullable=True),
    sa.Column("segment_id", Identity, sa.ForeignKey("network_segments.id"), nullable=True, index=True),
    sa.Column("service_types", sa.Text, nullable=False, server_default=sa.text("'[]'"), comment="JSON list"),
    sa.Column("dns_publish_fixed_ip", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "subnetpool_id", "project_id"),
)

allocation_pools = sa.Table(
    "allocation_pools",
    metadata,
    belongs_to("subnet_id", "subnets.id", primary_key=True),
    sa.Column("first", AddressHex, primary_key=True),
    sa.Column("last", AddressHex, nullable=False),
)

free_addresses = sa.Table(
    "free_addresses",
    metadata,
    belongs_to("subnet_id", "subnets.id", primary_key=True),
    sa.Column("first", AddressHex, primary_key=True),
    sa.Column("last", AddressHex, nullable=False),
    comment="ranges inside the allocation pools that no port has; next-free is the first row",
)

dns_nameservers = sa.Table(
    "dns_nameservers",
    metadata,
    belongs_to("subnet_id", "subnets.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("address", Address, nullable=False),
)

subnet_routes = sa.Table(
    "subnet_routes",
    metadata,
    belongs_to("subnet_id", "subnets.id", primary_key=True),
    sa.Column("destination", Address, primary_key=True),
    sa.Column("nexthop", Address, primary_key=True),
)

ports = sa.Table(
    "ports",
    metadata,
    *standard(),
    sa.Column("network_id", Identity, sa.ForeignKey("networks.id"), nullable=False),
    sa.Column("mac_address", sa.String(17), nullable=False),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("device_id", Name, nullable=False, index=True),
    sa.Column("device_owner", Name, nullable=False),
    sa.Column("port_security_enabled", sa.Boolean, nullable=False),
    sa.Column("host", Name, nullable=False, comment="empty: not bound"),
    sa.Column("vnic_type", sa.String(64), nullable=False),
    sa.Column("vif_type", sa.String(64), nullable=False),
    sa.Column("profile", sa.Text, nullable=False, comment="JSON object"),
    sa.Column("vif_details", sa.Text, nullable=False, comment="JSON object"),
    sa.Column("qos_policy_id", Identity, sa.ForeignKey("qos_policies.id"), nullable=True, index=True),
    sa.Column("qos_network_policy_id", Identity, nullable=True, comment="of its network, so that lists need not ask"),
    sa.Column("dns_name", Name, nullable=False, server_default=sa.text("''")),
    sa.Column("dns_domain", Name, nullable=False, server_default=sa.text("''")),
    sa.Column("extra_dhcp_opts", sa.Text, nullable=False, server_default=sa.text("'[]'"), comment="JSON list"),
    sa.Column("data_plane_status", sa.String(16), nullable=True),
    sa.Column("propagate_uplink_status", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("hints", sa.Text, nullable=True, comment="JSON object"),
    sa.Column("numa_affinity_policy", sa.String(16), nullable=True),
    sa.Column("device_profile", Name, nullable=True),
    sa.Column("trusted", sa.Boolean, nullable=True),
    sa.Column("hardware_offload_type", sa.String(64), nullable=True),
    sa.Column("ip_allocation", sa.String(16), nullable=False, server_default=sa.text("'immediate'")),
    sa.Column("trunk_id", Identity, nullable=True, comment="of the trunk whose parent it is; says that there is more to read"),
    sa.Column("moving", sa.Boolean, nullable=False, server_default=sa.false(), comment="it has inactive bindings"),
    sa.UniqueConstraint("network_id", "mac_address"),
    sa.Index(None, "network_id", "device_owner"),
    sa.Index(None, "host", "network_id"),
)

ip_allocations = sa.Table(
    "ip_allocations",
    metadata,
    belongs_to("subnet_id", "subnets.id", primary_key=True),
    sa.Column("address_hex", AddressHex, primary_key=True),
    sa.Column("ip_address", Address, nullable=False, index=True),
    sa.Column("network_id", Identity, nullable=False),
    belongs_to("port_id", "ports.id", index=True),
    sa.Column("position", sa.Integer, nullable=False, comment="order inside the port"),
    comment="who has which address; the key decides between two who want the same",
)

allowed_address_pairs = sa.Table(
    "allowed_address_pairs",
    metadata,
    belongs_to("port_id", "ports.id", primary_key=True),
    sa.Column("mac_address", sa.String(17), primary_key=True),
    sa.Column("ip_address", Address, primary_key=True),
)

security_groups = sa.Table(
    "security_groups",
    metadata,
    *standard(),
    sa.Column("stateful", sa.Boolean, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
)

default_security_groups = sa.Table(
    "default_security_groups",
    metadata,
    sa.Column("project_id", Name, primary_key=True),
    belongs_to("security_group_id", "security_groups.id", index=True),
    comment="the key decides between two who make a project's default group at once",
)

security_group_rules = sa.Table(
    "security_group_rules",
    metadata,
    *standard(),
    belongs_to("security_group_id", "security_groups.id", index=True),
    sa.Column("remote_group_id", Identity, sa.ForeignKey("security_groups.id", ondelete="CASCADE"), nullable=True, index=True),
    sa.Column("remote_address_group_id", Identity, sa.ForeignKey("address_groups.id"), nullable=True, index=True),
    sa.Column("direction", sa.String(16), nullable=False),
    sa.Column("ethertype", sa.String(16), nullable=False),
    sa.Column("protocol", sa.String(40), nullable=True),
    sa.Column("port_range_min", sa.Integer, nullable=True),
    sa.Column("port_range_max", sa.Integer, nullable=True),
    sa.Column("remote_ip_prefix", Address, nullable=True),
    sa.Column("normalized_cidr", Address, nullable=True, comment="the prefix without host bits; lists are filtered by it"),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="of all that makes two rules the same"),
    sa.Column("belongs_to_default_sg", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("security_group_id", "fingerprint"),
)

port_security_groups = sa.Table(
    "port_security_groups",
    metadata,
    belongs_to("port_id", "ports.id", primary_key=True),
    sa.Column("security_group_id", Identity, sa.ForeignKey("security_groups.id"), primary_key=True),
    sa.Index(None, "security_group_id"),
)

routers = sa.Table(
    "routers",
    metadata,
    *standard(),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("gateway_network_id", Identity, sa.ForeignKey("networks.id"), nullable=True, index=True),
    sa.Column("enable_snat", sa.Boolean, nullable=False),
    sa.Column("distributed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("ha", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("flavor_id", Identity, sa.ForeignKey("flavors.id"), nullable=True, index=True),
    sa.Column("availability_zone_hints", sa.Text, nullable=False, server_default=sa.text("'[]'"), comment="JSON list"),
    sa.Column("enable_ndp_proxy", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("enable_default_route_bfd", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("enable_default_route_ecmp", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column(
        "conntrack_helpers", sa.Text, nullable=False, server_default=sa.text("'[]'"), comment="JSON list: so lists need not ask"
    ),
    sa.Column("gateway_qos_policy_id", Identity, sa.ForeignKey("qos_policies.id"), nullable=True, index=True),
)

router_ports = sa.Table(
    "router_ports",
    metadata,
    belongs_to("port_id", "ports.id", primary_key=True),
    sa.Column("router_id", Identity, sa.ForeignKey("routers.id"), nullable=False, index=True),
    sa.Column("network_id", Identity, nullable=False, index=True),
    sa.Column("device_owner", Name, nullable=False),
    sa.Column("position", sa.Integer, nullable=False, server_default=sa.text("0"), comment="of gateways: the first one counts"),
)

router_routes = sa.Table(
    "router_routes",
    metadata,
    belongs_to("router_id", "routers.id", primary_key=True),
    sa.Column("destination", Address, primary_key=True),
    sa.Column("nexthop", Address, primary_key=True),
)

floatingips = sa.Table(
    "floatingips",
    metadata,
    *standard(),
    sa.Column("floating_network_id", Identity, sa.ForeignKey("networks.id"), nullable=False, index=True),
    sa.Column("floating_ip_address", Address, nullable=False, index=True),
    sa.Column("floating_port_id", Identity, sa.ForeignKey("ports.id"), nullable=False, unique=True),
    sa.Column("fixed_port_id", Identity, sa.ForeignKey("ports.id", ondelete="SET NULL"), nullable=True, index=True),
    sa.Column("fixed_ip_address", Address, nullable=True),
    sa.Column("router_id", Identity, sa.ForeignKey("routers.id"), nullable=True, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("dns_name", Name, nullable=False, server_default=sa.text("''")),
    sa.Column("dns_domain", Name, nullable=False, server_default=sa.text("''")),
    sa.Column("distributed", sa.Boolean, nullable=True),
    sa.Column("forwards", sa.Boolean, nullable=False, server_default=sa.false(), comment="it has port forwardings"),
    sa.Column("qos_policy_id", Identity, sa.ForeignKey("qos_policies.id"), nullable=True, index=True),
    sa.Column("qos_network_policy_id", Identity, nullable=True, comment="of its network, so that lists need not ask"),
    sa.UniqueConstraint("floating_network_id", "fixed_port_id", "fixed_ip_address"),
)

quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("project_id", Name, primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    sa.Column("limit", sa.Integer, nullable=False, comment="-1: unlimited"),
)

quota_usages = sa.Table(
    "quota_usages",
    metadata,
    sa.Column("project_id", Name, primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("limit", sa.Integer, nullable=True, comment="of the project's own; as in quotas"),
    comment="counted in the transaction that creates or deletes, so that nobody counts rows",
)

hosts = sa.Table(
    "hosts",
    metadata,
    sa.Column("name", Name, primary_key=True),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("tunnel_ip", Address, nullable=True),
    sa.Column("physical_networks", sa.Text, nullable=False, comment="JSON list of names"),
    sa.Column("heard_at", sa.DateTime, nullable=False),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("host", Name, nullable=False),
    sa.Column("agent_type", Name, nullable=False),
    sa.Column("binary", Name, nullable=False),
    sa.Column("topic", Name, nullable=False),
    sa.Column("admin_state_up", sa.Boolean, nullable=False),
    sa.Column("description", Name, nullable=True),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("heartbeat_timestamp", sa.DateTime, nullable=False),
    sa.Column("availability_zone", Name, nullable=False, server_default=sa.text("'nova'")),
    sa.Column("configurations", sa.Text, nullable=False, comment="JSON object"),
    sa.Column("resources_synced", sa.Boolean, nullable=True, comment="whether Placement was told of what the agent has"),
    sa.UniqueConstraint("host", "agent_type"),
)

served_networks = sa.Table(
    "served_networks",
    metadata,
    belongs_to("network_id", "networks.id", primary_key=True),
    sa.Column("host", Name, primary_key=True),
    sa.Column("port_id", Identity, sa.ForeignKey("ports.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Index(None, "host"),
    comment="which hosts run a DHCP server for the network",
)

hosted_routers = sa.Table(
    "hosted_routers",
    metadata,
    belongs_to("router_id", "routers.id", primary_key=True),
    sa.Column("host", Name, primary_key=True),
    sa.Index(None, "host"),
    comment="which hosts forward for the router",
)

scopes = sa.Table(
    "scopes",
    metadata,
    sa.Column("name", ScopeName, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

followers = sa.Table(
    "followers",
    metadata,
    sa.Column("host", Name, primary_key=True),
    sa.Column("scope", ScopeName, primary_key=True),
    sa.Column("applied", sa.BigInteger, nullable=False, comment="revision that the host says its kernel agrees with"),
    sa.Index(None, "scope"),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("scope", ScopeName, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("entry_key", ScopeName, nullable=False),
    sa.Index(None, "scope", "revision"),
    sqlite_autoincrement=True,
    comment="which entries of a scope changed at which of its revisions; what they are now is read from the tables",
)

realised = sa.Table(
    "realised",
    metadata,
    sa.Column("host", Name, primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("entity_id", Identity, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("up", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reported_at", sa.DateTime, nullable=False),
    sa.Index(None, "entity_id"),
)


network_tags = tags_of("network", "networks")
subnet_tags = tags_of("subnet", "subnets")
subnetpool_tags = tags_of("subnetpool", "subnetpools")
port_tags = tags_of("port", "ports")
router_tags = tags_of("router", "routers")
floatingip_tags = tags_of("floatingip", "floatingips")
security_group_tags = tags_of("security_group", "security_groups")

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", Name, nullable=False),
    comment="of the database itself: `epoch`",
)

__all__ = ["gateways", "metadata", "peers", "qos", "segments", "services", "sharing", "templates", "trunks"]
