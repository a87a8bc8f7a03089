"""Agents over HTTP."""

from api_client import Client


def test_members_see_no_agents(admin: Client, ann: Client) -> None:
    """An empty list, as from Neutron; one by id is not found."""
    assert admin.get("agents")["agents"] == []
    assert ann.get("agents")["agents"] == []
    assert admin.refused("GET", "agents/nobody") == (404, "AgentNotFound")
    assert ann.refused("GET", "agents/nobody") == (404, "AgentNotFound")
