"""Default rules: subnets."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import (
    ADMIN,
    MEMBER,
    NETWORK_OWNER_MEMBER,
    NETWORK_OWNER_READER,
    READER,
    SERVICE,
    any_of,
)

RULES: Final[Mapping[str, str]] = {
    "external_network": "field:subnets:router:external=True",
    "create_subnet": any_of(ADMIN, NETWORK_OWNER_MEMBER),
    "create_subnet:segment_id": ADMIN,
    "create_subnet:service_types": ADMIN,
    "create_subnet:tags": any_of(MEMBER, NETWORK_OWNER_MEMBER),
    "get_subnet": any_of(READER, SERVICE, NETWORK_OWNER_READER, "rule:shared", "rule:external_network"),
    "get_subnet:segment_id": ADMIN,
    "get_subnet:tags": any_of(READER, NETWORK_OWNER_READER, "rule:shared", "rule:external_network"),
    "update_subnet": any_of(MEMBER, NETWORK_OWNER_MEMBER),
    "update_subnet:segment_id": ADMIN,
    "update_subnet:service_types": ADMIN,
    "update_subnet:leak_routes": ADMIN,
    "update_subnet:tags": any_of(MEMBER, NETWORK_OWNER_MEMBER),
    "delete_subnet": any_of(MEMBER, NETWORK_OWNER_MEMBER),
    "delete_subnet:tags": any_of(MEMBER, NETWORK_OWNER_MEMBER),
}
