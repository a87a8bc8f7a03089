"""Refusals about which ports a subnet is for."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import InvalidInput, IpAddressGenerationFailure


class InvalidSubnetServiceType(InvalidInput):
    """{service_type} is not a device owner, as in network:floatingip_agent_gateway or compute:nova."""


class InvalidInputSubnetServiceType(InvalidInput):
    """A service type of a subnet must be a string: {service_type} is none."""


class IpAddressGenerationFailureNoMatchingSubnet(IpAddressGenerationFailure):
    """Network {network_id} has no subnet for ports with device owner {service_type}."""
