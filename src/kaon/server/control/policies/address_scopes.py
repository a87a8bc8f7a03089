"""Default rules: address scopes."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN, MEMBER, READER, any_of

RULES: Final[Mapping[str, str]] = {
    "shared_address_scopes": "field:address_scopes:shared=True",
    "create_address_scope": MEMBER,
    "create_address_scope:shared": ADMIN,
    "get_address_scope": any_of(READER, "rule:shared_address_scopes"),
    "update_address_scope": MEMBER,
    "update_address_scope:shared": ADMIN,
    "delete_address_scope": MEMBER,
}
