"""Security groups of the ports on this host: the tables `bridge kaon` and `inet kaon` of the host itself. Pure.

A frame's way, and why: br_netfilter shows inet chains the bridge as both interfaces, never the tap, and some kernels
track no connections in the bridge family. So the port travels in the packet's mark, which is set before each filter.

    bridge prerouting -300   from_port   tap -> its chain `spoof_<port>`; mark := the sender's number
    inet   prerouting -450   zones       bridge -> zone, before fragments are put together (-400): networks may overlap;
                                         what only ports of stateless groups are asked about is not tracked
    inet   prerouting    0   sent        (bridge, mark) -> `out_<port>`: egress rules of the sender
    bridge forward    -200   to_port     mark := the receiver's number
    inet   forward       0   received    (bridge, mark) -> `in_<port>`: ingress rules of the receiver

A port's chain jumps to one chain for each of its groups, so that a rule that changes rewrites one chain, whatever number
of ports has it. Members of remote groups are elements of sets that the whole host shares. Devices without a number
(tunnels, routers, DHCP servers, ports without port security) are trusted.

Ports of stateless groups are asked about each packet by itself. Their traffic is tracked nevertheless where a stateful port
of this host sends it or gets it, as that one needs the whole flow; and fragments are, as only so their zone keeps them apart.

For who wires ports: the inet chains see only bridges with nf_call_iptables and nf_call_ip6tables. A tap joins its bridge
AFTER its chains are in. A tap that is still a member of a bridge of ours but is no port of this host (any more) goes into
`attached`: it is closed until it has been taken out, and only then forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from kaon.host.compile.allocations import Allocations, is_filtered
from kaon.host.compile.antispoof import REMEMBERED, SHARED, addresses_by_mac, claim_rules, spoof_rules
from kaon.host.compile.packet_rates import packet_chains
from kaon.host.compile.prefixes import element_of, elements_of, prefixes_of
from kaon.host.compile.rules import grant_of, member_set, text_of
from kaon.host.compile.view import View
from kaon.host.state.filters import PORT_MAP, SPOOF_MAP, ZONE_MAP, Chain, Collection, FilterState, Hook, Table, element, quoted
from kaon.host.state.flows import CONDEMNED, FlowPolicy, Grant, Guard
from kaon.host.state.names import HOST, bridge_name, tap_name
from kaon.host.state.trouble import Waiting
from kaon.wire.ports import HostPort

_NEIGHBOURS = (
    "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report, "
    "nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept"
)
_CONDEMNED = f"ct mark {CONDEMNED} drop"
_STATES = "ct state vmap { established : accept, related : accept, invalid : drop }"

_STATELESS_OUT = (
    _NEIGHBOURS,
    "meta nfproto ipv4 udp sport 68 udp dport 67 accept",
    "meta nfproto ipv6 udp sport 546 udp dport 547 accept",
)
_STATELESS_IN = (
    _NEIGHBOURS,
    "meta nfproto ipv4 udp sport 67 udp dport 68 accept",
    "meta nfproto ipv6 udp sport 547 udp dport 546 accept",
)

ALWAYS: Mapping[str, tuple[str, ...]] = {
    "always_out": (_CONDEMNED, _STATES, *_STATELESS_OUT),
    "always_in": (_CONDEMNED, _STATES, *_STATELESS_IN),
    "stateless_out": _STATELESS_OUT,
    "stateless_in": _STATELESS_IN,
}
"""What every port may do whatever its groups say: find its neighbours, ask for an address; in stateful groups: go on with
what it has begun.
Router advertisements and answers of DHCP come in here because `spoof_` lets no port send them."""


@dataclass(frozen=True, slots=True)
class CompiledFilters:
    """The desired tables, and the ports (and routers) whose filters are not all they shall be, and why."""

    state: FilterState
    waiting: tuple[Waiting, ...] = ()


@dataclass(slots=True)
class _Groups:
    """The groups in use on this host, as they are being found."""

    owners: dict[str, list[str]] = field(default_factory=dict)
    grants: dict[str, frozenset[Grant]] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    stateless: set[str] = field(default_factory=set)

    def are_stateless(self, port: HostPort) -> bool:
        """Tell whether a filtered port is in stateless groups: the server lets no port be in groups of both kinds."""
        return not self.stateless.isdisjoint(port.security_groups)


def compile_security_groups(view: View, allocations: Allocations, attached: frozenset[str] = frozenset()) -> CompiledFilters:
    """Say which tables the host itself shall have, for the ports in its scope. None at all while it has no port.

    attached  names of the taps that are members of our bridges now
    Fails closed: a group whose rules are not held allows nothing, and its ports wait.
    """
    ports = sorted(view.ports().values(), key=lambda port: port.id)
    strangers = sorted(attached - {tap_name(port.id) for port in ports})
    if not ports and not strangers:
        return CompiledFilters(FilterState())
    filtered = [port for port in ports if is_filtered(port)]
    groups = _groups(view, filtered)
    tables = {
        (HOST, "bridge"): _bridge_table(ports, filtered, strangers, allocations),
        (HOST, "inet"): _inet_table(ports, filtered, allocations, groups),
    }
    policy = FlowPolicy(guards={port.id: _guard(port, allocations, groups) for port in ports}, grants=groups.grants)
    waiting = tuple(
        Waiting(f"port/{port.id}", groups.lacking[group])
        for port in filtered
        for group in sorted(set(port.security_groups))
        if group in groups.lacking
    )
    return CompiledFilters(FilterState(tables=tables, policy=policy), waiting)


def _groups(view: View, filtered: list[HostPort]) -> _Groups:
    groups = _Groups()
    for port in filtered:
        for group_id in port.security_groups:
            groups.owners.setdefault(group_id, []).append(f"port/{port.id}")
    for group_id in sorted(groups.owners):
        _read_group(view, group_id, groups)
    return groups


def _read_group(view: View, group_id: str, groups: _Groups) -> None:
    found = view.group(group_id)
    if found is None:
        groups.lacking[group_id] = f"the rules of security group {group_id} are not known yet"
        groups.grants[group_id] = frozenset()
        return
    if not found.group.stateful:
        groups.stateless.add(group_id)
    grants = set()
    for rule in found.rules:
        try:
            grants.add(grant_of(rule))
        except ValueError as error:
            groups.lacking[group_id] = f"rule {rule.id} of security group {group_id}: {error}"
        if rule.remote_group_id:
            members = view.members(rule.remote_group_id)
            if members is None:
                groups.lacking[group_id] = f"the members of security group {rule.remote_group_id} are not known yet"
            addresses = {address for member in members or () for address in member.addresses}
            groups.members[rule.remote_group_id] = tuple(sorted(addresses))
    groups.grants[group_id] = frozenset(grants)


def _bridge_table(ports: list[HostPort], filtered: list[HostPort], strangers: list[str], allocations: Allocations) -> Table:
    rates = packet_chains(ports)
    chains = {
        "from_port": Chain(
            hook=Hook("filter", "prerouting", -300),
            rules=(
                "iifname @strangers drop",
                f"iifname vmap @{SPOOF_MAP}",
                "meta mark set 0",
                f"meta mark set iifname map @{PORT_MAP}",
            ),
        ),
        "to_port": Chain(
            hook=Hook("filter", "forward", -200),
            rules=("oifname @strangers drop", "meta mark set 0", f"meta mark set oifname map @{PORT_MAP}"),
        ),
    }
    chains.update({name: Chain(rules=rules) for name, rules in SHARED.items()})
    chains.update(rates.chains)
    spoof = set()
    for port in filtered:
        name = f"spoof_{port.id}"
        chains[name] = Chain(rules=spoof_rules(port), owners=(f"port/{port.id}",))
        chains[f"claims_{port.id}"] = Chain(rules=claim_rules(port), owners=(f"port/{port.id}",))
        spoof.add(element(quoted(tap_name(port.id)), f"jump {name}"))
    numbers = {element(quoted(tap), str(mark)) for tap, mark in allocations.marks.items()}
    return Table(
        chains=chains,
        collections={
            "strangers": Collection("set", "type ifname;", frozenset(map(quoted, strangers))),
            SPOOF_MAP: Collection("map", "type ifname : verdict;", frozenset(spoof)),
            PORT_MAP: Collection("map", "type ifname : mark;", frozenset(numbers)),
            **rates.collections,
        },
    )


def _inet_table(ports: list[HostPort], filtered: list[HostPort], allocations: Allocations, groups: _Groups) -> Table:
    chains = {
        "zones": Chain(hook=Hook("filter", "prerouting", -450), rules=_ZONES),
        "zoned": Chain(rules=(_ZONED,)),
        "sent": Chain(hook=Hook("filter", "prerouting", 0), rules=("iifname . meta mark vmap @egress",)),
        # Bridged frames come by with the bridge as both devices. What has another way out was sent to the bridge's own MAC,
        # to be routed by the host or taken in by it: a tenant would get at the host, or through it at other tenants.
        "routed": Chain(hook=Hook("filter", "forward", -10), rules=("iifname @bridges iifname . oifname != @bridged drop",)),
        "taken_in": Chain(hook=Hook("filter", "input", -10), rules=("iifname @bridges drop",)),
        "received": Chain(hook=Hook("filter", "forward", 0), rules=("oifname . meta mark vmap @ingress",)),
        **{name: Chain(rules=rules) for name, rules in ALWAYS.items()},
    }
    for group_id, owners in groups.owners.items():
        for name, direction in (("allow_out", "egress"), ("allow_in", "ingress")):
            grants = (grant for grant in groups.grants[group_id] if grant.direction == direction)
            chains[f"{name}_{group_id}"] = Chain(rules=tuple(sorted(map(text_of, grants))), owners=tuple(owners))
    verdicts: dict[str, set[str]] = {"out": set(), "in": set()}
    for port in filtered:
        for way, elements in verdicts.items():
            jumps = (f"jump allow_{way}_{group_id}" for group_id in sorted(set(port.security_groups)))
            always = f"{'stateless' if groups.are_stateless(port) else 'always'}_{way}"
            chains[f"{way}_{port.id}"] = Chain(rules=(f"jump {always}", *jumps, "drop"), owners=(f"port/{port.id}",))
            mark = allocations.marks.get(tap_name(port.id))
            if mark is not None:
                key = f"{quoted(bridge_name(port.network_id))} . {mark}"
                elements.add(element(key, f"goto {way}_{port.id}"))
    bridges = {bridge_name(port.network_id) for port in ports}
    zones = {element(quoted(bridge), str(zone)) for bridge, zone in allocations.zones.items() if bridge in bridges}
    return Table(
        chains=chains,
        collections={
            ZONE_MAP: Collection("map", "typeof iifname : ct zone;", frozenset(zones)),
            "bridges": Collection("set", "type ifname;", frozenset(map(quoted, bridges))),
            "bridged": Collection("set", "type ifname . ifname;", frozenset(f"{quoted(b)} . {quoted(b)}" for b in bridges)),
            "egress": Collection("map", "type ifname . mark : verdict;", frozenset(verdicts["out"])),
            "ingress": Collection("map", "type ifname . mark : verdict;", frozenset(verdicts["in"])),
            **_tracking_sets(filtered, allocations, groups),
            **_member_sets(groups),
        },
    )


_ZONED = f"ct zone set iifname map @{ZONE_MAP}"
_ZONES = (
    "ip frag-off & 0x3fff != 0 goto zoned",
    "exthdr frag exists goto zoned",
    "iifname . meta mark @stateless iifname . ether daddr != @to_stateful notrack accept",
    "iifname . ether daddr @to_stateless iifname . meta mark != @stateful notrack accept",
    # A template that is set would undo `notrack`, which is why it comes last.
    _ZONED,
)


def _tracking_sets(filtered: list[HostPort], allocations: Allocations, groups: _Groups) -> dict[str, Collection]:
    """Name the ports of both kinds, as senders and as receivers, by bridge; sets are empty while no port is stateless."""
    found: dict[str, set[str]] = {name: set() for name in ("stateless", "stateful", "to_stateless", "to_stateful")}
    for port in filtered if groups.stateless else ():
        kind = "stateless" if groups.are_stateless(port) else "stateful"
        bridge = quoted(bridge_name(port.network_id))
        found[f"to_{kind}"].update(f"{bridge} . {mac}" for mac in addresses_by_mac(port))
        mark = allocations.marks.get(tap_name(port.id))
        if mark is not None:
            found[kind].add(f"{bridge} . {mark}")
    found["to_stateless"] -= found["to_stateful"]  # two ports may share a MAC, as VRRP's
    kinds = {"stateless": "mark", "stateful": "mark", "to_stateless": "ether_addr", "to_stateful": "ether_addr"}
    return {name: Collection("set", f"type ifname . {kinds[name]};", frozenset(some)) for name, some in found.items()}


def _member_sets(groups: _Groups) -> dict[str, Collection]:
    sets = {}
    for group_id, addresses in groups.members.items():
        for version, kind in ((4, "ipv4_addr"), (6, "ipv6_addr")):
            elements = frozenset(elements_of(addresses, version))
            sets[member_set(group_id, version)] = Collection("set", f"type {kind}; flags interval;", elements)
    return sets


@lru_cache(maxsize=REMEMBERED)
def _places(port: HostPort) -> tuple[frozenset[str], frozenset[str]]:
    """Give a port's addresses and its prefixes."""
    by_mac = addresses_by_mac(port)
    texts = [text for addresses in by_mac.values() for text in addresses]
    found = [prefix for version in (4, 6) for prefix in prefixes_of(texts, version)]
    single = frozenset(element_of(prefix) for prefix in found if prefix.prefixlen == prefix.max_prefixlen)
    own = frozenset(fixed.ip_address for fixed in port.fixed_ips)
    return single | own, frozenset(str(prefix) for prefix in found if prefix.prefixlen != prefix.max_prefixlen)


def _guard(port: HostPort, allocations: Allocations, groups: _Groups) -> Guard:
    addresses, prefixes = _places(port)
    return Guard(
        zone=allocations.zones.get(bridge_name(port.network_id), 0),
        addresses=addresses,
        prefixes=prefixes,
        # A flow of a stateless port stands on no word of it: each packet is asked.
        groups=frozenset(port.security_groups) if is_filtered(port) and not groups.are_stateless(port) else None,
        settled=not any(group_id in groups.lacking for group_id in port.security_groups),
    )
