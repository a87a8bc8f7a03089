"""Default rules: private VLANs: who on a network may speak with whom."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MEMBER, READER

RULES: Final[Mapping[str, str]] = {
    "create_port:pvlan_type": MEMBER,
    "create_port:pvlan_community": MEMBER,
    "update_port:pvlan_type": MEMBER,
    "update_port:pvlan_community": MEMBER,
    "get_port:pvlan_type": READER,
    "get_port:pvlan_community": READER,
    "create_network:pvlan": MEMBER,
    "update_network:pvlan": MEMBER,
    "get_network:pvlan": READER,
}
