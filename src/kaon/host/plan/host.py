"""The order of slices, and what keeps it safe: in one place. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum

from kaon.host.state.host import HostState
from kaon.host.state.links import Tap
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.trouble import Trouble


class Phase(Enum):
    """One step of a piece of work. Each is planned from what the ones before it left behind."""

    GUARD = "filters of the host"
    BUILD = "links that come or change"
    NAMESPACES = "filters of namespaces"
    LIMITS = "bandwidth"
    DAEMONS = "DHCP servers, router advertisements"
    TEAR_DOWN = "links that go"
    FORGET = "filters of what went"


ORDER = (
    Phase.GUARD,  # fail closed: a tap joins its bridge only when its rules are in
    Phase.BUILD,  # bridges, tunnels, namespaces, addresses, and last the taps
    Phase.LIMITS,  # a tap that has just joined is limited next: before that nothing says that it is ours to limit
    Phase.NAMESPACES,  # a router's translation needs the namespace that was made just now
    Phase.DAEMONS,  # dnsmasq and radvd need their legs; one that stops must leave its namespace before that goes
    Phase.TEAR_DOWN,  # what is no longer wanted goes after all that is: a change is never a gap
    Phase.FORGET,  # a stranger's tap stays closed until it is off the bridge
)


def withhold_unguarded(desired: HostState, observed: Observed, troubles: Iterable[Trouble]) -> LinkState:
    """Leave out of the desired links the taps whose filters could not be written, unless they are on their bridge already.

    A tap that is on its bridge already is held by its earlier rules; taking it off for a failed change would only add harm.
    A failure that belongs to nobody counts for all.
    """
    owners = {trouble.owner for trouble in troubles}
    if not owners:
        return desired.links
    attached = {link.name for link in observed.state.links if isinstance(link, Tap)}
    everybody = any(not owner.startswith("port/") for owner in owners)
    kept = frozenset(
        link
        for link in desired.links.links
        if not isinstance(link, Tap) or link.name in attached or not (everybody or link.owner in owners)
    )
    return replace(desired.links, links=kept)
