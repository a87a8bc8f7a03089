"""Availability zones: parts of the cloud that fail apart from each other. They are what agents say of themselves."""

from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, words
from kaon.model.checks import Unfit
from kaon.model.errors import InvalidInput
from kaon.model.extensions import Extension

LENGTH: Final = 255
"""Characters of all hints of one resource as JSON."""

_word: Final = checks.text(LENGTH)


@checks.keeps(checks.list_of(checks.schema_of(_word)))
def _hints(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Unfit(f"{checks.shown(value)} is not a list")
    kept = [_word(item) for item in value]
    checks.distinct(kept, "zone")
    if sum(len(zone) + 4 for zone in kept) > LENGTH:
        raise InvalidInput(error_message="Too many availability_zone_hints specified")
    return kept


def zones(alias: str, *, sort: bool = False) -> tuple[Attribute, Attribute]:
    """What networks and routers say of zones: where they should be served, and where they are."""
    hints = Attribute(name="availability_zone_hints", alias=alias, check=_hints, default=[], post=True, sort=sort)
    return hints, Attribute(name="availability_zones", alias=alias)


def _told(name: str) -> Attribute:
    return Attribute(name=name, alias="availability_zone", filter=words)


AVAILABILITY_ZONE: Final = Resource(
    collection="availability_zones",
    member="availability_zone",
    attributes=(_told("name"), _told("resource"), _told("state")),
    verbs=frozenset({"index"}),
    bulk=False,
    key="name",
)
"""resource: network (DHCP servers) or router; state: available while an agent of the zone is enabled."""

EXTENSIONS: Final = (
    Extension("availability_zone", "Availability Zone", "2015-01-01T10:00:00-00:00", "Agents tell which zone they are in."),
    Extension(
        "availability_zone_filter",
        "Availability Zone Filter Extension",
        "2018-06-22T10:00:00-00:00",
        "Lists of zones can be narrowed.",
    ),
    Extension(
        "network_availability_zone",
        "Network Availability Zone",
        "2015-01-01T10:00:00-00:00",
        "Networks can be served in zones that their owner names.",
    ),
    Extension(
        "router_availability_zone",
        "Router Availability Zone",
        "2015-01-01T10:00:00-00:00",
        "Routers can be hosted in zones that their owner names.",
    ),
)
