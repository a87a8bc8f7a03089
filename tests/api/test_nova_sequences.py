"""What Nova calls when servers are booted, moved, resized, attached, detached, deleted; and the events that it gets meanwhile.

Replayed from `nova/network/neutron.py`: "user" are calls with the user's token, "admin" those of Nova's own user. A real HTTP
server takes the events.
"""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from api_client import Client

from http_peers import Nova
from kaon.server.api.app import ApiSettings, make_app
from kaon.server.api.asked import Asked
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import hosts, status
from kaon.server.control.core import Caller, Core, implied
from kaon.server.control.settings import ServerSettings
from kaon.server.peers import nova
from kaon.server.peers.courier import Courier
from kaon.server.peers.settings import NovaSettings, PeerSettings
from kaon.server.store.engine import Store
from kaon.wire.messages import Hello, Realised, RealisedKind, Report, Role

SERVER = "7a9e3f0c-5d7b-4c8e-9f57-1f0f5b8f2d11"
PROJECT = "p1"
REQUEST = ["binding:vnic_type", "binding:profile", "network_id", "resource_request", "numa_affinity_policy", "device_profile"]


@pytest.fixture
def core(database: str) -> Iterator[Core]:
    """A control plane that tells Nova."""
    settings = ServerSettings(notify_nova_of_status=True, notify_nova_of_data=True)
    core = Core(store=Store(database), backends={"linux": LinuxBackend()}, settings=settings)
    status.start_backends(core)
    for number, host in enumerate(("h1", "h2")):
        hosts.hello(core, Hello(wire_version=1, host=host, instance="1", roles=(Role.L2,), tunnel_ip=f"192.0.2.{number}"))
    yield core
    core.store.close()


class Tokens:
    """Authentication as Keystone's middleware does it: user "ann", also by way of Nova ("ann/nova"), and Nova itself."""

    def caller(self, asked: Asked, request_id: str) -> Caller:
        """Find the caller by the name alone."""
        name = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode().partition(":")[0]
        if name == "nova":
            return Caller("nova", "services", implied("admin", "service"), request_id)
        speaker = frozenset({"service"} if name == "ann/nova" else ())
        return Caller("ann", PROJECT, implied("member"), request_id, service_roles=speaker)


@pytest.fixture
def app(core: Core) -> Any:
    """The API, with those tokens."""
    return make_app(core, Tokens(), ApiSettings())


@pytest.fixture
def admin(app: Any) -> Client:
    """Nova's own user."""
    return Client(app, "nova")


@pytest.fixture
def service(core: Core) -> Iterator[Nova]:
    """A Nova that is told."""
    peer = Nova()
    with peer.running():
        settings = NovaSettings(PeerSettings("none", {"endpoint": peer.url}), interval_s=0.01)
        courier = Courier(core.store, "one", nova.delivery(settings))
        core.store.on_post(courier.poke)
        courier.start()
        yield peer
        courier.stop()
        courier.join(10.0)


