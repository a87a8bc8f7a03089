"""What links follow from the scopes that a host holds."""

import pytest
from msgspec import structs

from kaon.host.compile.facts import HostFacts
from kaon.host.compile.links import compile_links
from kaon.host.compile.view import View
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Tap, Uplink, VethPair, Vxlan
from kaon.host.state.names import (
    alias_of,
    bridge_mac,
    bridge_name,
    dhcp_namespace,
    gateway_leg,
    owner_of,
    router_leg,
    router_namespace,
    tap_name,
)
from kaon.host.state.network_state import LinkState
from kaon.host.state.routes import Hop, Route
from kaon.host.state.trouble import Waiting
from kaon.wire import scopes
from kaon.wire.networks import Segment
from link_scenes import Scene, mac

V4 = {"a": "10.99.0.1", "b": "10.99.0.2", "c": "10.99.0.3"}


def compiled(scene: Scene, host: str = "a", *devices: str, **physical: str) -> LinkState:
    """Compile a host on which nothing is waited for."""
    done = compile_links(scene.view(host), HostFacts(host, scene.endpoints[host], physical, frozenset(devices)))
    assert done.waiting == ()
    return done.state


def test_a_port_is_enslaved_once_it_is_plugged() -> None:
    """A bound port is waited for until its tap is there; its network's bridge is there before it."""
    scene = Scene(V4)
    network = scene.network(7, "10.0.0.0/24")
    port = scene.port(1, network, "a", "10.0.0.5")
    tap = Tap(tap_name(port), bridge_name(network), 1450)
    absent = compile_links(scene.view("a"), HostFacts("a", "10.99.0.1"))
    assert absent.waiting == (Waiting(f"port/{port}", f"device {tap_name(port)} is not plugged"),)
    assert Bridge(bridge_name(network), bridge_mac(network), 1450) in absent.state.links
    assert tap in compiled(scene, "a", tap_name(port)).links


def test_a_port_that_is_down_is_on_no_bridge() -> None:
    """A port without admin state is left out, and said to be."""
    scene = Scene(V4)
    network = scene.network(7, "10.0.0.0/24")
    port_id = scene.port(1, network, "a", "10.0.0.5")
    scene.ports[port_id] = (structs.replace(scene.ports[port_id][0], admin_state_up=False), "a")
    done = compile_links(scene.view("a"), HostFacts("a", "10.99.0.1", devices=frozenset({tap_name(port_id)})))
    assert done.waiting == (Waiting(f"port/{port_id}", "the port is administratively down"),)
    assert not any(isinstance(link, Tap) for link in done.state.links)


@pytest.mark.parametrize(("own", "other"), [("10.99.0.1", "10.99.0.2"), ("fd99::1", "fd99::2")])
def test_only_remote_ports_are_in_the_tunnel(own: str, other: str) -> None:
    """Forwarding entries and neighbours name ports of other hosts, in both families; unbound ones are nowhere."""
    scene = Scene({"a": own, "b": other})
    network = scene.network(7, "10.0.0.0/24", "fd00::/64")
    local = scene.port(1, network, "a", "10.0.0.1", "fd00::1")
    scene.port(2, network, "b", "10.0.0.2", "fd00::2")
    scene.port(3, network, None, "10.0.0.3", "fd00::3")
    state = compiled(scene, "a", tap_name(local))
    assert state.forwarding == {
        ForwardingEntry("vxlan-7", FLOOD_MAC, other),
        ForwardingEntry("vxlan-7", mac(2), other),
        ForwardingEntry("vxlan-7", mac(2), None),
    }
    bridge = bridge_name(network)
    assert state.neighbours == {Neighbour(bridge, "10.0.0.2", mac(2)), Neighbour(bridge, "fd00::2", mac(2))}
    assert Vxlan("vxlan-7", 7, own, 1450, bridge) in state.links


def test_a_network_without_anything_local_has_nothing_here() -> None:
    """A scope that is held for another reason makes no bridge."""
    scene = Scene(V4)
    scene.port(1, scene.network(7, "10.0.0.0/24"), "b", "10.0.0.5")
    assert compiled(scene) == LinkState()


