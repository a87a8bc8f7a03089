"""Default rules: NDP proxies."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MEMBER, READER

RULES: Final[Mapping[str, str]] = {
    "create_ndp_proxy": MEMBER,
    "get_ndp_proxy": READER,
    "update_ndp_proxy": MEMBER,
    "delete_ndp_proxy": MEMBER,
}
