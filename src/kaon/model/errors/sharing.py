"""Errors about RBAC policies, address scopes and topologies that are made by themselves."""

from kaon.model.errors import BadRequest, Conflict, InvalidInput, NotFound


class RbacPolicyNotFound(NotFound):
    """There is no RBAC policy {id} of type {object_type}."""


class RbacPolicyInUse(Conflict):
    """RBAC policy on object {object_id} cannot go, for others depend on it: {details}."""


class RbacPolicyInitError(BadRequest):
    """RBAC policy on object {object_id} cannot be made: {reason}."""


class DuplicateRbacPolicy(Conflict):
    """There is an RBAC policy with these values already."""


class InvalidActionForType(InvalidInput):
    """Action {action} does not exist for object type {object_type}; there are: {valid_actions}."""


class AddressScopeNotFound(NotFound):
    """Address scope {address_scope_id} could not be found."""


class AddressScopeInUse(Conflict):
    """Address scope {address_scope_id} is in use by one or more subnet pools."""


class AddressScopeUpdateError(BadRequest):
    """Address scope {address_scope_id} cannot be changed: {reason}."""


class NetworkAddressScopeAffinityError(BadRequest):
    """Subnets of one network and IP version must all be in the same address scope."""


class AddressScopePrefixConflict(Conflict):
    """Subnet pools of one address scope may not overlap."""


class IllegalSubnetPoolAssociationToAddressScope(BadRequest):
    """Subnet pool {subnetpool_id} cannot be associated with address scope {address_scope_id}."""


class IllegalSubnetPoolIpVersionAssociationToAddressScope(BadRequest):
    """Subnet pool {subnetpool_id} cannot be associated with address scope {address_scope_id}, which is for IPv{ip_version}."""


class DefaultExternalNetworkExists(Conflict):
    """Network {net_id} is the default external network already."""


class AutoAllocationFailure(Conflict):
    """Nothing can be made by itself here: {reason}."""
