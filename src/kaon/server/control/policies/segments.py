"""Default rules: segments of networks, and the ranges that they are taken from."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN

RULES: Final[Mapping[str, str]] = {
    "create_segment": ADMIN,
    "create_segments_tags": ADMIN,
    "get_segment": ADMIN,
    "get_segments_tags": ADMIN,
    "update_segment": ADMIN,
    "update_segments_tags": ADMIN,
    "delete_segment": ADMIN,
    "delete_segments_tags": ADMIN,
    "create_network_segment_range": ADMIN,
    "create_network_segment_range:tags": ADMIN,
    "get_network_segment_range": ADMIN,
    "get_network_segment_range:tags": ADMIN,
    "update_network_segment_range": ADMIN,
    "update_network_segment_range:tags": ADMIN,
    "delete_network_segment_range": ADMIN,
    "delete_network_segment_range:tags": ADMIN,
}
