"""Networks and their tunnel endpoints, from rows: entries of `network:<id>`."""

from collections.abc import Iterable, Mapping
from typing import Any

from kaon.wire.networks import Endpoint, Network, Segment


def network(row: Mapping[str, Any], several: Iterable[Mapping[str, Any]] = ()) -> Network:
    """Tell of a network; `row` is one of `networks`, `several` its `network_segments` in order, where it has more than one.

    A tunnel has no physical network: empty in the row, None on the wire.
    """
    return Network(
        id=row["id"],
        network_type=row["network_type"],
        mtu=row["mtu"],
        segmentation_id=row["segmentation_id"] or None,  # flat networks have 0 in the row, for its unique key
        physical_network=row["physical_network"] or None,
        external=row["external"],
        admin_state_up=row["admin_state_up"],
        segments=tuple(map(_segment, several)),
    )


def _segment(row: Mapping[str, Any]) -> Segment:
    return Segment(
        network_type=row["network_type"],
        segmentation_id=row["segmentation_id"] or None,
        physical_network=row["physical_network"] or None,
    )


def endpoint(row: Mapping[str, Any]) -> Endpoint:
    """Tell of a host with ports of the network; `row` has `host` and `tunnel_ip` (None when it was never heard of)."""
    return Endpoint(host=row["host"], tunnel_ip=row["tunnel_ip"])
