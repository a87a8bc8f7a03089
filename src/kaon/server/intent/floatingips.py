"""Floating IPs, from rows: entries of `router:<id>`."""

from collections.abc import Iterable, Mapping
from typing import Any

from kaon.server.intent.qos_rules import qos_rules
from kaon.wire.floatingips import FloatingIp


def floatingip(row: Mapping[str, Any], rules: Iterable[Mapping[str, Any]] = ()) -> FloatingIp:
    """Tell of an address to translate; `row` is one of `floatingips` that lead to a port, `rules` its policy's `qos_rules`."""
    return FloatingIp(
        id=row["id"],
        revision=row["revision_number"],
        floating_network_id=row["floating_network_id"],
        floating_ip_address=row["floating_ip_address"],
        fixed_ip_address=row["fixed_ip_address"],
        port_id=row["fixed_port_id"],
        qos=qos_rules(rules),
    )
