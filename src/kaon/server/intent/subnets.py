"""Subnets and the DHCP role, from rows: entries of `network:<id>` and `host:<h>`."""

from collections.abc import Iterable, Mapping
from typing import Any

from kaon.wire.subnets import HostRoute, ServedNetwork, Subnet


def subnet(row: Mapping[str, Any], dns_nameservers: Iterable[Mapping[str, Any]], routes: Iterable[Mapping[str, Any]]) -> Subnet:
    """Tell of a subnet; `row` has `address_scope_id`, too. The others, in any order: its `dns_nameservers`, `subnet_routes`."""
    return Subnet(
        id=row["id"],
        ip_version=row["ip_version"],
        cidr=row["cidr"],
        gateway_ip=row["gateway_ip"],
        enable_dhcp=row["enable_dhcp"],
        dns_nameservers=tuple(server["address"] for server in sorted(dns_nameservers, key=lambda server: server["position"])),
        host_routes=host_routes(routes),
        ipv6_ra_mode=row["ipv6_ra_mode"],
        ipv6_address_mode=row["ipv6_address_mode"],
        address_scope_id=row["address_scope_id"],
    )


def host_routes(rows: Iterable[Mapping[str, Any]]) -> tuple[HostRoute, ...]:
    """Tell of routes (`destination`, `nexthop`), sorted, so that the order of rows means nothing."""
    routes = (HostRoute(destination=row["destination"], nexthop=row["nexthop"]) for row in rows)
    return tuple(sorted(routes, key=lambda route: (route.destination, route.nexthop)))


def served_network(row: Mapping[str, Any]) -> ServedNetwork:
    """Tell a host that it serves a network; `row` is one of `served_networks`."""
    return ServedNetwork(network_id=row["network_id"], port_id=row["port_id"])