class Compute:
    """Nova as the network service sees it: it makes these calls and no others."""

    def __init__(self, core: Core, user: Client, admin: Client, service: Nova) -> None:
        self.core, self.user, self.admin, self.service = core, user, admin, service
        self._reports = 0
        self._seen = 0

    def heard(self, *names: str) -> None:
        """Wait until exactly these events, since the last time, have arrived."""
        until = self._seen + len(names)
        self.service.until(lambda: len(self.service.events) >= until)
        assert list(names) == [
            f"{name.removeprefix('network-')}" + (f":{told}" if told else "")
            for name, _, _, told in self.service.events[self._seen :]
        ]
        self._seen = until

    def wires(self, port: Any, host: str) -> None:
        """Let a host report that it has wired a port."""
        self._reports += 1
        told = Realised(kind=RealisedKind.PORT, id=port["id"], revision=port["revision_number"], up=True)
        status.take_report(self.core, host, Report(sequence=self._reports, instance="1", applied={}, realised=(told,)))

    def validate(self, network: str, *requested: str) -> None:
        """Check what is asked for, in the process of Nova's API."""
        for port_id in requested:
            port = self.user.get(f"ports/{port_id}")["port"]
            assert (PROJECT, "") == (port["tenant_id"], port["device_id"])
            assert port["fixed_ips"]
            assert "binding:vif_type" not in port  # members may not see it
            for fixed in port["fixed_ips"]:
                wanted = {"network_id": network, "fixed_ips": f"ip_address={fixed['ip_address']}", "fields": "device_id"}
                assert [{"device_id": ""}] == self.user.get("ports", **wanted)["ports"]
        mine = self.user.get("networks", tenant_id=PROJECT, shared=False)["networks"]
        everybodys = self.user.get("networks", shared=True)["networks"]
        assert network in {found["id"] for found in mine + everybodys}
        assert [found["subnets"] for found in mine if found["id"] == network] != [[]]
        limit = self.user.get(f"quotas/{PROJECT}")["quota"]["port"]
        assert len(self.user.get("ports", tenant_id=PROJECT, fields="id")["ports"]) < limit
        for port_id in requested:
            assert network == self.admin.get(f"ports/{port_id}", fields=REQUEST)["port"]["network_id"]
        self.physical_network(network)

    def physical_network(self, network: str) -> None:
        """Ask what a network lies on."""
        fields = ["provider:physical_network", "provider:network_type"]
        found = self.admin.get(f"networks/{network}", fields=fields)["network"]
        assert {"provider:physical_network": None, "provider:network_type": "vxlan"} == found

    def allocate(self, network: str, host: str, *given: str) -> list[Any]:
        """Make ports where none are given and bind all, on the compute host."""
        for port_id in given:
            assert port_id == self.admin.get(f"ports/{port_id}")["port"]["id"]
        assert [network] == [found["id"] for found in self.user.get("networks", id=network)["networks"]]
        ids = list(given)
        if not given:
            wanted = {"network_id": network, "device_id": SERVER, "admin_state_up": True, "tenant_id": PROJECT}
            ids.append(self.user.make("port", **wanted)["id"])
        bound = []
        for port_id in ids:
            changes = {"device_id": SERVER, "device_owner": "compute:nova", "binding:host_id": host}
            port = self.admin.change("port", port_id, **changes)
            assert port["binding:vif_type"] not in {"unbound", "binding_failed"}
            bound.append(port)
        return bound

    def network_info(self, network: str) -> dict[str, bool]:
        """Build the cache of network information: port -> is it active."""
        found = self.admin.get("ports", tenant_id=PROJECT, device_id=SERVER)["ports"]
        self.admin.get("networks", id=[network])
        for port in found:
            for fixed in port["fixed_ips"]:
                self.user.get("floatingips", fixed_ip_address=fixed["ip_address"], port_id=port["id"])
            subnets = self.user.get("subnets", id=[fixed["subnet_id"] for fixed in port["fixed_ips"]])["subnets"]
            assert all(subnet["gateway_ip"] for subnet in subnets)
            self.admin.get("ports", network_id=network, device_owner="network:dhcp")
            self.physical_network(network)
        return {port["id"]: port["status"] == "ACTIVE" for port in found}

    def destination_is_prepared(self, path: str, port_id: str) -> None:
        """Have a port prepared on h2, as conductor and destination do before a live migration."""
        wanted = {"host": "h2", "vnic_type": "normal", "profile": {}}
        answer = self.admin.ask("POST", path, json={"binding": wanted})
        assert answer.status_code in {200, 201}, answer.text
        assert ("INACTIVE", "tap") == tuple(answer.json()["binding"][key] for key in ("status", "vif_type"))
        asked = {"device_id": SERVER, "tenant_id": PROJECT, "binding:host_id": "h1"}
        assert [port_id] == [found["id"] for found in self.admin.get("ports", **asked)["ports"]]
        self.admin.change("port", port_id, **{"binding:profile": {"migrating_to": "h2"}})
        self.heard("changed")

    def unbind(self, port_id: str) -> None:
        """Give back a port that was there before the server."""
        self.admin.get(f"ports/{port_id}", fields=["binding:profile", "network_id"])
        empty = {"device_id": "", "device_owner": "", "binding:host_id": None, "binding:profile": {}}
        assert "unbound" == self.admin.change("port", port_id, **empty)["binding:vif_type"]


@pytest.fixture
def compute(core: Core, app: Any, admin: Client, service: Nova) -> Compute:
    """Nova, whose user is Ann."""
    return Compute(core, Client(app, "ann/nova"), admin, service)


@pytest.fixture
def network(ann: Client) -> str:
    """A network of Ann's."""
    identity: str = ann.make("network", name="lan")["id"]
    ann.make("subnet", network_id=identity, ip_version=4, cidr="10.0.0.0/24")
    return identity


def booted(compute: Compute, network: str, *given: str) -> list[Any]:
    """Boot a server on h1."""
    compute.validate(network, *given)
    bound = compute.allocate(network, "h1", *given)
    compute.heard(*["changed"] * len(bound))
    assert dict.fromkeys((port["id"] for port in bound), False) == compute.network_info(network)
    for port in bound:  # Nova plugs, and waits for each
        compute.wires(port, "h1")
        compute.heard("vif-plugged:completed")
    assert dict.fromkeys((port["id"] for port in bound), True) == compute.network_info(network)
    return bound


def test_boot_and_delete(compute: Compute, network: str, ann: Client) -> None:
    """On a network: the port that Nova makes is plugged once its host has wired it, and goes with the server."""
    (port,) = booted(compute, network)
    assert [port["id"]] == [found["id"] for found in compute.user.get("ports", device_id=SERVER)["ports"]]
    assert (403, "PolicyNotAuthorized") == ann.refused("DELETE", f"ports/{port['id']}")  # not behind Nova's back
    compute.user.remove("port", port["id"])
    compute.heard("vif-deleted")
    assert {("network-vif-deleted", SERVER, port["id"], None)} == set(compute.service.events[-1:])
    assert (404, "PortNotFound") == compute.user.refused("DELETE", f"ports/{port['id']}")  # which Nova takes for done


