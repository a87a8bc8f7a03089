"""Trunks: one port that carries the traffic of others, told apart by VLAN ids."""

from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, label, owner, standard, switch, words
from kaon.model.checks import Unfit, shown
from kaon.model.errors import InvalidInput
from kaon.model.extensions import Extension
from kaon.model.query import Body
from kaon.model.tags import tagging

INHERIT: Final = "inherit"
"""Segmentation type that means: that of the sub-port's own network."""

VLAN: Final = "vlan"

LAST_VLAN: Final = 4094


_SUB_PORT: Final = checks.object_of(
    ("port_id",),
    port_id=checks.schema_of(checks.uuid),
    segmentation_type={"type": "string"},
    segmentation_id={"type": "integer"},
)
_LEAVING: Final = {"type": "object", "properties": {"port_id": checks.schema_of(checks.uuid)}, "required": ["port_id"]}


@checks.keeps(checks.list_of(_SUB_PORT))
def _sub_ports(value: Any) -> list[dict[str, Any]]:
    """Ports to join, each once: `port_id` and, to tell them apart in the trunk, `segmentation_type` and `segmentation_id`."""
    if not isinstance(value, list):
        raise Unfit(f"{shown(value)} is not a list")
    kept = []
    for one in value:
        given = checks.members(one, ("port_id",), ("port_id", "segmentation_type", "segmentation_id"))
        sub_port: dict[str, Any] = {"port_id": checks.uuid(given["port_id"])}
        if given.get("segmentation_type") == INHERIT:
            sub_port["segmentation_type"] = INHERIT
        else:
            if given.get("segmentation_type") is None or given.get("segmentation_id") is None:
                raise Unfit(f"{shown(dict(one))} needs a segmentation_type and a segmentation_id")
            number = checks.integer(given["segmentation_id"])
            sub_port |= {"segmentation_type": str(given["segmentation_type"]), "segmentation_id": number}
        kept.append(sub_port)
    checks.distinct([one["port_id"] for one in kept], "port")
    numbered = [one for one in kept if "segmentation_id" in one]
    checks.distinct([(one["segmentation_type"], one["segmentation_id"]) for one in numbered], "segmentation")
    return kept


@checks.keeps(checks.object_of(("sub_ports",), sub_ports=checks.list_of(_SUB_PORT)))
def joining_body(document: Any) -> Body:
    """Body of `add_subports`: `sub_ports`, as in POST. Raises InvalidInput."""
    return {"sub_ports": _listed(document, _sub_ports)}


@checks.keeps(checks.object_of(("sub_ports",), sub_ports=checks.list_of(_LEAVING)))
def leaving_body(document: Any) -> Body:
    """Body of `remove_subports`: `sub_ports`, of which only `port_id` counts. Raises InvalidInput."""
    return {"sub_ports": _listed(document, _leaving)}


def _leaving(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) and "port_id" in one for one in value):
        raise Unfit(f"{shown(value)} is not a list of objects with a port_id")
    kept = [{"port_id": checks.uuid(one["port_id"])} for one in value]
    checks.distinct([one["port_id"] for one in kept], "port")
    return kept


def _listed(document: Any, check: checks.Check) -> Any:
    if not isinstance(document, dict) or "sub_ports" not in document:
        raise InvalidInput(error_message="the body has no sub_ports")
    try:
        return check(document["sub_ports"])
    except Unfit as unfit:
        raise InvalidInput(error_message=str(unfit)) from None


TRUNK: Final = Resource(
    collection="trunks",
    member="trunk",
    attributes=(
        identity("trunk"),
        label("trunk"),
        *owner(),
        Attribute(name="port_id", alias="trunk", check=checks.uuid, default=REQUIRED, post=True, filter=words, sort=True),
        switch("admin_state_up", "trunk", sort=True),
        Attribute(name="status", alias="trunk", filter=words, sort=True),
        Attribute(name="sub_ports", alias="trunk", check=checks.or_empty(_sub_ports), default=(), post=True),
        *standard(),
        *tagging(),
    ),
    bulk=False,
)

EXTENSIONS: Final = (
    Extension(
        "trunk",
        "Trunk Extension",
        "2016-01-01T10:00:00-00:00",
        "One port carries the traffic of others.",
        awaits="hosts do not tag the traffic of sub-ports yet",
    ),
    Extension(
        "trunk-details",
        "Trunk port details",
        "2016-01-01T10:00:00-00:00",
        "The parent port of a trunk shows its sub-ports.",
        awaits="hosts do not tag the traffic of sub-ports yet",
    ),
)
