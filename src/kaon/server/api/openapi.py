"""The API as OpenAPI 3.1: a pure function of what `model` declares and `routes` serves, so that it says nothing else.

Bodies are described as what is kept, which is always taken; other spellings of a value (`"true"` for true) are taken, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kaon.model import quotas
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource
from kaon.model.checks import Schema, list_of, nullable, schema_of
from kaon.model.tags import tags_body
from kaon.server.api.agent_roles import Roles
from kaon.server.api.collections import Action, Served

Node = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_OBJECT: Final[Schema] = {"type": "object"}
_LINKS: Final[Schema] = list_of({"type": "object", "required": ["rel", "href"], "properties": {"rel": _TEXT, "href": _TEXT}})
_ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "NeutronError": {
            "type": "object",
            "properties": {"type": _TEXT, "message": _TEXT, "detail": _TEXT},
            "required": ["type", "message", "detail"],
            "additionalProperties": False,
        }
    },
    "required": ["NeutronError"],
}
_UNMADE: Final[Schema] = {
    "type": "object",
    "properties": {"NotImplementedError": _OBJECT},
    "required": ["NotImplementedError"],
}


def document(collections: Mapping[str, Served], below: Mapping[tuple[str, str], Roles]) -> Node:
    """The document. below: what `agent_roles` serves, by collection and the word below its members."""
    paths: Node = dict(_about())
    schemas: Node = {"Refused": _ERROR, "NotMade": _UNMADE}
    for served in collections.values():
        resource = served.resource
        prefix = f"/{resource.prefix}" if resource.prefix else ""
        paths |= _served(served, f"/v2.0{prefix}/{_word(resource.collection)}", ())
        schemas |= _schemas(served)
    for (collection, word), roles in below.items():
        paths |= _roles(roles, f"/v2.0/{collection}/{{id}}/{_word(word)}")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kaon: OpenStack Networking v2.0", "version": "2.0"},
        "security": [{"token": []}, {"basic": []}],
        "paths": paths | dict(_quotas()),
        "components": {
            "schemas": schemas,
            "parameters": _parameters(),
            "responses": {
                "Refused": _answer("Why not", _ref("Refused")),
                "NotMade": _answer("Kaon has no such verb", _ref("NotMade")),
            },
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _word(name: str) -> str:
    """As it stands in paths."""
    return name.replace("_", "-")


def _ref(name: str, kind: str = "schemas") -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


def _answer(description: str, schema: Schema) -> Node:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _wrapped(**properties: Schema) -> Node:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _operation(  # noqa: PLR0913  # each is a part of an operation
    name: str,
    status: str,
    answer: Schema | None,
    *,
    body: Schema | None = None,
    parameters: Iterable[Node] = (),
    optional: bool = False,
    **more: Any,
) -> Node:
    """One operation. answer: None: empty. optional: it may come without its body."""
    given = {"required": not optional, "content": {"application/json": {"schema": body}}}
    responses = {
        status: {"description": "Done"} if answer is None else _answer("Done", answer),
        "4XX": _ref("Refused", "responses"),
        "501": _ref("NotMade", "responses"),
        "503": _ref("Refused", "responses"),
    }
    return {
        "operationId": name,
        **({"parameters": list(parameters)} if parameters else {}),
        **({"requestBody": given} if body is not None else {}),
        "responses": responses,
        **more,
    }


def _in_path(*names: str) -> list[Node]:
    return [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]


def _parameters() -> Node:
    """What every list, or every change, may be asked with."""
    words: Mapping[str, Schema] = {
        "fields": list_of(_TEXT),
        "limit": {"type": "integer", "minimum": 0},
        "marker": _TEXT,
        "page_reverse": {"type": "boolean"},
        "sort_dir": list_of({"enum": ["asc", "desc"]}),
    }
    match = {"name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": "^revision_number=[0-9]+$"}}
    return {name: {"name": name, "in": "query", "schema": schema} for name, schema in words.items()} | {"If-Match": match}


_MATCH: Final = _ref("If-Match", "parameters")
_FIELDS: Final = _ref("fields", "parameters")
_PAGES: Final = [_FIELDS, *(_ref(name, "parameters") for name in ("limit", "marker", "page_reverse", "sort_dir"))]


def _listed(resource: Resource) -> list[Node]:
    """How a list can be narrowed, ordered and cut."""
    sorting = {"name": "sort_key", "in": "query", "schema": list_of({"enum": sorted(resource.sort_keys)})}
    filters = [
        {"name": name, "in": "query", "schema": list_of(schema_of(check) or _TEXT)} for name, check in resource.filters.items()
    ]
    return [*_PAGES, *([sorting] if resource.sort_keys else []), *filters]


def _name(resource: Resource) -> str:
    """Of its schemas."""
    return f"{resource.parent}.{resource.member}" if resource.parent else resource.member


def _schemas(served: Served) -> Iterator[tuple[str, Node]]:
    """A resource's schemas: shown, new, changed; those of its children as well."""
    resource = served.resource
    name = _name(resource)
    yield name, _object({one.name: _shown(resource, one) for one in resource.attributes if one.visible})
    if "create" in resource.verbs:
        posted = {one.name: _sent(one) for one in resource.attributes if one.post}
        if "project_id" in posted and "tenant_id" in resource.by_name:
            posted["tenant_id"] = posted["project_id"]
        needed = [one.name for one in resource.attributes if one.default is REQUIRED]
        yield f"{name}.new", _object(posted) | ({"required": needed} if needed else {})
    if "update" in resource.verbs:
        yield f"{name}.change", _object({one.name: dict(schema_of(one.check)) for one in resource.attributes if one.put})
    for child in served.children.values():
        yield from _schemas(child)


