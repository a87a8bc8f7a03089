"""Subnets of the networks that this host serves -> their DHCP servers. Pure.

Which subnet gets what (RFC 2131, RFC 8415; modes as in Neutron's API):

    IPv4, enable_dhcp                                    addresses and options
    IPv6, address mode dhcpv6-stateful, or no mode       addresses and options
    IPv6, address mode dhcpv6-stateless                  options only
    IPv6, address mode slaac, or only an RA mode         nothing here: router advertisements are the router's
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from kaon.host.compile.view import NetworkView, View
from kaon.host.state.dhcp import DhcpHost, DhcpOption, DhcpRange, DhcpServer, DhcpState
from kaon.host.state.names import dhcp_namespace
from kaon.host.state.trouble import Waiting
from kaon.wire.ports import NetworkPort
from kaon.wire.subnets import Subnet


@dataclass(frozen=True, slots=True)
class DhcpSettings:
    """What operators decide about DHCP.

    lease_s     how long a lease lasts (`dhcp_lease_duration`)
    dns_domain  of clients on networks without a domain of their own (`dns_domain`)
    """

    lease_s: int = 86400
    dns_domain: str = "openstacklocal"


@dataclass(frozen=True, slots=True)
class CompiledDhcp:
    """The DHCP slice, and what it stands for.

    leases   port id -> (network id, MAC addresses and fixed addresses that must be loaded): what `lease` reports mean
    waiting  networks that are to be served and cannot be yet
    """

    state: DhcpState
    leases: dict[str, "Reservation"]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a network's server must have loaded before a port's lease counts as there.

    revision  the port's revision_number
    """

    network_id: str
    revision: int
    hosts: tuple[DhcpHost, ...]


def compile_dhcp(view: View, settings: DhcpSettings) -> CompiledDhcp:
    """Make the DHCP slice of a host: IPv4 and IPv6 of a network are served by one server."""
    servers: dict[str, DhcpServer] = {}
    leases: dict[str, Reservation] = {}
    waiting: list[Waiting] = []
    for network_id, served in sorted(view.served_networks().items()):
        owner = f"dhcp/{network_id}"
        network = view.network(network_id)
        if network is None:
            waiting.append(Waiting(owner, f"the scope of network {network_id} is not held"))
            continue
        leg = network.ports.get(served.port_id)
        if leg is None:
            waiting.append(Waiting(owner, f"the DHCP port {served.port_id} is not on the network"))
            continue
        subnets = _served_subnets(network, leg)
        if not subnets or not network.network.admin_state_up:
            continue
        reservations = _reservations(network, subnets)
        leases.update(reservations)
        servers[network_id] = DhcpServer(
            network_id=network_id,
            namespace=dhcp_namespace(network_id),
            ranges=tuple(sorted(_range(subnet, settings.lease_s) for subnet in subnets)),
            hosts=tuple(sorted({host for reservation in reservations.values() for host in reservation.hosts})),
            options=(
                *_options(network, subnets, network.network.dns_domain.rstrip(".") or settings.dns_domain),
                *_options_of_ports(network, reservations.keys()),
            ),
            owner=owner,
        )
    return CompiledDhcp(DhcpState(servers), leases, tuple(waiting))


_NO_NAME = re.compile(r"\d+[wdhms]?|infinite|ignore")


def serves_addresses(subnet: Subnet) -> bool:
    """Tell whether DHCP hands out addresses of the subnet."""
    if not subnet.enable_dhcp:
        return False
    modes = (subnet.ipv6_ra_mode, subnet.ipv6_address_mode)
    return subnet.ip_version == 4 or subnet.ipv6_address_mode == "dhcpv6-stateful" or modes == (None, None)  # noqa: PLR2004 - IPv4


def serves_options(subnet: Subnet) -> bool:
    """Tell whether DHCP answers clients of the subnet at all."""
    return serves_addresses(subnet) or (subnet.enable_dhcp and subnet.ipv6_address_mode == "dhcpv6-stateless")


def _served_subnets(network: NetworkView, leg: NetworkPort) -> list[Subnet]:
    """List what is served: only where the leg has an address, since elsewhere a range would be silent."""
    own = {fixed.subnet_id for fixed in leg.fixed_ips}
    return [subnet for _, subnet in sorted(network.subnets.items()) if subnet.id in own and serves_options(subnet)]


def _tag(subnet: Subnet) -> str:
    return f"subnet-{subnet.id}"


def _range(subnet: Subnet, lease_s: int) -> DhcpRange:
    prefix = ip_network(subnet.cidr)
    mask = str(prefix.netmask) if isinstance(prefix, IPv4Network) else str(prefix.prefixlen)
    return DhcpRange(_tag(subnet), str(prefix.network_address), mask, lease_s)


