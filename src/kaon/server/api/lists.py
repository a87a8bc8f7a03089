"""List requests: filters, fields, sorting and pages, and the links between pages."""

from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import Resource
from kaon.model.errors import BadRequest, HTTPBadRequest, PolicyNotAuthorized, TenantIdProjectIdFilterConflict
from kaon.model.query import FilterValue, Query, Row
from kaon.model.segments import PROVIDER
from kaon.server.api import views
from kaon.server.api.asked import Asked
from kaon.server.control import policy
from kaon.server.control.conditions import Condition
from kaon.server.control.core import Caller

RESERVED: Final = frozenset({"fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir"})

OPEN: Final = frozenset(PROVIDER)
"""What lists may be narrowed by though it is not shown: clients of Neutron's ask for their own networks of a type."""

_DIGITS: Final = 4000
"""Python reads no longer numbers."""

ADDRESS_PARTS: Final = frozenset({"ip_address", "ip_address_substr", "subnet_id"})
"""Sub-keys of `fixed_ips`; others are passed over, as Neutron does."""


def asked_fields(asked: Asked) -> frozenset[str] | None:
    """The attributes wanted; None: all."""
    return frozenset(value for key, value in asked.query if key == "fields" and value) or None


def asked_query(resource: Resource, asked: Asked, caller: Caller, *, maximum: int) -> Query:
    """What the list request means. `maximum`: rows of the longest page that is given; 0: no limit. Raises 400 and 403."""
    limit = _limit(asked, maximum)
    return Query(
        filters=_filters(resource, asked),
        fields=views.needed(caller, resource, asked_fields(asked)),
        sort=_sort(resource, asked),
        limit=limit,
        marker=(limit and _marker(asked)) or None,  # a marker without pages means nothing, as in Neutron
        page_reverse=(_last(asked, "page_reverse") or "").lower() in ("true", "1"),
    )


def _last(asked: Asked, wanted: str) -> str | None:
    return next((value for key, value in reversed(asked.query) if key == wanted), None)


def _marker(asked: Asked) -> str | None:
    given = _last(asked, "marker")
    try:
        return given and _known(given)
    except checks.Unfit as unfit:
        raise BadRequest(reason=f"Invalid marker: {unfit}") from None


def _known(value: str) -> str:
    """The value of a filter or a marker, when databases can be asked for it. Raises Unfit."""
    if not checks.keepable(value):
        raise checks.Unfit(f"{checks.shown(value)} holds characters that nothing has")
    return value


def _limit(asked: Asked, maximum: int) -> int | None:
    given = _last(asked, "limit")
    if given is None:
        limit = 0
    elif given.isdecimal() and len(given) < _DIGITS:
        limit = min(int(given), checks.HIGHEST)
    else:
        raise BadRequest(reason=f"Limit must be an integer 0 or greater and not {checks.shown(given)}")
    if maximum and (limit == 0 or limit > maximum):
        return maximum
    return limit or None


def _sort(resource: Resource, asked: Asked) -> tuple[tuple[str, bool], ...]:
    keys = [value for key, value in asked.query if key == "sort_key" and value]
    directions = [value for key, value in asked.query if key == "sort_dir" and value]
    if len(keys) != len(directions):
        raise HTTPBadRequest(reason="The number of sort_keys and sort_dirs must be same")
    unknown = [key for key in keys if key not in resource.sort_keys]
    if unknown:
        raise HTTPBadRequest(reason=f"{unknown} is invalid attribute for sorting")
    wrong = [direction for direction in directions if direction not in ("asc", "desc")]
    if wrong:
        raise HTTPBadRequest(reason=f"{wrong} is invalid value for sort_dirs, valid values are 'asc' and 'desc'")
    ordered: dict[str, bool] = {}
    for key, direction in zip(keys, directions, strict=True):
        ordered.setdefault("project_id" if key == "tenant_id" else key, direction == "asc")
    return tuple(ordered.items())


def _filters(resource: Resource, asked: Asked) -> dict[str, tuple[FilterValue, ...]]:
    given: dict[str, list[str]] = {}
    for key, value in asked.query:
        if key not in RESERVED:
            given.setdefault(key, []).append(value)
    unknown = [key for key in given if key not in resource.filters]
    if unknown:
        raise HTTPBadRequest(reason=f"{unknown} is invalid attribute for filtering")
    if {"tenant_id", "project_id"} <= given.keys() and set(given["tenant_id"]) != set(given["project_id"]):
        raise TenantIdProjectIdFilterConflict
    wanted: dict[str, tuple[FilterValue, ...]] = {}
    for key, values in given.items():
        try:
            converted = dict.fromkeys(resource.filters[key](_known(value)) for value in values)
        except checks.Unfit as unfit:
            raise HTTPBadRequest(reason=f"Invalid input for {key}. Reason: {unfit}.") from None
        kept = tuple(value for value in converted if not isinstance(value, tuple) or value[0] in ADDRESS_PARTS)
        if kept:
            wanted["project_id" if key == "tenant_id" else key] = kept
    return wanted


def conditions(resource: Resource, query: Query, caller: Caller) -> list[Condition]:
    """What rows must satisfy because the list is narrowed or ordered by attributes that the caller may read of some only.

    Raises PolicyNotAuthorized for an attribute that it may read of none: the list would tell of it all the same.
    """
    found = []
    for name in (*query.filters, *(key for key, _ in query.sort)):
        answer = policy.may_ask(caller, resource, name)
        if answer is False and name in OPEN:
            continue
        if answer is False:
            raise PolicyNotAuthorized(action=f"get_{resource.member}:{name}")
        if isinstance(answer, Condition):
            found.append(answer)
    return found


def listed(resource: Resource, asked: Asked, query: Query, rows: list[Row], shown: list[Row]) -> dict[str, Any]:
    """The answer to a list request: `shown` are the rendered `rows`. Links come only with a limit."""
    document: dict[str, Any] = {resource.collection: shown}
    if query.limit is None:
        return document
    short = len(rows) < query.limit
    first, last = (rows[0][resource.key], rows[-1][resource.key]) if rows else (None, None)
    links = []
    # A full page always names the next one, which may turn out empty: clients written for Neutron count on it.
    if query.page_reverse or not short:
        links.append({"rel": "next", "href": _page_link(asked, last, reverse=False)})
    if not query.page_reverse or not short:
        links.append({"rel": "previous", "href": _page_link(asked, first, reverse=True)})
    return document | {f"{resource.collection}_links": links}


def _page_link(asked: Asked, marker: str | None, *, reverse: bool) -> str:
    kept = tuple((key, value) for key, value in asked.query if key not in ("marker", "page_reverse"))
    added = (("marker", marker),) if marker else ()
    direction = (("page_reverse", "True"),) if reverse else ()
    return asked.link("/" + "/".join(asked.path), kept + added + direction)
