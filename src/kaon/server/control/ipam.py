"""Addresses: what a subnet may hand out, and which addresses a port gets."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from typing import Any

from kaon.lib.addresses import IPV4, IPV6, Ip, Prefix, eui64, first_and_last_usable, from_hex, to_hex
from kaon.model.errors import (
    AllocationOnAutoAddressSubnet,
    ExternalIpAddressExhausted,
    GatewayConflictWithAllocationPools,
    InvalidAllocationPool,
    InvalidInput,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
    OutOfBoundsAllocationPool,
    OverlappingAllocationPools,
    SubnetNotFound,
)
from kaon.model.errors.subnets import IpAddressGenerationFailureNoMatchingSubnet
from kaon.server.store import ports
from kaon.server.store.addresses import free_in, give_back
from kaon.server.store.engine import Transaction
from kaon.server.store.subnets import contains, is_auto, service_types
from kaon.server.store.subnets import show as show_subnet

FixedIp = dict[str, str]
Subnet = Mapping[Any, Any]
Pool = dict[str, str]

ROUTER_LEGS = ("network:router_interface", "network:router_gateway")
"""Owners of ports that take the address they are told, even where hosts form their own."""

FLOATING = "network:floatingip"
"""Owner of the port behind a floating IP."""

DHCP = "network:dhcp"
"""Owner of a DHCP server's port."""


# ---- what a subnet may hand out


def default_gateway(prefix: Prefix) -> str:
    """Give the address that a subnet's gateway has when nobody says.

    IPv4: the first usable one. IPv6: the first of all, the anycast address of the subnet's routers (RFC 4291, 2.6.1).
    """
    return str(prefix[0] if prefix.version == IPV6 else first_and_last_usable(prefix)[0])


def default_pools(prefix: Prefix, gateway: str | None) -> list[Pool]:
    """Give every usable address but the gateway, as one pool or two."""
    first, last = map(int, first_and_last_usable(prefix))
    at = int(ip_address(gateway)) if gateway is not None and ip_address(gateway) in prefix else None
    cuts = [(first, last)] if at is None or not first <= at <= last else [(first, at - 1), (at + 1, last)]
    kind = type(prefix[0])
    return [{"start": str(kind(start)), "end": str(kind(end))} for start, end in cuts if start <= end]


def checked_pools(prefix: Prefix, pools: Iterable[Pool]) -> list[Pool]:
    """Give pools in order, as canonical text.

    Errors  InvalidAllocationPool, OutOfBoundsAllocationPool, OverlappingAllocationPools.
    """
    lowest, highest = first_and_last_usable(prefix)
    found: list[tuple[Ip, Ip]] = []
    for pool in pools:
        start, end = ip_address(pool["start"]), ip_address(pool["end"])
        shown = f"{start}-{end}"
        if start.version != end.version or int(start) > int(end):
            raise InvalidAllocationPool(pool=shown)
        if start.version != prefix.version or int(start) < int(lowest) or int(end) > int(highest):
            raise OutOfBoundsAllocationPool(pool=shown, subnet_cidr=prefix)
        found.append((start, end))
    found.sort(key=lambda pair: int(pair[0]))
    for (start, end), (after, last) in pairwise(found):
        if int(after) <= int(end):
            raise OverlappingAllocationPools(pool_1=f"{start}-{end}", pool_2=f"{after}-{last}", subnet_cidr=prefix)
    return [{"start": str(start), "end": str(end)} for start, end in found]


def check_gateway_outside_pools(gateway: str | None, pools: Iterable[Pool]) -> None:
    """Refuse a gateway that could be handed out. Errors: GatewayConflictWithAllocationPools."""
    for pool in pools:
        if gateway is not None and to_hex(pool["start"]) <= to_hex(gateway) <= to_hex(pool["end"]):
            raise GatewayConflictWithAllocationPools(ip_address=gateway, pool=f"{pool['start']}-{pool['end']}")


# ---- which addresses a port gets


