"""When Nova is told what of its ports, and that nothing is stored or asked where it need not be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from cloud import ADMIN, ANN, Cloud, wired

from kaon.model.query import Row
from kaon.server.control import floatingips, nova_events, ports, routers
from kaon.server.store.tables import peers as t

SERVER, OTHER = "7a9e3f0c-5d7b-4c8e-9f57-1f0f5b8f2d11", "0c4b9c1e-93de-4d2b-8a51-6b1f3b6f7e22"


class Told(Cloud):
    """A cloud whose Nova is told; `told` empties the outbox."""

    def __init__(self, database: str, **settings: bool) -> None:
        super().__init__(database, **({"notify_nova_of_status": True, "notify_nova_of_data": True} | settings))

    def told(self) -> list[str]:
        """List the events since the last time, each as `name[:status]`, with `@other` if it is of the other server."""
        with self.store.engine.begin() as connection:
            bodies = list(connection.execute(sa.select(t.outbox.c.body).order_by(t.outbox.c.id)).scalars())
            connection.execute(sa.delete(t.outbox))
        return [
            body["name"].removeprefix("network-")
            + (f":{body['status']}" if "status" in body else "")
            + ("@other" if body["server_uuid"] == OTHER else "")
            for body in bodies
        ]

    def server_port(self, network: Row, server: str = SERVER, **body: Any) -> Row:
        """Make a port of a server."""
        return self.port(network, ADMIN, project_id="p1", device_id=server, device_owner="compute:nova", **body)

    def put(self, port: Row, **changes: Any) -> Row:
        """Update a port as Nova does."""
        return ports.update(self.core, ADMIN, port["id"], {key.replace("__", ":"): value for key, value in changes.items()})


@pytest.fixture
def nova(database: str) -> Iterator[Told]:
    """A cloud whose Nova is told."""
    empty = Told(database)
    yield empty
    empty.store.close()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("DOWN", "ACTIVE", ("network-vif-plugged", "completed")),
        ("BUILD", "ACTIVE", ("network-vif-plugged", "completed")),
        ("DOWN", "ERROR", ("network-vif-plugged", "failed")),
        ("ACTIVE", "DOWN", ("network-vif-unplugged", "completed")),
        ("ACTIVE", "ACTIVE", None),
        ("ACTIVE", "ERROR", None),
        ("ERROR", "ACTIVE", None),
        ("DOWN", "BUILD", None),
        ("BUILD", "DOWN", None),
    ],
)
def test_which_changes_of_status_nova_hears(before: str, after: str, expected: tuple[str, str] | None) -> None:
    """As Neutron does: coming up or failing to, and going down from ACTIVE."""
    assert expected == nova_events.status_event(before, after)


@pytest.mark.parametrize(
    ("owner", "device", "expected"),
    [
        ("compute:nova", SERVER, True),
        ("compute:", SERVER, True),
        ("compute:az1", SERVER.replace("-", ""), True),
        ("", SERVER, False),
        ("compute", SERVER, False),
        ("network:dhcp", SERVER, False),
        ("baremetal:none", SERVER, False),
        ("compute:nova", "", False),
        ("compute:nova", "my server", False),
    ],
)
def test_which_ports_are_of_servers(owner: str, device: str, expected: bool) -> None:
    """Owner and device must both say so."""
    assert expected is nova_events.is_of_server({"device_owner": owner, "device_id": device})


def test_the_life_of_a_port(nova: Told) -> None:
    """Made, given to a server, wired, taken down, moved, deleted."""
    network = nova.network()
    nova.subnet(network, "10.0.0.0/24", enable_dhcp=False)
    for host in ("h1", "h2"):
        nova.hello(host)
    port = nova.port(network)
    assert [] == nova.told()
    port = nova.put(port, device_id=SERVER, device_owner="compute:nova", binding__host_id="h1")
    assert ["changed"] == nova.told()
    nova.report("h1", wired(port))
    assert ["vif-plugged:completed"] == nova.told()
    nova.report("h1", wired(port))
    assert [] == nova.told()
    port = nova.put(port, name="x")
    assert ["changed"] == nova.told()
    port = nova.put(port, admin_state_up=False)
    assert ["vif-unplugged:completed", "changed"] == nova.told()
    port = nova.put(port, admin_state_up=True)
    nova.report("h1", wired(port))
    assert ["changed", "vif-plugged:completed"] == nova.told()
    nova.report("h1", wired(port, up=False))
    nova.report("h1", wired(port))
    assert ["vif-unplugged:completed", "vif-plugged:completed"] == nova.told()
    port = nova.put(port, binding__host_id="h2")
    assert ["vif-unplugged:completed", "changed"] == nova.told()
    nova.report("h2", wired(port))
    assert ["vif-plugged:completed"] == nova.told()
    ports.delete(nova.core, ADMIN, port["id"])
    assert ["vif-deleted"] == nova.told()


def test_detaching_tells_nobody(nova: Told) -> None:
    """Once it is no server's port any more, there is nobody to tell."""
    network = nova.network()
    port = nova.server_port(network, host="h1")
    nova.put(port, device_id="", device_owner="", binding__host_id="")
    ports.delete(nova.core, ADMIN, port["id"])
    assert [] == nova.told()


