"""Default rules: local IPs and their ports."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import MEMBER, PARENT_MEMBER, PARENT_READER, READER

RULES: Final[Mapping[str, str]] = {
    "create_local_ip": MEMBER,
    "get_local_ip": READER,
    "update_local_ip": MEMBER,
    "delete_local_ip": MEMBER,
    "create_local_ip_port_association": PARENT_MEMBER,
    "get_local_ip_port_association": PARENT_READER,
    "delete_local_ip_port_association": PARENT_MEMBER,
}
