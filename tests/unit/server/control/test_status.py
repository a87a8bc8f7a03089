"""When a port is ACTIVE and when DOWN, beyond the plain way; see docs/adr/0002."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud import ADMIN, Cloud, wired

from kaon.model.query import Row
from kaon.server.control import ports, status
from kaon.wire.messages import Realised, RealisedKind, Role


@pytest.fixture
def cloud(sqlite_file: Path, tmp_path: Path) -> Iterator[Cloud]:
    """An empty cloud."""
    cloud = Cloud(f"sqlite:///{shutil.copy(sqlite_file, tmp_path / 'kaon.db')}")
    yield cloud
    cloud.store.close()


def _status(cloud: Cloud, host: str, port: Row, *told: Realised) -> str:
    cloud.report(host, *told)
    return str(cloud.show_port(port)["status"])


def test_port_waits_no_longer_for_a_server_that_died(cloud: Cloud) -> None:
    """The feed looks now and then: a wired port that waited for a server becomes ACTIVE once that one counts as dead."""
    cloud.hello("net1", Role.DHCP)
    cloud.hello("h1")
    network = cloud.network()
    cloud.subnet(network, "10.1.0.0/24")
    port = cloud.port(network, ADMIN, host="h1")
    assert "DOWN" == _status(cloud, "h1", port, wired(port))
    status.refresh_waiting(cloud.core)
    assert "DOWN" == cloud.show_port(port)["status"]
    cloud.pass_time(100)
    status.refresh_waiting(cloud.core)
    assert "ACTIVE" == cloud.show_port(port)["status"]


def test_port_that_is_switched_off_is_down(cloud: Cloud) -> None:
    """Whatever its host says: made so, switched off later, reported as wired all the same."""
    cloud.hello("h1")
    network = cloud.network()
    off = cloud.port(network, ADMIN, host="h1", admin_state_up=False)
    assert "DOWN" == _status(cloud, "h1", off, wired(off))
    port = cloud.port(network, ADMIN, host="h1")
    assert "ACTIVE" == _status(cloud, "h1", port, wired(port))
    switched = ports.update(cloud.core, ADMIN, port["id"], {"admin_state_up": False})
    assert "DOWN" == switched["status"]
    assert "DOWN" == _status(cloud, "h1", port, wired(switched))
    again = ports.update(cloud.core, ADMIN, port["id"], {"admin_state_up": True})
    assert "DOWN" == again["status"]
    assert "ACTIVE" == _status(cloud, "h1", port, wired(again))


def test_port_falls_down_with_its_device(cloud: Cloud) -> None:
    """An ACTIVE port is DOWN when its host no longer has it, and when it is bound nowhere."""
    cloud.hello("h1")
    first, second = (cloud.port(cloud.network(), ADMIN, host="h1") for _ in range(2))
    for port in (first, second):
        assert "ACTIVE" == _status(cloud, "h1", port, wired(port))
    gone = Realised(kind=RealisedKind.PORT, id=first["id"], revision=first["revision_number"], up=False, gone=True)
    assert "DOWN" == _status(cloud, "h1", first, gone)
    assert "DOWN" == ports.update(cloud.core, ADMIN, second["id"], {"binding:host_id": ""})["status"]
    assert "DOWN" == _status(cloud, "h1", second, wired(second, 99))


def test_ipv6_without_modes_waits_for_its_reservation(cloud: Cloud) -> None:
    """DHCP hands out its addresses, as it does in stateful mode; addresses that hosts form are not waited for."""
    cloud.hello("net1", Role.DHCP)
    cloud.hello("h1")
    found = {}
    for mode in (None, "dhcpv6-stateful", "dhcpv6-stateless", "slaac"):
        network = cloud.network()
        cloud.subnet(network, "2001:db8::/64", ipv6_address_mode=mode)
        port = cloud.port(network, ADMIN, host="h1")
        found[mode] = _status(cloud, "h1", port, wired(port))
    assert {None: "DOWN", "dhcpv6-stateful": "DOWN", "dhcpv6-stateless": "ACTIVE", "slaac": "ACTIVE"} == found
