"""Availability zones: index; and whether those that a network or router names are there."""

from collections.abc import Iterable
from typing import Final

from kaon.model.errors.agents import AvailabilityZoneNotFound
from kaon.model.query import Page, Query, Row
from kaon.server.control.core import Caller, Core
from kaon.server.store import agents
from kaon.server.store.engine import Transaction

OF_AGENT: Final = {"DHCP agent": "network", "L3 agent": "router"}
"""Agent type -> what its zone is a zone of."""


_STATES: Final = {True: "available", False: "unavailable"}


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List zones, for anybody. A zone is available while one of its agents is enabled."""
    # Everybody's own, for the rule of things that have none says: the owner's.
    found: dict[tuple[str, str], bool] = {}
    for agent in core.store.read(lambda tx: agents.zones(tx, OF_AGENT)):
        key = (agent["availability_zone"], OF_AGENT[agent["agent_type"]])
        found[key] = found.get(key, False) or agent["admin_state_up"]
    zones: Iterable[Row] = (
        {"name": name, "resource": resource, "state": _STATES[up], "project_id": caller.project_id}
        for (name, resource), up in sorted(found.items())
    )
    return Page([zone for zone in zones if all(zone[key] in wanted for key, wanted in query.filters.items())])


def check(tx: Transaction, resource: str, hints: Iterable[str]) -> None:
    """Refuse zones that no agent is in. resource: network or router. Errors: AvailabilityZoneNotFound."""
    wanted = list(hints)
    if wanted:
        kinds = [kind for kind, of in OF_AGENT.items() if of == resource]
        known = {agent["availability_zone"] for agent in agents.zones(tx, kinds)}
        for zone in wanted:
            if zone not in known:
                raise AvailabilityZoneNotFound(availability_zone=zone)
