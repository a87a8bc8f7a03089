"""Bodies of requests: from bytes to what control takes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kaon.model import checks
from kaon.model.attributes import Resource, create_body, update_body
from kaon.model.errors import HTTPBadRequest
from kaon.model.query import Body
from kaon.server.control import policy
from kaon.server.control.core import Caller


def parsed(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises HTTPBadRequest."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HTTPBadRequest(reason="The body is not valid JSON") from None
    if not isinstance(document, dict):
        raise HTTPBadRequest(reason="The body is not a JSON object")
    return document


def inside(document: Mapping[str, Any], envelope: str, also: str = "") -> dict[str, Any]:
    """The object under the envelope's key. also: another key for it, if not empty. Raises HTTPBadRequest."""
    content = document.get(also if also and envelope not in document else envelope)
    if not isinstance(content, dict):
        raise HTTPBadRequest(reason=f"Unable to find '{envelope}' in request body")
    return content


def to_create(resource: Resource, caller: Caller, raw: bytes) -> tuple[list[Body], bool]:
    """What a POST asks for, and whether in bulk. Raises HTTPBadRequest or InvalidInput."""
    document = parsed(raw)
    bulk = resource.collection in document and resource.collection != resource.member
    items = _items(resource, document[resource.collection]) if bulk else [inside(document, resource.member, resource.also)]
    owned = "project_id" in resource.by_name
    return [create_body(resource, _owned(caller, item) if owned else item) for item in items], bulk


def to_update(resource: Resource, raw: bytes) -> Body:
    """What a PUT asks for. Raises HTTPBadRequest or InvalidInput."""
    return update_body(resource, inside(parsed(raw), resource.member, resource.also))


def _items(resource: Resource, given: Any) -> list[dict[str, Any]]:
    """The items of a bulk POST, each bare or in its own envelope."""
    if not resource.bulk:
        raise HTTPBadRequest(reason="Bulk operation not supported")
    if not isinstance(given, list) or not given:
        raise HTTPBadRequest(reason="Resources required")
    items = []
    for item in given:
        content = item.get(resource.member, item) if isinstance(item, dict) else item
        if not isinstance(content, dict):
            raise HTTPBadRequest(reason=f"'{resource.collection}' must be a list of objects")
        items.append(content)
    return items


def _owned(caller: Caller, given: Mapping[str, Any]) -> dict[str, Any]:
    """The same with `project_id` for both of its names; the caller's own where it names none."""
    named = [given[key] for key in ("project_id", "tenant_id") if key in given]
    if any(value != named[0] for value in named):
        raise HTTPBadRequest(reason="'project_id' and 'tenant_id' do not match")
    project = named[0] if named else caller.project_id
    if not named and not project:
        raise HTTPBadRequest(reason="The caller acts in no project, so 'project_id' must be specified")
    if project != caller.project_id and not policy.may_name_projects(caller):
        message = f"Specifying 'project_id' or 'tenant_id' other than the authenticated project ({checks.shown(project)}) "
        raise HTTPBadRequest(reason=message + "in request requires admin privileges")
    return {key: value for key, value in given.items() if key != "tenant_id"} | {"project_id": project}
