"""Router advertisements: what a router says of which subnet, which change costs what, and what is taken back how."""

from dataclasses import replace

import msgspec
import pytest

from kaon.host.compile.advertisements import compile_advertisements
from kaon.host.kernel.farewells import message
from kaon.host.kernel.radvd_fake import FakeRadvd
from kaon.host.plan.advertisements import (
    AdvertisementStep,
    Farewell,
    ReloadAdvertiser,
    StartAdvertiser,
    StopAdvertiser,
    plan_advertisements,
)
from kaon.host.state.advertisements import AdvertisedPrefix, AdvertisementState, Advertiser, AdvertisingLeg
from kaon.host.state.names import router_leg, router_namespace
from kaon.wire import scopes
from link_scenes import Scene, uuid

ROUTER, LEG = uuid("rtr", 1), router_leg(uuid("port", 5))


def scene(*modes: str | None, servers: tuple[str, ...] = (), gateway: bool = False) -> Scene:
    """Make a router on a network with an IPv4 subnet and IPv6 subnets of these modes, fd00:0::/64 and on."""
    made = Scene({"h1": "192.0.2.1"})
    cidrs = [f"fd00:{number}::/64" for number in range(len(modes))]
    network = made.network(1, "10.0.0.0/24", *cidrs)
    four, *six = made.subnets[network]
    changed = [
        msgspec.structs.replace(subnet, ipv6_ra_mode=mode, dns_nameservers=servers)
        for subnet, mode in zip(six, modes, strict=True)
    ]
    made.subnets[network] = [four, *changed]
    addresses = ["10.0.0.1", *(cidr.replace("/64", "1") for cidr in cidrs)]
    made.leg(5, made.router(1, "h1"), network, *addresses, gateway=gateway)
    return made


def compiled(made: Scene) -> tuple[AdvertisingLeg, ...]:
    """Give the legs of the one router."""
    found = compile_advertisements(made.view("h1"), "openstacklocal").advertisers
    return found[ROUTER].legs if ROUTER in found else ()


@pytest.mark.parametrize(
    ("mode", "managed", "other", "autonomous"),
    [("slaac", False, False, True), ("dhcpv6-stateless", False, True, True), ("dhcpv6-stateful", True, False, False)],
)
def test_a_mode_is_flags(mode: str, *, managed: bool, other: bool, autonomous: bool) -> None:
    """Where addresses and options come from; the prefix is on the link in any case."""
    expected = AdvertisingLeg(
        LEG, 1450, managed, other, (AdvertisedPrefix("fd00:0::/64", autonomous),), ("fd00::53",), ("openstacklocal",)
    )
    assert compiled(scene(mode, servers=("fd00::53", "10.0.0.53"))) == (expected,)
    assert f"AdvAutonomous {'on' if autonomous else 'off'};" in "".join(expected.lines)


def test_several_subnets_of_a_leg_are_advertised_together() -> None:
    """Flags of all of them, name servers once; a subnet without a mode is somebody else's."""
    (leg,) = compiled(scene("slaac", None, "dhcpv6-stateful", servers=("fd00::53",)))
    assert (leg.managed, leg.other) == (True, False)
    assert leg.prefixes == (AdvertisedPrefix("fd00:0::/64", autonomous=True), AdvertisedPrefix("fd00:2::/64", autonomous=False))
    assert leg.dns_servers == ("fd00::53",)


def test_who_does_not_advertise() -> None:
    """No mode; a gateway's leg; a router, network or port that is down; a router whose scope is not held, or of elsewhere."""
    assert compiled(scene(None)) == ()
    assert compiled(scene("slaac", gateway=True)) == ()
    made = scene("slaac")
    router, host = made.routers[ROUTER]
    made.routers[ROUTER] = (msgspec.structs.replace(router, admin_state_up=False), host)
    assert compiled(made) == ()
    made = scene("slaac")
    (network_id,) = made.networks
    made.networks[network_id] = msgspec.structs.replace(made.networks[network_id], admin_state_up=False)
    assert compiled(made) == ()
    made = scene("slaac")
    port, host = made.ports[uuid("port", 5)]
    made.ports[port.id] = (msgspec.structs.replace(port, admin_state_up=False), host)
    assert compiled(made) == ()
    view = scene("slaac").view("h1")
    held = {name: entries for name, entries in view.scopes.items() if name != scopes.router(ROUTER)}
    assert compile_advertisements(replace(view, scopes=held), "") == AdvertisementState()
    assert compile_advertisements(scene("slaac").view("h2"), "") == AdvertisementState()


