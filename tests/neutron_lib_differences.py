"""Where our declarations differ from neutron-lib's on purpose: reason -> `place.attribute trait`, with `*` for anything."""

from collections.abc import Mapping
from typing import Final

DIFFERENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "Neutron, too, takes the caller's project when a body names none": ("*.project_id default",),
    "the declaration of standard-attr-description, in Neutron's tree, takes the place of this one": (
        "address_groups.description *",
        "floatingips/port_forwardings.description limits",
        "local_ips.description *",
        "ndp_proxies.description *",
    ),
    "it is never on the wire: neither sent, shown, nor a filter": ("address_groups.shared theirs",),
    "an agent is never made through the API; clients send a project all the same": ("agents.project_id ours",),
    "there is no POST: of the attributes of its kind only those for PUT and lists mean something": (
        "alias_*_rules.project_id *",
    ),
    "they are filters and nothing else, for there is nothing to write": ("rule_types.all_* p*t",),
    "rules of metering labels are never changed: there is no PUT": ("metering_label_rules.*_ip_prefix put",),
    "a list may be narrowed and ordered by project, wherever there is one": (
        "metering_label_rules.project_id filter",
        "metering_label_rules.project_id sort",
        "ports/bindings.project_id filter",
        "ports/bindings.project_id sort",
    ),
    "openstacksdk narrows lists by these, and by id and project as everywhere": ("ndp_proxies.* filter",),
    "clients filter by what they were shown; Neutron passes over these filters": ("service_providers.* filter",),
    "who sees it shared differs by project: it is no column to order by": (
        "address_scopes.shared sort",
        "subnetpools.shared sort",
    ),
    "it is computed from the prefix, in Neutron too, and no column to order by": ("security_group_rules.normalized_cidr sort",),
    "what the server chooses depends on more than the body: absent is not a value": (
        "networks.mtu default",
        "security_groups.stateful default",
        "routers.enable_default_route_* default",
        "ports.extra_dhcp_opts default",
    ),
    "null means the same as leaving it out": (
        "floatingips/port_forwardings.*ternal_port kind",
        "floatingips/port_forwardings.*ternal_port_range kind",
        "ports.mac_address kind",
        "subnets.allocation_pools kind",
    ),
    "null is kept as the empty object": ("ports.binding:profile kind", "ports/bindings.profile kind"),
    "something is enabled or it is not; null is refused": ("flavors.enabled kind", "service_profiles.enabled kind"),
    "neutron-lib lets anything through; we check what it must be": (
        "metering_label_rules.*_ip_prefix kind",
        "ports.binding:host_id kind",
        "ports/bindings.host kind",
        "routers.flavor_id kind",
        "security_group_rules.remote_address_group_id kind",
        "service_profiles.metainfo kind",
    ),
    "lengths of prefixes are taken as numbers or text, and shown as text": ("subnetpools.*_prefixlen kind",),
    "ICMP has no ports to forward, and Neutron refuses it later": ("floatingips/port_forwardings.protocol limits",),
}
