"""What to do so that the links of a host become as desired, in which order, and why in that order. Pure.

    build      1  delete what must be made anew (a veth or tunnel whose identity differs): its name has to be free
               2  namespaces, then their switches: forwarding and DAD must be decided before the first address
               3  bridges, tunnels, pairs; each made and marked as ours at once, switched (no IPv6), not yet up
               4  changes of links; members' MTU after their bridge's
               5  addresses: added before any is deleted, so that a changed one is never missing
               6  routes after the addresses that make their next hops reachable
               7  forwarding entries and neighbours: a network is complete before ports join
               8  taps and uplinks join, and legs: filters are already in place (the agent applies that slice first)
               9  announcements: only now does a frame get anywhere
    tear_down 10  entries, routes, addresses that are no more
              11  release of taps and uplinks
              12  pairs, tunnels, bridges; namespaces last: a pair deleted from the host's side is gone at once, while a
                  namespace's devices linger after it

Anything that stands in a link or namespace to be deleted goes with it and gets no step of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Link, Made, Plugged, Tap, Uplink, VethPair, Vxlan
from kaon.host.state.names import HOST
from kaon.host.state.namespaces import Namespace, Sysctl
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.routes import Route
from kaon.host.state.trouble import Trouble

Subject = Namespace | Sysctl | Link | InterfaceAddress | Route | ForwardingEntry | Neighbour


@dataclass(frozen=True, slots=True)
class Create:
    """Make it: it is not there."""

    what: Namespace | Made


@dataclass(frozen=True, slots=True)
class Change:
    """Set what differs between `found` and `what`, and nothing else. A tap or uplink that is not enslaved has no `found`."""

    what: Namespace | Link
    found: Namespace | Link | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Add it, or let it take the place of ours under the same key (`replaces`)."""

    what: Sysctl | InterfaceAddress | Route | ForwardingEntry | Neighbour
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Take it away: delete what we made, release what we only enslaved."""

    what: Namespace | Link | InterfaceAddress | Route | ForwardingEntry | Neighbour


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the neighbours of an interface that an address is here now."""

    what: InterfaceAddress


LinkStep = Create | Change | Put | Remove | Announce


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """Steps in order. `tear_down` may wait until processes have left the namespaces that go."""

    build: tuple[LinkStep, ...] = ()
    tear_down: tuple[LinkStep, ...] = ()
    troubles: tuple[Trouble, ...] = field(default=())

    @property
    def steps(self) -> tuple[LinkStep, ...]:
        """All steps."""
        return self.build + self.tear_down


def plan_links(desired: LinkState, observed: Observed) -> LinkPlan:
    """Say what makes the observed links as desired.

    Law     planning again after applying is empty; nothing foreign is named.
    Taken   what is desired under a name that others hold is left out, with all that stands in it, and reported.
    """
    raise NotImplementedError
