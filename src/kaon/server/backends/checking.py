"""Refusals that follow from declared capabilities alone; every back end uses them."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from kaon.lib.addresses import IPV6
from kaon.model.errors import InvalidInput
from kaon.server.backends.protocol import Capabilities


def network(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse a network type that is not declared. Errors: InvalidInput."""
    wanted = row["provider:network_type"]
    if wanted not in capabilities.network_types:
        raise _cannot(name, f"make networks with provider:network_type {wanted}", capabilities.network_types)


def subnet(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse an IP version, an IPv6 mode or a size that is not declared. Errors: InvalidInput."""
    version = row["ip_version"]
    if version not in capabilities.ip_versions:
        raise _cannot(name, f"make subnets with ip_version {version}", map(str, sorted(capabilities.ip_versions)))
    if version == IPV6:
        modes = {"ipv6_ra_mode": capabilities.ipv6_ra_modes, "ipv6_address_mode": capabilities.ipv6_address_modes}
        for key, known in modes.items():
            if row[key] is not None and row[key] not in known:
                raise _cannot(name, f"serve {key} {row[key]}", known)
    shortest = capabilities.dhcp_shortest_prefix[version]
    if row["enable_dhcp"] and ip_network(row["cidr"]).prefixlen < shortest:
        raise _cannot(name, f"serve enable_dhcp in {row['cidr']}", (f"prefixes of length {shortest} and more",))


def port(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse filtering that is not declared. Errors: InvalidInput."""
    if row["security_groups"] and not capabilities.security_groups:
        raise _cannot(name, "filter by security_groups", ())


def router(name: str, capabilities: Capabilities) -> None:
    """Refuse routers where none are declared. Errors: InvalidInput."""
    if not capabilities.routers:
        raise _cannot(name, "make routers", ())


def router_port(name: str, capabilities: Capabilities, subnets: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a leg where routers, or the IP version, are not declared. Errors: InvalidInput."""
    router(name, capabilities)
    for row in subnets:
        if ip_network(row["cidr"]).version not in capabilities.ip_versions:
            versions = (f"IP version {version}" for version in capabilities.ip_versions)
            raise _cannot(name, f"route cidr {row['cidr']}", versions)


def floatingip(name: str, capabilities: Capabilities, row: Mapping[str, Any]) -> None:
    """Refuse addresses of an IP version that is not translated, or of two. Errors: InvalidInput."""
    for key in ("floating_ip_address", "fixed_ip_address"):
        address = row[key]
        if address is not None and ip_address(address).version not in capabilities.floatingip_versions:
            known = sorted(capabilities.floatingip_versions)
            raise _cannot(name, f"translate {key} {address}", (f"addresses of IP version {version}" for version in known))


def _cannot(name: str, what: str, instead: Iterable[str]) -> InvalidInput:
    listed = ", ".join(sorted(instead))
    return InvalidInput(error_message=f"back end {name} cannot {what}" + (f", only: {listed}" if listed else ""))
