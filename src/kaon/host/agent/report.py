"""What a host can say of itself after a piece of work. Pure.

port        its device is on the right bridge, its filters are in, and nothing of its network failed
lease       the network's server has been told to load the reservation
router      its namespace and legs are there, and nothing of it failed
floatingip  its router is done, and the address is translated
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kaon.host.agent.work import Outcome
from kaon.host.compile.allocations import is_filtered
from kaon.host.compile.floatingips import FORWARDED, FORWARDED_RANGES
from kaon.host.compile.ports import LEG_OWNERS
from kaon.host.compile.view import View
from kaon.host.state.filters import PORT_MAP, quoted, split_element
from kaon.host.state.links import Tap, VethPair
from kaon.host.state.names import HOST, bridge_name, router_namespace, tap_name
from kaon.wire import scopes
from kaon.wire.messages import Realised, RealisedKind
from kaon.wire.ports import HostPort

Key = tuple[RealisedKind, str]


def realised(view: View, outcome: Outcome) -> dict[Key, Realised]:
    """Say what is done of all that the view asks of this host, and what is not and why."""
    facts = _Facts.of(outcome)
    things = (*_ports(view, facts), *_leases(outcome, facts), *_routers(view, facts))
    return {(thing.kind, thing.id): thing for thing in things}


def applied(view: View, revisions: Mapping[str, int], outcome: Outcome) -> dict[str, int]:
    """Say which scopes the kernel agrees with: those that no failed owner has to do with."""
    failed: set[str] = set()
    for trouble in outcome.troubles:
        failed |= _scopes_of(view, trouble.owner)
    return {name: revision for name, revision in revisions.items() if name not in failed and "" not in failed}


class Reporter:
    """Remembers what was said, so that only news is said."""

    def __init__(self) -> None:
        self._said: dict[Key, Realised] = {}
        self._applied: dict[str, int] = {}

    def news(self, things: Mapping[Key, Realised], revisions: Mapping[str, int]) -> tuple[dict[str, int], tuple[Realised, ...]]:
        """Give what differs from what was said last; what is no more is said to be gone, once."""
        changed = [thing for key, thing in things.items() if self._said.get(key) != thing]
        gone = [
            Realised(kind=kind, id=identity, revision=thing.revision, up=False, gone=True)
            for (kind, identity), thing in self._said.items()
            if (kind, identity) not in things
        ]
        moved = {name: revision for name, revision in revisions.items() if self._applied.get(name) != revision}
        self._said, self._applied = dict(things), dict(revisions)
        return moved, (*changed, *gone)

    def everything(self) -> tuple[dict[str, int], tuple[Realised, ...]]:
        """Give all that was said last: for a server that does not know this agent yet."""
        return dict(self._applied), tuple(self._said.values())


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is asked again and again: why not, by owner; links by name; filtered taps; translated addresses by namespace."""

    reasons: Mapping[str, str]
    taps: Mapping[str, Tap | VethPair]
    namespaces: frozenset[str]
    filtered: frozenset[str]
    outcome: Outcome

    @staticmethod
    def of(outcome: Outcome) -> "_Facts":
        reasons: dict[str, str] = {}
        waiting = ((one.owner, one.reason) for one in outcome.compiled.waiting)
        for owner, reason in (*((trouble.owner, trouble.reason) for trouble in outcome.troubles), *waiting):
            reasons.setdefault(owner, reason)
        links = outcome.actual.links.state
        elements = outcome.actual.filters.elements(HOST, "bridge", PORT_MAP)
        return _Facts(
            reasons=reasons,
            taps={link.name: link for link in links.links if isinstance(link, Tap | VethPair)},
            namespaces=frozenset(space.name for space in links.namespaces),
            filtered=frozenset(split_element(text)[0] for text in elements),
            outcome=outcome,
        )

    def first(self, owners: Iterable[str]) -> str:
        """Give the first reason that one of these owners has, or nothing."""
        return next((self.reasons[owner] for owner in owners if owner in self.reasons), "")

    def translated(self, router_id: str) -> frozenset[str]:
        """List the floating addresses that a router translates."""
        filters, namespace = self.outcome.actual.filters, router_namespace(router_id)
        keys = (
            split_element(text)[0]
            for collection in ("floating", FORWARDED, FORWARDED_RANGES)
            for text in filters.elements(namespace, "inet", collection)
        )
        return frozenset(key.partition(" . ")[0] for key in keys)


def _said(kind: RealisedKind, identity: str, revision: int, reason: str) -> Realised:
    return Realised(kind=kind, id=identity, revision=revision, up=not reason, reason=reason)


def _ports(view: View, facts: _Facts) -> Iterator[Realised]:
    for port in view.ports().values():
        yield _said(RealisedKind.PORT, port.id, port.revision, _port_reason(port, facts))


def _port_reason(port: HostPort, facts: _Facts) -> str:
    reason = facts.first((f"port/{port.id}", f"network/{port.network_id}"))
    if reason:
        return reason
    name = tap_name(port.id)
    link = facts.taps.get(name)
    if link is None or link.bridge != bridge_name(port.network_id):
        return f"device {name} is not on its bridge"
    if isinstance(link, VethPair) != (port.device_owner in LEG_OWNERS):
        return f"device {name} is not of the kind that a port of {port.device_owner or 'nobody'} has"
    if is_filtered(port) and quoted(name) not in facts.filtered:
        return f"device {name} is not filtered"
    return ""


def _leases(outcome: Outcome, facts: _Facts) -> Iterator[Realised]:
    for port_id, lease in outcome.compiled.leases.items():
        server = outcome.actual.dhcp.servers.get(lease.network_id)
        reason = facts.first((f"dhcp/{lease.network_id}", f"network/{lease.network_id}"))
        if not reason and (server is None or not server.alive or not set(lease.hosts) <= set(server.hosts)):
            reason = "the DHCP server has not loaded it"
        yield _said(RealisedKind.LEASE, port_id, lease.revision, reason)


def _routers(view: View, facts: _Facts) -> Iterator[Realised]:
    for router_id in view.hosted_routers():
        router = view.router(router_id)
        if router is None:
            continue
        legs = (owner for leg in router.legs.values() for owner in (f"port/{leg.port_id}", f"network/{leg.network_id}"))
        reason = facts.first((f"router/{router_id}", *legs))
        if not reason and router_namespace(router_id) not in facts.namespaces:
            reason = "its namespace is not there"
        yield _said(RealisedKind.ROUTER, router_id, router.router.revision, reason)
        translated = facts.translated(router_id)
        for floatingip in router.floatingips.values():
            missing = "" if floatingip.floating_ip_address in translated else "the address is not translated"
            own = reason or facts.first((f"floatingip/{floatingip.id}",)) or missing
            yield _said(RealisedKind.FLOATINGIP, floatingip.id, floatingip.revision, own)


def _scopes_of(view: View, owner: str) -> set[str]:
    """Name the scopes that something is made from; an empty name stands for all."""
    kind, _, identity = owner.partition("/")
    match kind:
        case "port":
            port = view.ports().get(identity)
            groups = {scopes.group(group) for group in port.security_groups} if port else set()
            networks = {scopes.network(port.network_id)} if port else set()
            return {scopes.host(view.host), *groups, *networks}
        case "network" | "dhcp":
            return {scopes.network(identity)}
        case "router":
            return {scopes.router(identity)}
        case "floatingip":
            return {scopes.router(router) for router in view.hosted_routers() if _has(view, router, identity)}
    return {""}


def _has(view: View, router_id: str, floatingip_id: str) -> bool:
    router = view.router(router_id)
    return router is not None and floatingip_id in router.floatingips
