"""Everything of this slice on one host, as one value: desired and actual alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import ForwardingEntry, Neighbour
from kaon.host.state.links import Link
from kaon.host.state.namespaces import Namespace, Sysctl
from kaon.host.state.routes import Route


@dataclass(frozen=True, slots=True)
class LinkState:
    """Namespaces, links, addresses, routes, neighbours, forwarding entries and switches that are ours.

    Desired: all that shall be. Actual: all that can be proved ours.
    """

    namespaces: frozenset[Namespace] = frozenset()
    links: frozenset[Link] = frozenset()
    addresses: frozenset[InterfaceAddress] = frozenset()
    routes: frozenset[Route] = frozenset()
    neighbours: frozenset[Neighbour] = frozenset()
    forwarding: frozenset[ForwardingEntry] = frozenset()
    sysctls: frozenset[Sysctl] = frozenset()


@dataclass(frozen=True, slots=True)
class Observed:
    """What a host has: ours, and the names that are not.

    devices             names of every device in the host's namespace, ours and others'
    foreign_namespaces  namespaces that are not ours
    foreign_devices     (namespace, name) of devices that we did not make, in the host's namespace and in ours
    held                device -> the bridge of others that it is enslaved to
    """

    state: LinkState = field(default_factory=LinkState)
    devices: frozenset[str] = frozenset()
    foreign_namespaces: frozenset[str] = frozenset()
    foreign_devices: frozenset[tuple[str, str]] = frozenset()
    held: Mapping[str, str] = field(default_factory=dict)


def merge(states: Iterable[LinkState]) -> LinkState:
    """Put several states together into one."""
    parts = tuple(states)
    return LinkState(
        namespaces=frozenset().union(*(part.namespaces for part in parts)),
        links=frozenset().union(*(part.links for part in parts)),
        addresses=frozenset().union(*(part.addresses for part in parts)),
        routes=frozenset().union(*(part.routes for part in parts)),
        neighbours=frozenset().union(*(part.neighbours for part in parts)),
        forwarding=frozenset().union(*(part.forwarding for part in parts)),
        sysctls=frozenset().union(*(part.sysctls for part in parts)),
    )
