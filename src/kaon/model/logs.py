"""Logs: what is let through, or dropped, is written down."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, label, owner, standard, switch, words
from kaon.model.checks import Check
from kaon.model.extensions import Extension

SECURITY_GROUP: Final = "security_group"
SNAT: Final = "snat"

TYPES: Final = (SECURITY_GROUP, SNAT)
"""What can be logged: packets that security groups judge, and translations of source addresses by routers."""

ALL: Final = "ALL"


def _chosen(name: str, check: Check, default: object = None, *, sort: bool = True) -> Attribute:
    return Attribute(name=name, alias="logging", check=check, default=default, post=True, filter=words, sort=sort)


LOG: Final = Resource(
    collection="logs",
    member="log",
    attributes=(
        identity("logging"),
        *owner(),
        label("logging"),
        _chosen("resource_type", checks.text(255), REQUIRED),
        _chosen("resource_id", checks.optional(checks.uuid)),
        _chosen("target_id", checks.optional(checks.uuid)),
        _chosen("event", checks.one_of("ACCEPT", "DROP", ALL), ALL, sort=False),
        switch("enabled", "logging", sort=True),
        *standard(),
    ),
    prefix="log",
)
"""`resource_id` is a security group or a router, by `resource_type`; `target_id` a port."""

LOGGABLE_RESOURCE: Final = Resource(
    collection="loggable_resources",
    member="loggable_resource",
    attributes=(Attribute(name="type", alias="logging"),),
    verbs=frozenset({"index"}),
    prefix="log",
    key="type",
)

EXTENSIONS: Final = (
    Extension(
        "logging",
        "Logging API Extension",
        "2017-01-01T10:00:00-00:00",
        "What security groups and routers do with packets is logged.",
        awaits="hosts do not log packets yet",
    ),
)
