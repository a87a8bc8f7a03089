"""Which tracked flows end when filters change. Pure.

Why a flow is ended at all: the filters let established flows pass unasked. Why each is judged: a flow that is still
allowed must not lose its entry, because the next packet may come from the side that could not have begun it.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network

from kaon.host.state.filters import TOGETHER, ZONE_MAP, FilterState, split_element
from kaon.host.state.flows import EndFlows, Flow, FlowPolicy, Grant, Guard, Verdict
from kaon.host.state.names import HOST

_DHCP = frozenset({(17, 68, 67), (17, 67, 68), (17, 546, 547), (17, 547, 546)})
_WITH_PORTS = frozenset({6, 17, 33, 132, 136})
_ICMP = frozenset({1, 58})
_TCP = 6


def plan_endings(desired: FilterState, actual: FilterState) -> tuple[EndFlows, ...]:
    """Say which flows to end after `actual` has become `desired`, and those that an earlier agent still had to end.

    Nothing ends where only more is allowed than before; but there condemned flows may be released.
    """
    found = [*_host_endings(desired, actual), *_router_endings(desired, actual), *actual.pending]
    return tuple(sorted(set(found), key=_order))


def _order(ending: EndFlows) -> tuple[str, int, bool, tuple[str, ...]]:
    return ending.namespace, ending.zone or 0, ending.judged, tuple(sorted(ending.addresses or ()))


def _host_endings(desired: FilterState, actual: FilterState) -> Iterator[EndFlows]:
    zones_before, zones = _zones(actual), _zones(desired)
    for zone in sorted(zones_before - zones):
        yield EndFlows(HOST, zone)  # the number will be another network's, which must not inherit what it finds
    before = actual.tables.get((HOST, "inet"))
    if before is None:
        return
    if actual.policy is None or not before.known or any(chain.rules is None for chain in before.chains.values()):
        yield from (EndFlows(HOST, zone, None, judged=True) for zone in sorted(zones))
        return
    shrunk = _lost(actual, desired)
    if desired.policy != actual.policy or shrunk or _lost(desired, actual):
        yield from (EndFlows(HOST, zone, None, judged=True) for zone in sorted(zones & actual.condemned))
    for port_id, guard in sorted(actual.policy.guards.items()):
        after = desired.policy.guards.get(port_id) if desired.policy else None
        if guard.zone not in zones or not _may_less(guard, after, actual.policy, desired.policy, shrunk):
            continue
        prefixes = guard.prefixes | (after.prefixes if after else frozenset())
        addresses = guard.addresses | (after.addresses if after else frozenset())
        yield EndFlows(HOST, guard.zone, None if prefixes else addresses, judged=True)


def _zones(state: FilterState) -> frozenset[int]:
    return frozenset(int(split_element(text)[1]) for text in state.elements(HOST, "inet", ZONE_MAP))


def _lost(before: FilterState, after: FilterState) -> frozenset[str]:
    """Name the sets of members that have an element before and not after."""
    table = before.tables.get((HOST, "inet"))
    return frozenset(
        name
        for name, found in (table.collections.items() if table else ())
        if found.kind == "set" and found.elements - after.elements(HOST, "inet", name)
    )


def _may_less(
    before: Guard, after: Guard | None, policy: FlowPolicy, desired: FlowPolicy | None, shrunk: frozenset[str]
) -> bool:
    if after is None or desired is None:
        return True
    if (before.addresses | before.prefixes) - (after.addresses | after.prefixes) or before.zone != after.zone:
        return True
    if after.groups is None:
        return False
    if before.groups is None:
        return True
    grants = _grants(before, policy)
    return bool(grants - _grants(after, desired)) or any(grant.remote in shrunk for grant in grants)


def _grants(guard: Guard, policy: FlowPolicy) -> frozenset[Grant]:
    return frozenset().union(*(policy.grants.get(group, frozenset()) for group in guard.groups or ()))


def _router_endings(desired: FilterState, actual: FilterState) -> Iterator[EndFlows]:
    """Flows through an address that does not stand for the same any more: floating, or the gateway's."""
    for (namespace, family), _ in sorted(actual.tables.items()):
        if namespace == HOST or family != "inet":
            continue
        before, after = (_translations(state, namespace) for state in (actual, desired))
        gone = {address for address, target in before.items() if after.get(address) != target}
        gone |= {text.partition(" . ")[0] for text in _forwards(actual, namespace) - _forwards(desired, namespace)}
        if _rescoped(actual, desired, namespace):
            yield EndFlows(namespace)
        elif gone:
            yield EndFlows(namespace, None, frozenset(gone))


def _forwards(state: FilterState, namespace: str) -> frozenset[str]:
    """List the single ports that lead inside, each beginning with the address outside."""
    return frozenset().union(*(state.elements(namespace, "inet", name) for name in ("forwarded", "forwarded_ranges")))


