"""Metering labels: names under which traffic of a project's routers is counted."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, identity, owner, words
from kaon.model.extensions import Extension

LONG: Final = 1024
"""Characters of a label's description."""

AWAITED: Final = "hosts do not count the traffic of routers yet"


def _text(name: str, limit: int) -> Attribute:
    return Attribute(name=name, alias="metering", check=checks.text(limit), default="", post=True, filter=words, sort=True)


METERING_LABEL: Final = Resource(
    collection="metering_labels",
    member="metering_label",
    attributes=(
        identity("metering"),
        *owner(),
        _text("name", 255),
        _text("description", LONG),
        Attribute(
            name="shared",
            alias="metering",
            check=checks.boolean,
            default=False,
            post=True,
            filter=checks.boolean,
            sort=True,
        ),
    ),
    verbs=frozenset({"create", "index", "show", "delete"}),
    prefix="metering",
)
"""`shared`: the traffic of everybody's routers is counted under it."""

EXTENSIONS: Final = (
    Extension(
        "metering",
        "Neutron Metering",
        "2013-06-12T10:00:00-00:00",
        "Traffic of routers is counted.",
        awaits=AWAITED,
    ),
    Extension(
        "metering_source_and_destination_fields",
        "Neutron Metering with source and destination filtering",
        "2020-08-21T08:12:00-00:00",
        "What is counted is told by where traffic comes from and where it goes.",
        awaits=AWAITED,
    ),
)
