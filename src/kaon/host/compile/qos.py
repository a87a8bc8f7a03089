"""Bandwidth limits of ports, and of addresses at the gateways of routers, on this host -> token buckets. Pure.

Packet rates and marks are in `packet_rates`. Of addresses only the bandwidth is limited, and only of IPv4 ones.

How the field's figures become a bucket's:

    max_kbps        1000 bits a second; 0: no limit, as the field's other back ends have it
    max_burst_kbps  1000 bits that may go at once; 0: what 20 ms bring. Never less than four packets of the network, without
                    which a packet of full size could not pass
    the queue       what 50 ms bring, and a burst of 128 KiB at most (what the kernel joins to one packet must fit): long
                    enough for TCP to reach the rate, short enough to talk through

Which rule counts when several are for a direction: the strictest.
"""

from collections.abc import Iterable

from kaon.host.compile.prefixes import first_of
from kaon.host.compile.view import View
from kaon.host.state.names import intermediate_name, inward_intermediate, outward_intermediate, tap_name
from kaon.host.state.qos import MOST_TICKS, TICK_NS, Bucket, Intermediate, QosState, Redirect, Shaper, merge
from kaon.wire.qos_rules import QosRule

BURST_MS = 20
QUEUE_MS = 50
_PACKETS = 4
_HEADER = 18
_JOINED = 1 << 17
_MOST_QUEUE = 0xFFFF_FFFF


def compile_qos(view: View) -> QosState:
    """Say which limits the host shall have. What is on a network not known yet is on no bridge."""
    return merge((_of_ports(view), *(_of_router(view, router_id) for router_id in view.hosted_routers())))


def _of_ports(view: View) -> QosState:
    parts = []
    for port in view.ports().values():
        network = view.network(port.network_id) if port.qos else None
        if network is None:
            continue
        owner, tap = f"port/{port.id}", tap_name(port.id)
        inward = strictest(port.qos, "bandwidth_limit", "ingress")
        outward = strictest(port.qos, "bandwidth_limit", "egress")
        if inward is not None:
            shaper = Shaper(tap, bucket_of(inward, network.network.mtu), owner)
            parts.append(QosState(shapers=frozenset({shaper})))
        if outward is not None:
            redirect = Redirect(tap, intermediate_name(port.id), owner)
            parts.append(_led(redirect, bucket_of(outward, network.network.mtu)))
    return merge(parts)


def _led(redirect: Redirect, bucket: Bucket) -> QosState:
    """Lead something through a device that limits it."""
    return QosState(
        shapers=frozenset({Shaper(redirect.to, bucket, redirect.owner)}),
        intermediates=frozenset({Intermediate(redirect.to, owner=redirect.owner)}),
        redirects=frozenset({redirect}),
    )


def _of_router(view: View, router_id: str) -> QosState:
    """Limit a router's floating IPs and the address of its gateway, each where it leaves for its network."""
    router = view.router(router_id)
    if router is None or not (router.router.gateway_qos or any(one.qos for one in router.floatingips.values())):
        return QosState()
    parts = []
    gateways = {leg.network_id: leg.port_id for leg in router.legs.values() if leg.device_owner == "network:router_gateway"}
    for network_id, port_id in gateways.items():
        network = view.network(network_id)
        if network is None:
            continue
        tap, mtu = tap_name(port_id), network.network.mtu
        port = network.ports.get(port_id)
        own = first_of((fixed.ip_address for fixed in port.fixed_ips), 4) if port else None
        if own is not None:
            parts.append(_of_address(tap, str(own), router.router.gateway_qos, f"router/{router_id}", mtu))
        parts += [
            _of_address(tap, floating.floating_ip_address, floating.qos, f"floatingip/{floating.id}", mtu)
            for floating in router.floatingips.values()
            if floating.floating_network_id == network_id
        ]
    return merge(parts)


def _of_address(tap: str, address: str, rules: tuple[QosRule, ...], owner: str, mtu: int) -> QosState:
    """Limit what comes for an address, which leaves the bridge by the gateway's tap, and what it sends."""
    identity = owner.partition("/")[2]
    ways = (("ingress", inward_intermediate(identity), True), ("egress", outward_intermediate(identity), False))
    parts = []
    for direction, device, leaving in ways:
        rule = strictest(rules, "bandwidth_limit", direction)
        if rule is not None:
            redirect = Redirect(tap, device, owner, leaving=leaving, address=address)
            parts.append(_led(redirect, bucket_of(rule, mtu)))
    return merge(parts)


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
