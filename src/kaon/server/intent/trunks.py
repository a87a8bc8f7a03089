"""Trunks, from rows, as the host of their parent is told of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from kaon.wire.trunks import SubPort, Trunk


def trunk(row: Mapping[str, Any], sub_ports: Iterable[Mapping[str, Any]]) -> Trunk:
    """Tell of a trunk. sub_ports: its `trunk_subports` with the `network_id` of their ports, in any order."""
    carried = (
        SubPort(
            port_id=one["port_id"],
            network_id=one["network_id"],
            segmentation_type=one["segmentation_type"],
            segmentation_id=one["segmentation_id"],
        )
        for one in sub_ports
    )
    return Trunk(
        id=row["id"],
        revision=row["revision_number"],
        port_id=row["port_id"],
        admin_state_up=row["admin_state_up"],
        sub_ports=tuple(sorted(carried, key=lambda one: (one.segmentation_type, one.segmentation_id))),
    )
