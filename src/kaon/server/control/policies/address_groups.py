"""Default rules: address groups."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MEMBER, READER, any_of

RULES: Final[Mapping[str, str]] = {
    "shared_address_groups": "field:address_groups:shared=True",
    "create_address_group": MEMBER,
    "get_address_group": any_of(READER, "rule:shared_address_groups"),
    "update_address_group": MEMBER,
    "delete_address_group": MEMBER,
    "add_addresses": MEMBER,
    "remove_addresses": MEMBER,
}
