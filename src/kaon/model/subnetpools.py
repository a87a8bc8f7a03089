"""Subnet pools: prefixes from which subnets get theirs."""

from collections.abc import Mapping
from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, owner, standard, switch, words
from kaon.model.checks import Unfit, distinct, shown
from kaon.model.query import Body
from kaon.model.tags import tagging

MOST: Final = 0x7FFFFFFF
"""The largest quota."""


@checks.keeps(checks.list_of(checks.schema_of(addresses.cidr)))
def prefixes(value: Any) -> list[str]:
    """A list of different networks in their shortest form; it may be empty."""
    if not isinstance(value, list):
        raise Unfit(f"{shown(value)} is not a list")
    kept = [addresses.cidr(item) for item in value]
    distinct(value, "prefix")
    return kept


@checks.keeps(checks.object_of(("prefixes",), prefixes=checks.schema_of(prefixes)))
def prefixes_body(given: Any) -> Body:
    """What `add_prefixes` and `remove_prefixes` take: `{"prefixes": [network, ...]}`, at least one. Raises Unfit."""
    if not isinstance(given, Mapping) or not given.get("prefixes"):
        raise Unfit("the body must name prefixes")
    return {"prefixes": prefixes(given["prefixes"])}


@checks.keeps(checks.object_of(("network_id",), network_id=checks.schema_of(checks.uuid)))
def network_body(given: Any) -> Body:
    """What `onboard_network_subnets` takes: `{"network_id": id}`. Raises Unfit."""
    if not isinstance(given, Mapping) or given.get("network_id") is None:
        raise Unfit("network_id must be specified")
    return {"network_id": checks.uuid(given["network_id"])}


_text = checks.text(255)


@checks.keeps(checks.schema_of(_text))
def _name(value: Any) -> str:
    kept: str = _text(value)
    if not kept.strip():
        raise Unfit(f"{shown(value)} is blank")
    return kept


# Taken as number or text, shown as text, as Neutron does.
_bits: Final = checks.keeps({"type": ["integer", "string"], "minimum": 0, "maximum": checks.HIGHEST})(checks.at_least(0))


def _length(name: str) -> Attribute:
    return Attribute(
        name=name,
        alias="subnetpool",
        check=_bits,
        default=NOT_SPECIFIED,
        post=True,
        put=True,
        filter=checks.integer,
        sort=True,
    )


SUBNETPOOL: Final = Resource(
    collection="subnetpools",
    member="subnetpool",
    attributes=(
        identity("subnetpool"),
        Attribute(name="name", alias="subnetpool", check=_name, default=REQUIRED, post=True, put=True, filter=words, sort=True),
        *owner(),
        Attribute(name="prefixes", alias="subnetpool", check=prefixes, default=REQUIRED, post=True, put=True),
        Attribute(
            name="default_quota",
            alias="subnetpool",
            check=checks.between(0, MOST),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=checks.integer,
            sort=True,
        ),
        Attribute(name="ip_version", alias="subnetpool", filter=checks.integer, sort=True),
        _length("default_prefixlen"),
        _length("min_prefixlen"),
        _length("max_prefixlen"),
        Attribute(
            name="address_scope_id",
            alias="address-scope",
            check=checks.optional(checks.uuid),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        switch("is_default", "subnetpool", default=False, sort=True),
        switch("shared", "subnetpool", default=False, put=False),
        *standard(),
        *tagging(),
    ),
)
"""`default_quota` is what each project may have of the pool: IPv4 addresses, or IPv6 /64s; 0 and null: no limit."""
