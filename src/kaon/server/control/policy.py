"""Who may do what: a small table that oslo.policy will replace behind the same four functions.

A rule names relations of the caller to the row, any of which is enough. An admin may do everything.

    owner          the row is of the caller's project and the caller may write
    reader         the row is of the caller's project
    parent_owner   the row's parent (network of subnets and ports, group of rules) is of the caller's project, and it may write
    shared         the row's network, or the subnet pool, is shared with everybody
    external       the row's network is external
    nobody         only an admin
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kaon.model.errors import PolicyNotAuthorized
from kaon.server.control.core import Caller

Row = Mapping[str, Any]

WRITERS: Final = frozenset({"admin", "manager", "member"})
"""Roles that may change things; a caller with none of them (a reader) may only look."""

_OWNER: Final = frozenset({"owner"})
_NOBODY: Final[frozenset[str]] = frozenset()
_PARENT: Final = frozenset({"parent_owner"})

_TAGGED: Final = ("network", "subnet", "subnetpool", "port", "router", "floatingip", "security_group")

READ: Final[Mapping[str, frozenset[str]]] = {
    "networks": frozenset({"reader", "shared", "external"}),
    "subnets": frozenset({"reader", "parent_owner", "shared", "external"}),
    "subnetpools": frozenset({"reader", "shared"}),
    "ports": frozenset({"reader", "parent_owner"}),
    "security_groups": frozenset({"reader"}),
    "security_group_rules": frozenset({"reader", "parent_owner"}),
    "routers": frozenset({"reader"}),
    "floatingips": frozenset({"reader"}),
    "quotas": frozenset({"reader"}),
    "agents": _NOBODY,
}
"""Collection -> relations that make a row visible."""

WRITE: Final[Mapping[str, frozenset[str]]] = {
    "create_network": _OWNER,
    "update_network": _OWNER,
    "delete_network": _OWNER,
    "create_subnet": _PARENT,
    "update_subnet": frozenset({"owner", "parent_owner"}),
    "delete_subnet": frozenset({"owner", "parent_owner"}),
    "create_subnetpool": _OWNER,
    "update_subnetpool": _OWNER,
    "delete_subnetpool": _OWNER,
    "add_prefixes": _OWNER,
    "remove_prefixes": _OWNER,
    "onboard_network_subnets": _OWNER,
    "create_port": frozenset({"parent_owner", "shared"}),
    "update_port": _OWNER,
    "delete_port": frozenset({"owner", "parent_owner"}),
    "create_security_group": _OWNER,
    "update_security_group": _OWNER,
    "delete_security_group": _OWNER,
    "create_security_group_rule": frozenset({"parent_owner"}),
    "delete_security_group_rule": frozenset({"owner", "parent_owner"}),
    "create_router": _OWNER,
    "update_router": _OWNER,
    "delete_router": _OWNER,
    "add_router_interface": _OWNER,
    "remove_router_interface": _OWNER,
    "add_extraroutes": _OWNER,
    "remove_extraroutes": _OWNER,
    "create_floatingip": _OWNER,
    "update_floatingip": _OWNER,
    "delete_floatingip": _OWNER,
    **{f"{verb}_{member}:tags": _OWNER for verb in ("create", "update", "delete") for member in _TAGGED},
    "update_quota": _NOBODY,
    "delete_quota": _NOBODY,
    "index_quota": _NOBODY,
    "update_agent": _NOBODY,
    "delete_agent": _NOBODY,
}
"""Action -> relations that allow it."""

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "create_port:device_owner=network:": _PARENT,
    "create_port:mac_address": _PARENT,
    "create_port:fixed_ips:ip_address": _PARENT,
    "create_port:fixed_ips:subnet_id": frozenset({"parent_owner", "shared"}),
    "create_port:port_security_enabled": _PARENT,
    "create_port:allowed_address_pairs": _PARENT,
    "update_port:device_owner=network:": _PARENT,
    "update_port:mac_address": _NOBODY,
    "update_port:fixed_ips": _PARENT,
    "update_port:fixed_ips:ip_address": _PARENT,
    "update_port:fixed_ips:subnet_id": frozenset({"parent_owner", "shared"}),
    "update_port:port_security_enabled": _PARENT,
    "update_port:allowed_address_pairs": _PARENT,
    "create_router:external_gateway_info:enable_snat": _NOBODY,
    "create_router:external_gateway_info:external_fixed_ips": _NOBODY,
    "update_router:external_gateway_info:enable_snat": _NOBODY,
    "update_router:external_gateway_info:external_fixed_ips": _NOBODY,
    "create_floatingip:floating_ip_address": _NOBODY,
}
"""Action:attribute[:part] -> relations that allow naming it; rules that need no row stand in `model` beside the attribute.