def allocate(
    tx: Transaction,
    network: Mapping[str, Any],
    subnets: Sequence[Subnet],
    port: Mapping[str, Any],
    wanted: Sequence[FixedIp] | None,
) -> list[FixedIp]:
    """Take addresses for a new port.

    network  has its `id`
    subnets  of the network, oldest first, maybe with `next_free`, or with a `supply` of addresses
    port     `mac_address` and `device_owner`
    wanted   None: one address of each family, where there are subnets of it; otherwise exactly these
    Errors   as `take`, `meant_for`, IpAddressGenerationFailure, ExternalIpAddressExhausted
    """
    subnets = meant_for(network, subnets, port)
    if wanted is not None:
        asked = [take(tx, network, subnets, port, fixed_ip) for fixed_ip in _explicit_first(wanted)]
        return asked + formed(subnets, port, asked) if asked else []
    given = []
    for version in (IPV4, IPV6):
        eligible = [subnet for subnet in subnets if subnet["ip_version"] == version and not is_auto(subnet)]
        if eligible:
            given.append(_next_free(tx, network, eligible, port))
    return given + formed(subnets, port, given)


def take(
    tx: Transaction, network: Mapping[str, Any], subnets: Sequence[Subnet], port: Mapping[str, Any], wanted: FixedIp
) -> FixedIp:
    """Take one address that is asked for by address, by subnet, or by both.

    Errors  InvalidIpForNetwork, InvalidIpForSubnet, InvalidInput, SubnetNotFound, IpAddressAlreadyAllocated,
            AllocationOnAutoAddressSubnet, IpAddressGenerationFailure.
    """
    address = wanted.get("ip_address")
    subnet = _subnet_for(tx, network, subnets, wanted, port["device_owner"])
    own = is_auto(subnet) and port["device_owner"] not in ROUTER_LEGS
    if address is None:
        if own:
            return _formed(subnet, port)
        return _next_free(tx, network, [subnet], port)
    found = {"subnet_id": subnet["id"], "ip_address": str(ip_address(address))}
    if own and found != _formed(subnet, port):
        raise AllocationOnAutoAddressSubnet(ip=address, subnet_id=subnet["id"])
    free = not is_auto(subnet) and free_in(subnet["id"]).take(tx, to_hex(address))
    if not free and ports.taken(tx, [found]):
        raise IpAddressAlreadyAllocated(ip=address, subnet_id=subnet["id"])
    return found


def meant_for(network: Mapping[str, Any], subnets: Sequence[Subnet], port: Mapping[str, Any]) -> list[Subnet]:
    """List the subnets that a port may have addresses of, by its owner; those that are kept for such owners come first.

    DHCP servers' ports may use any that they serve. Errors: IpAddressGenerationFailureNoMatchingSubnet.
    """
    if not any(map(service_types, subnets)):
        return list(subnets)
    owner = port["device_owner"]
    kept = [subnet for subnet in subnets if owner in service_types(subnet) or (owner == DHCP and subnet["enable_dhcp"])]
    kept += [subnet for subnet in subnets if not service_types(subnet) and subnet not in kept]
    if not kept:
        raise IpAddressGenerationFailureNoMatchingSubnet(network_id=network["id"], service_type=owner)
    return kept


def formed(subnets: Sequence[Subnet], port: Mapping[str, Any], besides: Iterable[FixedIp]) -> list[FixedIp]:
    """Give the addresses that a port forms by itself, in subnets where it has none yet. Legs of routers form none."""
    if port["device_owner"] in ROUTER_LEGS:
        return []
    has = {fixed_ip["subnet_id"] for fixed_ip in besides}
    return [_formed(subnet, port) for subnet in subnets if is_auto(subnet) and subnet["id"] not in has]


