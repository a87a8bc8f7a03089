"""An operator's rules, and the default ones, through HTTP."""

import base64
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from api_client import Client

from kaon.server.api.app import ApiSettings, make_app
from kaon.server.api.auth import NoAuthentication
from kaon.server.control.core import Caller, Core, implied
from kaon.server.control.policy_files import PolicyFiles
from kaon.server.control.policy_settings import PolicySettings


@dataclasses.dataclass(frozen=True)
class _ByName:
    """Lets in whoever a test names in the user's name: `project:role,role`."""

    def caller(self, asked: Any, request_id: str) -> Caller:
        """As the name says."""
        name = base64.b64decode(asked.headers["authorization"].partition(" ")[2]).decode().rpartition(":")[0]
        project, _, roles = name.replace("=", ":").partition(":")
        return Caller(name, project, implied(*roles.split(",")), request_id)


class Cloud:
    """A server whose rules a test writes."""

    def __init__(self, core: Core, file: Path) -> None:
        self._file = file
        self._app = make_app(
            dataclasses.replace(core, policy=PolicyFiles(PolicySettings(file)).current), _ByName(), ApiSettings()
        )
        self.admin, self.ann, self.eve, self.bob = (
            Client(self._app, name) for name in ("staff=admin", "p1=member", "p1=reader", "p2=member")
        )

    def rules(self, **rules: str) -> None:
        """From now on these rules stand in the place of the defaults; `__` in a name is a colon."""
        written = "".join(f"'{name.replace('__', ':')}': '{rule}'\n" for name, rule in rules.items())
        self._file.write_text(written + f"# {self._file.stat().st_size if self._file.exists() else 0}\n" * (len(rules) + 1))


@pytest.fixture
def cloud(core: Core, tmp_path: Path) -> Cloud:
    """A server with the default rules so far."""
    return Cloud(core, tmp_path / "policy.yaml")


def test_no_authentication_leaves_nothing_forbidden() -> None:
    """Everybody is an admin and a service."""
    caller = NoAuthentication().caller(type("Asked", (), {"headers": {}})(), "r")  # type: ignore[arg-type]  # only headers are read
    for rule in ("create_agent", "create_port_binding", "create_port:binding:profile"):
        assert caller.rights.answer(rule) is True


def test_an_attribute_is_hidden_and_shown_by_rules(cloud: Cloud) -> None:
    """For whom the rule holds, of the rows for which it holds."""
    mine = cloud.ann.make("network", name="mine")
    other = cloud.bob.make("network", name="other")
    cloud.admin.change("network", other["id"], shared=True)
    assert "provider:network_type" not in mine
    cloud.rules(get_network__provider__network_type="rule:admin_only or rule:owner", get_network__mtu="role:admin")
    rows = {row["name"]: row for row in cloud.ann.get("networks")["networks"]}
    assert {"mine": True, "other": False} == {name: "provider:network_type" in row for name, row in rows.items()}
    assert not any("mtu" in row for row in rows.values())
    assert "mtu" in cloud.admin.get(f"networks/{mine['id']}")["network"]
    assert cloud.ann.refused("GET", "networks?mtu=1500") == (403, "PolicyNotAuthorized")
    only = cloud.ann.get("networks", **{"provider:network_type": "vxlan"})["networks"]
    assert ["mine"] == [row["name"] for row in only]  # the list does not tell it of the other
    assert [{"name": "mine"}] == cloud.ann.get("networks", name="mine", fields="name")["networks"]


def test_rules_narrow_what_is_seen(cloud: Cloud) -> None:
    """In lists as one by one, with the network of a port or without."""
    for name in ("red", "blue"):
        network = cloud.ann.make("network", name=name)
        cloud.ann.make("port", name=name, network_id=network["id"])
        cloud.bob.refused("GET", f"networks/{network['id']}")
    cloud.rules(get_network="rule:owner and field:networks:name=red", get_port="rule:network_owner and not field:port:name=red")
    (red,) = cloud.ann.get("networks")["networks"]
    assert (red["name"], cloud.ann.get(f"networks/{red['id']}")["network"]["id"]) == ("red", red["id"])
    (blue,) = cloud.ann.get("ports", fields="id")["ports"]
    assert cloud.ann.get(f"ports/{blue['id']}")["port"]["name"] == "blue"
    assert [] == cloud.bob.get("networks")["networks"]


def test_rules_open_all_or_nothing(cloud: Cloud) -> None:
    """A rule that a role satisfies alone opens every project's rows; one that nobody satisfies closes all."""
    network = cloud.ann.make("network")
    cloud.rules(get_network="role:member", delete_network="!")
    assert [network["id"]] == [row["id"] for row in cloud.bob.get("networks")["networks"]]
    assert cloud.ann.refused("DELETE", f"networks/{network['id']}") == (403, "PolicyNotAuthorized")
    cloud.rules(get_network="!")
    assert cloud.ann.refused("GET", f"networks/{network['id']}") == (404, "NetworkNotFound")
    assert [] == cloud.admin.get("networks")["networks"]


def test_a_row_is_judged_by_what_it_becomes(cloud: Cloud) -> None:
    """A default in a POST is nothing asked for; a PUT that names it is; parts of attributes have rules too."""
    network = cloud.admin.make("network", shared=True)
    cloud.admin.make("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = cloud.ann.make("port", network_id=network["id"], device_owner="")
    for path, body in (
        ("POST ports", {"port": {"network_id": network["id"], "device_owner": "network:dhcp"}}),
        (f"PUT ports/{port['id']}", {"port": {"device_owner": "network:dhcp"}}),
        ("POST ports", {"port": {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.0.0.9"}]}}),
        ("POST networks", {"network": {"shared": True}}),
    ):
        assert cloud.ann.refused(*path.split(), json=body) == (403, "PolicyNotAuthorized"), body
    mine = cloud.ann.make("network", shared=False)
    assert cloud.ann.refused("PUT", f"networks/{mine['id']}", json={"network": {"shared": False}})[0] == 403


def test_a_reader_looks_and_a_broken_rule_changes_nothing(cloud: Cloud) -> None:
    """What the operator is writing does not stop the server."""
    cloud.ann.make("network", name="n")
    assert cloud.eve.refused("POST", "networks", json={"network": {}}) == (403, "PolicyNotAuthorized")
    cloud.rules(create_network="nonsense")
    assert ["n"] == [row["name"] for row in cloud.eve.get("networks")["networks"]]
    assert cloud.eve.refused("POST", "networks", json={"network": {}}) == (403, "PolicyNotAuthorized")
    cloud.rules(create_network="role:reader")
    assert cloud.eve.make("network", name="m")["name"] == "m"
