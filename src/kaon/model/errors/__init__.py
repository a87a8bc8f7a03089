"""Every way in which Kaon says no, by Neutron's names.

The name of a class is the `type` that clients branch on; its docstring is the message, with the facts in braces that the raiser
gives as keywords: `raise NetworkNotFound(net_id=network_id)`. The base class decides the HTTP status (`server.api.faults`).
The eight bases are raised themselves where Neutron has no better name; their message is `reason`.
Long, as Neutron has many, and each is looked up here by its name; what came with later nouns stands in the modules beside.

Here      the bases and the refusals of the core.
Not here  statuses and documents of HTTP (`server.api.faults`).
Process   server. Pure.
"""
# ruff: noqa: N818  # the names are Neutron's API, not ours to choose

from typing import ClassVar


class Refused(Exception):
    """Any refusal; carries its facts and the message made of them."""

    template: ClassVar[str] = "{reason}"

    def __init_subclass__(cls) -> None:
        if "template" not in cls.__dict__:
            cls.template = cls.__doc__ or "{reason}"

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        self.message = self.template.format(**facts)
        super().__init__(self.message)


class BadRequest(Refused):
    """400: the request is wrong in itself."""

    template = "{reason}"


class Forbidden(Refused):
    """403: the caller may see it but not do it."""

    template = "{reason}"


class NotFound(Refused):
    """404: there is none, or none that the caller may know of."""

    template = "{reason}"


class Conflict(Refused):
    """409: it cannot be done as things stand."""

    template = "{reason}"


class StaleRevision(Refused):
    """412: the caller looked at an older revision."""

    template = "{reason}"


class TooLarge(Refused):
    """413: more than the server reads."""

    template = "{reason}"


class Failed(Refused):
    """500: it should have worked."""

    template = "{reason}"


class Unavailable(Refused):
    """503: it may work later."""

    template = "{reason}"


# ---- any resource


class HTTPBadRequest(BadRequest):
    """{reason}"""  # noqa: D400  # a template


class InvalidInput(BadRequest):
    """Invalid input for operation: {error_message}."""


class TenantIdProjectIdFilterConflict(BadRequest):
    """Filters project_id and tenant_id ask for different projects."""


class NotAuthorized(Forbidden):
    """The caller is not authorized to do this."""


class PolicyNotAuthorized(Forbidden):
    """Rule {action} is disallowed by policy."""


class RevisionNumberConstraintFailed(StaleRevision):
    """The resource is not at revision {expected} but at {current}."""


class OverQuota(Conflict):
    """Quota exceeded for resources: {overs}."""


class TenantQuotaNotFound(NotFound):
    """No quota is set for project {tenant_id}."""


class TagNotFound(NotFound):
    """The resource has no tag {tag}."""


class TagResourceNotFound(NotFound):
    """There is nothing to tag among {resource} with id {resource_id}."""


class ExtensionsNotFound(NotFound):
    """No extension with the alias {alias} is loaded."""


class ServiceUnavailable(Unavailable):
    """The service cannot answer now: {reason}."""


# ---- networks


class NetworkNotFound(NotFound):
    """Network {net_id} could not be found."""


class NetworkInUse(Conflict):
    """Network {net_id} stays. There are one or more ports still in use on the network: {ports}."""


class InvalidSharedSetting(Conflict):
    """Network {network} is used by other projects and cannot cease to be shared."""


class ExternalNetworkInUse(Conflict):
    """External network {net_id} has router gateways or floating IPs and cannot become internal."""


class FlatNetworkInUse(Conflict):
    """Physical network {physical_network} already carries a flat network."""


class NetworkMTUSubnetConflict(Conflict):
    """MTU of network {net_id} is too small: its subnets need {mtu} at least."""


class TunnelIdInUse(Conflict):
    """Tunnel id {tunnel_id} is taken."""


class NoNetworkAvailable(Unavailable):
    """No segmentation id is left for a new network."""


# ---- subnets


class SubnetNotFound(NotFound):
    """Subnet {subnet_id} could not be found."""


class SubnetInUse(Conflict):
    """Subnet {subnet_id} cannot be removed: {reason}."""


class InvalidAllocationPool(BadRequest):
    """Allocation pool {pool} is not a range of addresses."""


class OutOfBoundsAllocationPool(BadRequest):
    """Allocation pool {pool} reaches outside subnet {subnet_cidr}."""


