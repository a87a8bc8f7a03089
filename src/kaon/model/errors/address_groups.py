"""Refusals about address groups.

The name of a class is Neutron's `type`, its docstring the message; see `kaon.model.errors`.
"""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, NotFound


class AddressGroupNotFound(NotFound):
    """Address group {address_group_id} could not be found."""


class AddressGroupInUse(Conflict):
    """Address group {address_group_id} is named by security group rules."""


class AddressesNotFound(NotFound):
    """Address group {address_group_id} has no addresses {addresses}."""


class AddressesAlreadyExist(BadRequest):
    """Address group {address_group_id} has addresses {addresses} already."""
