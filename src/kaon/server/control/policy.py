"""Who may do what: the rules of the caller's policy, asked about rows. `control.rules` is the engine behind.

A list is narrowed twice. SQL lets through what stands in a relation with the caller that a statement can ask:

    reader         the row is of the caller's project
    parent_owner   the row's parent (network of subnets and ports, group of rules) is of the caller's project
    shared         the row, or its network, is shared with the caller's project
    external       the row's network is external for the caller's project

and of these only relations that the collection's rule (`get_port`) names. Where the rule asks more than that, which only an
operator's does, rows are asked one by one afterwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kaon.model.attributes import Resource
from kaon.model.catalogue import RESOURCES
from kaon.model.errors import PolicyNotAuthorized
from kaon.server.control.conditions import Answer, Condition, implied, satisfied
from kaon.server.control.core import Caller
from kaon.server.control.rules import Rights

Row = Mapping[str, Any]

_OWN: Final = frozenset({"reader"})
_OWN_OR_SHARED: Final = frozenset({"reader", "shared"})
_PARENT: Final = frozenset({"parent_owner"})

READ: Final[Mapping[str, frozenset[str]]] = {
    "networks": frozenset({"reader", "shared", "external"}),
    "subnets": frozenset({"reader", "parent_owner", "shared", "external"}),
    "subnetpools": _OWN_OR_SHARED,
    "address_scopes": _OWN_OR_SHARED,
    "address_groups": _OWN_OR_SHARED,
    "policies": _OWN_OR_SHARED,
    "security_groups": _OWN_OR_SHARED,
    "ports": frozenset({"reader", "parent_owner"}),
    "security_group_rules": frozenset({"reader", "parent_owner"}),
    "bandwidth_limit_rules": _PARENT,
    "dscp_marking_rules": _PARENT,
    "minimum_bandwidth_rules": _PARENT,
    "minimum_packet_rate_rules": _PARENT,
    "packet_rate_limit_rules": _PARENT,
    "alias_bandwidth_limit_rules": _PARENT,
    "alias_dscp_marking_rules": _PARENT,
    "alias_minimum_bandwidth_rules": _PARENT,
    "alias_minimum_packet_rate_rules": _PARENT,
    "port_forwardings": _PARENT,
    "conntrack_helpers": _PARENT,
    "port_associations": _PARENT,
}
"""Collection -> relations that statements can ask; those that are not here know the caller's own project only."""


@dataclass(frozen=True)
class Visibility:
    """Which rows of a collection a caller may see, for a WHERE clause.

    everything  no restriction
    project_id  the caller's
    through     rows whose parent stands in one of these relations (parent_owner, shared, external) are seen
    own         rows of the caller's project are seen
    """

    everything: bool
    project_id: str
    through: frozenset[str] = frozenset()
    own: bool = True


