"""One piece of work: look, compile, plan, apply, and say what came of it.

What is remembered of the host is what was seen, or what was written without trouble: planning again after a clean apply is
empty (the law of every slice), so it need not be looked at again for each change. Whatever met trouble is forgotten, and
looked at next time. That is how the cost of a change does not grow with what else is on the host; the loop's drift check
bounds how long a memory can be wrong.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from kaon.host.agent.loop import Slice
from kaon.host.compile.advertisements import compile_advertisements
from kaon.host.compile.facts import HostFacts
from kaon.host.compile.filters import compile_filters
from kaon.host.compile.host import CompiledHost, attached_ports, attached_taps, combine, filtered_namespaces, in_namespaces
from kaon.host.compile.links import compile_links
from kaon.host.compile.qos import compile_qos
from kaon.host.compile.security_groups import CompiledFilters
from kaon.host.compile.subnets import CompiledDhcp, DhcpSettings, compile_dhcp
from kaon.host.compile.view import View
from kaon.host.kernel.dnsmasq import DhcpDoor
from kaon.host.kernel.filters import FilterDoor
from kaon.host.kernel.links import LinkDoor
from kaon.host.kernel.qos import QosDoor
from kaon.host.kernel.radvd import AdvertisementDoor
from kaon.host.plan.advertisements import plan_advertisements
from kaon.host.plan.dhcp import StopServer, plan_dhcp
from kaon.host.plan.filters import plan_filters, without_rules
from kaon.host.plan.host import ORDER, Phase, withhold_unguarded
from kaon.host.plan.links import Announce, Create, LinkPlan, LinkStep, Remove, plan_links
from kaon.host.plan.qos import plan_qos
from kaon.host.plan.taken import without_taken
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.advertisements import AdvertisementState
from kaon.host.state.dhcp import DhcpState
from kaon.host.state.filters import FilterState
from kaon.host.state.host import ObservedHost
from kaon.host.state.links import Bridge, VethPair, Vxlan
from kaon.host.state.names import tap_name
from kaon.host.state.namespaces import Namespace
from kaon.host.state.network_state import LinkState, Observed, merge
from kaon.host.state.qos import ObservedQos, QosState
from kaon.host.state.trouble import Trouble

_REFUSALS = 16
"""Rules that are left out in one piece of work, at most; each costs a transaction that is refused."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways into the kernel, real or fake."""

    links: LinkDoor
    filters: FilterDoor
    dhcp: DhcpDoor
    qos: QosDoor
    advertisements: AdvertisementDoor


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a piece of work.

    compiled  what the host was to have
    actual    what it has now, as far as was seen or written
    troubles  what failed, and what is held by others
    steps     how much was done
    announced addresses that their neighbours were told of
    """

    compiled: CompiledHost
    actual: ObservedHost
    troubles: tuple[Trouble, ...]
    steps: int
    announced: tuple[InterfaceAddress, ...] = ()


class Worker:
    """Does pieces of work, one at a time, and remembers what it knows of the host. None stands for "not known"."""

    def __init__(self, doors: Doors, facts: HostFacts, dhcp: DhcpSettings) -> None:
        self._doors = doors
        self._facts = facts
        self._dhcp_settings = dhcp
        self._links: Observed | None = None
        self._filters: FilterState | None = None
        self._dhcp: DhcpState | None = None
        self._qos: ObservedQos | None = None
        self._advertisements: AdvertisementState | None = None
        self._last: _Last | None = None

    def work(self, view: View, look: frozenset[Slice]) -> Outcome:
        """Make the host as the view says.

        look  slices that are looked at even if they are remembered
        """
        self._forget(look)
        compiled = self._compile(view)
        run = _Run(self._guarded(view))
        for phase in ORDER:
            match phase:
                case Phase.GUARD:
                    self._filter(compiled.state.filters, run)
                case Phase.BUILD:
                    self._build(compiled, run)
                case Phase.LIMITS:
                    self._limit(compiled.state.qos, run)
                case Phase.DAEMONS:
                    self._serve(compiled.state.dhcp, run)
                    self._advertise(compiled.state.advertisements, run)
                case Phase.TEAR_DOWN:
                    self._tear_down(run)
                case Phase.NAMESPACES | Phase.FORGET:
                    guarded = self._guarded(view)
                    if guarded != run.guarded:
                        run.guarded = guarded
                        attached = attached_taps(self._known_links().state)
                        self._filter(compile_filters(view, self._known_filters(), attached).state, run)
        announced = tuple(step.what for step in run.links_plan.build if isinstance(step, Announce))
        return Outcome(compiled, self._known(), tuple(dict.fromkeys(run.troubles)), run.steps, announced)

    def announce(self, addresses: Collection[InterfaceAddress]) -> list[Trouble]:
        """Tell neighbours of addresses once more, if they are still here: elsewhere they would be a lie."""
        here = [address for address in addresses if address in self._known_links().state.addresses]
        return self._doors.links.apply([Announce(address) for address in here]) if here else []

    def lost(self) -> frozenset[Slice]:
        """Name the slices of which a daemon has died."""
        lost = {Slice.DHCP: self._doors.dhcp.lost(), Slice.ADVERTISEMENTS: self._doors.advertisements.lost()}
        return frozenset(of for of, gone in lost.items() if gone)

    def fileno(self) -> int:
        """Give a descriptor that is readable when devices came or went."""
        return self._doors.links.fileno()

    def drain(self) -> frozenset[str]:
        """Name the devices that came, went or changed, without waiting."""
        return self._doors.links.drain()

    def forget(self) -> None:
        """Know nothing any more."""
        self._forget(frozenset(Slice))

    def _compile(self, view: View) -> CompiledHost:
        """Compile all slices; filters and DHCP do not depend on which devices are plugged, so a device costs links only."""
        observed, filters = self._known_links(), self._known_filters()
        attached = attached_taps(observed.state)
        links = compile_links(view, replace(self._facts, devices=observed.devices))
        last, strangers = self._last, self._guarded(view)
        if last is None or last.view is not view or last.filters is not self._filters or last.guarded != strangers:
            compiled = compile_filters(view, filters, attached), compile_dhcp(view, self._dhcp_settings), compile_qos(view)
            advertised = compile_advertisements(view, self._dhcp_settings.dns_domain)
            last = self._last = _Last(view, self._filters, strangers, *compiled, advertised)
        return combine(links, last.compiled_filters, last.compiled_dhcp, last.compiled_qos, last.compiled_advertisements)

    # What is known

    def _forget(self, slices: Collection[Slice]) -> None:
        self._links = None if Slice.LINKS in slices else self._links
        self._filters = None if Slice.FILTERS in slices else self._filters
        self._dhcp = None if Slice.DHCP in slices else self._dhcp
        self._advertisements = None if Slice.ADVERTISEMENTS in slices else self._advertisements
        # What stood on a device that was exchanged is gone with it; where nothing of ours stands, nothing can have gone.
        stands = self._qos is not None and bool(self._qos.state)
        self._qos = None if Slice.QOS in slices or (Slice.LINKS in slices and stands) else self._qos

    def _known_links(self) -> Observed:
        if self._links is None:
            self._links = self._doors.links.observe()
        return self._links

    def _known_filters(self) -> FilterState:
        """Give the filters as of the namespaces that are there now: those just made have none, those that went took theirs."""
        namespaces = filtered_namespaces(self._known_links().state)
        if self._filters is None:
            self._filters = self._doors.filters.observe(namespaces)
        return in_namespaces(self._filters, namespaces)

    def _known_dhcp(self) -> DhcpState:
        if self._dhcp is None:
            self._dhcp = self._doors.dhcp.observe()
        return self._dhcp

    def _known_qos(self) -> ObservedQos:
        if self._qos is None:
            self._qos = self._doors.qos.observe()
        return self._qos

    def _known_advertisements(self) -> AdvertisementState:
        if self._advertisements is None:
            self._advertisements = self._doors.advertisements.observe()
        return self._advertisements

    def _known(self) -> ObservedHost:
        links, filters = self._known_links(), self._known_filters()
        return ObservedHost(links, filters, self._known_dhcp(), self._known_qos(), self._known_advertisements())

    def _guarded(self, view: View) -> "_Guarded":
        state = self._known_links().state
        ports = {tap_name(port_id) for port_id in view.ports()}
        return _Guarded(attached_taps(state) - ports, filtered_namespaces(state))

    # Phases

    def _filter(self, desired: FilterState, run: "_Run") -> None:
        """Write the filters; a rule that is refused is left out and told, and does not keep the others from being written."""
        refused: list[Trouble] = []
        troubles: list[Trouble] = []
        for _ in range(_REFUSALS):
            actual = self._known_filters()
            plan = plan_filters(without_rules(desired, ((one.namespace, one.refused) for one in refused)), actual)
            if not plan:
                break
            troubles = self._doors.filters.apply(plan)
            run.note(troubles, len(plan.transactions) + len(plan.endings))
            wanted = replace(plan.desired, namespaces=actual.namespaces)
            self._filters = None if troubles else in_namespaces(wanted, actual.namespaces)
            found = [one for one in troubles if one.refused]
            if not found:
                break
            refused += found
            troubles = [one for one in troubles if not one.refused]
        run.filter_troubles += troubles
        if refused:
            self._filters = None

    def _build(self, compiled: CompiledHost, run: "_Run") -> None:
        observed = self._known_links()
        desired = withhold_unguarded(compiled.state, observed, run.filter_troubles)
        run.links_plan = plan_links(desired, observed)
        run.links_wanted = without_taken(desired, observed)[0]
        run.note(run.links_plan.troubles, 0)
        # Both the old and the new stand there until `_tear_down`.
        both = merge((run.links_wanted, observed.state))
        self._take_links(run, run.links_plan.build, replace(observed, state=both))
        if any(isinstance(step, Create) and isinstance(step.what, Namespace) for step in run.links_plan.build):
            self._dhcp = self._advertisements = None  # a namespace made anew is not the one that a daemon may still be in

    def _tear_down(self, run: "_Run") -> None:
        observed = self._known_links()
        self._take_links(run, run.links_plan.tear_down, replace(observed, state=run.links_wanted))

    def _take_links(self, run: "_Run", steps: tuple[LinkStep, ...], after: Observed) -> None:
        if not steps:
            self._links = after
            return
        troubles = self._doors.links.apply(steps)
        run.note(troubles, len(steps))
        self._links = None if troubles else replace(after, devices=_devices(after, steps))

    def _limit(self, desired: QosState, run: "_Run") -> None:
        """Plan twice where something is to be done: others may have come to the devices, which are not ours alone."""
        attached = attached_ports(self._known_links().state) & attached_ports(run.links_wanted)
        remembered = self._qos is not None
        plan = plan_qos(desired, self._known_qos(), attached)
        if plan.steps and remembered:
            self._qos = None
            plan = plan_qos(desired, self._known_qos(), attached)
        run.note(plan.troubles, 0)
        if plan.steps:
            known = self._known_qos()
            troubles = self._doors.qos.apply(plan.steps)
            run.note(troubles, len(plan.steps))
            self._qos = None if troubles else replace(known, state=plan.wanted)

    def _serve(self, desired: DhcpState, run: "_Run") -> None:
        """Plan twice where something is to be done: leases come and go without us, and they decide what a change means."""
        remembered = self._dhcp is not None
        known = self._known_dhcp()
        plan = plan_dhcp(desired, known)
        if plan and remembered:
            networks = [step.network_id if isinstance(step, StopServer) else step.server.network_id for step in plan.steps]
            seen = self._doors.dhcp.observe(networks).servers
            others = {network: server for network, server in known.servers.items() if network not in networks}
            plan = plan_dhcp(desired, DhcpState({**others, **seen}))
        if plan:
            troubles = self._doors.dhcp.apply(plan)
            run.note(troubles, len(plan.steps))
            self._dhcp = None if troubles else desired

    def _advertise(self, desired: AdvertisementState, run: "_Run") -> None:
        plan = plan_advertisements(desired, self._known_advertisements())
        if plan:
            troubles = self._doors.advertisements.apply(plan)
            run.note(troubles, len(plan.steps))
            self._advertisements = None if troubles else desired.loaded()


@dataclass(frozen=True, slots=True)
class _Guarded:
    """What the filters depend on beside the desired state: taps on our bridges that are no ports of ours, and namespaces."""

    strangers: frozenset[str]
    namespaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Last:
    """What was compiled last, and from what."""

    view: View
    filters: FilterState | None
    guarded: _Guarded
    compiled_filters: CompiledFilters
    compiled_dhcp: CompiledDhcp
    compiled_qos: QosState
    compiled_advertisements: AdvertisementState


class _Run:
    """What one piece of work has come to so far."""

    def __init__(self, guarded: _Guarded) -> None:
        self.guarded = guarded
        self.troubles: list[Trouble] = []
        self.filter_troubles: list[Trouble] = []
        self.steps = 0
        self.links_plan = LinkPlan()
        self.links_wanted = LinkState()

    def note(self, troubles: Iterable[Trouble], steps: int) -> None:
        self.troubles += troubles
        self.steps += steps


def _devices(observed: Observed, steps: Iterable[LinkStep]) -> frozenset[str]:
    """Follow which devices of the host's namespace come and go with our own steps."""
    devices = set(observed.devices)
    for step in steps:
        if isinstance(step, Create) and isinstance(step.what, Bridge | Vxlan | VethPair):
            devices.add(step.what.name)
        elif isinstance(step, Remove) and isinstance(step.what, Bridge | Vxlan | VethPair):
            devices.discard(step.what.name)
    return frozenset(devices)
