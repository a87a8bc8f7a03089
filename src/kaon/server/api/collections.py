"""The verbs of HTTP on a collection, its members and their actions: the same for every resource, derived from `model`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kaon.model.attributes import Resource
from kaon.model.checks import Unfit
from kaon.model.errors import HTTPBadRequest
from kaon.model.query import Body, Row
from kaon.server.api import bodies, lists, tags, views
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
    """A PUT, or a GET, below one resource.

    run       the verb of control, called with core, caller, the ids in the path and, for a PUT, the body; gives the document,
              or the row where there is an envelope
    read      the document sent -> the body for the verb; may raise Unfit
    envelope  whether the body and the answer stand in the member's envelope
    method    PUT or GET
    """

    run: Callable[..., Any]
    read: Callable[[Any], Body] = dict
    envelope: bool = False
    method: str = "PUT"


@dataclass(frozen=True)
class Served:
    """A collection and the module of control that does its verbs (create, index, show, update, delete).

    children  collections below each member, by the word in the path; their verbs take the ids of those above after the caller
    orders    words that among the `fields` of a member tell control what to do, instead of naming an attribute
    """

    resource: Resource
    control: Any
    actions: Mapping[str, Action] = field(default_factory=dict)
    children: Mapping[str, "Served"] = field(default_factory=dict)
    orders: frozenset[str] = frozenset()


def answer(served: Served, core: Core, caller: Caller, asked: Asked, above: tuple[str, ...] = ()) -> Answer:
    """The answer to a request below `/v2.0/<collection>`. above: ids of the resources above, outermost first."""
    deep = 2 + 2 * len(above)  # segments of the path up to this collection
    match asked.path[deep:]:
        case ():
            return _collection(served, core, caller, asked, above)
        case (identity,):
            return _member(served, core, caller, asked, (*above, identity))
        case (identity, action) if action in served.actions:
            return _action(served, core, caller, asked, (*above, identity))
        case (identity, child, *_) if child.replace("-", "_") in served.children:
            return answer(served.children[child.replace("-", "_")], core, caller, asked, (*above, identity))
        case (_, "tags", *_) if served.resource.tagged:
            return tags.answer(served.resource, core, caller, asked)
        case _:
            raise not_found()


def _collection(served: Served, core: Core, caller: Caller, asked: Asked, above: tuple[str, ...]) -> Answer:
    verbs = {"GET": "index", "POST": "create"}
    verb = verbs.get(asked.method)
    if asked.method == "POST" and "create" not in served.resource.verbs:
        raise NotImplementedError(f"{served.resource.collection} cannot be created through the API")
    if verb not in served.resource.verbs:
        raise not_allowed(*(method for method, needed in verbs.items() if needed in served.resource.verbs))
    run = _index if verb == "index" else _create
    return run(served, core, caller, asked, above)


def _enveloped(resource: Resource, shown: Row) -> dict[str, Row]:
    return {word: shown for word in (resource.member, resource.also) if word}


def _member(served: Served, core: Core, caller: Caller, asked: Asked, ids: tuple[str, ...]) -> Answer:
    resource = served.resource
    verbs = {"GET": "show", "PUT": "update", "DELETE": "delete"}
    verb = verbs.get(asked.method)
    if verb not in resource.verbs:
        raise not_allowed(*(method for method, needed in verbs.items() if needed in resource.verbs))
    if verb == "show":
        fields = lists.asked_fields(asked)
        row = served.control.show(core, caller, *ids, views.needed(caller, resource, fields))
        shown = None if fields is not None and fields & served.orders else fields
        return Answer(200, _enveloped(resource, views.one(core, caller, resource, row, shown)))
    if verb == "update":
        body = bodies.to_update(resource, asked.body)
        row = served.control.update(core, caller, *ids, body, asked.revision())
        return Answer(200, _enveloped(resource, views.one(core, caller, resource, row)))
    if asked.body:
        raise HTTPBadRequest(reason="A DELETE has no body")
    served.control.delete(core, caller, *ids, asked.revision())
    return Answer(204)


def _index(served: Served, core: Core, caller: Caller, asked: Asked, above: tuple[str, ...]) -> Answer:
    resource = served.resource
    query = lists.asked_query(resource, asked, caller, maximum=core.settings.page_limit)
    conditions = lists.conditions(resource, query, caller)
    page: Shown = served.control.index(core, caller, *above, query)
    shown = views.page(core, caller, resource, page.rows, lists.asked_fields(asked), conditions)
    return Answer(200, lists.listed(resource, asked, query, page.rows, shown))


def _create(served: Served, core: Core, caller: Caller, asked: Asked, above: tuple[str, ...]) -> Answer:
    resource = served.resource
    wanted, bulk = bodies.to_create(resource, caller, asked.body)
    rows: Sequence[Row] = served.control.create(core, caller, *above, wanted)
    shown = [views.one(core, caller, resource, row) for row in rows]
    return Answer(201, {resource.collection: shown} if bulk else _enveloped(resource, shown[0]))


def _action(served: Served, core: Core, caller: Caller, asked: Asked, ids: tuple[str, ...]) -> Answer:
    name = asked.path[-1]
    action = served.actions[name]
    if asked.method != action.method:
        raise not_allowed(action.method)
    resource = served.resource
    if action.method == "GET":
        return Answer(200, action.run(core, caller, *ids))
    document = bodies.parsed(asked.body or b"{}")  # an action that needs nothing may come without a body
    try:
        body = action.read(bodies.inside(document, resource.member) if action.envelope else document)
    except Unfit as unfit:
        raise HTTPBadRequest(reason=f"Invalid input for {name}. Reason: {unfit}.") from None
    row = action.run(core, caller, *ids, body)
    if not action.envelope:
        return Answer(200, row)
    return Answer(200, _enveloped(resource, views.one(core, caller, resource, row)))
