"""Everything that the API has: resources by collection, extensions by alias. Each noun's own module declares its part."""

from collections.abc import Mapping
from typing import Final

from kaon.model import (
    address_groups,
    address_scopes,
    agents,
    auto_allocated_topologies,
    availability_zones,
    conntrack_helpers,
    default_security_group_rules,
    dns,
    extensions,
    flavors,
    floatingip_pools,
    floatingips,
    local_ips,
    logs,
    metering_labels,
    ndp_proxies,
    network_ip_availabilities,
    network_segment_ranges,
    networks,
    port_attributes,
    port_bindings,
    port_forwardings,
    qos_policies,
    qos_rules,
    quotas,
    rbac_policies,
    routers,
    security_group_rules,
    security_groups,
    security_groups_default_statefulness,
    segments,
    subnets,
    trunks,
)
from kaon.model.address_groups import ADDRESS_GROUP
from kaon.model.address_scopes import ADDRESS_SCOPE
from kaon.model.agents import AGENT
from kaon.model.attributes import Resource
from kaon.model.auto_allocated_topologies import AUTO_ALLOCATED_TOPOLOGY
from kaon.model.availability_zones import AVAILABILITY_ZONE
from kaon.model.conntrack_helpers import CONNTRACK_HELPER
from kaon.model.default_security_group_rules import DEFAULT_SECURITY_GROUP_RULE
from kaon.model.extensions import Extension
from kaon.model.flavors import FLAVOR, FLAVOR_SERVICE_PROFILE, NEXT_PROVIDER, SERVICE_PROFILE, SERVICE_PROVIDER
from kaon.model.floatingip_pools import FLOATINGIP_POOL
from kaon.model.floatingips import FLOATINGIP
from kaon.model.local_ips import LOCAL_IP, PORT_ASSOCIATION
from kaon.model.logs import LOG, LOGGABLE_RESOURCE
from kaon.model.metering_label_rules import METERING_LABEL_RULE
from kaon.model.metering_labels import METERING_LABEL
from kaon.model.ndp_proxies import NDP_PROXY
from kaon.model.network_ip_availabilities import NETWORK_IP_AVAILABILITY
from kaon.model.network_segment_ranges import NETWORK_SEGMENT_RANGE
from kaon.model.networks import NETWORK
from kaon.model.port_bindings import BINDING
from kaon.model.port_forwardings import PORT_FORWARDING
from kaon.model.ports import PORT
from kaon.model.rbac_policies import RBAC_POLICY
from kaon.model.routers import ROUTER
from kaon.model.security_group_rules import SECURITY_GROUP_RULE
from kaon.model.security_groups import SECURITY_GROUP
from kaon.model.security_groups_default_statefulness import DEFAULT_STATEFULNESS
from kaon.model.segments import SEGMENT
from kaon.model.subnetpools import SUBNETPOOL
from kaon.model.subnets import SUBNET
from kaon.model.trunks import TRUNK

RESOURCES: Final[tuple[Resource, ...]] = (
    NETWORK,
    SEGMENT,
    NETWORK_SEGMENT_RANGE,
    AVAILABILITY_ZONE,
    SUBNET,
    SUBNETPOOL,
    PORT,
    BINDING,
    TRUNK,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    DEFAULT_SECURITY_GROUP_RULE,
    DEFAULT_STATEFULNESS,
    ADDRESS_GROUP,
    LOG,
    LOGGABLE_RESOURCE,
    ROUTER,
    FLOATINGIP,
    PORT_FORWARDING,
    CONNTRACK_HELPER,
    NDP_PROXY,
    LOCAL_IP,
    PORT_ASSOCIATION,
    METERING_LABEL,
    METERING_LABEL_RULE,
    AGENT,
    ADDRESS_SCOPE,
    RBAC_POLICY,
    NETWORK_IP_AVAILABILITY,
    FLOATINGIP_POOL,
    AUTO_ALLOCATED_TOPOLOGY,
    qos_policies.POLICY,
    *qos_rules.RESOURCES,
    qos_rules.RULE_TYPE,
    FLAVOR,
    FLAVOR_SERVICE_PROFILE,
    NEXT_PROVIDER,
    SERVICE_PROFILE,
    SERVICE_PROVIDER,
)
"""Every resource, sub-resources included (those name their `parent`)."""

DECLARED: Final[Mapping[str, Extension]] = {
    extension.alias: extension
    for extension in (
        *extensions.EXTENSIONS,
        *subnets.EXTENSIONS,
        *networks.EXTENSIONS,
        *segments.EXTENSIONS,
        *network_segment_ranges.EXTENSIONS,
        *availability_zones.EXTENSIONS,
        *agents.EXTENSIONS,
        *port_attributes.EXTENSIONS,
        *qos_policies.EXTENSIONS,
        *flavors.EXTENSIONS,
        *port_bindings.EXTENSIONS,
        *dns.EXTENSIONS,
        *trunks.EXTENSIONS,
        *address_groups.EXTENSIONS,
        *address_scopes.EXTENSIONS,
        *auto_allocated_topologies.EXTENSIONS,
        *floatingip_pools.EXTENSIONS,
        *network_ip_availabilities.EXTENSIONS,
        *default_security_group_rules.EXTENSIONS,
        *logs.EXTENSIONS,
        *routers.EXTENSIONS,
        *conntrack_helpers.EXTENSIONS,
        *ndp_proxies.EXTENSIONS,
        *local_ips.EXTENSIONS,
        *floatingips.EXTENSIONS,
        *port_forwardings.EXTENSIONS,
        *metering_labels.EXTENSIONS,
        *quotas.EXTENSIONS,
        *rbac_policies.EXTENSIONS,
        *security_group_rules.EXTENSIONS,
        *security_groups.EXTENSIONS,
        *security_groups_default_statefulness.EXTENSIONS,
    )
}
"""Every alias that has an API here, those included whose effect on the hosts is awaited."""

EXTENSIONS: Final[Mapping[str, Extension]] = {alias: one for alias, one in DECLARED.items() if not one.awaits}
"""Aliases that are carried out, and so advertised."""
