"""Refusals about logs of what is let through and what is dropped.

The name of a class is Neutron's `type`, its docstring the message; see `kaon.model.errors`.
"""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, NotFound


class LogResourceNotFound(NotFound):
    """Log {log_id} could not be found."""


class InvalidLogResourceType(BadRequest):
    """Nothing of resource_type {resource_type} can be logged."""


class ResourceNotFound(NotFound):
    """Resource {resource_id} could not be found."""


class TargetResourceNotFound(NotFound):
    """Target resource {target_id} could not be found."""


class InvalidResourceConstraint(BadRequest):
    """{target_resource} {target_id} has nothing to do with {resource} {resource_id}."""


class ResourceIdNotSpecified(BadRequest):
    """A log of {resource_type} needs a resource_id."""


class EventsDisabled(BadRequest):
    """Events {events} cannot be chosen for {resource_type}."""


# Neutron answers 500 to these two. How a router is set up is no fault of the server.
class RouterNotEnabledSnat(Conflict):
    """Router {resource_id} does not translate source addresses."""


class RouterGatewayNotSet(Conflict):
    """Router {resource_id} has no gateway."""
