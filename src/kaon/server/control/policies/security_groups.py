"""Default rules: security groups, their rules, and what new ones begin with."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import (
    ADMIN,
    ANY_READER,
    GROUP_MEMBER,
    GROUP_READER,
    MANAGER,
    MEMBER,
    READER,
    SERVICE,
    any_of,
)

RULES: Final[Mapping[str, str]] = {
    "admin_or_sg_owner": "rule:context_is_admin or project_id:%(security_group:project_id)s",
    "admin_owner_or_sg_owner": "rule:owner or rule:admin_or_sg_owner",
    "shared_security_group": "field:security_groups:shared=True",
    "rule_default_sg": "field:security_group_rules:belongs_to_default_sg=True",
    "create_default_security_group": any_of(READER, SERVICE),
    "create_security_group": MEMBER,
    "create_security_group:tags": MEMBER,
    "get_security_group": any_of(READER, "rule:shared_security_group"),
    "get_security_group:tags": any_of(READER, "rule:shared_security_group"),
    "update_security_group": MEMBER,
    "update_security_group:tags": MEMBER,
    "delete_security_group": MEMBER,
    "delete_security_group:tags": MEMBER,
    "create_security_group_rule": GROUP_MEMBER,
    "get_security_group_rule": GROUP_READER,
    "delete_security_group_rule": GROUP_MEMBER,
    "create_default_security_group_rule": ADMIN,
    "get_default_security_group_rule": ANY_READER,
    "delete_default_security_group_rule": ADMIN,
    "create_security_groups_default_statefulness": MANAGER,
    "get_security_groups_default_statefulness": READER,
    "update_security_groups_default_statefulness": MANAGER,
    "delete_security_groups_default_statefulness": MANAGER,
}
