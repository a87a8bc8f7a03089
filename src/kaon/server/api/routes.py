"""Which path leads to which resource and which module of control does its verbs."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from kaon.model.address_groups import ADDRESS_GROUP, addresses_body
from kaon.model.address_scopes import ADDRESS_SCOPE
from kaon.model.agents import AGENT
from kaon.model.auto_allocated_topologies import AUTO_ALLOCATED_TOPOLOGY, DRY_RUN
from kaon.model.availability_zones import AVAILABILITY_ZONE
from kaon.model.checks import keepable
from kaon.model.conntrack_helpers import CONNTRACK_HELPER
from kaon.model.default_security_group_rules import DEFAULT_SECURITY_GROUP_RULE
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
from kaon.model.qos_policies import POLICY
from kaon.model.qos_rules import ALIASES, BY_NAME, RULE_TYPE, RULES
from kaon.model.rbac_policies import RBAC_POLICY
from kaon.model.routers import ROUTER, extraroutes_body, gateways_body, interface_body
from kaon.model.security_group_rules import SECURITY_GROUP_RULE
from kaon.model.security_groups import SECURITY_GROUP
from kaon.model.security_groups_default_statefulness import DEFAULT_STATEFULNESS
from kaon.model.segments import SEGMENT
from kaon.model.subnetpools import SUBNETPOOL, network_body, prefixes_body
from kaon.model.subnets import SUBNET
from kaon.model.trunks import TRUNK, joining_body, leaving_body
from kaon.server.api import agent_roles, collections, documents, openapi
from kaon.server.api import quotas as quotas_api
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.collections import Action, Served
from kaon.server.api.faults import not_allowed, not_found
from kaon.server.control import (
    address_groups,
    address_scopes,
    agents,
    auto_allocated_topologies,
    availability_zones,
    conntrack_helpers,
    default_security_group_rules,
    external_gateways,
    flavor_service_profiles,
    flavors,
    floatingip_pools,
    floatingips,
    local_ip_associations,
    local_ips,
    loggable_resources,
    logs,
    metering_label_rules,
    metering_labels,
    ndp_proxies,
    network_ip_availabilities,
    network_segment_ranges,
    networks,
    next_providers,
    port_bindings,
    port_forwardings,
    ports,
    qos_policies,
    qos_rules,
    rbac_policies,
    routers,
    rule_types,
    security_group_rules,
    security_groups,
    security_groups_default_statefulness,
    segments,
    service_profiles,
    service_providers,
    subnetpools,
    subnets,
    trunks,
)
from kaon.server.control.core import Caller, Core

COLLECTIONS: Final[Mapping[str, Served]] = {
    served.resource.collection: served
    for served in (
        Served(NETWORK, networks),
        Served(SEGMENT, segments),
        Served(NETWORK_SEGMENT_RANGE, network_segment_ranges),
        Served(AVAILABILITY_ZONE, availability_zones),
        Served(SUBNET, subnets),
        Served(
            SUBNETPOOL,
            subnetpools,
            {
                "add_prefixes": Action(subnetpools.add_prefixes, prefixes_body),
                "remove_prefixes": Action(subnetpools.remove_prefixes, prefixes_body),
                "onboard_network_subnets": Action(subnetpools.onboard_network_subnets, network_body),
            },
        ),
        Served(
            PORT,
            ports,
            children={"bindings": Served(BINDING, port_bindings, {"activate": Action(port_bindings.activate)})},
        ),
        Served(
            TRUNK,
            trunks,
            {
                "add_subports": Action(trunks.add_subports, joining_body),
                "remove_subports": Action(trunks.remove_subports, leaving_body),
                "get_subports": Action(trunks.get_subports, method="GET"),
            },
        ),
        Served(SECURITY_GROUP, security_groups),
        Served(SECURITY_GROUP_RULE, security_group_rules),
        Served(DEFAULT_SECURITY_GROUP_RULE, default_security_group_rules),
        Served(DEFAULT_STATEFULNESS, security_groups_default_statefulness),
        Served(
            ADDRESS_GROUP,
            address_groups,
            {
                "add_addresses": Action(address_groups.add_addresses, addresses_body),
                "remove_addresses": Action(address_groups.remove_addresses, addresses_body),
            },
        ),
        Served(LOG, logs),
        Served(LOGGABLE_RESOURCE, loggable_resources),
        Served(
            ROUTER,
            routers,
            {
                "add_router_interface": Action(routers.add_interface, interface_body),
                "remove_router_interface": Action(routers.remove_interface, interface_body),
                "add_extraroutes": Action(routers.add_extraroutes, extraroutes_body, envelope=True),
                "remove_extraroutes": Action(routers.remove_extraroutes, extraroutes_body, envelope=True),
                "add_external_gateways": Action(external_gateways.add, gateways_body, envelope=True),
                "update_external_gateways": Action(external_gateways.update, gateways_body, envelope=True),
                "remove_external_gateways": Action(external_gateways.remove, gateways_body, envelope=True),
            },
            {"conntrack_helpers": Served(CONNTRACK_HELPER, conntrack_helpers)},
        ),
        Served(NDP_PROXY, ndp_proxies),
        Served(LOCAL_IP, local_ips, children={"port_associations": Served(PORT_ASSOCIATION, local_ip_associations)}),
        Served(FLOATINGIP, floatingips, children={"port_forwardings": Served(PORT_FORWARDING, port_forwardings)}),
        Served(METERING_LABEL, metering_labels),
        Served(METERING_LABEL_RULE, metering_label_rules),
        Served(AGENT, agents),
        Served(ADDRESS_SCOPE, address_scopes),
        Served(RBAC_POLICY, rbac_policies),
        Served(NETWORK_IP_AVAILABILITY, network_ip_availabilities),
        Served(FLOATINGIP_POOL, floatingip_pools),
        Served(AUTO_ALLOCATED_TOPOLOGY, auto_allocated_topologies, orders=frozenset({DRY_RUN})),
        Served(
            POLICY,
            qos_policies,
            children={rule.collection: Served(rule, qos_rules.Rules(BY_NAME[kind])) for kind, rule in RULES.items()},
        ),
        *(Served(alias, qos_rules.Alias(BY_NAME[kind])) for kind, alias in ALIASES.items()),
        Served(RULE_TYPE, rule_types),
        Served(
            FLAVOR,
            flavors,
            children={
                "service_profiles": Served(FLAVOR_SERVICE_PROFILE, flavor_service_profiles),
                "next_providers": Served(NEXT_PROVIDER, next_providers),
            },
        ),
        Served(SERVICE_PROFILE, service_profiles),
        Served(SERVICE_PROVIDER, service_providers),
    )
}


PREFIXES: Final = frozenset(served.resource.prefix for served in COLLECTIONS.values()) - {""}
"""Words of services that a path may begin with; a collection is found without them too."""


@functools.cache
def described() -> dict[str, Any]:
    """The API as OpenAPI; made once, when somebody asks."""
    return openapi.document(COLLECTIONS, agent_roles.BELOW)


PUBLIC: Final[Mapping[str, Callable[[Asked], Answer]]] = {
    "/": documents.versions,
    "/openapi.json": lambda _asked: Answer(200, described()),
    "/v2.0": documents.version,
}
"""Exact paths that anybody may ask, with GET. `/v2.0/` is another one, and not public."""


def answer_public(asked: Asked) -> Answer:
    """The answer to a request for one of the `PUBLIC` paths."""
    if asked.method != "GET":
        raise not_allowed("GET")
    return PUBLIC[asked.raw_path](asked)


def answer(core: Core, caller: Caller, asked: Asked) -> Answer:
    """The answer to any other request."""
    if not all(map(keepable, asked.path)):
        raise not_found()
    if asked.path[1:2] and asked.path[1] in PREFIXES:
        asked = dataclasses.replace(asked, path=(asked.path[0], *asked.path[2:]))
    match asked.path:
        case ("v2.0",):
            if asked.method != "GET":
                raise not_allowed("GET")
            return documents.resources(asked)
        case ("v2.0", "extensions", *_):
            return documents.extensions(asked)
        case ("v2.0", "quotas", *_):
            return quotas_api.answer(core, caller, asked)
        case ("v2.0", collection, _, below, *_) if agent_roles.serves(collection, below):
            return agent_roles.answer(core, caller, asked)
        case ("v2.0", collection, *_):
            # Neutron's clients spell a collection with dashes or with underscores.
            served = COLLECTIONS.get(collection.replace("-", "_"))
            if served is not None:
                return collections.answer(served, core, caller, asked)
    raise not_found()
