"""The verbs of HTTP on a collection, its members and their actions: the same for every resource, derived from `model`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kaon.model.attributes import Resource, rendered
from kaon.model.checks import Unfit
from kaon.model.errors import HTTPBadRequest
from kaon.model.query import Body, Row
from kaon.server.api import bodies, lists, tags
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.faults import not_allowed, not_found
from kaon.server.control.core import Caller, Core


class Shown(Protocol):
    """A page as control gives it."""

    @property
    def rows(self) -> list[Row]: ...  # noqa: D102  # see `model.query.Page`

    @property
    def has_more(self) -> bool: ...  # noqa: D102  # see `model.query.Page`


@dataclass(frozen=True)
class Action:
    """A PUT below one resource.

    run       the verb of control; gives the document, or the row where there is an envelope
    read      the document sent -> the body for the verb; may raise Unfit
    envelope  whether the body and the answer stand in the member's envelope
    """

    run: Callable[[Core, Caller, str, Body], Any]
    read: Callable[[Any], Body]
    envelope: bool = False


@dataclass(frozen=True)
class Served:
    """A collection and the module of control that does its verbs (create, index, show, update, delete)."""

    resource: Resource
    control: Any
    actions: Mapping[str, Action] = field(default_factory=dict)


def answer(served: Served, core: Core, caller: Caller, asked: Asked) -> Answer:
    """The answer to a request below `/v2.0/<collection>`."""
    match asked.path[2:]:
        case ():
            return _collection(served, core, caller, asked)
        case (identity,):
            return _member(served, core, caller, asked, identity)
        case (_, action) if action in served.actions:
            return _action(served, core, caller, asked)
        case (_, "tags", *_) if served.resource.tagged:
            return tags.answer(served.resource, core, caller, asked)
        case _:
            raise not_found()


def _collection(served: Served, core: Core, caller: Caller, asked: Asked) -> Answer:
    verbs = {"GET": "index", "POST": "create"}
    verb = verbs.get(asked.method)
    if asked.method == "POST" and "create" not in served.resource.verbs:
        raise NotImplementedError(f"{served.resource.collection} cannot be created through the API")
    if verb not in served.resource.verbs:
        raise not_allowed(*(method for method, needed in verbs.items() if needed in served.resource.verbs))
    return _index(served, core, caller, asked) if verb == "index" else _create(served, core, caller, asked)


def _member(served: Served, core: Core, caller: Caller, asked: Asked, identity: str) -> Answer:
    resource = served.resource
    verbs = {"GET": "show", "PUT": "update", "DELETE": "delete"}
    verb = verbs.get(asked.method)
    if verb not in resource.verbs:
        raise not_allowed(*(method for method, needed in verbs.items() if needed in resource.verbs))
    if verb == "show":
        fields = lists.asked_fields(asked)
        row = served.control.show(core, caller, identity, lists.needed(fields))
        return Answer(200, {resource.member: rendered(resource, row, fields, is_admin=caller.is_admin)})
    if verb == "update":
        body = bodies.to_update(resource, caller, asked.body)
        row = served.control.update(core, caller, identity, body, asked.revision())
        return Answer(200, {resource.member: rendered(resource, row, None, is_admin=caller.is_admin)})
    if asked.body:
        raise HTTPBadRequest(reason="A DELETE has no body")
    served.control.delete(core, caller, identity, asked.revision())
    return Answer(204)


def _index(served: Served, core: Core, caller: Caller, asked: Asked) -> Answer:
    resource = served.resource
    query = lists.asked_query(resource, asked, is_admin=caller.is_admin, maximum=core.settings.page_limit)
    page: Shown = served.control.index(core, caller, query)
    fields = lists.asked_fields(asked)
    shown = [rendered(resource, row, fields, is_admin=caller.is_admin) for row in page.rows]
    return Answer(200, lists.listed(resource, asked, query, page.rows, shown))


def _create(served: Served, core: Core, caller: Caller, asked: Asked) -> Answer:
    resource = served.resource
    wanted, bulk = bodies.to_create(resource, caller, asked.body)
    rows: Sequence[Row] = served.control.create(core, caller, wanted)
    shown = [rendered(resource, row, None, is_admin=caller.is_admin) for row in rows]
    return Answer(201, {resource.collection: shown} if bulk else {resource.member: shown[0]})


def _action(served: Served, core: Core, caller: Caller, asked: Asked) -> Answer:
    identity, action = asked.path[2], served.actions[asked.path[3]]
    if asked.method != "PUT":
        raise not_allowed("PUT")
    resource = served.resource
    document = bodies.parsed(asked.body)
    try:
        body = action.read(bodies.inside(document, resource.member) if action.envelope else document)
    except Unfit as unfit:
        raise HTTPBadRequest(reason=f"Invalid input for {asked.path[-1]}. Reason: {unfit}.") from None
    row = action.run(core, caller, identity, body)
    if not action.envelope:
        return Answer(200, row)
    return Answer(200, {resource.member: rendered(resource, row, None, is_admin=caller.is_admin)})