def test_a_flat_network_takes_the_mapped_interface() -> None:
    """The interface joins the bridge; no mapping, or no interface, is waited for."""
    scene = Scene(V4)
    network = scene.network(3, "203.0.113.0/24", kind="flat", physnet="public")
    port = scene.port(1, network, "a", "203.0.113.5")
    state = compiled(scene, "a", tap_name(port), "eth1", public="eth1")
    assert Uplink("eth1", bridge_name(network)) in state.links
    for physical, reason in (
        ({}, "no interface is mapped to physical network public"),
        ({"public": "eth7"}, "interface eth7 of physical network public is not there"),
    ):
        facts = HostFacts("a", None, physical, frozenset({tap_name(port)}))
        assert compile_links(scene.view("a"), facts).waiting == (Waiting(f"network/{network}", reason),)


def test_a_host_is_on_the_first_segment_that_it_reaches() -> None:
    """Of a network with several; on none of them the bridge leads nowhere, and says so."""
    scene = Scene(V4)
    network = scene.network(3, "10.0.0.0/24", kind="")
    pieces = (
        Segment(network_type="flat", physical_network="rack1"),
        Segment(network_type="flat", physical_network="rack2"),
        Segment(network_type="vxlan", segmentation_id=9),
    )
    scene.networks[network] = structs.replace(scene.networks[network], segments=pieces)
    port = scene.port(1, network, "a", "10.0.0.5")
    devices = frozenset({tap_name(port), "eth1", "eth2"})

    def way_out(tunnel_ip: str | None, **physical: str) -> tuple[set[str], tuple[Waiting, ...]]:
        done = compile_links(scene.view("a"), HostFacts("a", tunnel_ip, physical, devices))
        return {type(link).__name__ for link in done.state.links if isinstance(link, (Uplink, Vxlan))}, done.waiting

    assert way_out("10.99.0.1", rack2="eth2") == ({"Uplink"}, ())
    assert way_out("10.99.0.1", other="eth1") == ({"Vxlan"}, ())
    assert way_out(None) == (set(), (Waiting(f"network/{network}", "this host is on none of its segments"),))


def test_a_served_network_has_a_namespace_with_a_leg() -> None:
    """The DHCP port's addresses stand on ns-..., with the prefix lengths of their subnets."""
    scene = Scene(V4)
    network = scene.network(7, "10.0.0.0/24", "fd00::/64")
    port = scene.dhcp(1, network, "a", "10.0.0.2", "fd00::2")
    state = compiled(scene)
    space = dhcp_namespace(network)
    assert {namespace.name for namespace in state.namespaces} == {space}
    assert {(address.namespace, address.cidr) for address in state.addresses} == {(space, "10.0.0.2/24"), (space, "fd00::2/64")}
    assert {link.name for link in state.links if isinstance(link, VethPair)} == {tap_name(port)}


def routed(scene: Scene) -> tuple[str, str, str, str]:
    """Add a router between a tenant network and the outside; give router, outer network, inner and outer leg."""
    red = scene.network(1, "10.0.1.0/24", "fd00:1::/64")
    outside = scene.network(3, "203.0.113.0/24", "2001:db8::/64", kind="flat", physnet="public")
    router = scene.router(1, "a", ("192.168.0.0/16", "10.0.1.9"), ("fd00:9::/48", "fd00:1::9"))
    inner = scene.leg(11, router, red, "10.0.1.1", "fd00:1::1")
    outer = scene.leg(12, router, outside, "203.0.113.10", "2001:db8::10", gateway=True)
    return router, outside, inner, outer


def test_a_router_leads_out_by_its_gateway_in_both_families() -> None:
    """Default routes go to the gateways of the outer subnets, extra routes by the leg on which their next hop lies."""
    scene = Scene(V4)
    router, _, inner, outer = routed(scene)
    state = compiled(scene, "a", "eth1", public="eth1")
    space, qr, qg = router_namespace(router), router_leg(inner), gateway_leg(outer)
    assert state.routes == {
        Route(space, "0.0.0.0/0", (Hop(qg, "203.0.113.1"),)),
        Route(space, "::/0", (Hop(qg, "2001:db8::1"),)),
        Route(space, "192.168.0.0/16", (Hop(qr, "10.0.1.9"),)),
        Route(space, "fd00:9::/48", (Hop(qr, "fd00:1::9"),)),
    }


