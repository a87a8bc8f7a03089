"""What the server says about itself: versions, core collections, extensions."""

from kaon.model.catalogue import EXTENSIONS
from kaon.model.errors import ExtensionsNotFound
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.faults import not_found

_CORE = (("network", "networks"), ("subnet", "subnets"), ("subnetpool", "subnetpools"), ("port", "ports"))


def versions(asked: Asked) -> Answer:
    """`GET /`, for anybody."""
    return Answer(200, {"versions": [_version(asked)]})


def version(asked: Asked) -> Answer:
    """`GET /v2.0` without a slash, for anybody: what a client that was given this as its endpoint discovers."""
    return Answer(200, {"version": _version(asked)})


def _version(asked: Asked) -> dict[str, object]:
    return {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": asked.link("/v2.0/")}]}


def resources(asked: Asked) -> Answer:
    """`GET /v2.0/`: the core collections."""
    items = [
        {"name": name, "collection": collection, "links": [{"rel": "self", "href": asked.link(f"/v2.0/{collection}")}]}
        for name, collection in _CORE
    ]
    return Answer(200, {"resources": items})


def extensions(asked: Asked) -> Answer:
    """`GET /v2.0/extensions` and one alias below it. Other methods find nothing, as in Neutron."""
    if asked.method != "GET":
        raise not_found()
    match asked.path[2:]:
        case ():
            return Answer(200, {"extensions": [extension.document() for extension in EXTENSIONS.values()]})
        case (alias,) if alias in EXTENSIONS:
            return Answer(200, {"extension": EXTENSIONS[alias].document()})
        case (alias,):
            raise ExtensionsNotFound(alias=alias)
        case _:
            raise not_found()
