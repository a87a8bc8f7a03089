"""Default rules: metering labels and their rules."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MANAGER, READER

RULES: Final[Mapping[str, str]] = {
    "create_metering_label": MANAGER,
    "get_metering_label": READER,
    "delete_metering_label": MANAGER,
    "create_metering_label_rule": MANAGER,
    "get_metering_label_rule": READER,
    "delete_metering_label_rule": MANAGER,
}
