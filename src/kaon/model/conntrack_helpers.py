"""Conntrack helpers: what routers look into, so that what a protocol opens besides comes through."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, FilterCheck, Resource, identity, owner, words
from kaon.model.checks import Check
from kaon.model.errors.gateways import ConntrackHelperNotAllowed, InvalidProtocolForHelper
from kaon.model.extensions import Extension

ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "amanda": ("tcp",),
    "ftp": ("tcp",),
    "h323": ("udp", "tcp"),
    "irc": ("tcp",),
    "netbios-ns": ("udp",),
    "pptp": ("tcp",),
    "sane": ("tcp",),
    "sip": ("udp", "tcp"),
    "snmp": ("udp",),
    "tftp": ("udp",),
}
"""Helper -> protocols that it understands: those of the kernel."""

SHOWN: Final = ("protocol", "port", "helper")
"""What a router shows of its helpers."""

_ALIAS: Final = "l3-conntrack-helper"
_PROTOCOLS: Final = ("dccp", "icmp", "ipv6-icmp", "sctp", "tcp", "udp")


def _attribute(name: str, check: Check, narrowed: FilterCheck) -> Attribute:
    return Attribute(
        name=name,
        alias=_ALIAS,
        check=check,
        default=REQUIRED,
        post=True,
        put=True,
        filter=narrowed,
        sort=True,
    )


CONNTRACK_HELPER: Final = Resource(
    collection="conntrack_helpers",
    member="conntrack_helper",
    parent="routers",
    attributes=(
        identity(_ALIAS),
        *(replace(one, visible=False, filter=None, sort=False) for one in owner()),
        _attribute("protocol", checks.one_of(*_PROTOCOLS), words),
        _attribute("port", checks.between(1, 65535), checks.integer),
        _attribute("helper", checks.text(64), words),
    ),
)


def check(row: Mapping[str, Any]) -> None:
    """Refuse a helper that there is not, and a protocol that it does not understand."""
    protocols = ALLOWED.get(row["helper"])
    if protocols is None:
        raise ConntrackHelperNotAllowed(helper=row["helper"])
    if row["protocol"] not in protocols:
        raise InvalidProtocolForHelper(helper=row["helper"], protocol=row["protocol"], supported_protocols=", ".join(protocols))


EXTENSIONS: Final = (
    Extension(
        _ALIAS,
        "L3 Conntrack helper",
        "2019-04-04T10:00:00-00:00",
        "Routers look into protocols that open further connections.",
    ),
    Extension(
        "expose-l3-conntrack-helper",
        "Expose CT target rules for conntrack helper",
        "2019-04-04T10:00:00-00:00",
        "Routers show their conntrack helpers.",
    ),
)
