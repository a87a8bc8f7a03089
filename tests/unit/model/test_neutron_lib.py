"""Our declarations against neutron-lib's: every attribute and its traits; each difference has its reason in one table.

An attribute that neutron-lib does not know is a difference as well, unless the extension that brings it is declared in
Neutron's own tree, which is no library. `tenant_id` and `project_id` are compared as one, for neutron-lib declares either.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

import pytest
from neutron_lib import constants
from neutron_lib.api import definitions

from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource
from kaon.model.catalogue import DECLARED, RESOURCES
from kaon.model.checks import schema_of
from neutron_lib_differences import DIFFERENCES

IN_TREE: Final = frozenset(
    {
        "l3_agent_scheduler",
        "quota_details",
        "quotas",
        "rbac-policies",
        "security-group",
        "security-groups-default-rules",
        "standard-attr-description",
        "standard-attr-revisions",
        "standard-attr-tag",
        "standard-attr-timestamp",
        "subnet_allocation",
    }
)
"""Extensions that neutron-lib does not declare."""

RENAMED: Final = {"auto_allocated_topologies": "auto_allocated_topology"}
"""Collections that Neutron calls otherwise on the wire than in its declaration."""

KINDS: Final[Mapping[str, str]] = {
    "type:uuid": "uuid",
    "type:uuid_or_none": "uuid|null",
    "type:subnetpool_id_or_none": "uuid|null",
    "type:string": "string",
    "type:name_string": "string",
    "type:name_string_not_default": "string",
    "type:not_empty_name_string": "string",
    "type:name_string_or_none": "string|null",
    "type:string_or_none": "string|null",
    "type:dns_host_name": "string",
    "type:fip_dns_host_name": "string",
    "type:dns_domain_name": "string",
    "type:ip_address": "string",
    "type:ip_address_or_none": "string|null",
    "type:mac_address": "string",
    "type:subnet": "string",
    "type:subnet_or_none": "string|null",
    "type:port_range": "string",
    "type:service_plugin_type": "values",
    "type:values": "values",
    "type:range": "integer",
    "type:range_or_none": "integer|null",
    "type:non_negative": "integer",
    "type:boolean": "boolean",
    "type:dict_or_none": "object|null",
    "type:dict_or_nodata": "object|null",
    "convert_to_int": "integer",
    "convert_to_boolean": "boolean",
    "convert_to_boolean_if_not_none": "boolean|null",
    **dict.fromkeys(
        (
            "type:allowed_address_pairs",
            "type:availability_zone_hint_list",
            "type:external_gw_info_list",
            "type:fixed_ips",
            "type:hostroutes",
            "type:ip_pools",
            "type:list_of_any_key_specs_or_none",
            "type:list_of_subnet_service_types",
            "type:nameservers",
            "type:network_segments",
            "type:subnet_list",
            "type:subports",
            "type:uuid_list",
        ),
        "array",
    ),
}
"""neutron-lib's validator, or converter where there is none -> the kind of value."""

Theirs = Mapping[str, Mapping[str, Any]]
"""Attribute -> traits as neutron-lib has them."""


@cache
def _theirs() -> Mapping[tuple[str, str], Theirs]:
    """(collection of the parent, collection) -> attributes, of all the extensions that we have, merged."""
    known = {resource.collection: (resource.parent, resource.collection) for resource in reversed(RESOURCES)}
    merged: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    found = [
        importlib.import_module(f"{definitions.__name__}.{one.name}") for one in pkgutil.iter_modules(definitions.__path__)
    ]
    modules: list[Any] = [module for module in found if getattr(module, "ALIAS", None) in DECLARED]
    # An extension that needs another one may change what that one declares.
    for module in sorted(modules, key=lambda module: len(module.REQUIRED_EXTENSIONS or ())):
        maps = [("", collection, attributes) for collection, attributes in module.RESOURCE_ATTRIBUTE_MAP.items()]
        for collection, below in (module.SUB_RESOURCE_ATTRIBUTE_MAP or {}).items():
            # Attributes for a sub-resource that another extension declares come without its parent.
            parent = below.get("parent", {}).get("collection_name") or known[collection][0]
            maps.append((parent if (parent, collection) in known.values() else "", collection, below["parameters"]))
        for parent, collection, attributes in maps:
            into = merged.setdefault((parent, RENAMED.get(collection, collection)), {})
            for name, traits in attributes.items():
                into.setdefault(_one_name(name), {}).update(traits)
    return merged


def _one_name(name: str) -> str:
    return "project_id" if name == "tenant_id" else name


