"""All slices of a host from what it holds. Pure."""

from dataclasses import dataclass

from kaon.host.compile.allocations import Allocations
from kaon.host.compile.facts import HostFacts
from kaon.host.compile.floatingips import compile_floatingips
from kaon.host.compile.links import compile_links
from kaon.host.compile.security_groups import compile_security_groups
from kaon.host.compile.subnets import DhcpSettings, Reservation, compile_dhcp
from kaon.host.compile.view import View
from kaon.host.state.filters import FilterState, merge
from kaon.host.state.host import HostState
from kaon.host.state.links import Tap
from kaon.host.state.network_state import LinkState
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


def compile_host(
    view: View, facts: HostFacts, dhcp: DhcpSettings, allocations: Allocations, attached: frozenset[str]
) -> CompiledHost:
    """Say what the host shall have.

    allocations  numbers of the filters, see `allocate`
    attached     taps that are members of our bridges now
    """
    links = compile_links(view, facts)
    filters, lacking = compile_filters(view, allocations, attached)
    servers = compile_dhcp(view, dhcp)
    waiting = (*links.waiting, *lacking, *servers.waiting)
    return CompiledHost(
        state=HostState(links=links.state, filters=filters, dhcp=servers.state),
        leases=servers.leases,
        waiting=tuple(dict.fromkeys(waiting)),
    )


def compile_filters(view: View, allocations: Allocations, attached: frozenset[str]) -> tuple[FilterState, tuple[Waiting, ...]]:
    """Say which filters the host and its routers shall have, and who waits."""
    groups = compile_security_groups(view, allocations, attached)
    routers = compile_floatingips(view)
    return merge((groups.state, routers.state)), groups.waiting + routers.waiting


def attached_taps(links: LinkState) -> frozenset[str]:
    """Name the taps that are members of our bridges."""
    return frozenset(link.name for link in links.links if isinstance(link, Tap))
