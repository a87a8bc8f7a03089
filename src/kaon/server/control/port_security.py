"""What keeps a port honest: port security, security groups, allowed address pairs. Checks, and what nobody said."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from kaon.model.errors import (
    AddressPairAndPortSecurityRequired,
    AllowedAddressPairExhausted,
    DuplicateAddressPairInRequest,
    PortSecurityAndIPRequiredForSecurityGroups,
    PortSecurityPortHasSecurityGroup,
    SecurityGroupNotFound,
)
from kaon.model.errors.security_groups import SecurityGroupConflict
from kaon.model.query import Body, Row
from kaon.server.control import security_groups
from kaon.server.control.core import Core
from kaon.server.store import security_groups as group_rows
from kaon.server.store.engine import Transaction


def pairs(core: Core, row: Row, wanted: Sequence[Mapping[str, str]] | None) -> list[dict[str, str]]:
    """Give the allowed address pairs with every MAC filled in, in order.

    Errors  DuplicateAddressPairInRequest, AllowedAddressPairExhausted.
    """
    found = [
        {"mac_address": pair.get("mac_address") or row["mac_address"], "ip_address": pair["ip_address"]}
        for pair in wanted or ()
    ]
    found.sort(key=lambda pair: (pair["mac_address"], pair["ip_address"]))
    for one, other in pairwise(found):
        if one == other:
            raise DuplicateAddressPairInRequest(**one)
    if len(found) > core.settings.max_allowed_address_pair:
        raise AllowedAddressPairExhausted(quota=core.settings.max_allowed_address_pair)
    return found


def enabled(network: Row, body: Body) -> bool:
    """Tell whether a new port is held to its addresses: never one of the network service itself."""
    if _of_the_network(body):
        return False
    return bool(body.get("port_security_enabled", network["port_security_enabled"]))


def groups_of_new(core: Core, tx: Transaction, default_group: str | None, row: Row, body: Body) -> list[str]:
    """Give the groups of a new port: those that are named, or the default one where there is filtering.

    default_group  of the port's project, if it has one already
    Errors         PortSecurityAndIPRequiredForSecurityGroups, those of `check_groups`.
    """
    wanted = body.get("security_groups")
    if wanted is not None:
        if wanted and not row["port_security_enabled"]:
            raise PortSecurityAndIPRequiredForSecurityGroups
        if wanted:
            check_groups(tx, row["project_id"], wanted)
        return sorted(set(wanted))
    if not row["port_security_enabled"] or not row["project_id"] or _of_the_network(row):
        return []
    return [default_group or security_groups.ensure_default(core, tx, row["project_id"])]


def check_groups(tx: Transaction, project_id: str, group_ids: Sequence[str]) -> None:
    """Refuse groups that the project's ports may not be in; nobody's ports may be in any.

    Errors  SecurityGroupNotFound, SecurityGroupConflict when some are stateful and some are not.
    """
    usable = group_rows.usable(tx, group_ids, project_id or None)
    missing = sorted(set(group_ids) - usable.keys())
    if missing:
        raise SecurityGroupNotFound(id=", ".join(missing))
    if len(set(usable.values())) > 1:
        raise SecurityGroupConflict(reason="A port cannot be in stateful and in stateless security groups at once")


def check_change(before: Row, after: Row, changes: Body) -> None:
    """Refuse groups or pairs without port security; put the groups of `after` in order.

    Errors  PortSecurityAndIPRequiredForSecurityGroups, PortSecurityPortHasSecurityGroup, AddressPairAndPortSecurityRequired.
    """
    after["security_groups"] = sorted(set(after["security_groups"] or ()))
    if after["port_security_enabled"]:
        return
    if after["security_groups"]:
        if "security_groups" in changes:
            raise PortSecurityAndIPRequiredForSecurityGroups
        raise PortSecurityPortHasSecurityGroup(port_id=before["id"])
    if after["allowed_address_pairs"]:
        raise AddressPairAndPortSecurityRequired


def _of_the_network(row: Mapping[str, Any]) -> bool:
    """Tell whether the network service itself has the port."""
    return str(row.get("device_owner", "")).startswith("network:")
