"""Bindings of a port on several hosts over HTTP, as Nova uses them to move a server."""

from typing import Any

import pytest
from api_client import Client

from kaon.server.control import hosts, scope_reading
from kaon.server.control.core import Core
from kaon.wire import scopes
from kaon.wire.messages import Hello, Role


@pytest.fixture
def port(core: Core, ann: Client, nova: Client) -> Any:
    """A port of a server on host h1; hosts h2 and h3 are there, too."""
    for number in (1, 2, 3):
        hosts.hello(
            core, Hello(wire_version=1, host=f"h{number}", instance="1", roles=(Role.L2,), tunnel_ip=f"192.0.2.{number}")
        )
    network = ann.make("network")["id"]
    ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    port = ann.make("port", network_id=network)
    return nova.change("port", port["id"], device_owner="compute:nova", **{"binding:host_id": "h1"})


def _bind(client: Client, port: Any, host: str, **more: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/ports/{port['id']}/bindings", json={"binding": {"host": host, **more}})
    assert answer.status_code == 201, answer.text
    return answer.json()["binding"]


def _bindings(client: Client, port: Any, **query: Any) -> dict[str, tuple[str, str]]:
    found = client.get(f"ports/{port['id']}/bindings", **query)["bindings"]
    return {row["host"]: (row["status"], row["vif_type"]) for row in found}


def _told(core: Core, host: str) -> bool:
    """Whether the host is told of a port, and follows its network and groups."""
    with_keys = core.store.read(lambda tx: scope_reading.read_scope(tx, scopes.host(host)))
    assert with_keys is not None
    return any(key.startswith("port/") for key in with_keys[1])


def test_a_server_is_moved(core: Core, nova: Client, port: Any) -> None:
    """The other host is prepared, then one request makes it the one; the first is kept, and no longer wired."""
    assert _bindings(nova, port) == {"h1": ("ACTIVE", "tap")}
    made = _bind(nova, port, "h2", profile={"migrating_to": "h2"})
    assert (made["status"], made["vif_type"], made["vnic_type"]) == ("INACTIVE", "tap", "normal")
    assert (made["profile"], made["vif_details"]["port_filter"]) == ({"migrating_to": "h2"}, True)
    assert (_told(core, "h1"), _told(core, "h2"), _told(core, "h3")) == (True, True, False)
    assert nova.get(f"ports/{port['id']}")["port"]["binding:host_id"] == "h1"
    answer = nova.ask("PUT", f"/v2.0/ports/{port['id']}/bindings/h2/activate")
    assert (answer.status_code, answer.json()["status"]) == (200, "ACTIVE")
    assert _bindings(nova, port) == {"h1": ("INACTIVE", "unbound"), "h2": ("ACTIVE", "tap")}
    after = nova.get(f"ports/{port['id']}")["port"]
    assert (after["binding:host_id"], after["status"]) == ("h2", "DOWN")
    assert (_told(core, "h1"), _told(core, "h2")) == (False, True)
    assert nova.ask("DELETE", f"/v2.0/ports/{port['id']}/bindings/h1").status_code == 204
    assert _bindings(nova, port) == {"h2": ("ACTIVE", "tap")}
    nova.remove("port", port["id"])
    assert not _told(core, "h2")


def test_bindings_are_found_changed_and_removed(core: Core, nova: Client, port: Any) -> None:
    """By host and status; an inactive one may go elsewhere; without the active one the port is unbound."""
    _bind(nova, port, "h2")
    assert _bindings(nova, port, host="h2") == _bindings(nova, port, status="INACTIVE") == {"h2": ("INACTIVE", "tap")}
    path = f"ports/{port['id']}/bindings"
    assert nova.get(f"{path}/h2")["binding"]["host"] == "h2"
    answer = nova.ask("PUT", f"/v2.0/{path}/h2", json={"binding": {"host": "h3", "profile": {"a": 1}}})
    assert (answer.json()["binding"]["host"], answer.json()["binding"]["profile"]) == ("h3", {"a": 1})
    assert (_told(core, "h2"), _told(core, "h3")) == (False, True)
    assert nova.ask("DELETE", f"/v2.0/{path}/h3").status_code == 204
    assert nova.ask("DELETE", f"/v2.0/{path}/h1").status_code == 204
    shown = nova.get(f"ports/{port['id']}")["port"]
    assert (shown["binding:host_id"], shown["binding:vif_type"], _bindings(nova, port)) == ("", "unbound", {})
    assert _bind(nova, port, "h3")["status"] == "ACTIVE"
    assert nova.get(f"ports/{port['id']}")["port"]["binding:host_id"] == "h3"


def test_what_is_refused(ann: Client, nova: Client, port: Any) -> None:
    """With Neutron's code and type, and nothing is left behind."""
    path = f"ports/{port['id']}/bindings"
    _bind(nova, port, "h2")
    post = lambda host, **more: nova.refused("POST", path, json={"binding": {"host": host, **more}})  # noqa: E731  # a word
    assert post("h1") == post("h2") == (409, "PortBindingAlreadyExists")
    assert post("nowhere") == post("h3", vnic_type="direct") == (500, "PortBindingError")
    assert post("") == (400, "HTTPBadRequest")
    assert nova.refused("POST", path, json={"bindings": [{"host": "h3"}]}) == (400, "HTTPBadRequest")
    assert nova.refused("PUT", f"{path}/h2", json={"binding": {"host": "h1"}}) == (409, "PortBindingAlreadyExists")
    assert nova.refused("PUT", f"{path}/h1/activate") == (409, "PortBindingAlreadyActive")
    assert nova.refused("PUT", f"{path}/h3/activate") == (404, "PortBindingNotFound")
    for method in ("GET", "DELETE"):
        assert nova.refused(method, f"{path}/h3") == (404, "PortBindingNotFound")
    assert ann.refused("POST", path, json={"binding": {"host": "h3"}}) == (403, "PolicyNotAuthorized")
    assert ann.refused("GET", f"{path}/h1") == (404, "PortBindingNotFound")
    assert ann.get(path)["bindings"] == []
    assert _bindings(nova, port) == {"h1": ("ACTIVE", "tap"), "h2": ("INACTIVE", "tap")}
    other = ann.make("port", network_id=port["network_id"])["id"]
    assert nova.refused("GET", f"ports/{other}/bindings") == (400, "BadRequest")
    assert nova.refused("POST", f"ports/{other}/bindings", json={"binding": {"host": "h1"}}) == (400, "BadRequest")


def test_what_the_port_becomes_reaches_the_prepared_host(core: Core, ann: Client, nova: Client, port: Any) -> None:
    """Its filter must be right when the server arrives; who is nobody's server any more is prepared nowhere."""
    _bind(nova, port, "h2")
    revision = core.store.read(lambda tx: scope_reading.read_scope(tx, scopes.host("h2")))
    ann.change("port", port["id"], security_groups=[])
    after = core.store.read(lambda tx: scope_reading.read_scope(tx, scopes.host("h2")))
    assert revision is not None
    assert after is not None
    assert after[0] > revision[0]
    nova.change("port", port["id"], device_owner="", **{"binding:host_id": None})
    assert not _told(core, "h2")
    nova.change("port", port["id"], device_owner="compute:nova", **{"binding:host_id": "h1"})
    assert _bindings(nova, port) == {"h1": ("ACTIVE", "tap")}


def test_binding_the_port_itself_to_a_prepared_host(nova: Client, port: Any) -> None:
    """There is one binding there, the active one."""
    _bind(nova, port, "h2")
    assert nova.change("port", port["id"], **{"binding:host_id": "h2"})["binding:vif_type"] == "tap"
    assert _bindings(nova, port) == {"h2": ("ACTIVE", "tap")}