class OverlappingAllocationPools(Conflict):
    """Allocation pools {pool_1} and {pool_2} of subnet {subnet_cidr} overlap."""


class GatewayConflictWithAllocationPools(Conflict):
    """Gateway {ip_address} lies inside allocation pool {pool}."""


class GatewayIpInUse(Conflict):
    """Gateway {ip_address} is an address of port {port_id}."""


class InvalidCIDR(BadRequest):
    """{input} is neither an IP address nor a prefix."""


class DNSNameServersExhausted(BadRequest):
    """Subnet {subnet_id} may have no more than {quota} DNS name servers."""


class HostRoutesExhausted(BadRequest):
    """Subnet {subnet_id} may have no more than {quota} host routes."""


# ---- subnet pools


class SubnetPoolNotFound(NotFound):
    """Subnet pool {subnetpool_id} could not be found."""


class SubnetPoolDeleteError(BadRequest):
    """Subnet pool {subnetpool_id} cannot be deleted: {reason}."""


class SubnetPoolQuotaExceeded(OverQuota):
    """The project may have no more of this subnet pool."""


class EmptySubnetPoolPrefixList(BadRequest):
    """A subnet pool needs a prefix."""


class PrefixVersionMismatch(BadRequest):
    """All prefixes of a subnet pool must be of one IP version."""


class IllegalSubnetPoolPrefixBounds(BadRequest):
    """{prefix_type} {prefixlen} does not go together with {base_prefix_type} {base_prefixlen}."""


class IllegalSubnetPoolPrefixUpdate(BadRequest):
    """The prefixes of the subnet pool cannot be changed so: {msg}."""


class IllegalSubnetPoolUpdate(BadRequest):
    """The subnet pool cannot be changed so: {reason}."""


class MinPrefixSubnetAllocationError(BadRequest):
    """Prefix length {prefixlen} is below {min_prefixlen}, the least that the subnet pool gives."""


class MaxPrefixSubnetAllocationError(BadRequest):
    """Prefix length {prefixlen} is above {max_prefixlen}, the most that the subnet pool gives."""


# Neutron answers 500 here. A pool that is used up is no fault of the server, and is no reason to ask again.
class SubnetAllocationError(Conflict):
    """No subnet can be allocated: {reason}."""


class NetworkSubnetPoolAffinityError(BadRequest):
    """All subnets of one IP version on a network must come from the same subnet pool."""


# ---- ports and their addresses


class PortNotFound(NotFound):
    """Port {port_id} could not be found."""


class PortInUse(Conflict):
    """Port {port_id} of network {net_id} is in use by device {device_id}."""


class ServicePortInUse(Conflict):
    """Port {port_id} cannot be deleted through the ports API: {reason}."""


class PortBound(Conflict):
    """Port {port_id} is bound ({vif_type}): its MAC address must stay {old_mac}, {new_mac} is refused."""


class UnsupportedPortDeviceOwner(Conflict):
    """{op} is not supported for port {port_id} with device owner {device_owner}."""


class MacAddressInUse(Conflict):
    """MAC address {mac} is taken on network {net_id}."""


class IpAddressAlreadyAllocated(Conflict):
    """IP address {ip} is already allocated in subnet {subnet_id}."""


class IpAddressGenerationFailure(Conflict):
    """No address is left on network {net_id}."""


class ExternalIpAddressExhausted(BadRequest):
    """No address is left on external network {net_id}."""


class InvalidIpForNetwork(BadRequest):
    """IP address {ip_address} lies in no subnet of the network."""


class InvalidIpForSubnet(BadRequest):
    """IP address {ip_address} does not fit subnet {cidr}."""


class AllocationOnAutoAddressSubnet(BadRequest):
    """Address {ip} cannot be asked for: subnet {subnet_id} lets hosts form their own."""


class AllowedAddressPairsMissingIP(BadRequest):
    """An allowed address pair needs an ip_address."""


class DuplicateAddressPairInRequest(BadRequest):
    """Allowed address pair {mac_address} {ip_address} is given twice."""


class AllowedAddressPairExhausted(BadRequest):
    """A port may have no more than {quota} allowed address pairs."""


class AddressPairAndPortSecurityRequired(Conflict):
    """Allowed address pairs need port security."""


