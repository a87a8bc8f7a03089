"""Segments: the layer-2 pieces that a network is made of. Nearly always one; of routed provider networks one for each place."""

from collections.abc import Mapping
from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, standard, words
from kaon.model.checks import Unfit
from kaon.model.extensions import Extension

PROVIDER: Final = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
"""What says which segment a network with a single one has."""

_type, _physical = checks.text(32), checks.text(64)


_SEGMENT: Final[Mapping[str, checks.Schema]] = {
    PROVIDER[0]: {"type": ["string", "null"], "maxLength": 32},
    PROVIDER[1]: {"type": ["string", "null"], "maxLength": 64},
    PROVIDER[2]: {"type": ["integer", "null"]},
}


@checks.keeps(checks.list_of(checks.object_of((), **_SEGMENT)))
def several(value: Any) -> list[dict[str, Any]]:
    """The segments of a new network: objects with some of the `PROVIDER` keys; each is kept with all three. Raises Unfit."""
    if not isinstance(value, list):
        raise Unfit(f"{checks.shown(value)} is not a list")
    return [_segment(item) for item in value]


def _segment(item: Any) -> dict[str, Any]:
    given: Mapping[str, Any] = checks.members(item, (), PROVIDER)
    kept: dict[str, Any] = dict.fromkeys(PROVIDER)
    for key, check in zip(PROVIDER, (_type, _physical, checks.integer), strict=True):
        if given.get(key) not in (None, ""):
            kept[key] = check(given[key])
    return kept


_name = checks.optional(checks.text(255))


def _fixed(name: str, check: checks.Check, *, default: Any = NOT_SPECIFIED, narrows: bool = True) -> Attribute:
    """Something that is chosen when the segment is made."""
    return Attribute(
        name=name, alias="segment", check=check, default=default, post=True, filter=words if narrows else None, sort=True
    )


SEGMENT: Final = Resource(
    collection="segments",
    member="segment",
    attributes=(
        identity("segment"),
        Attribute(name="project_id", alias="segment", check=checks.text(255), post=True, visible=False),
        Attribute(name="tenant_id", alias="segment", visible=False),
        _fixed("network_id", checks.uuid, default=REQUIRED),
        _fixed("physical_network", _physical),
        _fixed("network_type", _type, default=REQUIRED),
        _fixed("segmentation_id", checks.integer, narrows=False),
        Attribute(
            name="name", alias="segment", check=_name, default=NOT_SPECIFIED, post=True, put=True, filter=words, sort=True
        ),
        *standard(),
    ),
    bulk=False,
)

EXTENSIONS: Final = (
    Extension("segment", "Segment", "2016-02-24T17:00:00-00:00", "What a network is made of, and which subnet is where."),
    Extension(
        "standard-attr-segment",
        "Standard Attribute Segment Extension",
        "2018-04-09T10:00:00-00:00",
        "Segments have a description, times and a revision.",
    ),
    Extension(
        "multi-provider", "Multi Provider Network", "2013-06-27T10:00:00-00:00", "A network may be made of several segments."
    ),
    Extension(
        "subnet-segmentid-writable",
        "Subnet SegmentID (writable)",
        "2018-03-12T00:00:00-00:00",
        "The subnets of a network can be put on its segment later.",
    ),
    Extension(
        "subnet-segmentid-enforce",
        "Subnet SegmentID (policy enforced)",
        "2018-09-04T00:00:00-00:00",
        "Policy says who may put a subnet on a segment.",
    ),
    Extension(
        "segments-peer-subnet-host-routes",
        "Segments peer-subnet host routes",
        "2018-06-12T10:00:00-00:00",
        "Subnets of a routed network have routes to each other.",
    ),
    Extension(
        "l2_adjacency", "L2 Adjacency", "2016-04-12T16:00:00-00:00", "Networks tell whether they are one broadcast domain."
    ),
    Extension("ip_allocation", "IP Allocation", "2016-06-10T23:00:00-00:00", "Ports tell when they get their addresses."),
)
