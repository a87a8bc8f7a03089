"""Which agent serves which network and hosts which router: shown, and chosen by administrators.

A choice stays: what is placed by itself is placed besides it, and never moves what was chosen. What is taken from an agent
waits until something about it changes, or a host introduces itself.
"""

from kaon.model.errors import AgentNotFound, NetworkNotFound, RouterNotFound
from kaon.model.errors.agents import (
    InvalidDHCPAgent,
    InvalidL3Agent,
    NetworkHostedByDHCPAgent,
    NetworkNotHostedByDhcpAgent,
    RouterHostedByL3Agent,
)
from kaon.model.query import Query, Row
from kaon.server.control import agents as agent_verbs
from kaon.server.control import following, hosts, networks, policy, ports, routers, scheduling, status
from kaon.server.control.core import Caller, Core
from kaon.server.store import agents, roles
from kaon.server.store import networks as network_rows
from kaon.server.store import routers as router_rows
from kaon.server.store.engine import Transaction

_NOTHING: Row = {}


def networks_of_agent(core: Core, caller: Caller, agent_id: str) -> list[Row]:
    """List the networks that an agent serves. Errors: AgentNotFound."""
    policy.authorize(caller, "get_dhcp-networks", _NOTHING)
    served = core.store.read(lambda tx: roles.networks_on(tx, _agent(core, tx, agent_id)["host"]))
    return networks.index(core, caller, Query(filters={"id": tuple(served)})).rows if served else []


def agents_of_network(core: Core, caller: Caller, network_id: str) -> list[Row]:
    """List the agents that serve a network; none of a network that is not there."""
    policy.authorize(caller, "get_dhcp-agents", _NOTHING)
    return _agents(core, caller, hosts.DHCP, core.store.read(lambda tx: roles.hosts_serving(tx, network_id)))


def add_network(core: Core, caller: Caller, agent_id: str, network_id: str) -> None:
    """Have an agent serve a network. Errors: NetworkNotFound, AgentNotFound, InvalidDHCPAgent, NetworkHostedByDHCPAgent."""
    policy.authorize(caller, "create_dhcp-network", _NOTHING)

    def work(tx: Transaction) -> None:
        if network_rows.show(tx, network_id, caller.project_id) is None:
            raise NetworkNotFound(net_id=network_id)
        agent = _agent(core, tx, agent_id)
        if agent["agent_type"] != hosts.DHCP or not agent["admin_state_up"]:
            raise InvalidDHCPAgent(id=agent_id)
        network_rows.lock(tx, network_id)
        if agent["host"] in roles.hosts_serving(tx, network_id):
            raise NetworkHostedByDHCPAgent(network_id=network_id, agent_id=agent_id)
        roles.pin_network(tx, network_id, agent["host"])
        scheduling.ensure_dhcp(core, tx, network_id)

    following.write(core, work)


def remove_network(core: Core, caller: Caller, agent_id: str, network_id: str) -> None:
    """Have an agent no longer serve a network. Errors: AgentNotFound, NetworkNotHostedByDhcpAgent."""
    policy.authorize(caller, "delete_dhcp-network", _NOTHING)

    def work(tx: Transaction) -> None:
        agent = _agent(core, tx, agent_id)
        network_rows.lock(tx, network_id)
        chosen = roles.unpin_network(tx, network_id, agent["host"])
        server = next((one for one in roles.serving(tx, network_id) if one["host"] == agent["host"]), None)
        if agent["agent_type"] != hosts.DHCP or not (chosen or server):
            raise NetworkNotHostedByDhcpAgent(network_id=network_id, agent_id=agent_id)
        if server is not None:
            ports.remove(core, tx, ports.find_any(tx, server["port_id"]))
            status.refresh_network(tx, core, network_id)

    following.write(core, work)


def routers_of_agent(core: Core, caller: Caller, agent_id: str) -> list[Row]:
    """List the routers that an agent hosts. Errors: AgentNotFound."""
    policy.authorize(caller, "get_l3-routers", _NOTHING)
    hosted = core.store.read(lambda tx: roles.routers_on(tx, _agent(core, tx, agent_id)["host"]))
    return routers.index(core, caller, Query(filters={"id": tuple(hosted)})).rows if hosted else []


def agents_of_router(core: Core, caller: Caller, router_id: str) -> list[Row]:
    """List the agents that host a router; none of a router that is not there."""
    policy.authorize(caller, "get_l3-agents", _NOTHING)
    return _agents(core, caller, hosts.L3, core.store.read(lambda tx: router_rows.hosts_of(tx, router_id)))


def add_router(core: Core, caller: Caller, agent_id: str, router_id: str) -> None:
    """Have an agent host a router; it may host it already.

    Errors  RouterNotFound, AgentNotFound, InvalidL3Agent, RouterHostedByL3Agent (another one).
    """
    policy.authorize(caller, "create_l3-router", _NOTHING)

    def work(tx: Transaction) -> None:
        if router_rows.show(tx, router_id) is None:
            raise RouterNotFound(router_id=router_id)
        agent = _agent(core, tx, agent_id)
        if agent["agent_type"] != hosts.L3 or not agent["admin_state_up"]:
            raise InvalidL3Agent(id=agent_id)
        router_rows.lock(tx, router_id)
        hosting = router_rows.hosts_of(tx, router_id)
        if hosting and hosting[0] != agent["host"]:
            other = agents.of_hosts(tx, hosts.L3, hosting[:1])
            raise RouterHostedByL3Agent(router_id=router_id, agent_id=", ".join(other))
        roles.pin_router(tx, router_id, agent["host"])
        if not hosting:
            scheduling.host_router(core, tx, router_id, agent["host"])

    following.write(core, work)


def remove_router(core: Core, caller: Caller, agent_id: str, router_id: str) -> None:
    """Have an agent no longer host a router, whose legs are then bound nowhere; it need not host it.

    Errors  AgentNotFound, RouterNotFound.
    """
    policy.authorize(caller, "delete_l3-router", _NOTHING)

    def work(tx: Transaction) -> None:
        agent = _agent(core, tx, agent_id)
        if router_rows.show(tx, router_id) is None:
            raise RouterNotFound(router_id=router_id)
        router_rows.lock(tx, router_id)
        if agent["host"] in router_rows.hosts_of(tx, router_id):
            roles.pin_router(tx, router_id, None)
            scheduling.unhost_router(core, tx, router_id)

    following.write(core, work)


def _agent(core: Core, tx: Transaction, agent_id: str) -> Row:
    row = agents.show(tx, agent_id, status.alive_after(core, tx.now))
    if row is None:
        raise AgentNotFound(id=agent_id)
    return row


def _agents(core: Core, caller: Caller, agent_type: str, names: list[str]) -> list[Row]:
    query = Query(filters={"agent_type": (agent_type,), "host": tuple(names)})
    return agent_verbs.index(core, caller, query).rows if names else []
