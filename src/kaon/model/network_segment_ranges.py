"""Network segment ranges: which segmentation ids networks may get, and whose."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, label, standard, words
from kaon.model.extensions import Extension
from kaon.model.tags import tagging

ALIAS: Final = "network-segment-range"

HIGHEST: Final = 0xFFFFFFFF
"""The highest id of any type of network."""

TYPES: Final = ("vlan", "vxlan", "gre", "geneve")
"""Types of networks that have segmentation ids."""


def _bound(name: str) -> Attribute:
    return Attribute(name=name, alias=ALIAS, check=checks.between(1, HIGHEST), default=REQUIRED, post=True, put=True)


NETWORK_SEGMENT_RANGE: Final = Resource(
    collection="network_segment_ranges",
    member="network_segment_range",
    attributes=(
        identity(ALIAS),
        label(ALIAS),
        Attribute(name="default", alias=ALIAS),
        Attribute(name="shared", alias=ALIAS, check=checks.boolean, default=True, post=True),
        Attribute(name="project_id", alias=ALIAS, check=checks.text(255), post=True, filter=words, sort=True),
        Attribute(name="tenant_id", alias=ALIAS, visible=False, filter=words),
        Attribute(
            name="network_type", alias=ALIAS, check=checks.one_of(*TYPES), default=NOT_SPECIFIED, post=True, filter=words
        ),
        Attribute(name="physical_network", alias=ALIAS, check=checks.text(64), default=NOT_SPECIFIED, post=True, filter=words),
        _bound("minimum"),
        _bound("maximum"),
        Attribute(name="used", alias=ALIAS),
        Attribute(name="available", alias=ALIAS),
        *standard(),
        *tagging(),
    ),
)
"""`used`: id -> project; `available`: ids that are free."""

EXTENSIONS: Final = (
    Extension(
        ALIAS,
        "Neutron Network Segment Range",
        "2018-11-29T00:00:00-00:00",
        "Ranges of segmentation ids can be given to projects.",
    ),
)