@dataclass(frozen=True)
class Reading:
    """What a caller is shown of a resource.

    names  attributes that it may read, in their order; those with a condition only of rows for which it holds
    rows   which of the rows that SQL lets through it may see
    """

    names: tuple[tuple[str, Condition | None], ...]
    rows: Answer

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Everything that has to be asked of single rows."""
        of_rows = (self.rows,) if isinstance(self.rows, Condition) else ()
        return (*of_rows, *(condition for _, condition in self.names if condition is not None))


# ---- what rules are about


def _subject(resource: Resource) -> str:
    """The words for a resource in the names of rules: `network`, `floatingip_port_forwarding`."""
    above = next((one.member for one in RESOURCES if one.collection == resource.parent), "")
    return f"{above}_{resource.member}" if above else resource.member


_BY_SUBJECT: Final[Mapping[str, Resource]] = {_subject(resource): resource for resource in RESOURCES}
_SUBJECTS: Final[Mapping[str, str]] = {
    "quotas": "quota",
    **{resource.collection: subject for subject, resource in _BY_SUBJECT.items() if resource.parent},
    # A collection that stands alone too (service_profiles) is meant by its name.
    **{resource.collection: subject for subject, resource in _BY_SUBJECT.items() if not resource.parent},
}


# ---- seeing


def visibility(caller: Caller, collection: str) -> Visibility:
    """What of `collection` SQL lets the caller see."""
    return _narrowed(caller.rights, _SUBJECTS[collection], READ.get(collection, _OWN))[0]


def visible(caller: Caller, collection: str, row: Row, parent: Row | None = None) -> bool:
    """Whether the caller may know of the row. The parent of a network is the network itself."""
    answer = caller.rights.answer(f"get_{_SUBJECTS[collection]}")
    if isinstance(answer, bool):
        return answer
    related = _relations(caller.project_id, row, parent or {}) & READ.get(collection, _OWN)
    return bool(related) and answer.holds(row, parent or {})


def sees_all(caller: Caller, collection: str) -> bool:
    """Whether the caller may know of any row whatever it is: nothing else needs to be read to ask `visible`."""
    return caller.rights.answer(f"get_{_SUBJECTS[collection]}") is True


def reading(caller: Caller, resource: Resource) -> Reading:
    """What the caller is shown of a resource; worked out once for each caller."""
    kept = caller.rights.kept
    key = ("reading", resource.parent, resource.collection)
    if key not in kept:
        kept[key] = _reading(caller.rights, resource)
    found: Reading = kept[key]
    return found


def may_ask(caller: Caller, resource: Resource, name: str) -> Answer:
    """Whether a list may be narrowed or ordered by an attribute, which tells of it; a condition: only rows that satisfy it."""
    conditions = dict(reading(caller, resource).names)
    if name in conditions:
        return conditions[name] or True
    return not (name in resource.by_name and resource.by_name[name].visible)


def _reading(rights: Rights, resource: Resource) -> Reading:
    subject = _subject(resource)
    seen = rights.answer(f"get_{subject}")
    names = []
    for attribute in resource.attributes:
        rule = f"get_{subject}:{attribute.name}"
        answer = rights.answer(rule) if rights.knows(rule) else True
        if attribute.visible and answer is not False:
            names.append((attribute.name, answer if isinstance(answer, Condition) and not implied(seen, answer) else None))
    return Reading(tuple(names), _narrowed(rights, subject, READ.get(resource.collection, _OWN))[1])


def _narrowed(rights: Rights, subject: str, able: frozenset[str]) -> tuple[Visibility, Answer]:
    """What SQL lets through, and what of that the caller may see. able: the relations that the statement knows."""
    answer = rights.answer(f"get_{subject}")
    mine = rights.credentials.project_id
    if isinstance(answer, bool):
        return Visibility(everything=answer, project_id=mine if answer else "", own=False), answer
    relations: frozenset[str] = frozenset()
    exact = True
    for way in answer.ways:
        asked = frozenset(_relation(part) for part in (way.parts if way.kind == "all" else (way,))) - {""}
        exact = exact and way.kind == "is" and bool(asked)
        # What a statement cannot ask at all may be true of any row that it can reach.
        relations |= (asked & able) if asked else (able if mine else able - _OWN - _PARENT)
    through = relations - _OWN
    return Visibility(everything=False, project_id=mine, through=through, own="reader" in relations), exact or answer


def _relation(condition: Condition) -> str:
    """The relation that a condition asks for; empty: none that statements know."""
    match condition.what:
        case ("project", "project_id", _):
            return "reader"
        case ("project", name, _) if name.endswith(":project_id"):
            return "parent_owner"
        case ("field", "shared", "True"):
            return "shared"
        case ("field", "router:external", "True"):
            return "external"
        case _:
            return ""


def _relations(mine: str, row: Row, parent: Row) -> frozenset[str]:
    """Every relation in which a project stands to the row."""
    found = {
        "reader": bool(mine) and row.get("project_id") == mine,
        "parent_owner": bool(mine) and parent.get("project_id") == mine,
        "shared": bool(row.get("shared") or parent.get("shared")),
        "external": bool(parent.get("access_as_external")),
    }
    return frozenset(relation for relation, holds in found.items() if holds)


# ---- doing


def may_name_projects(caller: Caller) -> bool:
    """Whether what the caller makes may be another project's: an administrator's and another service's may."""
    return caller.is_admin or satisfied(caller.rights.answer("service_api"), {})


def authorize(caller: Caller, action: str, row: Row, parent: Row | None = None, body: Row | None = None) -> None:
    """Raise PolicyNotAuthorized (403) unless the caller may do `action` to `row`.

    action  `update_port`, `add_router_interface`, ...
    row     what is changed; on create the body
    parent  for subnets and ports the row of their network (`project_id`, `shared`, `router:external`), for rules of their group
    body    what the caller asks for: attributes have rules of their own (`create_port:mac_address`)
    """
    rights = caller.rights
    # What a row is about to become counts, as in Neutron: `device_owner` may not be changed to what it forbids.
    target = {**row, **body} if body and action.startswith("update_") else row
    for rule in (action, *_named(rights, action, body or {})):
        if not satisfied(rights.answer(rule), target, parent):
            raise PolicyNotAuthorized(action=rule)


def allowed(caller: Caller, action: str, row: Row, parent: Row | None = None) -> bool:
    """Whether the caller may do `action` to `row`, for who makes something else of it than a refusal."""
    return satisfied(caller.rights.answer(action), row, parent)


_NEVER_ASKED: Final = frozenset({"create_subnet:service_types", "update_subnet:service_types"})
"""Rules that Neutron has and does not ask, as their attribute is not marked for it; members name service types."""


def _named(rights: Rights, action: str, body: Row) -> Iterable[str]:
    """The rules on what a body names: `action:attribute` and, for dictionaries in it, `action:attribute:part`."""
    verb, _, subject = action.partition("_")
    resource = _BY_SUBJECT.get(subject) if verb == "create" else None
    for attribute, value in body.items():
        # In a POST the default is nothing that was asked for: `model` has put it there.
        if resource is not None and attribute in resource.by_name and resource.by_name[attribute].default == value:
            continue
        rule = f"{action}:{attribute}"
        if rule in _NEVER_ASKED:
            continue
        if rights.knows(rule):
            yield rule
        parts = value if isinstance(value, list) else [value]
        keys = dict.fromkeys(key for part in parts if isinstance(part, Mapping) for key in part)
        yield from (f"{rule}:{key}" for key in keys if rights.knows(f"{rule}:{key}"))
