"""Default statefulness: whether a security group is stateful when nobody says, for a project or for every project."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, identity, switch, words
from kaon.model.extensions import Extension

_ALIAS: Final = "security-groups-default-statefulness"

DEFAULT_STATEFULNESS: Final = Resource(
    collection="security_groups_default_statefulness",
    member="security_groups_default_statefulness",
    attributes=(
        identity(_ALIAS),
        Attribute(
            name="project_id",
            alias=_ALIAS,
            check=checks.optional(checks.text(255)),
            post=True,
            filter=words,
            sort=True,
        ),
        switch("stateful", _ALIAS, sort=True),
    ),
    bulk=False,
    also="security_group_default_statefulness",  # openstacksdk's word, where Neutron has the plural
)
"""Without `project_id`: of the caller's project; null: for every project that has none of its own."""

EXTENSIONS: Final = (
    Extension(
        _ALIAS,
        "Security Groups Default Statefulness",
        "2026-04-13T00:00:00-00:00",
        "Whether new security groups are stateful, for a project or for all.",
    ),
)
