"""What to do so that the links of a host become as desired, in which order, and why in that order. Pure.

    build      1  release an uplink that another takes the place of; delete what must be made anew (a veth or tunnel whose
                  identity differs): its name has to be free
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

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_interface
from typing import Any, TypeVar

from kaon.host.plan.taken import without_taken
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Link, Made, Plugged, Tap, Uplink, VethPair, Vxlan
from kaon.host.state.names import HOST
from kaon.host.state.namespaces import Namespace, Sysctl
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.routes import Route
from kaon.host.state.trouble import Trouble

T = TypeVar("T")
L = TypeVar("L", bound=Link)
Entry = InterfaceAddress | Route | ForwardingEntry | Neighbour
"""What stands in links and goes with them."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make it and mark it as ours; links come down, free and without IPv6's switch: what follows sets the rest."""

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
    troubles: tuple[Trouble, ...] = ()

    @property
    def steps(self) -> tuple[LinkStep, ...]:
        """All steps."""
        return self.build + self.tear_down


def plan_links(desired: LinkState, observed: Observed) -> LinkPlan:
    """Say what makes the observed links as desired.

    Law     planning again after applying is empty; nothing foreign is named.
    Taken   what is desired under a name that others hold is left out, with all that stands in it, and reported.
    """
    wanted, troubles = without_taken(desired, observed)
    actual = observed.state
    links = _LinkDiff.of(wanted, actual)
    spaces = _by_name(wanted.namespaces), _by_name(actual.namespaces)
    standing = _standing(actual, links)
    entries = _EntryDiff.of(wanted, standing, actual, links.lost_devices())
    exchanged = links.exchanged()
    build: list[LinkStep] = [Remove(link) for link in (*exchanged, *links.rebuilt)]
    build += _namespaces(*spaces)
    build += [Create(link) for link in links.created]
    build += _switches(wanted, actual, links)
    build += links.changes()
    build += entries.early
    build += entries.put
    build += links.joins()
    build += [Announce(address) for address in entries.announced()]
    tear_down: list[LinkStep] = [*entries.removed, *(Remove(link) for link in links.deleted if link not in exchanged)]
    gone = sorted(spaces[1].keys() - spaces[0].keys())
    tear_down += [Remove(spaces[1][name]) for name in gone]
    return LinkPlan(tuple(build), tuple(tear_down), troubles)


@dataclass(frozen=True, slots=True)
class _LinkDiff:
    """What becomes of the links.

    rebuilt  go before anything is made: their names, or what they hold, must be free
    created  are not there, or are made anew
    kept     (desired, found) of the rest, equal or not
    deleted  go at the end: released first, then pairs, tunnels, bridges
    """

    rebuilt: tuple[Made, ...]
    created: tuple[Made, ...]
    plugged: tuple[Plugged, ...]
    kept: tuple[tuple[Link, Link], ...]
    deleted: tuple[Link, ...]

    @classmethod
    def of(cls, desired: LinkState, actual: LinkState) -> "_LinkDiff":
        wanted, found = _by_name(desired.links), _by_name(actual.links)
        claims = {claim for link in wanted.values() for claim in _claims(link)}
        rebuilt: list[Made] = []
        deleted: list[Link] = []
        kept: list[tuple[Link, Link]] = []
        for name, link in sorted(found.items()):
            want = wanted.get(name)
            if want is not None and _identity(want) == _identity(link):
                kept.append((want, link))
            elif isinstance(link, Tap | Uplink):
                deleted.append(link)
            elif want is not None or claims & _claims(link):
                rebuilt.append(link)
            else:
                deleted.append(link)
        staying = {want.name for want, _ in kept}
        missing = sorted((link for name, link in wanted.items() if name not in staying), key=_making_order)
        kept.sort(key=lambda pair: _making_order(pair[0]))
        return cls(
            rebuilt=tuple(rebuilt),
            created=tuple(link for link in missing if not isinstance(link, Tap | Uplink)),
            plugged=tuple(link for link in missing if isinstance(link, Tap | Uplink)),
            kept=tuple(kept),
            deleted=tuple(sorted(deleted, key=_making_order, reverse=True)),
        )

    def differing(self) -> list[tuple[Link, Link]]:
        """List (desired, as it is before any change) of all that has to change, new ones included."""
        pairs: list[tuple[Link, Link]] = [(link, _as_created(link)) for link in self.created]
        pairs += [(want, self._unbridged(found)) for want, found in self.kept]
        return sorted(pairs, key=lambda pair: _making_order(pair[0]))

    def _unbridged(self, found: Link) -> Link:
        """Read a link as free when the bridge it is on goes first."""
        if isinstance(found, Vxlan | VethPair) and found.bridge in {link.name for link in self.rebuilt}:
            return replace(found, bridge=None)
        return found

    def changes(self) -> list[LinkStep]:
        """Bring what is ours up to date, all but joining; tunnels join here, as their entries need it."""
        steps: list[LinkStep] = []
        for want, found in self.differing():
            if isinstance(want, Tap | Uplink):
                continue
            target = replace(want, bridge=found.bridge) if isinstance(want, VethPair) and isinstance(found, VethPair) else want
            if target != found or target.owner != found.owner:
                steps.append(Change(target, found))
        return steps

    def joins(self) -> list[LinkStep]:
        """Enslave what has to be on a bridge; what is on it already only follows it in MTU and being up."""
        steps: list[LinkStep] = []
        for want, found in self.differing():
            if isinstance(want, Tap | Uplink):
                if want != found:
                    steps.append(Change(want, found))
            elif isinstance(want, VethPair) and isinstance(found, VethPair) and want.bridge != found.bridge:
                steps.append(Change(want, replace(want, bridge=found.bridge)))
        return steps + [Change(link) for link in self.plugged]

    def exchanged(self) -> tuple[Link, ...]:
        """Give uplinks that leave a bridge on which another one comes: together they would join two physical networks."""
        coming = {link.bridge for link in self.plugged if isinstance(link, Uplink)}
        coming |= {want.bridge for want, found in self.kept if isinstance(want, Uplink) and want != found}
        return tuple(link for link in self.deleted if isinstance(link, Uplink) and link.bridge in coming)

    def lost_devices(self) -> frozenset[tuple[str, str]]:
        """Give (namespace, device) of links that go: whatever stands in them goes too."""
        gone: list[Link] = [*self.rebuilt, *self.deleted]
        return frozenset(end for link in gone for end in _ends(link))