def _object(properties: Node) -> Node:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _sent(attribute: Attribute) -> Node:
    default = attribute.default
    schema = dict(schema_of(attribute.check))
    if default is NOT_SPECIFIED or default is REQUIRED or default is None:
        return schema
    return schema | {"default": list(default) if isinstance(default, tuple) else default}


def _shown(resource: Resource, attribute: Attribute) -> Schema:
    """What an answer has. What nobody has to set may be null."""
    schema = schema_of(attribute.check) or (schema_of(attribute.filter) if attribute.filter else {})
    unset = attribute.default is None or attribute.default is NOT_SPECIFIED
    return nullable(schema) if unset and attribute.name != resource.key else schema


def _served(served: Served, path: str, above: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
    """The paths of a collection, its members, and what is below them. above: names of the ids in the path."""
    resource = served.resource
    named = _name(resource).replace(".", "_")
    shown = _ref(_name(resource))
    one = _wrapped(**{resource.member: shown})
    ids = (*above, f"{resource.member}_id")
    below = f"{path}/{{{ids[-1]}}}"
    for where, verbs, there in ((path, _of_all(resource, named, one), above), (below, _of_one(resource, named, one), ids)):
        if verbs:
            yield where, _path(verbs, there)
    for word, action in served.actions.items():
        yield f"{below}/{word}", _path(_action(f"{word}_of_{named}", resource.member, one, action), ids)
    if resource.tagged:
        yield from _tags(named, f"{below}/tags", ids)
    for word, child in served.children.items():
        yield from _served(child, f"{below}/{_word(word)}", ids)


def _of_all(resource: Resource, named: str, one: Node) -> Node:
    """The verbs of a collection."""
    verbs: Node = {}
    shown = one["properties"][resource.member]
    if "index" in resource.verbs:
        pages = _wrapped(**{resource.collection: list_of(shown)})
        pages["properties"][f"{resource.collection}_links"] = _LINKS
        verbs["get"] = _operation(f"list_{named}", "200", pages, parameters=_listed(resource))
    if "create" in resource.verbs:
        new = _ref(f"{_name(resource)}.new")
        body, made = _wrapped(**{resource.member: new}), one
        if resource.bulk and resource.collection != resource.member:
            body = {"anyOf": [body, _wrapped(**{resource.collection: {**list_of(new), "minItems": 1}})]}
            made = {"anyOf": [one, _wrapped(**{resource.collection: list_of(shown)})]}
        verbs["post"] = _operation(f"create_{named}", "201", made, body=body)
    return verbs


def _of_one(resource: Resource, named: str, one: Node) -> Node:
    """The verbs of a member."""
    verbs: Node = {}
    if "show" in resource.verbs:
        verbs["get"] = _operation(f"show_{named}", "200", one, parameters=[_FIELDS])
    if "update" in resource.verbs:
        change = _wrapped(**{resource.member: _ref(f"{_name(resource)}.change")})
        verbs["put"] = _operation(f"update_{named}", "200", one, body=change, parameters=[_MATCH])
    if "delete" in resource.verbs:
        verbs["delete"] = _operation(f"delete_{named}", "204", None, parameters=[_MATCH])
    return verbs


def _path(verbs: Node, ids: tuple[str, ...]) -> Node:
    return {"parameters": _in_path(*ids), **verbs} if ids else verbs


def _action(name: str, member: str, one: Node, action: Action) -> Node:
    answer = one if action.envelope else _OBJECT
    if action.method == "GET":
        return {"get": _operation(name, "200", answer)}
    inside = schema_of(action.read) or _OBJECT
    body = _wrapped(**{member: inside}) if action.envelope else inside
    return {"put": _operation(name, "200", answer, body=body, optional=not schema_of(action.read))}


def _tags(named: str, path: str, ids: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
    tags = schema_of(tags_body)
    change: Node = {"body": tags, "parameters": [_MATCH]}
    yield (
        path,
        _path(
            {
                "get": _operation(f"list_tags_of_{named}", "200", tags),
                "put": _operation(f"replace_tags_of_{named}", "200", tags, **change),
                "post": _operation(f"add_tags_of_{named}", "200", tags, **change),
                "delete": _operation(f"delete_tags_of_{named}", "204", None, parameters=[_MATCH]),
            },
            ids,
        ),
    )
    verbs = {"get": ("show", "204"), "put": ("add", "201"), "delete": ("delete", "204")}
    found = {method: _operation(f"{verb}_tag_of_{named}", status, None) for method, (verb, status) in verbs.items()}
    yield f"{path}/{{tag}}", _path(found, (*ids, "tag"))


def _roles(roles: Roles, path: str) -> Iterator[tuple[str, Node]]:
    collection, shown = roles.resource.collection, _ref(roles.resource.member)
    name = path.removeprefix("/v2.0/").replace("/{id}/", "_").replace("-", "_")
    verbs = {"get": _operation(f"list_{name}", "200", _wrapped(**{collection: list_of(shown)}), parameters=[_FIELDS])}
    if roles.add is not None:
        verbs["post"] = _operation(f"add_{name}", "201", _OBJECT, body=_wrapped(**{roles.named: _TEXT}))
    yield path, _path(verbs, ("id",))
    if roles.remove is not None:
        yield f"{path}/{{{roles.named}}}", _path({"delete": _operation(f"remove_{name}", "204", None)}, ("id", roles.named))


def _quotas() -> Iterator[tuple[str, Node]]:
    limits = _wrapped(quota=_OBJECT)
    body = _wrapped(quota=schema_of(quotas.update_body))
    path, one = "/v2.0/quotas", ("project_id",)
    yield path, {"get": _operation("list_quotas", "200", _wrapped(quotas=list_of(_OBJECT)))}
    yield (
        f"{path}/{{project_id}}",
        _path(
            {
                "get": _operation("show_quota", "200", limits),
                "put": _operation("update_quota", "200", limits, body=body),
                "delete": _operation("delete_quota", "204", None),
            },
            one,
        ),
    )
    for word in ("default", "details"):
        yield f"{path}/{{project_id}}/{word}", _path({"get": _operation(f"show_quota_{word}", "200", limits)}, one)


def _about() -> Iterator[tuple[str, Node]]:
    """What the server says about itself."""
    public: Node = {"security": []}
    yield "/", {"get": _operation("list_versions", "200", _wrapped(versions=list_of(_OBJECT)), **public)}
    yield "/openapi.json", {"get": _operation("show_api", "200", _wrapped(openapi=_TEXT, paths=_OBJECT), **public)}
    yield "/v2.0", {"get": _operation("show_version", "200", _wrapped(version=_OBJECT), **public)}
    yield "/v2.0/", {"get": _operation("list_resources", "200", _wrapped(resources=list_of(_OBJECT)))}
    yield "/v2.0/extensions", {"get": _operation("list_extensions", "200", _wrapped(extensions=list_of(_OBJECT)))}
    extension = _operation("show_extension", "200", _wrapped(extension=_OBJECT))
    yield "/v2.0/extensions/{alias}", _path({"get": extension}, ("alias",))