def _rescoped(actual: FilterState, desired: FilterState, namespace: str) -> bool:
    """Say whether devices that stay are in one address scope now and were not, or the other way round.

    Then flows may be translated that should not be, or the other way round, and their addresses do not tell which.
    """
    ways = [state.elements(namespace, "inet", TOGETHER) for state in (actual, desired)]
    here = [{split_element(one)[0] for one in state.elements(namespace, "inet", "source")} for state in (actual, desired)]
    stay = here[0] & here[1]
    return any(set(way.split(" . ")) <= stay for way in ways[0] ^ ways[1])


def _translations(state: FilterState, namespace: str) -> dict[str, str]:
    """Map each address that stands for others to what it stands for: a fixed address, or "" for everybody."""
    outside = state.elements(namespace, "inet", "outside")
    sources = map(split_element, state.elements(namespace, "inet", "source"))
    found = {address: "" for device, address in sources if device in outside}
    found.update(map(split_element, state.elements(namespace, "inet", "floating")))
    return found


def judge(endings: Iterable[EndFlows], flow: Flow, desired: FilterState) -> Verdict:
    """Say what becomes of a flow, given what is allowed from now on."""
    concerned = [ending for ending in endings if _concerns(ending, flow)]
    if not all(ending.judged for ending in concerned):
        return Verdict.FORGET
    if not concerned or flow.expected or (flow.protocol, flow.source_port, flow.destination_port) in _DHCP:
        return Verdict.KEEP
    policy = desired.policy or FlowPolicy()
    senders = _owners(policy, flow.zone, flow.source)
    receivers = _owners(policy, flow.zone, flow.destination)
    if not senders and not receivers:
        # Named by its address it was the flow of a port that has gone; otherwise nobody here can tell.
        return Verdict.FORGET if any(ending.addresses is not None for ending in concerned) else Verdict.KEEP
    if _allowed(flow, desired, senders, receivers):
        return Verdict.RELEASE if flow.condemned else Verdict.KEEP
    if flow.protocol != _TCP:
        return Verdict.FORGET
    return Verdict.KEEP if flow.condemned else Verdict.CONDEMN


def _concerns(ending: EndFlows, flow: Flow) -> bool:
    met = {flow.source, flow.destination, flow.reply_source, flow.reply_destination}
    return ending.zone in {None, flow.zone} and (ending.addresses is None or bool(met & ending.addresses))


def _allowed(flow: Flow, desired: FilterState, senders: list[Guard], receivers: list[Guard]) -> bool:
    """Ask the ports at both ends; an end that is no port of this host has no say."""
    return all(
        not owners or any(_consents(guard, flow, direction, desired) for guard in owners)
        for owners, direction in ((senders, "egress"), (receivers, "ingress"))
    )


def _owners(policy: FlowPolicy, zone: int, address: str) -> list[Guard]:
    """Find the ports that have an address: by the address itself if any does, otherwise by a prefix."""
    guards = [guard for guard in policy.guards.values() if guard.zone == zone]
    exact = [guard for guard in guards if address in guard.addresses]
    return exact or [guard for guard in guards if _within(address, guard.prefixes)]


def _within(address: str, prefixes: Iterable[str]) -> bool:
    value = ip_address(address)
    return any(value in ip_network(prefix) for prefix in prefixes)


def _consents(guard: Guard, flow: Flow, direction: str, desired: FilterState) -> bool:
    if guard.groups is None or not guard.settled:
        return True
    grants = _grants(guard, desired.policy or FlowPolicy())
    return any(grant.direction == direction and _matches(grant, flow, desired) for grant in grants)


def _matches(grant: Grant, flow: Flow, desired: FilterState) -> bool:
    if grant.family != (6 if ":" in flow.source else 4) or grant.protocol not in {None, flow.protocol}:
        return False
    if not _header_matches(grant, flow):
        return False
    if grant.remote is None:
        return True
    remote = flow.source if grant.direction == "ingress" else flow.destination
    if not grant.remote.startswith("grp_"):
        return _within(remote, (grant.remote,))
    members = desired.elements(HOST, "inet", grant.remote)
    return remote in members or _within(remote, (member for member in members if "/" in member))


def _header_matches(grant: Grant, flow: Flow) -> bool:
    if grant.protocol in _ICMP:
        return grant.first in {None, flow.icmp_type} and grant.last in {None, flow.icmp_code}
    if grant.protocol not in _WITH_PORTS:
        return True
    first = 0 if grant.first is None else grant.first
    last = 65535 if grant.last is None else grant.last
    return first <= flow.destination_port <= last


def by_namespace(endings: Iterable[EndFlows]) -> Mapping[str, tuple[EndFlows, ...]]:
    """Sort endings by the namespace whose flows they concern."""
    found: dict[str, tuple[EndFlows, ...]] = {}
    for ending in endings:
        found[ending.namespace] = (*found.get(ending.namespace, ()), ending)
    return found
