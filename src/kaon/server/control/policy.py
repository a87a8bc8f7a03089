"""Who may do what: a small table that oslo.policy will replace behind the same four functions.

A rule names relations of the caller to the row, any of which is enough. An admin may do everything.

    owner          the row is of the caller's project and the caller may write
    reader         the row is of the caller's project
    network_owner  the row's network is of the caller's project and the caller may write
    shared         the row's network is shared with everybody
    external       the row's network is external
    group_owner    the row's security group is of the caller's project
    nobody         only an admin
"""

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
_NETWORK: Final = frozenset({"network_owner"})

READ: Final[Mapping[str, frozenset[str]]] = {
    "networks": frozenset({"reader", "shared", "external"}),
    "subnets": frozenset({"reader", "network_owner", "shared", "external"}),
    "ports": frozenset({"reader", "network_owner"}),
    "security_groups": frozenset({"reader"}),
    "security_group_rules": frozenset({"reader", "group_owner"}),
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
    "create_subnet": _NETWORK,
    "update_subnet": frozenset({"owner", "network_owner"}),
    "delete_subnet": frozenset({"owner", "network_owner"}),
    "create_port": frozenset({"network_owner", "shared"}),
    "update_port": _OWNER,
    "delete_port": frozenset({"owner", "network_owner"}),
    "create_security_group": _OWNER,
    "update_security_group": _OWNER,
    "delete_security_group": _OWNER,
    "create_security_group_rule": frozenset({"group_owner"}),
    "delete_security_group_rule": frozenset({"owner", "group_owner"}),
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
    "update_quota": _NOBODY,
    "delete_quota": _NOBODY,
    "index_quota": _NOBODY,
    "update_agent": _NOBODY,
    "delete_agent": _NOBODY,
}
"""Action -> relations that allow it."""

ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "create_port:mac_address": _NETWORK,
    "create_port:fixed_ips:ip_address": _NETWORK,
    "create_port:fixed_ips:subnet_id": frozenset({"network_owner", "shared"}),
    "create_port:port_security_enabled": _NETWORK,
    "create_port:allowed_address_pairs": _NETWORK,
    "update_port:mac_address": _NOBODY,
    "update_port:fixed_ips:ip_address": _NETWORK,
    "update_port:fixed_ips:subnet_id": frozenset({"network_owner", "shared"}),
    "update_port:port_security_enabled": _NETWORK,
    "update_port:allowed_address_pairs": _NETWORK,
    "create_router:external_gateway_info:enable_snat": _NOBODY,
    "create_router:external_gateway_info:external_fixed_ips": _NOBODY,
    "update_router:external_gateway_info:enable_snat": _NOBODY,
    "update_router:external_gateway_info:external_fixed_ips": _NOBODY,
    "create_floatingip:floating_ip_address": _NOBODY,
}
"""Action:attribute[:part] -> relations that allow naming it; rules that need no row stand in `model` beside the attribute."""


@dataclass(frozen=True)
class Visibility:
    """Which rows of a collection a caller may see, for a WHERE clause.

    everything  no restriction
    project_id  rows of this project are seen
    through     besides: rows whose network or group stands in one of these relations (network_owner, shared, external, group_owner)
    """

    everything: bool
    project_id: str
    through: frozenset[str] = frozenset()


def visibility(caller: Caller, collection: str) -> Visibility:
    """What of `collection` the caller may see; with a project of None-like emptiness and no relation: nothing."""
    relations = READ[collection]
    own = caller.project_id if "reader" in relations else ""
    return Visibility(everything=caller.is_admin, project_id=own, through=relations - {"reader"})


def _relations(caller: Caller, row: Row, network: Row | None, group: Row | None) -> frozenset[str]:
    """Every relation in which the caller stands to the row."""
    mine = caller.project_id
    writes = bool(caller.roles & WRITERS)
    found = set()
    if mine and row.get("project_id") == mine:
        found |= {"reader", "owner"} if writes else {"reader"}
    if network is not None:
        if mine and writes and network.get("project_id") == mine:
            found.add("network_owner")
        if network.get("shared") and writes:
            found.add("shared")
        if network.get("router:external"):
            found.add("external")
    if group is not None and mine and writes and group.get("project_id") == mine:
        found.add("group_owner")
    return frozenset(found)


def visible(caller: Caller, collection: str, row: Row, *, network: Row | None = None, group: Row | None = None) -> bool:
    """Whether the caller may know of the row; `network` is the row itself for a network."""
    if caller.is_admin:
        return True
    readable = Caller(
        user_id=caller.user_id,
        project_id=caller.project_id,
        roles=WRITERS,
        is_admin=False,
        request_id=caller.request_id,
    )
    return bool(READ[collection] & _relations(readable, row, network, group))


def _named_parts(action: str, body: Row) -> list[str]:
    """The attribute rules that a body touches: `action:attribute` and, for dictionaries in it, `action:attribute:part`."""
    touched = []
    for attribute, value in body.items():
        touched.append(f"{action}:{attribute}")
        parts = value if isinstance(value, list) else [value]
        touched += [f"{action}:{attribute}:{key}" for part in parts if isinstance(part, Mapping) for key in part]
    return touched


def authorize(
    caller: Caller,
    action: str,
    row: Row,
    *,
    body: Row | None = None,
    network: Row | None = None,
    group: Row | None = None,
) -> None:
    """Raise PolicyNotAuthorized (403) unless the caller may do `action` to `row`.

    action   `update_port`, `add_router_interface`, ...
    row      what is changed; on create the body
    body     what the caller asks for, when single attributes have rules (ports, routers, floating IPs)
    network  the network's row (`project_id`, `shared`, `router:external`), for subnets and ports
    group    the security group's row, for rules
    """
    if caller.is_admin:
        return
    relations = _relations(caller, row, network, group)
    if not WRITE[action] & relations:
        raise PolicyNotAuthorized(action=action)
    for rule in _named_parts(action, body or {}):
        if rule in ATTRIBUTES and not ATTRIBUTES[rule] & relations:
            raise PolicyNotAuthorized(action=rule)
