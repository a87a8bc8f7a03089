"""Legs of the routers hosted here -> what is advertised on them (RFC 4861, RFC 8106). Pure.

By the `ipv6_ra_mode` of the subnets that a leg has an address of; without one somebody else advertises, or nobody:

    slaac              hosts form addresses in the prefix
    dhcpv6-stateless   likewise, and ask DHCPv6 for options (flag O)
    dhcpv6-stateful    hosts ask DHCPv6 for addresses (flag M)

The prefix is on the link in each of them. Flags are of the leg: one subnet that has it is enough. Hosts of all modes hear of
name servers and the domain.
"""

import re

from kaon.host.compile.routers import GATEWAY
from kaon.host.compile.view import NetworkView, RouterView, View
from kaon.host.state.advertisements import AdvertisedPrefix, AdvertisementState, Advertiser, AdvertisingLeg
from kaon.host.state.names import router_leg, router_namespace
from kaon.wire.ports import NetworkPort, RouterPort
from kaon.wire.subnets import Subnet

STATEFUL, STATELESS = "dhcpv6-stateful", "dhcpv6-stateless"

_DOMAIN = re.compile(r"(?=.{1,253}\Z)[0-9a-z-]{1,63}(\.[0-9a-z-]{1,63})*")
_RESERVED = frozenset(
    {"abro", "clients", "high", "infinity", "interface", "low", "lowpanco", "medium", "off", "on", "prefix", "route"}
)
"""Words of radvd, which it takes for no domain."""


def compile_advertisements(view: View, dns_domain: str) -> AdvertisementState:
    """Say what this host's routers advertise. What is missing is waited for by the links, where it is missing too.

    dns_domain  of networks without a domain of their own
    """
    advertisers = {}
    hosted = {router_id: router for router_id in view.hosted_routers() if (router := view.router(router_id)) is not None}
    for router_id, router in hosted.items():
        legs = tuple(sorted(_legs(view, router, dns_domain), key=lambda leg: leg.device))
        if legs:
            advertisers[router_id] = Advertiser(router_id, router_namespace(router_id), legs, owner=f"router/{router_id}")
    return AdvertisementState(advertisers, frozenset(hosted))


def _legs(view: View, router: RouterView, dns_domain: str) -> list[AdvertisingLeg]:
    legs = []
    for leg in router.legs.values() if router.router.admin_state_up else ():
        network = view.network(leg.network_id)
        if network is None or leg.device_owner == GATEWAY or not _is_up(view, leg, network):
            continue
        port = network.ports.get(leg.port_id)
        subnets = _advertised(port, network) if port is not None else []
        if subnets:
            legs.append(_leg(leg, network, subnets, dns_domain))
    return legs


def _is_up(view: View, leg: RouterPort, network: NetworkView) -> bool:
    bound = view.ports().get(leg.port_id)
    return network.network.admin_state_up and (bound is None or bound.admin_state_up)


def _advertised(port: NetworkPort, network: NetworkView) -> list[Subnet]:
    own = {fixed.subnet_id for fixed in port.fixed_ips}
    return [
        subnet
        for _, subnet in sorted(network.subnets.items())
        if subnet.id in own and subnet.ip_version == 6 and subnet.ipv6_ra_mode is not None  # noqa: PLR2004 - IPv6
    ]


def _leg(leg: RouterPort, network: NetworkView, subnets: list[Subnet], dns_domain: str) -> AdvertisingLeg:
    """Put the subnets of a leg together. A domain that radvd would not take is not told, or nothing would be."""
    domain = (network.network.dns_domain.rstrip(".") or dns_domain).lower()
    takes = _DOMAIN.fullmatch(domain) and not domain.isdigit() and domain not in _RESERVED
    modes = {subnet.ipv6_ra_mode for subnet in subnets}
    servers = (server for subnet in subnets for server in subnet.dns_nameservers if ":" in server)
    return AdvertisingLeg(
        device=router_leg(leg.port_id),
        mtu=network.network.mtu,
        managed=STATEFUL in modes,
        other=STATELESS in modes,
        prefixes=tuple(sorted(AdvertisedPrefix(subnet.cidr, subnet.ipv6_ra_mode != STATEFUL) for subnet in subnets)),
        dns_servers=tuple(dict.fromkeys(servers)),
        domains=(domain,) if takes else (),
    )
