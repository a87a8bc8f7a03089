"""Default rules: trunks and their subports."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MEMBER, READER

RULES: Final[Mapping[str, str]] = {
    "create_trunk": MEMBER,
    "create_trunk:tags": MEMBER,
    "get_trunk": READER,
    "get_trunk:tags": READER,
    "update_trunk": MEMBER,
    "update_trunk:tags": MEMBER,
    "delete_trunk": MEMBER,
    "delete_trunk:tags": MEMBER,
    "get_subports": READER,
    "add_subports": MEMBER,
    "remove_subports": MEMBER,
}
