"""Port forwardings: ports of a floating IP that lead to ports of an address inside."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import REQUIRED, Attribute, FilterCheck, Resource, description, identity, owner, words
from kaon.model.checks import Unfit, shown
from kaon.model.errors import BadRequest
from kaon.model.extensions import Extension

PROTOCOLS: Final = ("tcp", "udp", "sctp", "dccp")
"""Those that have ports."""

MOST: Final = 65535
"""The last port."""

_ALIAS: Final = "floating-ip-port-forwarding"
_RANGES: Final = "floating-ip-port-forwarding-port-ranges"
_RANGE: Final = re.compile(r"([0-9]{1,5})(?::([0-9]{1,5}))?")


@checks.keeps({"type": "string", "pattern": "^[0-9]{1,5}:[0-9]{1,5}$"})
def _port_range(value: Any) -> str:
    """Ports `first:last`, or one of them alone, which is both."""
    found = _RANGE.fullmatch(str(value)) if isinstance(value, str) or type(value) is int else None
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= MOST:
        raise Unfit(f"{shown(value)} is not a range of ports between 1 and {MOST}")
    return f"{first}:{last}"


def _ports(side: str, *, sought: bool) -> tuple[Attribute, ...]:
    """The ports of one side, as one and as a range. sought: lists are narrowed and ordered by them."""

    def attribute(name: str, check: checks.Check, narrowed: FilterCheck) -> Attribute:
        return Attribute(
            name=name,
            alias=_RANGES,
            check=checks.optional(check),
            post=True,
            put=True,
            filter=narrowed if sought else None,
            sort=sought,
        )

    return (
        attribute(f"{side}_port", checks.between(1, MOST), checks.integer),
        attribute(f"{side}_port_range", _port_range, _port_range),
    )


def _inside(name: str, check: checks.Check, *, sought: bool = True) -> Attribute:
    return Attribute(
        name=name,
        alias=_ALIAS,
        check=check,
        default=REQUIRED,
        post=True,
        put=True,
        filter=words if sought else None,
        sort=sought,
    )


PORT_FORWARDING: Final = Resource(
    collection="port_forwardings",
    member="port_forwarding",
    parent="floatingips",
    attributes=(
        identity(_ALIAS),
        *(replace(one, visible=False, filter=None, sort=False) for one in owner()),
        *_ports("external", sought=True),
        *_ports("internal", sought=False),
        _inside("internal_ip_address", addresses.ip, sought=False),
        _inside("protocol", checks.one_of(*PROTOCOLS)),
        _inside("internal_port_id", checks.uuid),
        replace(description(), alias="floating-ip-port-forwarding-description"),
    ),
)
"""It is its floating IP's project's, whoever made it."""


def ports_of(body: Mapping[str, Any], side: str) -> tuple[int, int] | None:
    """Tell the first and last port that a body names on one side (`external`, `internal`); None: none. Errors: BadRequest."""
    one, several = body.get(f"{side}_port"), body.get(f"{side}_port_range")
    ranges = {found for found in (f"{one}:{one}" if one is not None else None, several) if found is not None}
    if len(ranges) > 1:
        raise refused(f"{side}_port and {side}_port_range do not say the same")
    for found in ranges:
        first, last = found.split(":")
        return int(first), int(last)
    return None


def check_sizes(external: tuple[int, int], internal: tuple[int, int]) -> None:
    """Refuse that several inside ports stand for another number of outside ones. Errors: BadRequest."""
    (first, last), (inside_first, inside_last) = external, internal
    if inside_last != inside_first and inside_last - inside_first != last - first:
        raise refused("as many external ports as internal ones are needed, or one internal port for all")


def refused(reason: str) -> BadRequest:
    """The refusal of a port forwarding that cannot be, as Neutron words it."""
    return BadRequest(reason=f"Bad port_forwarding request: {reason}.")


EXTENSIONS: Final = (
    Extension(
        _ALIAS,
        "Floating IP Port Forwarding",
        "2018-01-19T10:00:00-00:00",
        "Single ports of a floating IP lead to ports inside.",
    ),
    Extension(
        "floating-ip-port-forwarding-description",
        "Floating IP Port Forwarding new attribute description",
        "2019-11-01T10:00:00-00:00",
        "Port forwardings have a description.",
    ),
    Extension(
        "floating-ip-port-forwarding-detail",
        "Floating IP port forwarding detail",
        "2022-05-06T10:00:00-00:00",
        "Floating IPs show which port each of their port forwardings leads to.",
    ),
    Extension(
        _RANGES,
        "Floating IP Port Forwarding support port ranges",
        "2020-07-01T10:00:00-00:00",
        "A port forwarding may be of several ports.",
    ),
    Extension(
        "expose-port-forwarding-in-fip",
        "Expose Floating IP port forwardings",
        "2018-06-28T16:00:00-00:00",
        "Floating IPs show their port forwardings.",
    ),
)
