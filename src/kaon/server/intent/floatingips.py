"""Floating IPs, from rows: entries of `router:<id>`."""

from collections.abc import Mapping
from typing import Any

from kaon.wire.floatingips import FloatingIp


def floatingip(row: Mapping[str, Any]) -> FloatingIp:
    """Tell of an address to translate; `row` is one of `floatingips` that stands for a fixed address."""
    return FloatingIp(
        id=row["id"],
        revision=row["revision_number"],
        floating_network_id=row["floating_network_id"],
        floating_ip_address=row["floating_ip_address"],
        fixed_ip_address=row["fixed_ip_address"],
        port_id=row["fixed_port_id"],
    )
