"""Back ends hear of every change after its commit, and status comes back through them."""

import logging
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cloud import ADMIN, ANN, Cloud, wired

from kaon.model import errors
from kaon.model.query import Query
from kaon.server.backends.linux import CAPABILITIES, LinuxBackend
from kaon.server.backends.protocol import Backend, Change
from kaon.server.control import networks, ports, routers, security_group_rules, security_groups, status, subnets
from kaon.server.control.core import Core
from kaon.wire.messages import Report, Role


@dataclass
class Follower(LinuxBackend):
    """A back end with a world of its own: a list of what it heard."""

    heard: list[Change] = field(default_factory=list)
    fails: bool = False

    def reconcile(self, changes: Collection[Change]) -> None:
        """Remember."""
        if self.fails:
            raise OSError("its world is out of reach")
        self.heard.extend(changes)

    def news(self) -> set[Change]:
        """Give what was heard since the last call."""
        news, self.heard = set(self.heard), []
        return news


@pytest.fixture
def follower() -> Follower:
    """A back end that follows."""
    return Follower(name="other", capabilities=replace(CAPABILITIES, status_from="backend"))


@pytest.fixture
def cloud(sqlite_file: Path, tmp_path: Path, follower: Follower) -> Iterator[Cloud]:
    """A cloud with two back ends."""
    cloud = Cloud(f"sqlite:///{shutil.copy(sqlite_file, tmp_path / 'kaon.db')}")
    backends: dict[str, Backend] = {**cloud.core.backends, "other": follower}
    cloud.core = Core(cloud.store, backends, cloud.core.settings, clock=lambda: cloud.now)
    status.start_backends(cloud.core)
    yield cloud
    cloud.store.close()


def test_networks_subnets_and_ports_are_heard_of(cloud: Cloud, follower: Follower) -> None:
    """Made, changed and gone; with them what the server itself made: the default group, the port of the DHCP server."""
    cloud.hello("h1", Role.L2, Role.DHCP)
    follower.news()
    network = cloud.network()
    group = security_groups.ensure_default
    default = cloud.store.write(lambda tx: group(cloud.core, tx, "p1"))
    assert {Change("network", network["id"]), Change("security_group", default)} == follower.news()
    subnet = cloud.subnet(network, "10.1.0.0/24")
    (server,) = ports.index(cloud.core, ADMIN, _all()).rows
    assert {
        Change("subnet", subnet["id"]),
        Change("port", server["id"]),
        Change("network", network["id"]),
    } == follower.news()
    port = cloud.port(network)
    assert {Change("port", port["id"])} == follower.news()
    ports.update(cloud.core, ANN, port["id"], {"name": "new"})
    assert {Change("port", port["id"])} == follower.news()
    subnets.update(cloud.core, ANN, subnet["id"], {"dns_nameservers": ["192.0.2.53"]})
    assert {Change("subnet", subnet["id"])} == follower.news()
    ports.delete(cloud.core, ANN, port["id"])
    assert {Change("port", port["id"])} == follower.news()
    networks.delete(cloud.core, ANN, network["id"])
    assert {Change("network", network["id"])} == follower.news()


def test_routers_and_floating_ips_are_heard_of(cloud: Cloud, follower: Follower) -> None:
    """The router, its legs and their ports, and the floating IPs that go through it."""
    outside, network = cloud.outside(), cloud.network()
    subnet = cloud.subnet(network, "10.1.0.0/24", enable_dhcp=False)
    port = cloud.port(network)
    follower.news()
    router = cloud.router(outside=outside)
    news = follower.news()
    gateway = _one(news, "router_port")
    assert {Change("router", router["id"]), Change("port", gateway), Change("router_port", gateway)} == news
    leg = routers.add_interface(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})["port_id"]
    assert {Change("router", router["id"]), Change("port", leg), Change("router_port", leg)} == follower.news()
    floating = cloud.floatingip(outside, port_id=port["id"])
    news = follower.news()
    assert {Change("floatingip", floating["id"]), Change("port", _one(news, "port"))} == news
    routers.update(cloud.core, ANN, router["id"], {"admin_state_up": False})
    assert {Change("router", router["id"])} == follower.news()


def test_groups_and_rules_are_heard_of(cloud: Cloud, follower: Follower) -> None:
    """A group with the rules it begins with is one change; a rule is another."""
    group = security_groups.create(cloud.core, ANN, [{"project_id": "p1", "name": "web"}])[0]
    assert Change("security_group", group["id"]) in follower.news()
    body = {"project_id": "p1", "security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
    rule = security_group_rules.create(cloud.core, ANN, [body])[0]
    assert {Change("security_group_rule", rule["id"])} == follower.news()
    security_group_rules.delete(cloud.core, ANN, rule["id"])
    assert {Change("security_group_rule", rule["id"])} == follower.news()
    security_groups.delete(cloud.core, ANN, group["id"])
    assert {Change("security_group", group["id"])} == follower.news()


def test_what_is_refused_is_not_heard_of(cloud: Cloud, follower: Follower) -> None:
    """A back end follows commits, not attempts."""
    network = cloud.network()
    follower.news()
    with pytest.raises(errors.InvalidInput):
        cloud.subnet(network, "2001:db8::/56")
    assert set() == follower.news()


def test_a_back_end_that_fails_to_follow_undoes_nothing(
    cloud: Cloud, follower: Follower, caplog: pytest.LogCaptureFixture
) -> None:
    """The commit stands, the caller gets its answer, the failure is logged."""
    follower.fails = True
    with caplog.at_level(logging.ERROR):
        network = cloud.network()
    assert network["id"] == networks.show(cloud.core, ANN, network["id"])["id"]
    assert "a back end did not follow" in caplog.messages


def test_reports_go_through_the_back_end_of_the_hosts(cloud: Cloud, follower: Follower) -> None:
    """A report reaches the back ends whose status comes from hosts, once; a back end of its own tells the sink by itself."""
    cloud.hello("h1")
    first, second = (cloud.port(cloud.network(), ADMIN, host="h1") for _ in range(2))
    status.take_report(cloud.core, "h1", Report(sequence=1, instance="1", realised=(wired(first),)))
    assert ["ACTIVE", "DOWN"] == [cloud.show_port(port)["status"] for port in (first, second)]
    follower.reported("h1", (wired(second),), {})
    assert "ACTIVE" == cloud.show_port(second)["status"]


def test_a_back_end_that_was_not_started_takes_no_report() -> None:
    """Reports are not lost in silence."""
    with pytest.raises(RuntimeError, match="linux was not started"):
        LinuxBackend().reported("h1", (), {})


def _one(news: set[Change], kind: str) -> str:
    (found,) = (change.id for change in news if change.kind == kind)
    return found


def _all() -> Query:
    return Query(filters={"device_owner": ("network:dhcp",)})
