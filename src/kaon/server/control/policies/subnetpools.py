"""Default rules: subnet pools."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN, MEMBER, READER, any_of

RULES: Final[Mapping[str, str]] = {
    "shared_subnetpools": "field:subnetpools:shared=True",
    "create_subnetpool": MEMBER,
    "create_subnetpool:shared": ADMIN,
    "create_subnetpool:is_default": ADMIN,
    "create_subnetpool:tags": MEMBER,
    "get_subnetpool": any_of(READER, "rule:shared_subnetpools"),
    "get_subnetpool:tags": any_of(READER, "rule:shared_subnetpools"),
    "update_subnetpool": MEMBER,
    "update_subnetpool:is_default": ADMIN,
    "update_subnetpool:tags": MEMBER,
    "delete_subnetpool": MEMBER,
    "delete_subnetpool:tags": MEMBER,
    "onboard_network_subnets": MEMBER,
    "add_prefixes": MEMBER,
    "remove_prefixes": MEMBER,
}