def test_floating_ips_are_announced_on_the_gateway_leg() -> None:
    """Each stands alone in its prefix on qg-..., owned by the floating IP."""
    scene = Scene(V4)
    router, outside, _, outer = routed(scene)
    floating = scene.floating(1, router, outside, "203.0.113.77", "10.0.1.5")
    state = compiled(scene, "a", "eth1", public="eth1")
    found = [address for address in state.addresses if address.cidr == "203.0.113.77/32"]
    assert found == [InterfaceAddress(router_namespace(router), gateway_leg(outer), "203.0.113.77/32")]
    assert (found[0].announced, found[0].owner) == (True, f"floatingip/{floating}")


def test_a_network_that_is_down_has_no_legs() -> None:
    """Neither a router's nor a DHCP server's: nothing passes by way of a network that is switched off."""
    scene = Scene(V4)
    router, outside, inner, _ = routed(scene)
    scene.dhcp(21, outside, "a", "203.0.113.2")
    scene.networks[outside] = structs.replace(scene.networks[outside], admin_state_up=False)
    done = compile_links(scene.view("a"), HostFacts("a", "10.99.0.1", {"physnet1": "eth1"}, frozenset({"eth1"})))
    assert Waiting(f"router/{router}", f"network {outside} is administratively down") in done.waiting
    assert Waiting(f"dhcp/{outside}", "its network is administratively down") in done.waiting
    assert {link.name for link in done.state.links if isinstance(link, VethPair)} == {tap_name(inner)}


def test_what_is_not_held_is_waited_for() -> None:
    """A leg whose network's scope is missing is left out and named; the rest of the router is there."""
    scene = Scene(V4)
    router, outside, inner, _ = routed(scene)
    view = scene.view("a")
    held = View("a", {name: entries for name, entries in view.scopes.items() if name != scopes.network(outside)})
    done = compile_links(held, HostFacts("a", "10.99.0.1"))
    assert Waiting(f"router/{router}", f"the scope of network {outside} is not held") in done.waiting
    assert {link.name for link in done.state.links if isinstance(link, VethPair)} == {tap_name(inner)}


def test_a_next_hop_off_the_routers_networks_is_told() -> None:
    """Such a route is left out, with the reason."""
    scene = Scene(V4)
    red = scene.network(1, "10.0.1.0/24")
    router = scene.router(1, "a", ("192.168.0.0/16", "172.16.0.1"))
    scene.leg(11, router, red, "10.0.1.1")
    done = compile_links(scene.view("a"), HostFacts("a", "10.99.0.1"))
    assert done.waiting == (Waiting(f"router/{router}", "next hop 172.16.0.1 is on no network of the router"),)


def test_a_host_without_a_tunnel_address_says_so() -> None:
    """The bridge is there for local ports, the tunnel is waited for."""
    scene = Scene({"a": None})
    network = scene.network(7, "10.0.0.0/24")
    port = scene.port(1, network, "a", "10.0.0.5")
    done = compile_links(scene.view("a"), HostFacts("a", devices=frozenset({tap_name(port)})))
    assert done.waiting == (Waiting(f"network/{network}", "this host has no tunnel address"),)


def test_an_alias_tells_whose_a_link_is() -> None:
    """What is written into ifalias is read back; the alias of others is nobody's."""
    assert owner_of(alias_of("port/x")) == "port/x"
    assert owner_of("uplink to rack 7") is None


def test_a_bridges_mac_is_its_own() -> None:
    """It is local, individual, and follows from the network alone."""
    first = int(bridge_mac("one")[:2], 16)
    assert (first & 1, first & 2) == (0, 2)
    assert bridge_mac("one") == bridge_mac("one") != bridge_mac("two")


def test_compiling_twice_gives_the_same() -> None:
    """Nothing but view and facts counts."""
    scene = Scene(V4)
    routed(scene)
    assert compiled(scene, "a", "eth1", public="eth1") == compiled(scene, "a", "eth1", public="eth1")
