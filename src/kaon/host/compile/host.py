"""All slices of a host from what it holds. Pure."""

from dataclasses import dataclass

from kaon.host.compile.facts import CompiledLinks
from kaon.host.compile.security_groups import CompiledFilters
from kaon.host.compile.subnets import CompiledDhcp, Reservation
from kaon.host.state.advertisements import AdvertisementState
from kaon.host.state.filters import FilterState
from kaon.host.state.host import HostState
from kaon.host.state.links import Tap, VethPair
from kaon.host.state.names import HOST
from kaon.host.state.network_state import LinkState
from kaon.host.state.qos import QosState
from kaon.host.state.trouble import Waiting


@dataclass(frozen=True, slots=True)
class CompiledHost:
    """What the host shall have, and what is missing from it.

    leases   port id -> what its network's DHCP server must have loaded
    waiting  what could not be said yet, and why
    """

    state: HostState
    leases: dict[str, Reservation]
    waiting: tuple[Waiting, ...] = ()


def combine(
    links: CompiledLinks, filters: CompiledFilters, dhcp: CompiledDhcp, qos: QosState, advertisements: AdvertisementState
) -> CompiledHost:
    """Put the slices together."""
    return CompiledHost(
        state=HostState(links=links.state, filters=filters.state, dhcp=dhcp.state, qos=qos, advertisements=advertisements),
        leases=dhcp.leases,
        waiting=tuple(dict.fromkeys((*links.waiting, *filters.waiting, *dhcp.waiting))),
    )


def attached_taps(links: LinkState) -> frozenset[str]:
    """Name the taps that are members of our bridges."""
    return frozenset(link.name for link in links.links if isinstance(link, Tap))


def attached_ports(links: LinkState) -> frozenset[str]:
    """Name the devices of ports, taps and our own legs, that are members of our bridges."""
    return frozenset(link.name for link in links.links if isinstance(link, Tap | VethPair) and link.bridge is not None)


def filtered_namespaces(links: LinkState) -> frozenset[str]:
    """Name the namespaces that can have tables of ours: the host's own, and the routers' that are there."""
    return frozenset({HOST}) | {space.name for space in links.namespaces if space.owner.startswith("router/")}


def in_namespaces(filters: FilterState, namespaces: frozenset[str]) -> FilterState:
    """Read a filter state as if exactly these namespaces had been looked at: tables of others went with them."""
    tables = {key: table for key, table in filters.tables.items() if key[0] in namespaces}
    return FilterState(tables=tables, policy=filters.policy, namespaces=namespaces, pending=filters.pending)
