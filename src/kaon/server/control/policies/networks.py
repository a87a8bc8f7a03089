"""Default rules: networks, what is free on them, and the topology made by itself."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN, ADVANCED_SERVICE, MEMBER, READER, SERVICE, any_of

RULES: Final[Mapping[str, str]] = {
    "external": "field:networks:router:external=True",
    "create_network": MEMBER,
    "create_network:shared": ADMIN,
    "create_network:router:external": ADMIN,
    "create_network:is_default": ADMIN,
    "create_network:port_security_enabled": MEMBER,
    "create_network:segments": ADMIN,
    "create_network:provider:network_type": ADMIN,
    "create_network:provider:physical_network": ADMIN,
    "create_network:provider:segmentation_id": ADMIN,
    "create_network:tags": MEMBER,
    "get_network": any_of(READER, SERVICE, "rule:shared", "rule:external", ADVANCED_SERVICE),
    "get_network:segments": ADMIN,
    "get_network:provider:network_type": ADMIN,
    "get_network:provider:physical_network": ADMIN,
    "get_network:provider:segmentation_id": ADMIN,
    "get_network:tags": any_of(READER, "rule:shared", "rule:external", ADVANCED_SERVICE),
    "update_network": MEMBER,
    "update_network:segments": ADMIN,
    "update_network:shared": ADMIN,
    "update_network:provider:network_type": ADMIN,
    "update_network:provider:physical_network": ADMIN,
    "update_network:provider:segmentation_id": ADMIN,
    "update_network:router:external": ADMIN,
    "update_network:is_default": ADMIN,
    "update_network:port_security_enabled": MEMBER,
    "update_network:tags": MEMBER,
    "delete_network": MEMBER,
    "delete_network:tags": MEMBER,
    "get_network_ip_availability": any_of(ADMIN, SERVICE),
    "get_auto_allocated_topology": READER,
    "delete_auto_allocated_topology": MEMBER,
}
