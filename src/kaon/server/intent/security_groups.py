"""Security groups and their rules, from rows: entries of `group:<id>`."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from kaon.wire.security_groups import Rule, SecurityGroup

ANY_PROTOCOL = frozenset({"any", "0"})
"""How the API may write that the protocol does not matter; hosts read None."""


def security_group(row: Mapping[str, Any]) -> SecurityGroup:
    """Tell of a group; `row` is one of `security_groups`."""
    return SecurityGroup(id=row["id"], stateful=row["stateful"])


def rule(row: Mapping[str, Any]) -> Rule:
    """Tell of a rule; `row` is one of `security_group_rules`.

    The API keeps the prefix as it was written; hosts get it without host bits, as the kernel would refuse them.
    "Any protocol" has several spellings in the API and one on the wire.
    """
    prefix = row["remote_ip_prefix"]
    return Rule(
        id=row["id"],
        direction=row["direction"],
        ethertype=row["ethertype"],
        protocol=None if row["protocol"] in ANY_PROTOCOL else row["protocol"],
        port_range_min=row["port_range_min"],
        port_range_max=row["port_range_max"],
        remote_ip_prefix=None if prefix is None else str(ipaddress.ip_network(prefix, strict=False)),
        remote_group_id=row["remote_group_id"],
    )
