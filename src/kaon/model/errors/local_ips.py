"""Refusals about local IPs."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, NotFound


class LocalIPNotFound(NotFound):
    """Local IP {id} could not be found."""


class LocalIPInUse(Conflict):
    """Local IP {id} still stands for ports."""


class LocalIPNoIP(BadRequest):
    """Port {port_id} has no address."""


class LocalIPRequestedIPNotFound(BadRequest):
    """Port {port_id} has no address {ip}."""


class LocalIPNoRequestedIP(BadRequest):
    """Port {port_id} has several addresses; the request must say which is meant."""


class LocalIPPortOrNetworkRequired(BadRequest):
    """A local IP needs local_port_id or network_id."""


class LocalIPAssociationNotFound(NotFound):
    """Local IP {local_ip_id} does not stand for port {port_id}."""