def _standing(actual: LinkState, links: _LinkDiff) -> LinkState:
    """Leave out what the kernel takes away by itself as the plan goes on.

    - what stands in a link that is made anew
    - a bridge's neighbours when its MAC changes (arp_netdev_event flushes permanent ones, too)
    - the bridge's entries for a tunnel that moves to another bridge
    """
    anew = frozenset(end for link in links.rebuilt for end in _ends(link))
    other_mac = {want.name for want, found in links.kept if isinstance(want, Bridge) and want.mac != _mac(found)}
    moved = {want.name for want, found in links.differing() if isinstance(found, Vxlan) and _bridge(want) != found.bridge}
    return replace(
        actual,
        addresses=frozenset(address for address in actual.addresses if (address.namespace, address.device) not in anew),
        routes=frozenset(
            route for route in actual.routes if not any((route.namespace, hop.device) in anew for hop in route.hops)
        ),
        neighbours=frozenset(
            neighbour
            for neighbour in actual.neighbours
            if (HOST, neighbour.device) not in anew and neighbour.device not in other_mac
        ),
        forwarding=frozenset(
            entry
            for entry in actual.forwarding
            if (HOST, entry.device) not in anew and not (entry.remote is None and entry.device in moved)
        ),
    )


@dataclass(frozen=True, slots=True)
class _EntryDiff:
    """What becomes of addresses, routes, forwarding entries and neighbours.

    early    must go before others can come: an IPv6 address stands only once on a device, whatever its prefix length
    """

    early: tuple[Remove, ...]
    put: tuple[Put, ...]
    removed: tuple[Remove, ...]

    @classmethod
    def of(cls, desired: LinkState, actual: LinkState, seen: LinkState, lost: frozenset[tuple[str, str]]) -> "_EntryDiff":
        claimed = {_v6_claim(address): address for address in desired.addresses if ":" in address.cidr}
        early = [
            address
            for address in actual.addresses
            if address not in desired.addresses and ":" in address.cidr and _v6_claim(address) in claimed
        ]
        put = [
            *_puts(desired.addresses, actual.addresses, seen.addresses, lambda address: address),
            # On-link routes first: the next hop of another may be reached by them.
            *sorted(
                _puts(desired.routes, actual.routes, seen.routes, lambda route: (route.namespace, route.destination)),
                key=lambda step: any(hop.gateway is not None for hop in step.what.hops) if isinstance(step.what, Route) else 0,
            ),
            *_puts(desired.forwarding, actual.forwarding, seen.forwarding, _forwarding_key),
            *_puts(
                desired.neighbours,
                actual.neighbours,
                seen.neighbours,
                lambda neighbour: (neighbour.device, neighbour.ip_address),
            ),
        ]
        removed: list[Entry] = [
            *_gone(desired.forwarding, actual.forwarding, _forwarding_key),
            *_gone(desired.neighbours, actual.neighbours, lambda neighbour: (neighbour.device, neighbour.ip_address)),
            *_gone(desired.routes, actual.routes, lambda route: (route.namespace, route.destination)),
            *_gone(desired.addresses, actual.addresses - frozenset(early), lambda address: address),
        ]
        return cls(
            early=tuple(Remove(address) for address in sorted(early, key=repr)),
            put=tuple(put),
            removed=tuple(Remove(entry) for entry in removed if not _stands_in(entry) <= lost),
        )

    def announced(self) -> list[InterfaceAddress]:
        """List the addresses that neighbours have to hear of."""
        return [step.what for step in self.put if isinstance(step.what, InterfaceAddress) and step.what.announced]


