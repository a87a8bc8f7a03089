"""Names of scopes: what several hosts share, and what one host owns.

A scope is a set of entries under one name and one revision. Its name is `kind:id`.

    host:<host name>      the ports bound to the host and the roles it plays
    network:<network id>  the network, its subnets, its ports with their hosts, its tunnel endpoints
    group:<group id>      a security group and its rules
    members:<group id>    the addresses of the ports that are in a security group, or the prefixes of an address group
    router:<router id>    a router, its legs (by port and network), its floating IPs
"""

from enum import StrEnum


class Kind(StrEnum):
    """What a scope describes."""

    HOST = "host"
    NETWORK = "network"
    GROUP = "group"
    MEMBERS = "members"
    ROUTER = "router"


def host(host_name: str) -> str:
    """Name the scope of what one host does."""
    return f"{Kind.HOST}:{host_name}"


def network(network_id: str) -> str:
    """Name the scope of one network."""
    return f"{Kind.NETWORK}:{network_id}"


def group(group_id: str) -> str:
    """Name the scope of the rules of one security group."""
    return f"{Kind.GROUP}:{group_id}"


def members(group_id: str) -> str:
    """Name the scope of the addresses in one security group, or in one address group."""
    return f"{Kind.MEMBERS}:{group_id}"


def router(router_id: str) -> str:
    """Name the scope of one router."""
    return f"{Kind.ROUTER}:{router_id}"


def parse(name: str) -> tuple[Kind, str]:
    """Split a scope's name into its kind and its id.

    Errors  ValueError when the kind is unknown or the id is empty.
    """
    kind, separator, identity = name.partition(":")
    if not separator or not identity:
        raise ValueError(f"{name!r} is not a scope: expected kind:id")
    return Kind(kind), identity
