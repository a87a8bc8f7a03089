"""Security groups: sets of ports with common rules about what may pass."""

import dataclasses
import unicodedata
from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import NOT_SPECIFIED, Attribute, Resource, identity, label, owner, standard, switch
from kaon.model.checks import Unfit
from kaon.model.extensions import Extension
from kaon.model.tags import tagging

_text = checks.text(255)


@checks.keeps(checks.schema_of(_text))
def name(value: Any) -> str:
    """A name of printable characters, with no blank at either end. Raises Unfit."""
    kept: str = _text(value)
    if kept != kept.strip() or any(unicodedata.category(letter) in _UNPRINTABLE for letter in kept):
        raise Unfit(f"{checks.shown(kept)} is not a valid string")
    return kept


_UNPRINTABLE: Final = frozenset({"Cc", "Cn", "Cs", "Zl", "Zp"})
"""Classes of characters that no name has: control, unassigned, surrogates, separators of lines and paragraphs."""

SECURITY_GROUP: Final = Resource(
    collection="security_groups",
    member="security_group",
    attributes=(
        identity("security-group"),
        dataclasses.replace(label("security-group"), check=name),
        *owner(),
        switch("stateful", "stateful-security-group", default=NOT_SPECIFIED),
        Attribute(name="shared", alias="security-groups-shared-filtering", filter=checks.boolean),
        Attribute(name="security_group_rules", alias="security-group"),
        *standard(),
        *tagging(),
    ),
)

EXTENSIONS: Final = (
    Extension(
        "rbac-security-groups",
        "Add security_group type to network RBAC",
        "2019-02-14T00:00:00-00:00",
        "Security groups can be shared with projects.",
    ),
    Extension(
        "security-groups-name-restrictions",
        "Security group name restrictions",
        "2026-07-29T10:00:00-00:00",
        "Names of security groups are printable and begin and end with no blank.",
    ),
    Extension(
        "security-groups-shared-filtering",
        "Security group filtering on the shared field",
        "2021-10-05T09:00:00-00:00",
        "Security groups show whether they are shared, and can be found by that.",
    ),
    Extension(
        "stateful-security-group",
        "Stateful security group",
        "2019-11-26T09:00:00-00:00",
        "A security group can be stateless.",
    ),
)
