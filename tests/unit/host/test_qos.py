"""From rules of QoS policies to buckets, and to rules of nft."""

import msgspec
import pytest

from filter_worlds import World, make_port, new_id
from kaon.host.compile.packet_rates import packet_chains
from kaon.host.compile.qos import compile_qos
from kaon.host.state.names import intermediate_name, inward_intermediate, outward_intermediate, tap_name
from kaon.host.state.qos import TICK_NS, Bucket, Intermediate, Redirect
from kaon.wire.floatingips import FloatingIp
from kaon.wire.qos_rules import QosRule


def limit(direction: str, amount: int, burst: int = 0, kind: str = "bandwidth_limit") -> QosRule:
    """Make a limit."""
    return QosRule(kind=kind, direction=direction, amount=amount, burst=burst)


@pytest.mark.parametrize(
    ("kbps", "burst_kbps", "rate", "burst", "waits_ms"),
    [
        (8_000, 0, 1_000_000, 20_000, 70),  # 20 ms
        (8_000, 800, 1_000_000, 100_000, 150),
        (80_000_000, 0, 10_000_000_000, 200_000_000, 50),  # more than 32 bits
        (8, 0, 1000, 4 * 1468, 5922),  # four packets of the network, however slow
        (8_000, 8, 1_000_000, 4 * 1468, 55),
    ],
)
def test_figures_of_a_rule_become_a_buckets(kbps: int, burst_kbps: int, rate: int, burst: int, waits_ms: int) -> None:
    """Rate in bytes, depth in ticks of time, a queue of 50 ms and a burst."""
    world, port = World(), make_port(new_id(), 1, qos=(limit("egress", kbps, burst_kbps),))
    world.bind(port)
    (shaper,) = compile_qos(world.view()).shapers
    assert shaper.device == intermediate_name(port.id)
    assert shaper.bucket.rate == rate
    assert burst <= shaper.bucket.depth * TICK_NS * rate // 10**9 <= burst + rate * TICK_NS // 10**9 + 1
    assert shaper.bucket.queue * 1000 // rate == waits_ms


def test_directions_are_the_users() -> None:
    """Ingress is the tap's own queue; egress is led through a device of the port; an absent or zero limit is nothing."""
    world, network = World(), new_id()
    inward, outward, free, unknown = (
        make_port(network, 1, qos=(limit("ingress", 1000),)),
        make_port(network, 2, qos=(limit("egress", 1000), limit("egress", 500))),
        make_port(network, 3, qos=(limit("egress", 0), limit("ingress", 7, kind="minimum_bandwidth"))),
        make_port(new_id(), 4, qos=(limit("egress", 1000),)),
    )
    world.bind(inward, outward, free, unknown)
    world.scopes.pop(f"network:{unknown.network_id}")
    state = compile_qos(world.view())
    device = intermediate_name(outward.id)
    assert {one.device: one.bucket.rate for one in state.shapers} == {tap_name(inward.id): 125_000, device: 62_500}
    assert state.intermediates == {Intermediate(device)}
    assert state.redirects == {Redirect(tap_name(outward.id), device)}


def test_the_deepest_bucket_fits_the_kernel() -> None:
    """A burst of minutes is cut to what 32 bits of ticks hold."""
    world, port = World(), make_port(new_id(), 1, qos=(limit("ingress", 1, 0x7FFF_FFFF),))
    world.bind(port)
    (shaper,) = compile_qos(world.view()).shapers
    assert shaper.bucket == Bucket(125, 0xFFFF_FFFF, (1 << 17) + 6)


@pytest.mark.parametrize(
    ("rules", "sends", "gets"),
    [
        ((limit("egress", 2, kind="packet_rate_limit"),), ("limit rate over 2000/second burst 200 packets drop",), None),
        ((limit("ingress", 2, 1, kind="packet_rate_limit"),), None, ("limit rate over 2000/second burst 1000 packets drop",)),
        ((QosRule(kind="dscp_marking", amount=0),), ("ip dscp set 0", "ip6 dscp set 0"), None),
        (
            (QosRule(kind="dscp_marking", amount=46), limit("egress", 1, kind="packet_rate_limit")),
            ("limit rate over 1000/second burst 100 packets drop", "ip dscp set 46", "ip6 dscp set 46"),
            None,
        ),
        ((limit("egress", 1_000_001, kind="packet_rate_limit"),), None, None),
        ((limit("ingress", 0, kind="packet_rate_limit"), limit("egress", 5, kind="minimum_packet_rate")), None, None),
        ((), None, None),
    ],
)
def test_packets_are_limited_before_they_are_marked(
    rules: tuple[QosRule, ...], sends: tuple[str, ...] | None, gets: tuple[str, ...] | None
) -> None:
    """Each direction has a chain when it needs one, and the hook that leads there only then."""
    port = msgspec.structs.replace(make_port(new_id(), 1), qos=rules)
    table = packet_chains([port])
    found = {name: chain.rules for name, chain in table.chains.items() if chain.hook is None}
    wanted = {f"sends_{port.id}": sends, f"gets_{port.id}": gets}
    assert found == {name: rules for name, rules in wanted.items() if rules}
    hooks = {name for name, chain in table.chains.items() if chain.hook}
    assert hooks == {name for name, rules in (("sending", sends), ("receiving", gets)) if rules}
    assert set(table.collections) == {name for name, rules in (("sender", sends), ("receiver", gets)) if rules}


def test_addresses_are_limited_at_the_gateway_of_their_router() -> None:
    """Floating IPs and the gateway's address: what comes for them leaves by its tap, what they send comes in there."""
    world, external, gateway, floating_id = World(), new_id(), new_id(), new_id()
    rules = limit("ingress", 1000), limit("egress", 2000)
    world.router("rtr-0000000001", (gateway, external, "192.0.2.2"), [(new_id(), new_id(), "10.0.0.1")])
    router = world.scopes["router:rtr-0000000001"]["router"]
    world.put("router:rtr-0000000001", msgspec.structs.replace(router, gateway_qos=rules[:1]))
    one = FloatingIp(
        id=floating_id,
        revision=1,
        floating_network_id=external,
        floating_ip_address="192.0.2.9",
        fixed_ip_address="10.0.0.5",
        qos=rules,
    )
    world.put("router:rtr-0000000001", one, msgspec.structs.replace(one, id="x", qos=()))
    state = compile_qos(world.view())
    tap, owner = tap_name(gateway), f"floatingip/{floating_id}"
    assert state.redirects == {
        Redirect(tap, "ifirtr-0000000", leaving=True, address="192.0.2.2"),
        Redirect(tap, inward_intermediate(floating_id), leaving=True, address="192.0.2.9"),
        Redirect(tap, outward_intermediate(floating_id), address="192.0.2.9"),
    }
    assert {(one.device, one.owner, one.bucket.rate) for one in state.shapers} == {
        ("ifirtr-0000000", "router/rtr-0000000001", 125_000),
        (inward_intermediate(floating_id), owner, 125_000),
        (outward_intermediate(floating_id), owner, 250_000),
    }
