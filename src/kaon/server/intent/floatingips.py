"""Floating IPs, from rows: entries of `router:<id>`."""

from collections.abc import Iterable, Mapping
from typing import Any

from kaon.server.intent.qos_rules import qos_rules
from kaon.wire.floatingips import FloatingIp, Forward


def floatingip(
    row: Mapping[str, Any], rules: Iterable[Mapping[str, Any]] = (), forwards: Iterable[Mapping[str, Any]] = ()
) -> FloatingIp:
    """Tell of an address to translate.

    row       one of `floatingips` that lead to a port or forward some
    rules     its policy's `qos_rules`
    forwards  its `port_forwardings`
    """
    ways = sorted(forwards, key=lambda one: (one["protocol"], one["external_first"]))
    return FloatingIp(
        id=row["id"],
        revision=row["revision_number"],
        floating_network_id=row["floating_network_id"],
        floating_ip_address=row["floating_ip_address"],
        fixed_ip_address=row["fixed_ip_address"] or "",
        port_id=row["fixed_port_id"] or "",
        qos=qos_rules(rules),
        forwards=tuple(map(_forward, ways)),
    )


def _forward(row: Mapping[str, Any]) -> Forward:
    return Forward(
        protocol=row["protocol"],
        external_first=row["external_first"],
        external_last=row["external_last"],
        internal_ip_address=row["internal_ip_address"],
        internal_first=row["internal_first"],
        internal_last=row["internal_last"],
    )
