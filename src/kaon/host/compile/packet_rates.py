"""Packet rates and marks of the ports on this host: chains of `bridge kaon`. Bandwidth is `qos`'s. Pure.

    bridge prerouting -250   sending     tap -> `sends_<port>`: the limit of what it sends, then its mark. After the check of
                                         who it says it is, before anything that costs more
    bridge forward     100   receiving   tap -> `gets_<port>`: the limit of what it gets, of what its filters let through

Neither chain is there while no port needs it. Rates are in thousand packets a second; 0: no limit. One that no kernel can count
to is none, too.
"""

from collections.abc import Iterable

from kaon.host.compile.qos import strictest
from kaon.host.state.filters import Chain, Collection, Hook, Table, element, quoted
from kaon.host.state.names import tap_name
from kaon.wire.ports import HostPort
from kaon.wire.qos_rules import QosRule

BURST_MS = 100
"""What may come at once when the rule does not say: what this time brings."""

_MOST_RATE = 1_000_000_000
"""nft counts in nanoseconds: more packets a second it does not take."""

_MOST_BURST = 0xFFFF_FFFF


def packet_chains(ports: Iterable[HostPort]) -> Table:
    """Write the part of the table that limits and marks packets; empty when no port asks for it."""
    chains: dict[str, Chain] = {}
    sending: set[str] = set()
    receiving: set[str] = set()
    for port in ports:
        if not port.qos:
            continue
        sends = (*_limit(strictest(port.qos, "packet_rate_limit", "egress")), *_mark(port.qos))
        gets = _limit(strictest(port.qos, "packet_rate_limit", "ingress"))
        for rules, name, elements in ((sends, f"sends_{port.id}", sending), (gets, f"gets_{port.id}", receiving)):
            if rules:
                chains[name] = Chain(rules=rules, owners=(f"port/{port.id}",))
                elements.add(element(quoted(tap_name(port.id)), f"jump {name}"))
    collections = {}
    if sending:
        chains["sending"] = Chain(hook=Hook("filter", "prerouting", -250), rules=("iifname vmap @sender",))
        collections["sender"] = Collection("map", "type ifname : verdict;", frozenset(sending))
    if receiving:
        chains["receiving"] = Chain(hook=Hook("filter", "forward", 100), rules=("oifname vmap @receiver",))
        collections["receiver"] = Collection("map", "type ifname : verdict;", frozenset(receiving))
    return Table(chains=chains, collections=collections)


def _limit(rule: QosRule | None) -> tuple[str, ...]:
    rate = rule.amount * 1000 if rule else 0
    if rule is None or rate > _MOST_RATE:
        return ()
    burst = min(rule.burst * 1000 or rate * BURST_MS // 1000, _MOST_BURST)
    return (f"limit rate over {rate}/second burst {burst} packets drop",)


def _mark(rules: Iterable[QosRule]) -> tuple[str, ...]:
    """Mark both families; of several marks the last one counts, as it would on the wire."""
    marks = [rule.amount for rule in rules if rule.kind == "dscp_marking"]
    return tuple(f"{family} dscp set {marks[-1]}" for family in ("ip", "ip6")) if marks else ()
