"""Refusals that follow from declared capabilities alone; every back end uses them."""

from collections.abc import Mapping
from typing import Any

from kaon.lib.addresses import IPV6
from kaon.model.errors import InvalidInput
from kaon.server.backends.protocol import Capabilities


def network(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse a network type that is not declared. Errors: InvalidInput."""
    wanted = row["provider:network_type"]
    if wanted not in capabilities.network_types:
        raise _cannot(name, f"networks of type {wanted}", capabilities.network_types)


def subnet(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse an IP version or IPv6 mode that is not declared. Errors: InvalidInput."""
    if row["ip_version"] not in capabilities.ip_versions:
        raise _cannot(name, f"IP version {row['ip_version']}", map(str, sorted(capabilities.ip_versions)))
    if row["ip_version"] == IPV6:
        for key in ("ipv6_ra_mode", "ipv6_address_mode"):
            if row[key] is not None and row[key] not in capabilities.ipv6_modes:
                raise _cannot(name, f"{key} {row[key]}", capabilities.ipv6_modes)


def port(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse a kind of interface that is not declared. Errors: InvalidInput."""
    if row["binding:vnic_type"] not in capabilities.vnic_types:
        raise _cannot(name, f"ports with binding:vnic_type {row['binding:vnic_type']}", capabilities.vnic_types)


def _cannot(name: str, what: str, instead: Any) -> InvalidInput:
    return InvalidInput(error_message=f"back end {name} cannot make {what}, only: {', '.join(sorted(instead))}")
