"""What a list request asks for, and what answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
"""A resource as the API knows it: wire names to plain values."""

Body = dict[str, Any]
"""A validated request body: wire names to converted values; what was not specified is absent."""

FilterValue = str | bool | int | tuple[str, str]
"""One wanted value; a pair is (sub-key, value) as in `fixed_ips=ip_address=192.0.2.1`."""


@dataclass(frozen=True)
class Query:
    """A list request, checked and converted.

    filters       attribute -> wanted values: OR inside one attribute, AND between attributes. Under `fixed_ips` values are
                  pairs with the sub-keys ip_address, ip_address_substr, subnet_id (AND between different sub-keys). An empty
                  string asks for resources whose value is empty or null. Under `tags` and its kin see `model.tags.tagging`.
    fields        attributes wanted in the answer; None: all
    sort          (attribute, ascending) by weight; `id` is always the last resort
    limit         rows wanted at most; None: all
    marker        id of the row after which (before which, when page_reverse) the page begins; unknown: the resource's NotFound
    page_reverse  the page before the marker, still in the asked order
    """

    filters: Mapping[str, tuple[FilterValue, ...]] = field(default_factory=dict)
    fields: frozenset[str] | None = None
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    marker: str | None = None
    page_reverse: bool = False


@dataclass(frozen=True)
class Page:
    """Rows in the order of the query; `has_more` when rows remain in the direction of travel."""

    rows: list[Row]
    has_more: bool = False
