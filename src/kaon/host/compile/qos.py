"""Bandwidth limits of the ports on this host -> token buckets. Packet rates and marks are in `packet_rates`. Pure.

How the field's figures become a bucket's:

    max_kbps        1000 bits a second; 0: no limit, as the field's other back ends have it
    max_burst_kbps  1000 bits that may go at once; 0: what 20 ms bring. Never less than four packets of the network, without
                    which a packet of full size could not pass
    the queue       what 50 ms bring, and a burst of 128 KiB at most (what the kernel joins to one packet must fit): long
                    enough for TCP to reach the rate, short enough to talk through

Which rule counts when several are for a direction: the strictest.
"""

from collections.abc import Iterable

from kaon.host.compile.view import View
from kaon.host.state.names import intermediate_name, tap_name
from kaon.host.state.qos import MOST_TICKS, TICK_NS, Bucket, Intermediate, QosState, Redirect, Shaper
from kaon.wire.qos_rules import QosRule

BURST_MS = 20
QUEUE_MS = 50
_PACKETS = 4
_HEADER = 18
_JOINED = 1 << 17
_MOST_QUEUE = 0xFFFF_FFFF


def compile_qos(view: View) -> QosState:
    """Say which limits the ports in the host's scope shall have. Those whose network is not known yet are on no bridge."""
    shapers: list[Shaper] = []
    intermediates: list[Intermediate] = []
    redirects: list[Redirect] = []
    for port in view.ports().values():
        network = view.network(port.network_id) if port.qos else None
        if network is None:
            continue
        owner, tap, waiting_room = f"port/{port.id}", tap_name(port.id), intermediate_name(port.id)
        inward = strictest(port.qos, "bandwidth_limit", "ingress")
        outward = strictest(port.qos, "bandwidth_limit", "egress")
        if inward is not None:
            shapers.append(Shaper(tap, bucket_of(inward, network.network.mtu), owner))
        if outward is not None:
            intermediates.append(Intermediate(waiting_room, owner=owner))
            shapers.append(Shaper(waiting_room, bucket_of(outward, network.network.mtu), owner))
            redirects.append(Redirect(tap, waiting_room, owner))
    return QosState(frozenset(shapers), frozenset(intermediates), frozenset(redirects))


def strictest(rules: Iterable[QosRule], kind: str, direction: str) -> QosRule | None:
    """Give the rule of a kind that limits a direction; None: nothing does."""
    found = [rule for rule in rules if rule.kind == kind and rule.direction == direction and rule.amount]
    return min(found, key=lambda rule: (rule.amount, rule.burst), default=None)


def bucket_of(rule: QosRule, mtu: int) -> Bucket:
    """Make the bucket of a bandwidth limit on a network of this MTU."""
    rate = rule.amount * 1000 // 8
    burst = max(rule.burst * 1000 // 8 or rate * BURST_MS // 1000, _PACKETS * (mtu + _HEADER))
    depth = min(-(-burst * 1_000_000_000 // (rate * TICK_NS)), MOST_TICKS)
    return Bucket(rate, depth, min(rate * QUEUE_MS // 1000 + min(burst, _JOINED), _MOST_QUEUE))
