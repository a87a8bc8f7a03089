"""Bindings of a port on several hosts: who is told what, and when, while a server moves."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from cloud import Cloud, wired

from kaon.model.query import Row
from kaon.server.control import port_bindings, ports
from kaon.server.control.core import Caller
from kaon.server.store.tables import peers as t
from kaon.wire import scopes
from kaon.wire.ports import NetworkPort

NOVA = Caller(user_id="nova", project_id="services", roles=frozenset({"service"}))
SERVER = "9b0e2d3c-6a56-4d0e-8a0d-3f1c0b1a2f33"


class Moving(Cloud):
    """A server's port on h1 that may be moved to h2; Nova is told of its status."""

    def __init__(self, database: str) -> None:
        super().__init__(database, notify_nova_of_status=True)
        self.hello("h1", tunnel_ip="192.0.2.1")
        self.hello("h2", tunnel_ip="192.0.2.2")
        self.ground = self.network()
        self.subnet(self.ground, "10.0.0.0/24")
        self.plugged = self.port(self.ground, NOVA, project_id="p1", host="h1", device_owner="compute:nova", device_id=SERVER)

    def prepare(self, host: str = "h2") -> None:
        """Let the host have an inactive binding."""
        port_bindings.create(self.core, NOVA, self.plugged["id"], [{"host": host, "vnic_type": "normal"}])

    def activate(self, host: str = "h2") -> None:
        """Make that the active one."""
        port_bindings.activate(self.core, NOVA, self.plugged["id"], host, {})

    def told(self) -> list[tuple[str, str]]:
        """List what Nova was told since the last time."""
        with self.store.engine.begin() as connection:
            bodies: list[Any] = list(connection.execute(sa.select(t.outbox.c.body).order_by(t.outbox.c.id)).scalars())
            connection.execute(sa.delete(t.outbox))
        return [(body["name"], body["tag"]) for body in bodies]

    def shown(self) -> Row:
        """Show the port as it now is."""
        return self.show_port(self.plugged)


@pytest.fixture
def moving(database: str) -> Iterator[Moving]:
    """A server that may be moved."""
    made = Moving(database)
    yield made
    made.store.close()


def test_both_hosts_follow_while_others_send_to_the_first(moving: Moving) -> None:
    """The network and the groups, too: the filter at the destination is right before the server is there."""
    port, network = moving.plugged, scopes.network(moving.ground["id"])
    needed = {network, *map(scopes.group, port["security_groups"])}
    assert not needed & moving.followed("h2")
    moving.prepare()
    assert needed <= moving.followed("h2")
    assert moving.host_scope("h2").keys() == moving.host_scope("h1").keys() == {f"port/{port['id']}"}
    seen = moving.read(network)[f"port/{port['id']}"]
    assert isinstance(seen, NetworkPort)
    assert seen.host == "h1"
    assert "host/h2" not in moving.read(network)
    moving.activate()
    assert not needed & moving.followed("h1")
    seen = moving.read(network)[f"port/{port['id']}"]
    assert isinstance(seen, NetworkPort)
    assert seen.host == "h2"


def test_the_port_is_active_where_it_is_and_nova_hears_of_the_destination(moving: Moving) -> None:
    """A destination that has wired the device says so; the status stays the first host's word until the activation."""
    moving.report("h1", wired(moving.plugged))
    moving.prepare()
    moving.told()
    moving.report("h2", wired(moving.shown(), up=False))
    assert moving.shown()["status"] == "ACTIVE"
    assert moving.told() == []
    moving.report("h2", wired(moving.shown()))
    assert moving.told() == [("network-vif-plugged", moving.plugged["id"])]
    moving.activate()
    assert moving.shown()["status"] == "DOWN"
    moving.told()
    moving.report("h2", wired(moving.shown()))
    assert (moving.shown()["status"], moving.told()) == ("ACTIVE", [("network-vif-plugged", moving.plugged["id"])])


def test_a_port_that_is_not_moved_costs_nothing_more(moving: Moving) -> None:
    """Its own row says that there is nothing more to read."""

    def cost() -> int:
        with moving.store.counting() as statements:
            ports.update(moving.core, NOVA, moving.plugged["id"], {"name": str(len(statements))})
            ports.update(moving.core, NOVA, moving.plugged["id"], {"name": "x"})
        return len(statements)

    before = cost()
    moving.prepare()
    assert cost() > before
    port_bindings.delete(moving.core, NOVA, moving.plugged["id"], "h2")
    assert cost() == before


def test_deleting_the_port_tells_both(moving: Moving) -> None:
    """Nothing is left on either host."""
    moving.prepare()
    ports.delete(moving.core, NOVA, moving.plugged["id"])
    assert moving.host_scope("h1") == moving.host_scope("h2") == {}
    assert {scopes.host("h1")} == moving.followed("h1")
    assert {scopes.host("h2")} == moving.followed("h2")
