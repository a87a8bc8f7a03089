"""Quotas: how many of each resource a project may have."""

from collections.abc import Mapping
from typing import Any, Final

from kaon.model import checks
from kaon.model.checks import Unfit
from kaon.model.errors import HTTPBadRequest
from kaon.model.extensions import Extension
from kaon.model.query import Body

RESOURCES: Final = (
    "network",
    "subnet",
    "subnetpool",
    "port",
    "router",
    "floatingip",
    "router_route",
    "rbac_policy",
    "security_group",
    "security_group_rule",
    "trunk",
)
"""What is counted, or will be: clients set all of these at once, so each has a limit from the beginning."""

UNLIMITED: Final = -1

MOST: Final = 0x7FFFFFFF
"""The largest limit."""

PROJECT_LENGTH: Final = 255
"""Characters of a project's id."""

_limit = checks.between(UNLIMITED, MOST)


@checks.keeps(checks.object_of(**{name: checks.schema_of(_limit) for name in RESOURCES}, force={"type": "boolean"}))
def update_body(given: Mapping[str, Any]) -> Body:
    """Body of PUT: any of the resources with a limit (-1 unlimited), and perhaps `force` (true: below usage is all right)."""
    unknown = sorted(key for key in given if key not in (*RESOURCES, "force", "check_limit", "tenant_id", "project_id"))
    if unknown:
        raise HTTPBadRequest(reason=f"Unrecognized attribute(s) '{', '.join(unknown)}'")
    try:
        kept: Body = {name: _limit(given[name]) for name in RESOURCES if name in given}
    except Unfit as unfit:
        raise HTTPBadRequest(reason=f"Invalid input for a quota. Reason: {unfit}.") from None
    # Only JSON's own true forces, as in Neutron; `check_limit` is what holds anyway.
    return kept | ({"force": True} if given.get("force") is True else {})


EXTENSIONS: Final = (
    Extension(
        "quota-check-limit",
        "Quota engine limit check",
        "2021-09-08T16:00:00-00:00",
        "A limit below what is used can be refused.",
    ),
    Extension(
        "quota-check-limit-default",
        "Quota engine limit check by default",
        "2024-08-21T16:00:00-00:00",
        "A limit below what is used is refused unless it is forced.",
    ),
)
