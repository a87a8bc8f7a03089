"""Address groups, from rows: entries of `members:<id>`."""

from collections.abc import Mapping
from typing import Any

from kaon.wire.address_groups import AddressPrefix


def prefix(row: Mapping[str, Any]) -> AddressPrefix:
    """Tell of a prefix; `row` is one of `address_group_addresses`."""
    return AddressPrefix(row["address"])
