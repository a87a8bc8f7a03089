"""Refusals about the bindings of a port."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import Conflict, Failed, NotFound


class PortBindingNotFound(NotFound):
    """Port {port_id} has no binding on host {host}."""


class PortBindingAlreadyExists(Conflict):
    """Port {port_id} has a binding on host {host} already."""


class PortBindingAlreadyActive(Conflict):
    """The binding of port {port_id} on host {host} is active already."""


# Neutron answers 500; Nova reads the type.
class PortBindingError(Failed):
    """Port {port_id} cannot be bound on host {host}."""
