"""Trunks and their sub-ports over HTTP."""

from typing import Any

import pytest
from api_client import Client

from kaon.server.control import hosts, scope_reading
from kaon.server.control.core import Core
from kaon.wire import scopes
from kaon.wire.messages import Hello, Role
from kaon.wire.trunks import Trunk

NOWHERE = "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"


@pytest.fixture
def network(ann: Client) -> str:
    """A network of p1."""
    return str(ann.make("network")["id"])


def _port(client: Client, network: str, **more: Any) -> str:
    return str(client.make("port", network_id=network, **more)["id"])


def _sub(port: str, number: int = 2, kind: str = "vlan") -> dict[str, Any]:
    return {"port_id": port, "segmentation_type": kind, "segmentation_id": number}


def _act(client: Client, trunk: str, action: str, *sub_ports: Any) -> Any:
    answer = client.ask("PUT", f"/v2.0/trunks/{trunk}/{action}", json={"sub_ports": list(sub_ports)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _refused(client: Client, trunk: str, action: str, sub_ports: Any) -> tuple[int, str]:
    return client.refused("PUT", f"trunks/{trunk}/{action}", json={"sub_ports": sub_ports})


def test_a_trunk_as_it_is_made(ann: Client, network: str) -> None:
    """It is DOWN until a host tags, and its parent shows what it carries."""
    parent, joined = _port(ann, network), ann.make("port", network_id=network)
    plain = ann.get(f"ports/{parent}")["port"]
    trunk = ann.make("trunk", port_id=parent, name="t", sub_ports=[_sub(joined["id"], 7)])
    assert trunk.keys() == {
        *("id", "name", "project_id", "tenant_id", "port_id", "admin_state_up", "status", "sub_ports", "description"),
        *("created_at", "updated_at", "revision_number", "tags"),
    }
    assert (trunk["status"], trunk["admin_state_up"], trunk["project_id"]) == ("DOWN", True, "p1")
    assert trunk["sub_ports"] == [_sub(joined["id"], 7)]
    assert ann.get(f"trunks/{trunk['id']}")["trunk"] == trunk
    assert ann.get("trunks", name="t")["trunks"] == [trunk]
    shown = ann.get(f"ports/{parent}")["port"]
    carried = [_sub(joined["id"], 7) | {"mac_address": joined["mac_address"]}]
    assert ("trunk_details" not in plain, shown["trunk_details"]) == (True, {"trunk_id": trunk["id"], "sub_ports": carried})
    assert [port.get("trunk_details") for port in ann.get("ports", id=[parent, joined["id"]])["ports"]].count(None) == 1


def test_a_trunk_is_changed_tagged_and_deleted(ann: Client, network: str) -> None:
    """Its ports stay, plain as before."""
    parent, joined = _port(ann, network), _port(ann, network)
    trunk = ann.make("trunk", port_id=parent, sub_ports=[_sub(joined)])
    after = ann.change("trunk", trunk["id"], name="n", description="d")
    assert (after["name"], after["description"], after["revision_number"]) == ("n", "d", 2)
    assert ann.refused("PUT", f"trunks/{trunk['id']}", json={"trunk": {"sub_ports": []}}) == (400, "HTTPBadRequest")
    assert ann.ask("PUT", f"/v2.0/trunks/{trunk['id']}/tags/red").status_code == 201
    assert [found["id"] for found in ann.get("trunks", tags="red")["trunks"]] == [trunk["id"]]
    for port, kind in ((parent, "PortInUseAsTrunkParent"), (joined, "PortInUseAsSubPort")):
        assert ann.refused("DELETE", f"ports/{port}") == (409, kind)
    ann.remove("trunk", trunk["id"])
    assert "trunk_details" not in ann.get(f"ports/{parent}")["port"]
    for port in (parent, joined):
        ann.remove("port", port)


def test_ports_join_and_leave(ann: Client, network: str) -> None:
    """All or none; what comes back is the trunk, bare."""
    trunk = ann.make("trunk", port_id=_port(ann, network))["id"]
    one, two = _sub(_port(ann, network), 9), _sub(_port(ann, network), 3)
    assert _act(ann, trunk, "add_subports", one, two)["sub_ports"] == [two, one]
    assert ann.get(f"trunks/{trunk}/get_subports") == {"sub_ports": [two, one]}
    after = _act(ann, trunk, "remove_subports", two)
    assert (after["sub_ports"], after["revision_number"]) == ([one], 3)
    assert _refused(ann, trunk, "remove_subports", [one, two]) == (404, "SubPortNotFound")
    assert ann.get(f"trunks/{trunk}")["trunk"]["sub_ports"] == [one]


def test_what_cannot_join(ann: Client, bob: Client, network: str) -> None:
    """With Neutron's code and type."""
    parent = _port(ann, network)
    trunk = ann.make("trunk", port_id=parent, sub_ports=[_sub(_port(ann, network), 5)])["id"]
    free, foreign = _port(ann, network), _port(bob, bob.make("network")["id"])
    other = ann.make("trunk", port_id=_port(ann, network), sub_ports=[_sub(_port(ann, network))])
    used = _port(ann, network, device_id="vm")
    wide = _port(ann, network)
    cases: list[tuple[Any, tuple[int, str]]] = [
        ([_sub(parent)], (409, "ParentPortInUse")),
        ([_sub(other["port_id"])], (409, "ParentPortInUse")),
        ([_sub(other["sub_ports"][0]["port_id"])], (409, "TrunkPortInUse")),
        ([_sub(used)], (409, "PortInUse")),
        ([_sub(NOWHERE)], (404, "PortNotFound")),
        ([_sub(foreign)], (404, "PortNotFound")),
        ([_sub(free, 5)], (409, "DuplicateSubPort")),
        ([_sub(free, 4095)], (400, "InvalidInput")),
        ([_sub(free, 0)], (400, "InvalidInput")),
        ([_sub(free, kind="vxlan")], (400, "InvalidInput")),
        ([{"port_id": free, "segmentation_type": "inherit"}], (400, "InvalidInput")),
        ([{"port_id": free, "segmentation_type": "vlan"}], (400, "InvalidInput")),
        ([_sub(free), _sub(free, 3)], (400, "InvalidInput")),
        ([_sub(free), _sub(wide)], (400, "InvalidInput")),
        (_sub(free), (400, "InvalidInput")),
        ("x", (400, "InvalidInput")),
    ]
    assert [(given, _refused(ann, trunk, "add_subports", given)) for given, _ in cases] == cases
    assert _refused(ann, NOWHERE, "add_subports", [_sub(free)]) == (404, "TrunkNotFound")
    assert _refused(bob, trunk, "add_subports", [_sub(foreign)]) == (404, "TrunkNotFound")
    assert _refused(ann, trunk, "remove_subports", _sub(free)) == (400, "InvalidInput")
    body = {"port_id": other["port_id"]}
    assert ann.refused("POST", "trunks", json={"trunk": body}) == (409, "ParentPortInUse")
    wrong = {"port_id": free, "sub_ports": [_sub(wide), {"segmentation_id": 3, "segmentation_type": "vlan"}]}
    assert ann.refused("POST", "trunks", json={"trunk": wrong}) == (400, "HTTPBadRequest")
    assert ann.refused("POST", "trunks", json={"trunk": {"port_id": NOWHERE}}) == (404, "PortNotFound")
    assert ann.refused("POST", "trunks", json={"trunks": [{"port_id": free}]}) == (400, "HTTPBadRequest")


def test_a_sub_port_takes_no_larger_packets_than_its_trunk(ann: Client) -> None:
    """They would not fit through."""
    small, large = (ann.make("network", mtu=mtu)["id"] for mtu in (1300, 1400))
    trunk = ann.make("trunk", port_id=_port(ann, small))["id"]
    refused = _refused(ann, trunk, "add_subports", [_sub(_port(ann, large))])
    assert refused == (409, "SubPortMtuGreaterThanTrunkPortMtu")
    assert len(_act(ann, trunk, "add_subports", _sub(_port(ann, small)))["sub_ports"]) == 1


def test_a_trunk_that_is_down_stays_as_it_is(ann: Client, network: str) -> None:
    """409 until it is up again."""
    joined, free = _port(ann, network), _port(ann, network)
    trunk = ann.make("trunk", port_id=_port(ann, network), admin_state_up=False, sub_ports=[_sub(joined)])["id"]
    disabled = (409, "TrunkDisabled")
    assert _refused(ann, trunk, "add_subports", [_sub(free)]) == disabled
    assert _refused(ann, trunk, "remove_subports", [_sub(joined)]) == disabled
    assert ann.refused("DELETE", f"trunks/{trunk}") == disabled
    assert ann.change("trunk", trunk, admin_state_up=True)["admin_state_up"]
    ann.remove("trunk", trunk)


def test_the_host_of_the_parent_is_told(core: Core, ann: Client, nova: Client, network: str) -> None:
    """Of all that the trunk carries, wherever its parent goes."""
    for number in (1, 2):
        hosts.hello(
            core, Hello(wire_version=1, host=f"h{number}", instance="1", roles=(Role.L2,), tunnel_ip=f"192.0.2.{number}")
        )

    def told(host: str) -> list[Trunk]:
        found = core.store.read(lambda tx: scope_reading.read_scope(tx, scopes.host(host)))
        assert found is not None
        return [entry for entry in found[1].values() if isinstance(entry, Trunk)]

    parent, joined = _port(ann, network), _port(ann, network)
    trunk = ann.make("trunk", port_id=parent)["id"]
    nova.change("port", parent, **{"binding:host_id": "h1"})
    _act(ann, trunk, "add_subports", _sub(joined, 7))
    (seen,) = told("h1")
    assert (seen.id, seen.port_id, seen.admin_state_up) == (trunk, parent, True)
    assert [(one.port_id, one.network_id, one.segmentation_id) for one in seen.sub_ports] == [(joined, network, 7)]
    nova.change("port", parent, **{"binding:host_id": "h2"})
    assert (told("h1"), [one.id for one in told("h2")]) == ([], [trunk])
    ann.remove("trunk", trunk)
    assert told("h2") == []


def test_trunks_are_counted(admin: Client, ann: Client, network: str) -> None:
    """And free again when they go."""
    assert admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"trunk": 1}}).status_code == 200
    trunk = ann.make("trunk", port_id=_port(ann, network))["id"]
    port = _port(ann, network)
    assert ann.refused("POST", "trunks", json={"trunk": {"port_id": port}}) == (409, "OverQuota")
    ann.remove("trunk", trunk)
    ann.make("trunk", port_id=port)
