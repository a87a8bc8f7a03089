"""Agents: what runs on hosts, one row a role."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, words
from kaon.model.extensions import Extension


def _told(name: str) -> Attribute:
    """Something that the agent says of itself."""
    return Attribute(name=name, alias="agent", filter=words, sort=True)


AGENT: Final = Resource(
    collection="agents",
    member="agent",
    attributes=(
        _told("id"),
        Attribute(name="project_id", alias="agent", check=checks.text(255), post=True, visible=False),
        _told("agent_type"),
        _told("binary"),
        _told("topic"),
        _told("host"),
        Attribute(name="admin_state_up", alias="agent", check=checks.boolean, put=True, filter=checks.boolean, sort=True),
        Attribute(name="created_at", alias="agent", sort=True),
        Attribute(name="started_at", alias="agent", sort=True),
        Attribute(name="heartbeat_timestamp", alias="agent", sort=True),
        Attribute(name="alive", alias="agent", filter=checks.boolean, sort=True),
        Attribute(name="configurations", alias="agent"),
        Attribute(name="availability_zone", alias="availability_zone", filter=words),
        Attribute(name="resources_synced", alias="agent-resources-synced"),
        Attribute(
            name="description",
            alias="agent",
            check=checks.optional(checks.text(255)),
            put=True,
            filter=words,
            sort=True,
        ),
    ),
    bulk=False,
)
"""A POST is understood, and refused: agents introduce themselves."""

EXTENSIONS: Final = (
    Extension(
        "agent-resources-synced",
        "Agent's Resource View Synced to Placement",
        "2018-12-19T00:00:00-00:00",
        "Agents tell whether Placement knows of what they have.",
    ),
    Extension(
        "dhcp_agent_scheduler",
        "DHCP Agent Scheduler",
        "2013-02-07T10:00:00-00:00",
        "Administrators can choose which hosts serve a network with DHCP.",
    ),
    Extension(
        "l3_agent_scheduler",
        "L3 Agent Scheduler",
        "2013-02-07T10:00:00-00:00",
        "Administrators can choose which host forwards for a router.",
    ),
)