def _traits(traits: Mapping[str, Any]) -> dict[str, Any]:
    """What can be compared, of neutron-lib's."""
    post = bool(traits.get("allow_post"))
    found = {
        "post": post,
        "put": bool(traits.get("allow_put")),
        "visible": bool(traits.get("is_visible")),
        "filter": bool(traits.get("is_filter")),
        "sort": bool(traits.get("is_sort_key")),
    }
    if post:
        default = traits.get("default", REQUIRED)
        found["default"] = NOT_SPECIFIED if default is constants.ATTR_NOT_SPECIFIED else default
    if post or traits.get("allow_put"):
        validators = [rule for rule in traits.get("validate") or {} if rule != "type:not_empty_string"]
        converter = getattr(traits.get("convert_to"), "__name__", "")
        rule = validators[0] if validators else converter
        found["kind"] = KINDS.get(rule, rule)
        found["limits"] = _limits(rule, traits["validate"][rule]) if validators else None
    return found


def _limits(rule: str, argument: Any) -> Any:
    if rule == "type:values":
        return frozenset(argument)
    if rule in ("type:range", "type:range_or_none"):
        return tuple(argument)
    return argument if rule in ("type:string", "type:string_or_none", "type:name_string") else None


def _ours(attribute: Attribute) -> dict[str, Any]:
    """The same of one of ours."""
    found = {
        "post": attribute.post,
        "put": attribute.put,
        "visible": attribute.visible,
        "filter": attribute.filter is not None,
        "sort": attribute.sort,
    }
    if attribute.post:
        found["default"] = list(attribute.default) if isinstance(attribute.default, tuple) else attribute.default
    if attribute.post or attribute.put:
        schema = schema_of(attribute.check)
        values = schema.get("enum")
        kind = schema.get("type", "")
        kinds = [kind] if isinstance(kind, str) else list(kind)
        if schema.get("pattern", "").startswith("^[0-9a-f]{8}"):
            kinds[0] = "uuid"
        found["kind"] = "values" if values else "|".join(kinds)
        limits = (schema["minimum"], schema["maximum"]) if "minimum" in schema else schema.get("maxLength")
        found["limits"] = frozenset(values) if values else limits
    return found


def _place(resource: Resource) -> str:
    return f"{resource.parent}/{resource.collection}".strip("/")


@cache
def _differences() -> Mapping[str, str]:
    """`collection.attribute trait` -> both sides, for people."""
    return dict(_compared())


def _compared() -> Iterator[tuple[str, str]]:
    for resource in RESOURCES:
        declared = _theirs().get((resource.parent, resource.collection), {})
        # Of the two names of the project a body has the one that POST takes.
        ours = {_one_name(name): one for name, one in sorted(resource.by_name.items(), key=lambda item: item[0] != "tenant_id")}
        for name in sorted(declared.keys() | ours.keys()):
            place = f"{_place(resource)}.{name}"
            if name not in ours:
                yield f"{place} theirs", "only neutron-lib has it"
            elif name not in declared:
                if ours[name].alias not in IN_TREE and not (name == "project_id" and "id" not in declared):
                    yield f"{place} ours", f"only we have it, by {ours[name].alias}"
            else:
                mine, other = _ours(ours[name]), _traits(declared[name])
                for trait in sorted(mine.keys() & other.keys()):
                    if mine[trait] != other[trait] and not (trait == "limits" and None in (mine[trait], other[trait])):
                        yield f"{place} {trait}", f"ours {mine[trait]!r}, neutron-lib's {other[trait]!r}"


LISTED: Final = [(pattern, reason) for reason, patterns in DIFFERENCES.items() for pattern in patterns]


def test_every_difference_has_its_reason() -> None:
    """What is not listed in `neutron_lib_differences` is a mistake of ours, until somebody says why not."""
    unlisted = {
        where: what for where, what in _differences().items() if not any(fnmatchcase(where, pattern) for pattern, _ in LISTED)
    }
    assert {} == unlisted


@pytest.mark.parametrize(("pattern", "reason"), LISTED)
def test_every_reason_has_its_difference(pattern: str, reason: str) -> None:
    """A difference that is no more leaves the list."""
    assert any(fnmatchcase(where, pattern) for where in _differences()), reason


def test_every_resource_is_compared() -> None:
    """But those of Neutron's own tree."""
    compared = {resource.collection for resource in RESOURCES if (resource.parent, resource.collection) in _theirs()}
    assert {"default_security_group_rules", "rbac_policies"} == {resource.collection for resource in RESOURCES} - compared
