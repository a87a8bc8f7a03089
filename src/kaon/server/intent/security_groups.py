"""Security groups and their rules, from rows: entries of `group:<id>`."""

from collections.abc import Mapping
from typing import Any

from kaon.wire.security_groups import Rule, SecurityGroup


def security_group(row: Mapping[str, Any]) -> SecurityGroup:
    """Tell of a group; `row` is one of `security_groups`."""
    return SecurityGroup(id=row["id"], stateful=row["stateful"])


def rule(row: Mapping[str, Any]) -> Rule:
    """Tell of a rule; `row` is one of `security_group_rules`.

    The API keeps the prefix as it was written; hosts get it without host bits, as the kernel would refuse them.
    """
    return Rule(
        id=row["id"],
        direction=row["direction"],
        ethertype=row["ethertype"],
        protocol=row["protocol"],
        port_range_min=row["port_range_min"],
        port_range_max=row["port_range_max"],
        remote_ip_prefix=row["normalized_cidr"],
        remote_group_id=row["remote_group_id"] or row["remote_address_group_id"],
    )
