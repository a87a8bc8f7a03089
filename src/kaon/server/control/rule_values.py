"""Whether the values of a security group rule fit each other, and when two rules say the same. Pure.

What each value may be by itself is declared in `model.security_group_rules`; a body comes here converted.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from kaon.model import errors
from kaon.model.security_group_rules import PROTOCOLS, protocol_number

VALUES: Final = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "remote_address_group_id",
)
"""What a rule says; all else is about the rule."""

_WITH_PORTS = frozenset({6, 17, 33, 132, 136})
_ICMP = frozenset({1, 58})
_IPV6_ONLY = frozenset({41, 43, 44, 58, 59, 60})
_ICMP_OF_IPV6: dict[str | None, str] = {"icmp": "ipv6-icmp", "icmpv6": "ipv6-icmp", "1": "58"}
_HIGHEST_ICMP = 255
_EVERY_PORT = (1, 65535)
_VERSION_OF = {"IPv4": 4, "IPv6": 6}
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give a rule's `VALUES`, all present and in one spelling, and its `normalized_cidr`; or refuse them.

    ICMP under IPv6 is `ipv6-icmp`, whatever it was called; every port is no port at all.

    Errors  the SecurityGroup... classes of `model.errors`, all 400.
    """
    values = {name: body.get(name) for name in VALUES}
    ethertype = values["ethertype"] = values["ethertype"] or "IPv4"
    if ethertype == "IPv6":
        values["protocol"] = _ICMP_OF_IPV6.get(values["protocol"], values["protocol"])
    if (values["port_range_min"], values["port_range_max"]) == _EVERY_PORT:
        values["port_range_min"] = values["port_range_max"] = None
    protocol, number = values["protocol"], protocol_number(values["protocol"])
    if ethertype == "IPv4" and number in _IPV6_ONLY:
        raise errors.SecurityGroupEthertypeConflictWithProtocol(protocol=protocol, ethertype=ethertype)
    _check_ports(protocol, number, values["port_range_min"], values["port_range_max"])
    prefix = values["remote_ip_prefix"]
    if sum(values[name] is not None for name in ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")) > 1:
        raise errors.SecurityGroupMultipleRemoteEntites
    if prefix is None:
        return values | {"normalized_cidr": None}
    network = ipaddress.ip_network(prefix, strict=False)
    if network.version != _VERSION_OF[ethertype]:
        raise errors.SecurityGroupRuleParameterConflict(ethertype=ethertype, cidr=prefix)
    return values | {"normalized_cidr": str(network)}


def fingerprint(values: Mapping[str, Any]) -> str:
    """Sum up all that makes two rules of a group the same, whatever their spelling: 64 hexadecimal digits."""
    cidr = values["normalized_cidr"]
    parts: tuple[object, ...] = (
        values["direction"],
        values["ethertype"],
        protocol_number(values["protocol"]),
        values["port_range_min"],
        values["port_range_max"],
        None if cidr in _EVERYWHERE else cidr,
        values["remote_group_id"],
    )
    if values["remote_address_group_id"] is not None:
        parts = (*parts, values["remote_address_group_id"])
    return hashlib.blake2b(repr(parts).encode(), digest_size=32).hexdigest()


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
        names = sorted(name for name, known in PROTOCOLS.items() if known in _WITH_PORTS)
        raise errors.SecurityGroupInvalidProtocolForPort(protocol=protocol, valid_port_protocols=", ".join(names))