def test_floating_ips_tell_the_servers_that_they_lead_to(nova: Told) -> None:
    """Created, moved from one to another, let go, deleted."""
    outside, network = nova.outside(), nova.network()
    subnet = nova.subnet(network, "10.0.0.0/24")
    router = nova.router(outside=outside)
    routers.add_interface(nova.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    here, there, nobodys = nova.server_port(network), nova.server_port(network, OTHER), nova.port(network)

    def lead(floating: Row, port: Row | None) -> list[str]:
        floatingips.update(nova.core, ANN, floating["id"], {"port_id": port and port["id"]})
        return sorted(nova.told())

    first = nova.floatingip(outside, port_id=here["id"])
    assert ["changed"] == nova.told()
    assert ["changed", "changed@other"] == lead(first, there)
    assert ["changed@other"] == lead(first, None)
    assert [] == lead(first, nobodys)
    assert ["changed"] == lead(first, here)
    floatingips.update(nova.core, ANN, first["id"], {"description": "x"})
    assert ["changed"] == nova.told()
    floatingips.delete(nova.core, ANN, first["id"])
    assert ["changed"] == nova.told()
    floatingips.delete(nova.core, ANN, nova.floatingip(outside)["id"])
    assert [] == nova.told()


def test_a_server_whose_port_moves_hears_of_the_destination(nova: Told) -> None:
    """The destination of a live migration has wired the port: Nova waits for that."""
    port = nova.server_port(nova.network())
    nova.store.write(lambda tx: nova_events.wired_at_destination(nova.core, tx, port))
    assert ["vif-plugged:completed"] == nova.told()


def test_a_change_that_failed_is_not_told(nova: Told) -> None:
    """What is rolled back leaves nothing."""
    network = nova.network()
    port = nova.server_port(network)
    with pytest.raises(Exception, match="revision"):
        ports.update(nova.core, ADMIN, port["id"], {"name": "x"}, revision=99)
    assert [] == nova.told()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"notify_nova_of_status": False}, ["changed", "vif-deleted"]),
        ({"notify_nova_of_data": False}, ["vif-plugged:completed"]),
        ({"notify_nova_of_status": False, "notify_nova_of_data": False}, []),
    ],
)
def test_operators_choose(database: str, settings: dict[str, bool], expected: list[str]) -> None:
    """Either kind can be left out."""
    cloud = Told(database, **settings)
    network = cloud.network()
    port = cloud.put(cloud.server_port(network, host="h1"), name="x")
    cloud.report("h1", wired(port))
    ports.delete(cloud.core, ADMIN, port["id"])
    assert expected == cloud.told()
    cloud.store.close()


def test_it_costs_one_statement_where_it_is_told_and_none_elsewhere(database: str) -> None:
    """A port that no server has costs nothing more; without Nova no port does."""

    def cost(cloud: Told, work: Callable[[], object]) -> int:
        with cloud.store.counting() as statements:
            work()
        return len(statements)

    cloud = Told(database)
    silent = Told(database, notify_nova_of_status=False, notify_nova_of_data=False)
    network = cloud.network()
    mine, plain, plainer = cloud.server_port(network), cloud.port(network), cloud.port(network)
    without = cost(silent, lambda: silent.put(plainer, name="x"))
    assert without == cost(cloud, lambda: cloud.put(plain, name="x"))
    assert without + 1 == cost(cloud, lambda: cloud.put(mine, name="x"))
    for one in (cloud, silent):
        one.store.close()
