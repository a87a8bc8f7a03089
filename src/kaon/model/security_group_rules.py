"""Security group rules: what may pass, from or to whom."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import REQUIRED, Attribute, FilterCheck, Resource, identity, owner, standard, words
from kaon.model.errors import (
    InvalidInput,
    SecurityGroupInvalidPortValue,
    SecurityGroupRuleInvalidEtherType,
    SecurityGroupRuleInvalidProtocol,
)
from kaon.model.extensions import Extension
from kaon.model.query import FilterValue

PROTOCOLS: Final[Mapping[str, int]] = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "hopopt": 0,
    "icmp": 1,
    "icmpv6": 58,
    "igmp": 2,
    "ip": 0,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}
"""Names of IP protocols that a rule may use (IANA numbers)."""

ETHERTYPES: Final = ("IPv4", "IPv6")

PORT_LIMIT: Final = 65535


@checks.keeps({"type": ["string", "null"]})
def protocol(value: Any) -> str | None:
    """A protocol's name in small letters, or its number as text, as it was sent; `any` and null mean null.

    Two spellings of one protocol are told to be the same by `protocol_number`.
    """
    if value is None:
        return None
    word = str(value).strip().lower() if isinstance(value, (str, int)) and not isinstance(value, bool) else "?"
    if word == "any":
        return None
    if word in PROTOCOLS:
        return word
    if word.isascii() and word.isdigit() and len(word) < 9 and int(word) <= 255:  # noqa: PLR2004  # one octet in the IP header
        return str(int(word))
    raise SecurityGroupRuleInvalidProtocol(protocol=checks.shown(value), values=", ".join(PROTOCOLS))


def protocol_number(kept: str | None) -> int | None:
    """The number of a protocol that `protocol` let through; None: any."""
    if kept is None:
        return None
    return PROTOCOLS[kept] if kept in PROTOCOLS else int(kept)


@checks.keeps({"type": ["integer", "null"], "minimum": 0, "maximum": PORT_LIMIT})
def port_value(value: Any) -> int | None:
    """A port number, or a type or code of ICMP, also as text. What fits which protocol is for control to say."""
    if value is None:
        return None
    try:
        number = checks.integer(value)
    except InvalidInput:
        raise SecurityGroupInvalidPortValue(port=checks.shown(value)) from None
    if not 0 <= number <= PORT_LIMIT:
        raise SecurityGroupInvalidPortValue(port=checks.shown(value))
    return number


@checks.keeps({"enum": list(ETHERTYPES)})
def ethertype(value: Any) -> str:
    """IPv4 or IPv6, in any case."""
    for known in ETHERTYPES:
        if isinstance(value, str) and value.lower() == known.lower():
            return known
    raise SecurityGroupRuleInvalidEtherType(ethertype=checks.shown(value), values=", ".join(ETHERTYPES))


def narrowing(check: checks.Check) -> FilterCheck:
    """How a list is narrowed: by a value as it is kept, whatever its spelling; the empty string means none."""

    def wanted(value: str) -> FilterValue:
        kept = check(value) if value else ""
        return "" if kept is None else kept

    return wanted


def _attribute(name: str, check: checks.Check, default: Any = None) -> Attribute:
    return Attribute(
        name=name,
        alias="security-group",
        check=check,
        default=default,
        post=True,
        filter=narrowing(check) if check in (protocol, ethertype, port_value) else words,
        sort=True,
    )


SECURITY_GROUP_RULE: Final = Resource(
    collection="security_group_rules",
    member="security_group_rule",
    attributes=(
        identity("security-group"),
        *owner(),
        _attribute("security_group_id", checks.text(36), REQUIRED),
        _attribute("ethertype", ethertype, "IPv4"),
        _attribute("direction", checks.one_of("ingress", "egress"), REQUIRED),
        _attribute("protocol", protocol),
        _attribute("port_range_min", port_value),
        _attribute("port_range_max", port_value),
        _attribute("remote_ip_prefix", addresses.ip_prefix),
        Attribute(name="normalized_cidr", alias="security-groups-normalized-cidr", filter=words),
        _attribute("remote_group_id", checks.optional(checks.text(36))),
        dataclasses.replace(
            _attribute("remote_address_group_id", checks.optional(checks.text(36))),
            alias="security-groups-remote-address-group",
        ),
        Attribute(name="belongs_to_default_sg", alias="security-groups-rules-belongs-to-default-sg", filter=checks.boolean),
        *standard(),
    ),
    verbs=frozenset({"create", "index", "show", "delete"}),
)

EXTENSIONS: Final = (
    Extension(
        "security-groups-rules-belongs-to-default-sg",
        "Security group rule belongs to the project's default security group",
        "2023-05-23T10:00:00-00:00",
        "Rules say whether they are of a project's default group.",
    ),
)