@pytest.mark.parametrize(
    ("of_network", "of_service", "told"),
    [
        ("", "openstacklocal", ("openstacklocal",)),
        ("A.example.", "x", ("a.example",)),
        *((domain, "x", ()) for domain in ("a b", "a_b.example", "2001", "on", "a..b")),
        ("", "", ()),
    ],
)
def test_the_domain_is_the_networks_or_the_services(of_network: str, of_service: str, told: tuple[str, ...]) -> None:
    """As with DHCP; what radvd takes for something else would keep it from starting."""
    made = scene("slaac")
    (network_id,) = made.networks
    made.networks[network_id] = msgspec.structs.replace(made.networks[network_id], dns_domain=of_network)
    assert compile_advertisements(made.view("h1"), of_service).advertisers[ROUTER].legs[0].domains == told


ONE = AdvertisingLeg(LEG, 1450, prefixes=(AdvertisedPrefix("fd00::/64", autonomous=True),), dns_servers=("fd00::53",))
FOUND = Advertiser(ROUTER, router_namespace(ROUTER), (ONE,), written=(ONE,), owner=f"router/{ROUTER}")
WANTED = AdvertisementState({ROUTER: FOUND}, frozenset({ROUTER}))


def steps(desired: AdvertisementState, *actual: Advertiser) -> list[AdvertisementStep]:
    """Plan from what was found."""
    return list(plan_advertisements(desired, AdvertisementState({one.router_id: one for one in actual})).steps)


def test_each_change_costs_what_it_must() -> None:
    """Other words are reloaded; a dead process and a namespace made anew need a start; nothing costs nothing."""
    assert steps(WANTED, FOUND) == []
    assert [type(step) for step in steps(WANTED)] == [StartAdvertiser]
    assert [type(step) for step in steps(WANTED, replace(FOUND, legs=()))] == [ReloadAdvertiser]
    assert [type(step) for step in steps(WANTED, replace(FOUND, namespace=""))] == [StartAdvertiser]
    assert [type(step) for step in steps(WANTED, replace(FOUND, alive=False))] == [StartAdvertiser]


def test_what_is_advertised_no_more_is_taken_back() -> None:
    """Of a leg that goes all; of one that stays what went; of a router that lives on elsewhere nothing."""
    whole = Farewell(LEG, router=True, prefixes=("fd00::/64",), dns_servers=("fd00::53",))
    namespace, owner = router_namespace(ROUTER), f"router/{ROUTER}"
    assert steps(AdvertisementState(hosted=frozenset({ROUTER})), FOUND) == [StopAdvertiser(ROUTER, namespace, (whole,), owner)]
    assert steps(AdvertisementState(), FOUND) == [StopAdvertiser(ROUTER, namespace, None, owner)]
    less = replace(ONE, managed=True, prefixes=(AdvertisedPrefix("fd00::/64", autonomous=False),))
    (step,) = steps(AdvertisementState({ROUTER: replace(FOUND, legs=(less,))}), FOUND)
    assert step == ReloadAdvertiser(step.advertiser, (Farewell(LEG, router=False, managed=True, prefixes=("fd00::/64",)),))


def test_a_farewell_is_an_advertisement_without_lifetimes() -> None:
    """RFC 4861 4.2, 4.6.2; RFC 8106 5.1, 5.2. A leg that stays is still a router."""
    farewell = Farewell(LEG, router=True, other=True, prefixes=("fd00::/64",), dns_servers=("fd00::53",), domains=("a.bc",))
    head, rest = message(farewell)[:16], message(farewell)[16:]
    assert head == bytes.fromhex("86000000 0040 0000 00000000 00000000")
    assert rest == (
        bytes.fromhex("0304 40 40 00000000 00000000 00000000 fd00" + "00" * 14)
        + bytes.fromhex("1903 0000 00000000 fd00" + "00" * 13 + "53")
        + bytes.fromhex("1f02 0000 00000000") + b"\x01a\x02bc\0" + bytes(2)
    )  # fmt: skip
    assert message(Farewell(LEG, router=False, managed=True)) == bytes.fromhex("86000000 0080 012c 00000000 00000000")


def test_fake_needs_the_namespace() -> None:
    """As the real door does, the fake refuses to start where there is no namespace."""
    door = FakeRadvd(lambda _: False)
    assert [trouble.owner for trouble in door.apply(plan_advertisements(WANTED, door.observe()))] == [f"router/{ROUTER}"]