def _namespaces(wanted: dict[str, Namespace], found: dict[str, Namespace]) -> list[LinkStep]:
    steps: list[LinkStep] = []
    for name, namespace in sorted(wanted.items()):
        there = found.get(name)
        if there is None:
            steps.append(Create(namespace))
        elif there != namespace or there.owner != namespace.owner:
            steps.append(Change(namespace, there))
    return steps


def _switches(wanted: LinkState, actual: LinkState, links: _LinkDiff) -> list[LinkStep]:
    """Set what differs. A link made anew starts with the kernel's defaults, whatever was seen under its name."""
    found = {(switch.namespace, switch.key): switch.value for switch in actual.sysctls}
    anew = {(link_space, f"/{device}/") for link in links.created for link_space, device in _ends(link)}

    def reset(switch: Sysctl) -> bool:
        return any(switch.namespace == space and part in switch.key for space, part in anew)

    return [
        Put(switch)
        for switch in sorted(wanted.sysctls, key=lambda switch: (switch.namespace, switch.key))
        if found.get((switch.namespace, switch.key)) != switch.value or reset(switch)
    ]


def _puts(desired: frozenset[T], actual: frozenset[T], seen: frozenset[T], key: Callable[[T], Hashable]) -> list[Put]:
    """Add what is missing; take the place of whatever of ours was seen under the same key, even where it will have gone."""
    held = {key(entry) for entry in seen}
    missing = sorted(desired - actual, key=repr)
    return [Put(entry, replaces=key(entry) in held) for entry in missing]  # type: ignore[arg-type]  # T is one of Put's


def _gone(desired: frozenset[T], actual: frozenset[T], key: Callable[[T], Hashable]) -> list[T]:
    kept = {key(entry) for entry in desired}
    return sorted((entry for entry in actual if key(entry) not in kept), key=repr)


def _forwarding_key(entry: ForwardingEntry) -> Hashable:
    """Flooding goes to every remote; any other MAC is in one place for the tunnel, and in one for the bridge."""
    if entry.mac == FLOOD_MAC:
        return (entry.device, entry.mac, entry.remote)
    return (entry.device, entry.mac, entry.remote is None)


def _v6_claim(address: InterfaceAddress) -> Hashable:
    return (address.namespace, address.device, ip_interface(address.cidr).ip)


def _stands_in(entry: Entry) -> frozenset[tuple[str, str]]:
    match entry:
        case InterfaceAddress():
            return frozenset({(entry.namespace, entry.device)})
        case Route():
            return frozenset((entry.namespace, hop.device) for hop in entry.hops)
        case ForwardingEntry() | Neighbour():
            return frozenset({(HOST, entry.device)})


def _by_name(things: Iterable[L | Namespace]) -> dict[str, Any]:
    return {thing.name: thing for thing in things}


def _identity(link: Link) -> Hashable:
    """Give what cannot be changed in a link: where this differs, it is made anew."""
    match link:
        case Vxlan():
            return (Vxlan, link.vni, link.local, link.port, link.learning)
        case VethPair():
            return (VethPair, link.namespace, link.peer)
        case Bridge() | Tap() | Uplink():
            return (type(link),)


def _claims(link: Link) -> frozenset[Hashable]:
    """Give what only one link can hold, beside its name."""
    match link:
        case Vxlan():
            return frozenset({("vni", link.vni, link.port)})
        case VethPair():
            return frozenset({("peer", link.namespace, link.peer)})
        case _:
            return frozenset()


def _ends(link: Link) -> tuple[tuple[str, str], ...]:
    if isinstance(link, VethPair):
        return ((HOST, link.name), (link.namespace, link.peer))
    return ((HOST, link.name),)


def _as_created(link: Made) -> Made:
    match link:
        case Bridge():
            return replace(link, up=False)
        case Vxlan():
            return replace(link, bridge=None, suppress=False, up=False)
        case VethPair():
            return replace(link, bridge=None, up=False, peer_up=False)


_MAKING_ORDER = (Bridge, Vxlan, VethPair, Uplink, Tap)


def _making_order(link: Link) -> tuple[int, str]:
    return (_MAKING_ORDER.index(type(link)), link.name)


def _mac(link: Link) -> str | None:
    return link.mac if isinstance(link, Bridge) else None


def _bridge(link: Link) -> str | None:
    return None if isinstance(link, Bridge) else link.bridge