def test_boot_with_given_ports_and_delete(compute: Compute, network: str) -> None:
    """Ports that were there before stay when the server goes, and Nova is told nothing of what is no longer its own."""
    given = [compute.user.make("port", network_id=network)["id"] for _ in range(2)]
    booted(compute, network, *given)
    for port_id in given:
        compute.unbind(port_id)
    again = booted(compute, network, *given)  # the next event is of the next server: nothing came between
    assert sorted(given) == sorted(port["id"] for port in again)


def test_attach_and_detach(compute: Compute, network: str) -> None:
    """A second interface of a running server."""
    (first,) = booted(compute, network)
    (second,) = compute.allocate(network, "h1")
    compute.heard("changed")
    compute.wires(second, "h1")
    compute.heard("vif-plugged:completed")
    assert {first["id"]: True, second["id"]: True} == compute.network_info(network)
    compute.user.remove("port", second["id"])
    compute.heard("vif-deleted")
    assert {first["id"]: True} == compute.network_info(network)


def test_resize(compute: Compute, network: str) -> None:
    """To another host and, not confirmed, back: unplugged here, plugged there; ACTIVE only once the new host has wired it."""
    (port,) = booted(compute, network)
    for host in ("h2", "h1"):
        asked = {"device_id": SERVER, "fields": ["binding:host_id", "binding:vif_type"]}
        assert [host] != [found["binding:host_id"] for found in compute.admin.get("ports", **asked)["ports"]]
        moved = compute.admin.change("port", port["id"], **{"binding:host_id": host, "device_owner": "compute:nova"})
        compute.heard("vif-unplugged:completed", "changed")
        assert {port["id"]: False} == compute.network_info(network)
        compute.wires(moved, host)
        compute.heard("vif-plugged:completed")
        assert {port["id"]: True} == compute.network_info(network)


def test_floating_ips_of_a_server(compute: Compute, network: str, admin: Client, ann: Client) -> None:
    """Nova renews its cache when one comes or goes."""
    outside = admin.make("network", **{"router:external": True})["id"]
    admin.make("subnet", network_id=outside, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    router = ann.make("router", external_gateway_info={"network_id": outside})["id"]
    subnet = ann.get(f"networks/{network}")["network"]["subnets"][0]
    answer = ann.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", json={"subnet_id": subnet})
    assert answer.status_code == 200, answer.text
    (port,) = booted(compute, network)
    floating = ann.make("floatingip", floating_network_id=outside, port_id=port["id"])["id"]
    compute.heard("changed")
    ann.change("floatingip", floating, port_id=None)
    compute.heard("changed")
    ann.change("floatingip", floating, port_id=port["id"])
    compute.heard("changed")
    ann.remove("floatingip", floating)
    compute.heard("changed")


def test_live_migration(compute: Compute, network: str) -> None:
    """Nova hears when the destination has wired the port, while it is bound to the source; then it activates it there."""
    (port,) = booted(compute, network)
    path = f"/v2.0/ports/{port['id']}/bindings"
    compute.destination_is_prepared(path, port["id"])
    compute.wires(compute.admin.get(f"ports/{port['id']}")["port"], "h2")
    compute.heard("vif-plugged:completed")
    now = compute.admin.get(f"ports/{port['id']}")["port"]
    assert ("h1", "ACTIVE") == (now["binding:host_id"], now["status"])

    answer = compute.admin.ask("GET", f"{path}/h2")
    assert (200, "INACTIVE") == (answer.status_code, answer.json()["binding"]["status"])
    assert 200 == compute.admin.ask("PUT", f"{path}/h2/activate").status_code
    assert (409, "PortBindingAlreadyActive") == compute.admin.refused("PUT", f"ports/{port['id']}/bindings/h2/activate")
    moved = compute.admin.get("ports", device_id=SERVER, tenant_id=PROJECT)["ports"][0]
    assert ("h2", "tap") == (moved["binding:host_id"], moved["binding:vif_type"])
    if moved["status"] == "DOWN":
        compute.heard("vif-unplugged:completed")
        compute.wires(moved, "h2")
        compute.heard("vif-plugged:completed")
    assert {port["id"]: True} == compute.network_info(network)
    compute.admin.change("port", port["id"], **{"binding:profile": {}})
    compute.heard("changed")
    assert 204 == compute.admin.ask("DELETE", f"{path}/h1").status_code
    bindings = compute.admin.get(f"ports/{port['id']}/bindings")["bindings"]
    assert [("h2", "ACTIVE")] == [(one["host"], one["status"]) for one in bindings]


def test_live_migration_that_is_rolled_back(compute: Compute, network: str) -> None:
    """The destination's binding goes, twice; the server stays where it is."""
    (port,) = booted(compute, network)
    path = f"/v2.0/ports/{port['id']}/bindings"
    compute.destination_is_prepared(path, port["id"])
    assert 204 == compute.admin.ask("DELETE", f"{path}/h2").status_code
    assert (404, "PortBindingNotFound") == compute.admin.refused("DELETE", f"ports/{port['id']}/bindings/h2")
    compute.admin.change("port", port["id"], **{"binding:profile": {}})
    compute.heard("changed")
    assert {port["id"]: True} == compute.network_info(network)
