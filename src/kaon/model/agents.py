"""Agents: what runs on hosts, one row a role."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, words


def _told(name: str) -> Attribute:
    """Something that the agent says of itself."""
    return Attribute(name=name, alias="agent", filter=words, sort=True)


AGENT: Final = Resource(
    collection="agents",
    member="agent",
    attributes=(
        _told("id"),
        _told("agent_type"),
        _told("binary"),
        _told("topic"),
        _told("host"),
        Attribute(name="admin_state_up", alias="agent", check=checks.boolean, put=True, filter=checks.boolean, sort=True),
        Attribute(name="created_at", alias="agent", sort=True),
        Attribute(name="started_at", alias="agent", sort=True),
        Attribute(name="heartbeat_timestamp", alias="agent", sort=True),
        Attribute(name="alive", alias="agent", filter=checks.boolean),
        Attribute(name="configurations", alias="agent"),
        Attribute(
            name="description",
            alias="agent",
            check=checks.optional(checks.text(255)),
            put=True,
            filter=words,
            sort=True,
        ),
    ),
    verbs=frozenset({"index", "show", "update", "delete"}),
    bulk=False,
)
