"""Refusals about agents, what they serve, and availability zones."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import AgentNotFound, Conflict, NotFound


class InvalidDHCPAgent(AgentNotFound):
    """Agent {id} is not a valid DHCP Agent or has been disabled."""


class NetworkHostedByDHCPAgent(Conflict):
    """The network {network_id} is served by the DHCP Agent {agent_id} already."""


class NetworkNotHostedByDhcpAgent(Conflict):
    """The network {network_id} is not served by the DHCP Agent {agent_id}."""


class InvalidL3Agent(AgentNotFound):
    """Agent {id} is not a L3 Agent or has been disabled."""


class RouterHostedByL3Agent(Conflict):
    """The router {router_id} is hosted by the L3 Agent {agent_id} already."""


class AvailabilityZoneNotFound(NotFound):
    """AvailabilityZone {availability_zone} could not be found."""
