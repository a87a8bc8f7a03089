"""What a resource is: its attributes, declared once. Bodies, filters, sort keys and answers are derived from that."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from kaon.model import checks
from kaon.model.checks import Check, Unfit
from kaon.model.errors import HTTPBadRequest
from kaon.model.query import Body, FilterValue


class _Word:
    """A value that no client can send."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


NOT_SPECIFIED: Final = _Word("NOT_SPECIFIED")
"""Default of an attribute that stays absent from the body when the client does not name it."""

REQUIRED: Final = _Word("REQUIRED")
"""Default of an attribute that a POST must name."""

FilterCheck = Callable[[str], FilterValue]
"""One value of a list request's filter -> the value looked for."""


def words(value: str) -> FilterValue:
    """A filter that compares text as it is."""
    return value


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of a resource.

    check    value as sent -> value as kept; raises Unfit or InvalidInput. What is only shown is described by it
    default  what a POST without it means: a value, NOT_SPECIFIED or REQUIRED
    post     may be named in POST
    put      may be named in PUT
    visible  appears in answers
    filter   how a list is narrowed by it; None: not at all
    sort     a list may be ordered by it
    alias    the extension that brings it

    Who may set it or see it, say rules of policy: `create_port:binding:host_id`, `get_port:binding:host_id`.
    """

    name: str
    alias: str
    check: Check = checks.anything
    default: Any = None
    post: bool = False
    put: bool = False
    visible: bool = True
    filter: FilterCheck | None = None
    sort: bool = False

    def kept(self, value: Any) -> Any:
        """The value, checked and converted; raises HTTPBadRequest or InvalidInput."""
        try:
            return self.check(value)
        except Unfit as unfit:
            raise HTTPBadRequest(reason=f"Invalid input for {self.name}. Reason: {unfit}.") from None


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of resource.

    collection  plural, as in the envelope of a list; its path is the same with dashes
    member      singular, as in the envelope of one
    verbs       of create, index, show, update, delete: those that exist
    bulk        whether one POST may create several
    parent      collection of the resource below which it stands; empty: none
    prefix      of the service that its path may begin with (`qos`, `metering`, `log`); empty: none
    key         attribute that names one of them in a path, unique below its parent
    also        another word than `member` that clients expect in the envelope, and send; empty: none
    """

    collection: str
    member: str
    attributes: tuple[Attribute, ...]
    verbs: frozenset[str] = frozenset({"create", "index", "show", "update", "delete"})
    bulk: bool = True
    parent: str = ""
    prefix: str = ""
    key: str = "id"
    also: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, Attribute]:
        """The attributes by name."""
        return {attribute.name: attribute for attribute in self.attributes}

    @cached_property
    def filters(self) -> Mapping[str, FilterCheck]:
        """How a list may be narrowed."""
        return {attribute.name: attribute.filter for attribute in self.attributes if attribute.filter is not None}

    @property
    def tagged(self) -> bool:
        """Whether it has tags; see `model.tags`."""
        return "tags" in self.by_name

    @cached_property
    def sort_keys(self) -> frozenset[str]:
        """What a list may be ordered by."""
        return frozenset(attribute.name for attribute in self.attributes if attribute.sort)


def identity(alias: str) -> Attribute:
    """The primary key."""
    return Attribute(name="id", alias=alias, check=checks.uuid, filter=words, sort=True)


_project: Final = checks.text(255)


def owner() -> tuple[Attribute, Attribute]:
    """The project, under both of its names. A body reaches control with `project_id` only."""
    project = Attribute(name="project_id", alias="project-id", check=_project, post=True, filter=_project, sort=True)
    # The API makes one of the two before the body is checked, so that the mirror itself is never in a checked body.
    return project, dataclasses.replace(project, name="tenant_id", post=False)


def description() -> Attribute:
    """What people write about the resource."""
    return Attribute(
        name="description",
        alias="standard-attr-description",
        check=checks.text(255),
        default="",
        post=True,
        put=True,
        filter=words,
    )


def standard() -> tuple[Attribute, ...]:
    """What every resource has besides: description, times and revision."""
    return (
        description(),
        Attribute(name="created_at", alias="standard-attr-timestamp", check=checks.moment),
        Attribute(name="updated_at", alias="standard-attr-timestamp", check=checks.moment),
        Attribute(name="revision_number", alias="standard-attr-revisions", check=checks.integer, filter=checks.integer),
    )


def switch(name: str, alias: str, *, default: Any = True, put: bool = True, sort: bool = False) -> Attribute:
    """Something that is on or off, for POST and PUT, with filter."""
    return Attribute(
        name=name,
        alias=alias,
        check=checks.boolean,
        default=default,
        post=True,
        put=put,
        filter=checks.boolean,
        sort=sort,
    )


def label(alias: str) -> Attribute:
    """The name that people give."""
    return Attribute(name="name", alias=alias, check=checks.text(255), default="", post=True, put=True, filter=words, sort=True)


def _refuse_unknown(resource: Resource, given: Mapping[str, Any]) -> None:
    unknown = sorted(key for key in given if key not in resource.by_name)
    if unknown:
        raise HTTPBadRequest(reason=f"Unrecognized attribute(s) '{', '.join(unknown)}'")


def create_body(resource: Resource, given: Mapping[str, Any]) -> Body:
    """What a POST of one resource means: checked, converted, defaults filled in. Raises HTTPBadRequest or InvalidInput."""
    _refuse_unknown(resource, given)
    body: Body = {}
    for name, attribute in resource.by_name.items():
        if not attribute.post:
            if name in given:
                raise HTTPBadRequest(reason=f"Attribute '{name}' not allowed in POST")
        elif name in given:
            body[name] = attribute.kept(given[name])
        elif attribute.default is REQUIRED:
            raise HTTPBadRequest(reason=f"Failed to parse request. Required attribute '{name}' not specified")
        elif attribute.default is not NOT_SPECIFIED:
            body[name] = attribute.default
    return body


def update_body(resource: Resource, given: Mapping[str, Any]) -> Body:
    """What a PUT of one resource means: checked and converted. Raises HTTPBadRequest or InvalidInput."""
    _refuse_unknown(resource, given)
    for name in given:
        if not resource.by_name[name].put:
            raise HTTPBadRequest(reason=f"Cannot update read-only attribute {name}")
    return {name: resource.by_name[name].kept(value) for name, value in given.items()}
