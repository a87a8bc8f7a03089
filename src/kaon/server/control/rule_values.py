"""What a security group rule may say, and when two say the same. Pure.

Protocols  IANA, "Assigned Internet Protocol Numbers"; the names are those that Neutron knows.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from kaon.model import errors

PROTOCOL_NUMBERS: Final[Mapping[str, int]] = {
    "hopopt": 0,
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "udp": 17,
    "dccp": 33,
    "ipv6-encap": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ospf": 89,
    "vrrp": 112,
    "pgm": 113,
    "sctp": 132,
    "udplite": 136,
}
ANY: Final = "any"

_WITH_PORTS = frozenset({6, 17, 33, 132, 136})
_ICMP = frozenset({1, 58})
_IPV6_ONLY = frozenset({41, 43, 44, 58, 59, 60})
_HIGHEST_PROTOCOL = 255
_HIGHEST_PORT = 65535
_HIGHEST_ICMP = 255
_VERSION_OF = {"IPv4": 4, "IPv6": 6}
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give a rule's own values, all present and in one spelling, or refuse them.

    The values are direction, ethertype, protocol, port_range_min, port_range_max, remote_ip_prefix, remote_group_id. ICMP
    under IPv6 is `ipv6-icmp` whatever it was called; a prefix without length is a single address and keeps its host bits.

    Errors  the SecurityGroup... classes of `model.errors`, all 400.
    """
    ethertype = _ethertype(body.get("ethertype"))
    protocol = _protocol(body.get("protocol"))
    if ethertype == "IPv6" and protocol in {"icmp", "icmpv6"}:
        protocol = "ipv6-icmp"
    low, high = _port(body.get("port_range_min")), _port(body.get("port_range_max"))
    number = protocol_number(protocol)
    if ethertype == "IPv4" and number in _IPV6_ONLY:
        raise errors.SecurityGroupEthertypeConflictWithProtocol(protocol=protocol, ethertype=ethertype)
    _check_ports(protocol, number, low, high)
    prefix = body.get("remote_ip_prefix")
    if prefix is not None and body.get("remote_group_id") is not None:
        raise errors.SecurityGroupMultipleRemoteEntites
    return {
        "direction": body["direction"],
        "ethertype": ethertype,
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": None if prefix is None else _prefix(prefix, ethertype),
        "remote_group_id": body.get("remote_group_id"),
    }


def protocol_number(protocol: str | None) -> int | None:
    """Give the number of a protocol by name or number as text; None for any protocol.

    Number 0 would be the hop-by-hop options of IPv6; Neutron reads it as "any", and so do we.
    """
    if protocol is None or protocol == ANY:
        return None
    return PROTOCOL_NUMBERS.get(protocol, int(protocol) if protocol.isdigit() else 0) or None


def normalized_cidr(prefix: str | None) -> str | None:
    """Give the prefix without host bits."""
    return None if prefix is None else str(ipaddress.ip_network(prefix, strict=False))


def fingerprint(values: Mapping[str, Any]) -> str:
    """Sum up all that makes two rules of a group the same, whatever their spelling: 64 hexadecimal digits."""
    cidr = normalized_cidr(values["remote_ip_prefix"])
    parts = (
        values["direction"],
        values["ethertype"],
        protocol_number(values["protocol"]),
        values["port_range_min"],
        values["port_range_max"],
        None if cidr in _EVERYWHERE else cidr,
        values["remote_group_id"],
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=32).hexdigest()


def _ethertype(value: str | None) -> str:
    for known in _VERSION_OF:
        if value is None or value.lower() == known.lower():
            return known
    raise errors.SecurityGroupRuleInvalidEtherType(ethertype=value, values=", ".join(_VERSION_OF))


def _protocol(value: str | int | None) -> str | None:
    if value is None:
        return None
    text = str(value).lower()
    if text == ANY or text in PROTOCOL_NUMBERS or (text.isdecimal() and int(text) <= _HIGHEST_PROTOCOL):
        return text
    raise errors.SecurityGroupRuleInvalidProtocol(protocol=value, values=", ".join([ANY, *PROTOCOL_NUMBERS]))


def _port(value: str | int | None) -> int | None:
    if value is None:
        return None
    try:
        port = int(value)
    except ValueError:
        raise errors.SecurityGroupInvalidPortValue(port=value) from None
    if not 0 <= port <= _HIGHEST_PORT:
        raise errors.SecurityGroupInvalidPortValue(port=value)
    return port


def _check_ports(protocol: str | None, number: int | None, low: int | None, high: int | None) -> None:
    if low is None and high is None:
        return
    if number is None:
        raise errors.SecurityGroupProtocolRequiredWithPorts
    if number in _WITH_PORTS:
        if 0 in {low, high}:
            raise errors.SecurityGroupInvalidPortValue(port=0)
        if low is None or high is None or low > high:
            raise errors.SecurityGroupInvalidPortRange
    elif number in _ICMP:
        for value, attribute, field in ((low, "port_range_min", "type"), (high, "port_range_max", "code")):
            if value is not None and value > _HIGHEST_ICMP:
                raise errors.SecurityGroupInvalidIcmpValue(value=value, attr=attribute, field=field)
        if low is None:
            raise errors.SecurityGroupMissingIcmpType(value=high)
    else:
        names = sorted(name for name, known in PROTOCOL_NUMBERS.items() if known in _WITH_PORTS)
        raise errors.SecurityGroupInvalidProtocolForPort(protocol=protocol, valid_port_protocols=", ".join(names))


def _prefix(value: str, ethertype: str) -> str:
    try:
        interface = ipaddress.ip_interface(value)
    except ValueError:
        raise errors.InvalidInput(error_message=f"remote_ip_prefix: {value!r} is not an address or prefix") from None
    if interface.version != _VERSION_OF[ethertype]:
        raise errors.SecurityGroupRuleParameterConflict(ethertype=ethertype, cidr=value)
    return interface.with_prefixlen