def sort_out(
    subnets: Sequence[Subnet], port: Mapping[str, Any], has: Sequence[FixedIp], wanted: Sequence[FixedIp]
) -> tuple[list[FixedIp], list[FixedIp]]:
    """Compare what a port has with what is now wanted: addresses that it keeps, and wishes still to be met.

    A wish for a subnet alone is met by an address that the port has there. Addresses that the port formed by itself stay
    while it has any other.
    """
    left = list(has)
    kept: list[FixedIp] = []
    open_wishes: list[FixedIp] = []
    for wish in _explicit_first(wanted):
        match = next((fixed_ip for fixed_ip in left if _meets(fixed_ip, wish)), None)
        if match is None:
            open_wishes.append(wish)
        else:
            left.remove(match)
            kept.append(match)
    if wanted and port["device_owner"] not in ROUTER_LEGS:
        auto = {subnet["id"] for subnet in subnets if is_auto(subnet)}
        kept += [fixed_ip for fixed_ip in left if fixed_ip["subnet_id"] in auto]
    return kept, open_wishes


def release(tx: Transaction, fixed_ips: Iterable[FixedIp]) -> None:
    """Make addresses of a port free again."""
    for fixed_ip in fixed_ips:
        give_back(tx, fixed_ip["subnet_id"], fixed_ip["ip_address"])


def _explicit_first(wanted: Sequence[FixedIp]) -> list[FixedIp]:
    """Put wishes for an address before wishes for any address, which could take it away from them."""
    return sorted(wanted, key=lambda wish: "ip_address" not in wish)


def _meets(fixed_ip: FixedIp, wish: FixedIp) -> bool:
    if wish.get("subnet_id", fixed_ip["subnet_id"]) != fixed_ip["subnet_id"]:
        return False
    address = wish.get("ip_address")
    return address is None or str(ip_address(address)) == fixed_ip["ip_address"]


def _subnet_for(tx: Transaction, network: Mapping[str, Any], subnets: Sequence[Subnet], wanted: FixedIp, owner: str) -> Subnet:
    address = wanted.get("ip_address")
    subnet_id = wanted.get("subnet_id")
    if not subnets:
        raise InvalidInput(error_message=f"fixed_ips need subnets, and network {network['id']} has none")
    if subnet_id is None:
        for subnet in subnets:
            if address is not None and contains(subnet, address) and _usable(subnet, address, owner):
                return subnet
        raise InvalidIpForNetwork(ip_address=address)
    for subnet in subnets:
        if subnet["id"] == subnet_id:
            if address is not None and not (contains(subnet, address) and _usable(subnet, address, owner)):
                raise InvalidIpForSubnet(ip_address=address, cidr=subnet["cidr"])
            return subnet
    if show_subnet(tx, subnet_id) is None:
        raise SubnetNotFound(subnet_id=subnet_id)
    raise InvalidInput(error_message=f"fixed_ips names subnet {subnet_id}, which is not on network {network['id']}")


def _usable(subnet: Subnet, address: str, owner: str) -> bool:
    prefix = ip_network(subnet["cidr"])
    first, last = first_and_last_usable(prefix)
    if prefix.version == IPV6 and owner in (*ROUTER_LEGS, ""):  # routers may have their anycast address
        first = prefix[0]
    return int(first) <= int(ip_address(address)) <= int(last)


def _formed(subnet: Subnet, port: Mapping[str, Any]) -> FixedIp:
    prefix = ip_network(subnet["cidr"])
    assert isinstance(prefix, IPv6Network)  # noqa: S101  # only IPv6 subnets have the modes; tells mypy
    address: IPv6Address = eui64(prefix, port["mac_address"])
    return {"subnet_id": subnet["id"], "ip_address": str(address)}


def _next_free(tx: Transaction, network: Mapping[str, Any], subnets: Sequence[Subnet], port: Mapping[str, Any]) -> FixedIp:
    for subnet in subnets:
        supply = subnet.get("supply")
        digits = supply.next(tx) if supply else free_in(subnet["id"]).take_next(tx, subnet.get("next_free"))
        if digits is not None:
            return {"subnet_id": subnet["id"], "ip_address": str(from_hex(digits, subnet["ip_version"]))}
    if port["device_owner"] == FLOATING:
        raise ExternalIpAddressExhausted(net_id=network["id"])
    raise IpAddressGenerationFailure(net_id=network["id"])
