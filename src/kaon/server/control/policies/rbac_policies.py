"""Default rules: RBAC policies: sharing with single projects."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN, MEMBER, READER, any_of

# To share with everybody is for administrators.
_NOT_ALL = any_of(ADMIN, "not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*")

RULES: Final[Mapping[str, str]] = {
    "restrict_wildcard": _NOT_ALL,
    "create_rbac_policy": MEMBER,
    "create_rbac_policy:target_tenant": _NOT_ALL,
    "create_rbac_policy:target_project": any_of(ADMIN, "not field:rbac_policy:target_project=*"),
    "update_rbac_policy": MEMBER,
    "update_rbac_policy:target_tenant": _NOT_ALL,
    "update_rbac_policy:target_project": any_of(ADMIN, "not field:rbac_policy:target_project=*"),
    "get_rbac_policy": READER,
    "delete_rbac_policy": MEMBER,
}
