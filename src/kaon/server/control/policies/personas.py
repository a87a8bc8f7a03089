"""Who stands behind the default rules: Neutron's secure defaults, in the language of oslo.policy.

Keystone's roles imply one another (admin, manager, member, reader: each the next), and tokens name all of them.
"""

from typing import Final


def any_of(*rules: str) -> str:
    """One of the rules is enough."""
    return " or ".join(_grouped(rule) for rule in rules)


def all_of(*rules: str) -> str:
    """All of the rules must hold."""
    return " and ".join(_grouped(rule) for rule in rules)


def _grouped(rule: str) -> str:
    return f"({rule})" if " " in rule else rule


ADMIN: Final = "rule:admin_only"
SERVICE: Final = "rule:service_api"
ADVANCED_SERVICE: Final = "rule:context_is_advsvc"
ANY_READER: Final = "role:reader"

OWNER_MANAGER: Final = "role:manager and project_id:%(project_id)s"
OWNER_MEMBER: Final = "role:member and project_id:%(project_id)s"
OWNER_READER: Final = "role:reader and project_id:%(project_id)s"

NETWORK_OWNER_MANAGER: Final = "role:manager and rule:network_owner"
NETWORK_OWNER_MEMBER: Final = "role:member and rule:network_owner"
NETWORK_OWNER_READER: Final = "role:reader and rule:network_owner"

MANAGER: Final = any_of(ADMIN, OWNER_MANAGER)
MEMBER: Final = any_of(ADMIN, OWNER_MEMBER)
READER: Final = any_of(ADMIN, OWNER_READER)

PARENT_MANAGER: Final = any_of(ADMIN, "role:manager and rule:ext_parent_owner")
PARENT_MEMBER: Final = any_of(ADMIN, "role:member and rule:ext_parent_owner")
PARENT_READER: Final = any_of(ADMIN, "role:reader and rule:ext_parent_owner")

GROUP_MEMBER: Final = any_of(ADMIN, "role:member and rule:sg_owner")
GROUP_READER: Final = any_of(ADMIN, "role:reader and rule:sg_owner")