class PortSecurityAndIPRequiredForSecurityGroups(BadRequest):
    """Security groups need port security and an address."""


class PortSecurityPortHasSecurityGroup(Conflict):
    """Port security cannot be taken from a port that has security groups."""


# ---- security groups


class SecurityGroupNotFound(NotFound):
    """Security group {id} could not be found."""


class SecurityGroupInUse(Conflict):
    """Security group {id} is in use: {reason}."""


class SecurityGroupDefaultAlreadyExists(Conflict):
    """Every project has a security group named default; no other can take that name."""


class SecurityGroupCannotUpdateDefault(Conflict):
    """The default security group keeps its name."""


class SecurityGroupCannotRemoveDefault(Conflict):
    """The default security group cannot be removed."""


class SecurityGroupRuleNotFound(NotFound):
    """Security group rule {id} could not be found."""


class SecurityGroupRuleExists(Conflict):
    """The same security group rule exists: {rule_id}."""


class DuplicateSecurityGroupRuleInPost(Conflict):
    """The request holds the same security group rule twice."""


class SecurityGroupInvalidPortRange(BadRequest):
    """Both ends of a range of ports are needed, and port_range_min must be <= port_range_max."""


class SecurityGroupInvalidPortValue(BadRequest):
    """Invalid value for port {port}"""  # noqa: D400  # clients look for just this


class SecurityGroupInvalidIcmpValue(BadRequest):
    """Invalid value for ICMP {field}: {attr} {value} is not between 0 and 255."""


class SecurityGroupMissingIcmpType(BadRequest):
    """ICMP code (port-range-max) {value} is given but the ICMP type (port-range-min) is missing."""


class SecurityGroupInvalidProtocolForPort(BadRequest):
    """Protocol {protocol} has no ports; those that have: {valid_port_protocols}."""


class SecurityGroupProtocolRequiredWithPorts(BadRequest):
    """Ports need a protocol."""


class SecurityGroupRuleInvalidProtocol(BadRequest):
    """{protocol} is neither a protocol number nor one of {values}."""


class SecurityGroupRuleInvalidEtherType(BadRequest):
    """{ethertype} is not one of {values}."""


class SecurityGroupEthertypeConflictWithProtocol(BadRequest):
    """Protocol {protocol} does not exist under {ethertype}."""


class SecurityGroupRuleParameterConflict(BadRequest):
    """Conflicting value ethertype {ethertype}: prefix {cidr} is of another IP version."""


class SecurityGroupMultipleRemoteEntites(BadRequest):
    """Only one of remote_ip_prefix, remote_group_id and remote_address_group_id may be given."""


class SecurityGroupNotSingleGroupRules(BadRequest):
    """Rules of one request must belong to one security group."""


# ---- routers and floating IPs


class RouterNotFound(NotFound):
    """Router {router_id} could not be found."""


class RouterInUse(Conflict):
    """Router {router_id} is in use: {reason}."""


class RouterInterfaceNotFound(NotFound):
    """Router {router_id} has no interface on port {port_id}."""


class RouterInterfaceNotFoundForSubnet(NotFound):
    """Router {router_id} has no interface on subnet {subnet_id}."""


class RouterInterfaceInUseByFloatingIP(Conflict):
    """The interface of router {router_id} on subnet {subnet_id} is needed by floating IPs."""


class RouterInterfaceInUseByRoute(Conflict):
    """The interface of router {router_id} on subnet {subnet_id} is needed by routes."""


class RouterExternalGatewayInUseByFloatingIp(Conflict):
    """The gateway of router {router_id} to network {net_id} is needed by floating IPs."""


class SubnetMismatchForPort(BadRequest):
    """Port {port_id} has no address in subnet {subnet_id}."""


class InvalidRoutes(BadRequest):
    """Route {routes} is not possible: {reason}."""


class FloatingIPNotFound(NotFound):
    """Floating IP {floatingip_id} could not be found."""


class FloatingIPPortAlreadyAssociated(Conflict):
    """Fixed IP {fixed_ip} of port {port_id} already has floating IP {floating_ip_address} on network {net_id}."""


class ExternalGatewayForFloatingIPNotFound(NotFound):
    """No router joins subnet {subnet_id} of port {port_id} to external network {external_network_id}."""


# ---- agents


class AgentNotFound(NotFound):
    """Agent {id} could not be found."""
