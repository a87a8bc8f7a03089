"""What no host carries out is refused, with the name of the back end and of what it cannot do; see docs/capabilities.md."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud import ADMIN, ANN, Cloud

from kaon.model import errors
from kaon.server.control import networks, routers, subnets
from kaon.wire.messages import Role

Wrong = Callable[[Cloud], Any]


@pytest.fixture
def cloud(sqlite_file: Path, tmp_path: Path) -> Iterator[Cloud]:
    """An empty cloud."""
    cloud = Cloud(f"sqlite:///{shutil.copy(sqlite_file, tmp_path / 'kaon.db')}")
    yield cloud
    cloud.store.close()


def _typed(kind: str) -> Wrong:
    return lambda cloud: cloud.network(ADMIN, **{"provider:network_type": kind, "provider:physical_network": "physnet1"})


def _subnet(cidr: str, **body: Any) -> Wrong:
    return lambda cloud: cloud.subnet(cloud.network(), cidr, **body)


@pytest.mark.parametrize(
    ("wrong", "feature"),
    [
        (_typed("vlan"), "provider:network_type vlan"),
        (_typed("local"), "provider:network_type local"),
        (_typed("gre"), "provider:network_type gre"),
        (_typed("geneve"), "provider:network_type geneve"),
        (_subnet("2001:db8::/56"), "enable_dhcp in 2001:db8::/56"),
        (_subnet("10.0.0.0/24", gateway_ip="10.0.1.1"), "gateway_ip 10.0.1.1"),
    ],
)
def test_what_the_back_end_lacks_is_refused(cloud: Cloud, wrong: Wrong, feature: str) -> None:
    """The refusal is a 400 that names both."""
    with pytest.raises(errors.InvalidInput) as refusal:
        wrong(cloud)
    assert "back end linux" in str(refusal.value)
    assert feature in str(refusal.value)


def test_wide_ipv6_subnets_go_without_dhcp(cloud: Cloud) -> None:
    """They are made without DHCP, which cannot be switched on later."""
    subnet = cloud.subnet(cloud.network(), "2001:db8::/56", enable_dhcp=False)
    with pytest.raises(errors.InvalidInput, match="length 64"):
        subnets.update(cloud.core, ANN, subnet["id"], {"enable_dhcp": True})


def test_ipv6_needs_its_least_mtu(cloud: Cloud) -> None:
    """Neither is a subnet made in too narrow a network, nor a network with one made too narrow."""
    narrow, wide = cloud.network(mtu=1279), cloud.network(mtu=1280)
    with pytest.raises(errors.NetworkMTUSubnetConflict):
        cloud.subnet(narrow, "2001:db8::/64")
    cloud.subnet(narrow, "10.0.0.0/24")
    cloud.subnet(wide, "2001:db8::/64")
    with pytest.raises(errors.NetworkMTUSubnetConflict):
        networks.update(cloud.core, ANN, wide["id"], {"mtu": 1279})


def test_a_network_is_not_wider_than_what_carries_it(cloud: Cloud) -> None:
    """Tunnels cost 50 bytes of the underlay's packets, or 70 over IPv6."""
    with pytest.raises(errors.InvalidInput, match="1450"):
        cloud.network(mtu=1451)
    assert 1450 == cloud.network()["mtu"]


def test_routers_announce_nothing(cloud: Cloud) -> None:
    """A subnet whose hosts wait for an external router's advertisements is not joined to a router of ours."""
    network = cloud.network()
    heard = cloud.subnet(network, "2001:db8::/64", ipv6_address_mode="slaac")
    plain = cloud.subnet(network, "2001:db8:0:1::/64")
    router = cloud.router()
    with pytest.raises(errors.BadRequest, match="external router"):
        routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": heard["id"]})
    port = cloud.port(network, fixed_ips=[{"subnet_id": plain["id"]}])  # it forms an address in the other by itself
    with pytest.raises(errors.BadRequest, match="external router"):
        routers.add_interface(cloud.core, ANN, router["id"], {"port_id": port["id"]})
    assert plain["id"] == routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": plain["id"]})["subnet_id"]


def test_routes_do_not_change_the_family(cloud: Cloud) -> None:
    """An IPv6 next hop for an IPv4 destination is refused."""
    network = cloud.network()
    subnet = cloud.subnet(network, "2001:db8::/64")
    router = cloud.router()
    routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    with pytest.raises(errors.InvalidRoutes, match="different IP versions"):
        routers.update(cloud.core, ANN, router["id"], {"routes": [{"destination": "10.9.0.0/24", "nexthop": "2001:db8::9"}]})


def test_floating_ips_lead_to_ipv4_addresses(cloud: Cloud) -> None:
    """An IPv6 address that is named is refused, even where a router leads there."""
    outside, network = cloud.outside(), cloud.network()
    subnet = cloud.subnet(network, "2001:db8::/64")
    port = cloud.port(network)
    router = cloud.router(outside=outside)
    routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    with pytest.raises(errors.InvalidInput, match="back end linux cannot translate fixed_ip_address"):
        cloud.floatingip(outside, port_id=port["id"], fixed_ip_address=port["fixed_ips"][0]["ip_address"])


def test_a_host_takes_only_networks_that_it_reaches(cloud: Cloud) -> None:
    """Elsewhere the binding fails, which the port shows: a tunnel without an end, a flat network without an interface."""
    cloud.hello("apart", Role.L2, tunnel_ip=None)
    cloud.hello("h1", Role.L2)
    flat = cloud.network(ADMIN, **{"provider:network_type": "flat", "provider:physical_network": "nowhere"})
    tunnel = cloud.network()
    bound = [cloud.port(*place, ADMIN, host=host) for *place, host in ((tunnel, "apart"), (flat, "h1"), (tunnel, "h1"))]
    assert ["binding_failed", "binding_failed", "tap"] == [port["binding:vif_type"] for port in bound]
