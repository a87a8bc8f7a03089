"""Checks of addresses and what is made of them: MACs, IPs, prefixes, pools, routes, address pairs. IPv4 and IPv6 alike."""

import ipaddress
import re
from typing import Any, Final

from kaon.model.checks import (
    Unfit,
    distinct,
    keeps,
    list_of,
    members,
    nullable,
    object_of,
    optional,
    schema_of,
    shown,
    text,
    uuid,
)
from kaon.model.errors import AllowedAddressPairsMissingIP, DuplicateAddressPairInRequest, InvalidCIDR, InvalidInput

_HEX12: Final = re.compile(r"[0-9a-f]{12}")
_SEPARATED: Final = re.compile(
    r"([0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}|([0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{6}-[0-9a-f]{6}|[0-9a-f]{12}"
)


def normal_mac(value: str) -> str | None:
    """The address as six pairs of small digits joined by colons, whatever the notation; None when it is no MAC address."""
    word = value.strip().lower()
    if not _SEPARATED.fullmatch(word):
        return None
    parts = re.split("[:-]", word)
    digits = "".join(part.zfill(2) for part in parts) if len(parts) == 6 else re.sub("[.-]", "", word)  # noqa: PLR2004  # octets
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if _HEX12.fullmatch(digits) else None


@keeps({"type": "string", "pattern": "^([0-9a-f]{2}:){5}[0-9a-f]{2}$"})
def mac(value: Any) -> str:
    """A unicast or multicast MAC address, normalised; all zeros is none, and neither is the broadcast address."""
    found = normal_mac(value) if isinstance(value, str) else None
    if found is None or found in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
        raise Unfit(f"{shown(value)} is not a valid MAC address")
    return found


_ADDRESS: Final = {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
_PREFIX: Final = {"type": "string", "pattern": "^[0-9a-f.:]+/[0-9]+$"}


@keeps(_ADDRESS)
def ip(value: Any) -> str:
    """An IP address in its shortest form."""
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError  # noqa: TRY301  # one place says no
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise Unfit(f"{shown(value)} is not a valid IP address") from None


@keeps(_PREFIX)
def cidr(value: Any) -> str:
    """A network in its shortest form, without bits to the right of the prefix; the prefix length must be given."""
    try:
        if not isinstance(value, str) or "/" not in value:
            raise ValueError  # noqa: TRY301  # one place says no
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise Unfit(f"{shown(value)} is not a valid IP subnet") from None


@keeps(_PREFIX)
def subnet_cidr(value: Any) -> str:
    """A subnet's prefix, as `cidr`; an address alone is its own /32 or /128. Raises InvalidInput."""
    try:
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004, TRY301  # one place says no
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise InvalidInput(error_message=f"{shown(value)} is not in CIDR form") from None


@keeps(_PREFIX)
def destination(value: Any) -> str:
    """Where a route leads: a network in its shortest form, sent without bits to the right of the prefix."""
    try:
        if not isinstance(value, str) or "/" not in value:
            raise ValueError  # noqa: TRY301  # one place says no
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise Unfit(f"{shown(value)} is not a valid CIDR") from None


@keeps(nullable(_PREFIX))
def ip_prefix(value: Any) -> str | None:
    """What a security group rule lets through: an address becomes its own /32 or /128, bits to the right stay as sent.

    Null stays null, and the empty string means it. Raises InvalidCIDR.
    """
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004, TRY301  # one place says no
        return str(ipaddress.ip_interface(value))
    except ValueError:
        raise InvalidCIDR(input=shown(value)) from None


@keeps({"type": "string"})
def ip_or_cidr(value: Any) -> str:
    """An address, or a network, in its shortest form."""
    return cidr(value) if isinstance(value, str) and "/" in value else ip(value)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit(f"{shown(value)} is not a list")
    return value


@keeps(list_of(object_of(("start", "end"), start=_ADDRESS, end=_ADDRESS)))
def pools(value: Any) -> list[dict[str, str]]:
    """Allocation pools: `[{"start": address, "end": address}]`, with no other keys. Raises InvalidInput, too."""
    if not isinstance(value, list) or not all(isinstance(pool, dict) for pool in value):
        raise InvalidInput(error_message="allocation pools are a list of dictionaries")
    kept = []
    for pool in value:
        given = members(pool, ("start", "end"), ("start", "end"))
        kept.append({"start": ip(given["start"]), "end": ip(given["end"])})
    return kept


@keeps(list_of(_ADDRESS))
def nameservers(value: Any) -> list[str]:
    """Different addresses of DNS servers."""
    kept = [ip(address) for address in _listed(value)]
    distinct(kept, "nameserver")
    return kept


@keeps(list_of(object_of(("destination", "nexthop"), destination=_PREFIX, nexthop=_ADDRESS)))
def routes(value: Any) -> list[dict[str, str]]:
    """Different routes: `[{"destination": network, "nexthop": address}]`."""
    kept = []
    for route in _listed(value):
        given = members(route, ("destination", "nexthop"), ("destination", "nexthop"))
        kept.append({"destination": destination(given["destination"]), "nexthop": ip(given["nexthop"])})
    distinct(kept, "hostroute")
    return kept


@keeps(list_of(object_of(ip_address=_ADDRESS, subnet_id=schema_of(uuid))))
def fixed_ips(value: Any) -> list[dict[str, str]]:
    """Addresses asked for: each names an address, a subnet, or both; no address twice."""
    kept = []
    for wanted in _listed(value):
        given = members(wanted, (), ("ip_address", "subnet_id"))
        fixed = {}
        if "subnet_id" in given:
            fixed["subnet_id"] = uuid(given["subnet_id"])
        if "ip_address" in given:
            fixed["ip_address"] = ip(given["ip_address"])
        if not fixed:
            raise InvalidInput(error_message="a fixed IP needs an ip_address or a subnet_id")
        kept.append(fixed)
    distinct([fixed["ip_address"] for fixed in kept if "ip_address" in fixed], "ip_address")
    return kept


_MULTICAST: Final = {4: ipaddress.ip_network("224.0.0.0/4"), 6: ipaddress.ip_network("ff00::/8")}


def _sender(value: str) -> str:
    """What a port may send as: an address or a network without multicast addresses, or everything."""
    network = ipaddress.ip_network(value)
    if network.prefixlen and network.overlaps(_MULTICAST[network.version]):
        raise Unfit(f"{shown(value)} is, or holds, a multicast address: nobody sends as that")
    return value


def _sender_mac(value: str) -> str:
    if int(value[:2], 16) & 1:
        raise Unfit(f"{shown(value)} is a multicast MAC address: nobody sends as that")
    return value


@keeps(list_of(object_of(("ip_address",), ip_address={"type": "string"}, mac_address=schema_of(mac))))
def address_pairs(value: Any) -> list[dict[str, str]]:
    """What else a port may send as: `ip_address` (or a network) and perhaps `mac_address` (else the port's own)."""
    kept: list[dict[str, str]] = []
    for pair in _listed(value):
        given = members(pair, (), ("ip_address", "mac_address"))
        if given.get("ip_address") is None:
            raise AllowedAddressPairsMissingIP
        allowed = {"ip_address": _sender(ip_or_cidr(given["ip_address"]))}
        if given.get("mac_address") is not None:
            allowed["mac_address"] = _sender_mac(mac(given["mac_address"]))
        if allowed in kept:
            raise DuplicateAddressPairInRequest(mac_address=allowed.get("mac_address"), ip_address=allowed["ip_address"])
        kept.append(allowed)
    return kept


host = optional(text(255))
"""A host's name; null and the empty string both mean none."""
