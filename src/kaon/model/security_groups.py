"""Security groups: sets of ports with common rules about what may pass."""

from typing import Final

from kaon.model.attributes import Attribute, Resource, identity, label, owner, standard
from kaon.model.tags import tagging

SECURITY_GROUP: Final = Resource(
    collection="security_groups",
    member="security_group",
    attributes=(
        identity("security-group"),
        label("security-group"),
        *owner(),
        Attribute(name="security_group_rules", alias="security-group"),
        *standard(),
        *tagging(),
    ),
)
