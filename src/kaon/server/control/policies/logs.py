"""Default rules: logs of what security groups and others decide."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MANAGER

RULES: Final[Mapping[str, str]] = {
    "get_loggable_resource": MANAGER,
    "create_log": MANAGER,
    "get_log": MANAGER,
    "update_log": MANAGER,
    "delete_log": MANAGER,
}
