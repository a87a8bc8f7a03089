"""Default rules: quotas."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN, MANAGER

RULES: Final[Mapping[str, str]] = {
    "get_quota": MANAGER,
    "update_quota": ADMIN,
    "delete_quota": ADMIN,
}
