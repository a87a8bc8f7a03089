"""Default rules: floating IPs, their pools and port forwardings."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MANAGER, MEMBER, PARENT_MEMBER, PARENT_READER, READER

RULES: Final[Mapping[str, str]] = {
    "create_floatingip": MEMBER,
    "create_floatingip:floating_ip_address": MANAGER,
    "create_floatingip:router_id": MEMBER,
    "create_floatingip:tags": MEMBER,
    "get_floatingip": READER,
    "get_floatingip:tags": READER,
    "update_floatingip": MEMBER,
    "update_floatingip:router_id": MEMBER,
    "update_floatingip:tags": MEMBER,
    "delete_floatingip": MEMBER,
    "delete_floatingip:tags": MEMBER,
    "get_floatingip_pool": READER,
    "create_floatingip_port_forwarding": PARENT_MEMBER,
    "get_floatingip_port_forwarding": PARENT_READER,
    "update_floatingip_port_forwarding": PARENT_MEMBER,
    "delete_floatingip_port_forwarding": PARENT_MEMBER,
}