def _reservations(network: NetworkView, subnets: list[Subnet]) -> dict[str, Reservation]:
    """One reservation for each IPv4 address, one for all IPv6 addresses of a port.

    dnsmasq takes one IPv4 address a line, and of several lines the one that fits the subnet; IPv6 addresses of a line
    are all given. Ports of ours (`network:...`) are configured by the host itself, not by DHCP.
    """
    with_addresses = {subnet.id for subnet in subnets if serves_addresses(subnet)}
    served = {subnet.id for subnet in subnets}
    reservations = {}
    for port in network.ports.values():
        fixed_ips = [fixed for fixed in port.fixed_ips if fixed.subnet_id in served]
        if not fixed_ips or port.device_owner.startswith("network:"):
            continue
        tag = _port_tag(port) if port.dhcp_options else ""
        given = [fixed.ip_address for fixed in fixed_ips if fixed.subnet_id in with_addresses]
        hosts = [
            DhcpHost(port.mac_address, (address,), _hostname(port, address), tag) for address in given if ":" not in address
        ]
        if v6 := tuple(sorted(address for address in given if ":" in address)):
            hosts.append(DhcpHost(port.mac_address, v6, _hostname(port, given[0]), tag))
        if not hosts:
            hosts.append(DhcpHost(port.mac_address, (), _hostname(port, fixed_ips[0].ip_address), tag))
        reservations[port.id] = Reservation(network.network.id, port.revision, tuple(hosts))
    return reservations


def _hostname(port: NetworkPort, address: str) -> str:
    """Call a client as its port is called. What dnsmasq would take for a lease time or a word of its own is no name to it."""
    label = port.dns_name.partition(".")[0]
    if label and not _NO_NAME.fullmatch(label):
        return label
    return "host-" + address.replace(".", "-").replace(":", "-").strip("-")


def _port_tag(port: NetworkPort) -> str:
    return f"port-{port.id}"


def _options_of_ports(network: NetworkView, port_ids: Iterable[str]) -> list[DhcpOption]:
    """List the options of single ports. A number of DHCPv4 has no prefix in dnsmasq's words, one of DHCPv6 has."""
    options = []
    for port in map(network.ports.__getitem__, port_ids):
        for option in port.dhcp_options:
            family = "option6:" if option.version == 6 else "" if option.name.isdecimal() else "option:"  # noqa: PLR2004 - IPv6
            options.append(DhcpOption(_port_tag(port), f"{family}{option.name}", option.value))
    return sorted(options)


def _options(network: NetworkView, subnets: list[Subnet], domain: str) -> tuple[DhcpOption, ...]:
    options = [DhcpOption("", "option:mtu", str(network.network.mtu)), DhcpOption("", "option:domain-name", domain)]
    on_link = [subnet.cidr for subnet in network.subnets.values() if subnet.ip_version == 4]  # noqa: PLR2004 - IPv4
    for subnet in subnets:
        tag = _tag(subnet)
        if subnet.ip_version == 4:  # noqa: PLR2004 - IPv4
            options += _options_v4(subnet, tag, sorted(cidr for cidr in on_link if cidr != subnet.cidr))
        else:
            servers = ",".join(f"[{server}]" for server in subnet.dns_nameservers)
            options += [DhcpOption(tag, "option6:dns-server", servers), DhcpOption(tag, "option6:domain-search", domain)]
    return tuple(sorted(options))


def _options_v4(subnet: Subnet, tag: str, neighbours: list[str]) -> list[DhcpOption]:
    """Clients that read classless routes ignore the router option (RFC 3442), so the default route stands in both.

    An option without a value keeps dnsmasq from sending itself as router or name server. 249 is what Windows asks for
    in place of 121.
    """
    options = [
        DhcpOption(tag, "option:router", subnet.gateway_ip or ""),
        DhcpOption(tag, "option:dns-server", ",".join(subnet.dns_nameservers)),
    ]
    routes = [(route.destination, route.nexthop) for route in subnet.host_routes]
    routes += [(cidr, "0.0.0.0") for cidr in neighbours]  # noqa: S104 - "on this link" in the words of RFC 3442
    if routes:
        if subnet.gateway_ip and "0.0.0.0/0" not in (destination for destination, _ in routes):
            routes.append(("0.0.0.0/0", subnet.gateway_ip))
        value = ",".join(word for route in routes for word in route)
        options += [DhcpOption(tag, "option:classless-static-route", value), DhcpOption(tag, "249", value)]
    return options
