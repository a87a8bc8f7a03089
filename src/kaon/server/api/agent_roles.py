"""`/v2.0/agents/{id}/dhcp-networks` and `l3-routers`, `/v2.0/networks/{id}/dhcp-agents`, `/v2.0/routers/{id}/l3-agents`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kaon.model.agents import AGENT
from kaon.model.attributes import Resource
from kaon.model.checks import keepable
from kaon.model.errors import HTTPBadRequest
from kaon.model.networks import NETWORK
from kaon.model.query import Row
from kaon.model.routers import ROUTER
from kaon.server.api import bodies, lists, views
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.faults import not_allowed, not_found
from kaon.server.control import agent_roles
from kaon.server.control.core import Caller, Core

Listed = Callable[[Core, Caller, str], list[Row]]
Changed = Callable[[Core, Caller, str, str], None]


@dataclass(frozen=True)
class Roles:
    """What is listed below a resource, and perhaps added and removed.

    named  the key of a POST that names what is added
    """

    resource: Resource
    index: Listed
    named: str = ""
    add: Changed | None = None
    remove: Changed | None = None


BELOW: Final[Mapping[tuple[str, str], Roles]] = {
    ("agents", "dhcp_networks"): Roles(
        NETWORK, agent_roles.networks_of_agent, "network_id", agent_roles.add_network, agent_roles.remove_network
    ),
    ("agents", "l3_routers"): Roles(
        ROUTER, agent_roles.routers_of_agent, "router_id", agent_roles.add_router, agent_roles.remove_router
    ),
    ("networks", "dhcp_agents"): Roles(AGENT, agent_roles.agents_of_network),
    ("routers", "l3_agents"): Roles(AGENT, agent_roles.agents_of_router),
}
"""Collection and the word below its members -> what is there."""


def serves(collection: str, below: str) -> bool:
    """Tell whether there is something of that name below the members of a collection."""
    return (collection, below.replace("-", "_")) in BELOW


def answer(core: Core, caller: Caller, asked: Asked) -> Answer:
    """The answer to a request for what `serves` told of."""
    collection, above, below, *rest = asked.path[1:]
    roles = BELOW[collection, below.replace("-", "_")]
    match asked.method, rest:
        case "GET", []:
            return _index(roles, core, caller, asked, above)
        case "POST", [] if roles.add is not None:
            wanted = bodies.parsed(asked.body).get(roles.named)
            if not isinstance(wanted, str) or not keepable(wanted):
                raise HTTPBadRequest(reason=f"The body must name a {roles.named}")
            roles.add(core, caller, above, wanted)
            return Answer(201, {})
        case "DELETE", [one] if roles.remove is not None:
            roles.remove(core, caller, above, one)
            return Answer(204)
        case "PUT", [_] if roles.add is not None:
            raise NotImplementedError("there is nothing to change about what an agent serves")
        case _, []:
            raise not_allowed("GET", *(("POST",) if roles.add else ()))
        case _, [_] if roles.remove is not None:
            raise not_allowed("DELETE")
    raise not_found()


def _index(roles: Roles, core: Core, caller: Caller, asked: Asked, above: str) -> Answer:
    shown = views.page(core, caller, roles.resource, roles.index(core, caller, above), lists.asked_fields(asked))
    return Answer(200, {roles.resource.collection: shown})
