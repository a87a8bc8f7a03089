"""`/{collection}/{id}/tags` and one tag below it: the same for every resource that has tags."""

from kaon.model.attributes import Resource
from kaon.model.tags import tag_in_path, tags_body
from kaon.server.api import bodies
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.faults import not_allowed
from kaon.server.control import tags
from kaon.server.control.core import Caller, Core
from kaon.server.control.tags import Target


def answer(resource: Resource, core: Core, caller: Caller, asked: Asked) -> Answer:
    """The answer to a request below `/v2.0/{collection}/{id}/tags`."""
    target = Target(resource.collection, asked.path[2], None if asked.method == "GET" else asked.revision())
    # A slash in a tag is a slash in the path: servers decode paths before they hand them on.
    word = "/".join(asked.path[4:])
    return _one(core, caller, asked, target, tag_in_path(word)) if word else _all(core, caller, asked, target)


def _all(core: Core, caller: Caller, asked: Asked, target: Target) -> Answer:
    match asked.method:
        case "GET":
            return Answer(200, {"tags": tags.index(core, caller, target)})
        case "PUT":
            wanted = tags_body(bodies.parsed(asked.body))
            return Answer(200, {"tags": tags.replace(core, caller, target, wanted)})
        case "POST":
            wanted = tags_body(bodies.parsed(asked.body))
            tags.add(core, caller, target, wanted)
            return Answer(200, {"tags": wanted})  # those that were sent, as Neutron does
        case "DELETE":
            tags.clear(core, caller, target)
            return Answer(204)
        case _:
            raise not_allowed("GET", "PUT", "POST", "DELETE")


def _one(core: Core, caller: Caller, asked: Asked, target: Target, tag: str) -> Answer:
    match asked.method:
        case "GET":
            tags.show(core, caller, target, tag)
            return Answer(204)
        case "PUT":
            tags.add_one(core, caller, target, tag)
            return Answer(201)
        case "DELETE":
            tags.delete(core, caller, target, tag)
            return Answer(204)
        case _:
            raise not_allowed("GET", "PUT", "DELETE")
