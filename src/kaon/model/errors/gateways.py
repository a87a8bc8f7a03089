"""Refusals about what hangs on routers and floating IPs: port forwardings, helpers, NDP proxies, several gateways."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, NotFound


class PortForwardingNotFound(NotFound):
    """Port Forwarding {id} could not be found."""


class PortHasPortForwarding(BadRequest):
    """Port {port_id} has port forwardings, and so no floating IP can lead to it."""


class FipInUseByPortForwarding(Conflict):
    """Floating IP {id} is in use by port forwardings."""


class PortHasBindingFloatingIP(Conflict):
    """Floating IP {floating_ip_address} ({fip_id}) leads to port {port_id} already: {fixed_ip} of it cannot be forwarded to."""


class ConntrackHelperNotFound(NotFound):
    """Conntrack Helper {id} could not be found."""


class ConntrackHelperNotAllowed(BadRequest):
    """Conntrack Helper {helper} is not allowed."""


class InvalidProtocolForHelper(BadRequest):
    """Conntrack Helper {helper} does not support {protocol}; it supports {supported_protocols}."""


class NDPProxyNotFound(NotFound):
    """NDP proxy {id} could not be found."""


class RouterGatewayInUseByNDPProxy(Conflict):
    """The gateway of router {router_id} is needed by NDP proxies."""


class RouterInterfaceInUseByNDPProxy(Conflict):
    """The interface of router {router_id} on subnet {subnet_id} is needed by NDP proxies."""


class RouterIPv6GatewayInUse(Conflict):
    """The gateway of router {router_id} must keep an IPv6 address: the router answers for NDP proxies."""


class AddressScopeConflict(Conflict):
    """The external network is in IPv6 address scope {ext_address_scope}, the port's network in {internal_address_scope}."""


class RouterGatewayNotValid(Conflict):
    """NDP proxies cannot be enabled on router {router_id}: {reason}."""


class RouterNDPProxyNotEnable(Conflict):
    """NDP proxies are not enabled on router {router_id}."""


class PortUnreachableRouter(Conflict):
    """Port {port_id} and router {router_id} have no IPv6 subnet in common."""


class InvalidAddress(BadRequest):
    """Address {address} is not possible: {reason}."""


class UnableToAddExtraGateways(Conflict):
    """Router {router_id} cannot have these gateways: {reason}."""


class UnableToRemoveGateways(Conflict):
    """Gateways of router {router_id} cannot be removed: {reason}."""


class UnableToMatchGateways(Conflict):
    """Gateways of router {router_id} are not told apart: {reason}."""