`device_owner=network:` is the attribute with a value that says that the network itself owns the device.
"""


@dataclass(frozen=True)
class Visibility:
    """Which rows of a collection a caller may see, for a WHERE clause.

    everything  no restriction
    project_id  rows of this project are seen
    through     besides: rows whose parent stands in one of these relations (parent_owner, shared, external)
    """

    everything: bool
    project_id: str
    through: frozenset[str] = frozenset()


def visibility(caller: Caller, collection: str) -> Visibility:
    """What of `collection` the caller may see; with a project of None-like emptiness and no relation: nothing."""
    relations = READ[collection]
    own = caller.project_id if "reader" in relations else ""
    return Visibility(everything=caller.is_admin, project_id=own, through=relations - {"reader"})


def _relations(caller: Caller, row: Row, parent: Row | None) -> frozenset[str]:
    """Every relation in which the caller stands to the row."""
    mine = caller.project_id
    writes = bool(caller.roles & WRITERS)
    above = parent or {}
    found = {
        "reader": bool(mine) and row.get("project_id") == mine,
        "owner": bool(mine) and writes and row.get("project_id") == mine,
        "parent_owner": bool(mine) and writes and above.get("project_id") == mine,
        "shared": bool(above.get("shared")),
        "external": bool(above.get("router:external")),
    }
    return frozenset(relation for relation, holds in found.items() if holds)


def visible(caller: Caller, collection: str, row: Row, parent: Row | None = None) -> bool:
    """Whether the caller may know of the row. The parent of a network is the network itself."""
    if caller.is_admin:
        return True
    # To look, the project is enough: a reader of the network's project sees what is on it.
    onlooker = dataclasses.replace(caller, roles=WRITERS)
    return bool(READ[collection] & _relations(onlooker, row, parent))


def _named_parts(action: str, body: Row) -> list[str]:
    """The attribute rules that a body touches: `action:attribute` and, for dictionaries in it, `action:attribute:part`."""
    # What the defaults of `model` put into a body was not asked for; none of them is a list, a dictionary or of the network.
    touched = []
    for attribute, value in body.items():
        touched.append(f"{action}:{attribute}")
        if isinstance(value, str) and value.startswith("network:"):
            touched.append(f"{action}:{attribute}=network:")
        parts = value if isinstance(value, list) else [value]
        touched += [f"{action}:{attribute}:{key}" for part in parts if isinstance(part, Mapping) for key in part]
    return touched


def authorize(caller: Caller, action: str, row: Row, parent: Row | None = None, body: Row | None = None) -> None:
    """Raise PolicyNotAuthorized (403) unless the caller may do `action` to `row`.

    action  `update_port`, `add_router_interface`, ...
    row     what is changed; on create the body
    parent  for subnets and ports the row of their network (`project_id`, `shared`, `router:external`), for rules of their group
    body    what the caller asks for, when single attributes have rules (ports, routers, floating IPs)
    """
    if caller.is_admin:
        return
    relations = _relations(caller, row, parent)
    if not caller.roles & WRITERS or not WRITE[action] & relations:
        raise PolicyNotAuthorized(action=action)
    for rule in _named_parts(action, body or {}):
        if rule in ATTRIBUTES and not ATTRIBUTES[rule] & relations:
            raise PolicyNotAuthorized(action=rule)
