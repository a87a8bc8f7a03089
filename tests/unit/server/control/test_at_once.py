"""Sixteen callers at once on PostgreSQL and MariaDB: no error surfaces, nothing is given twice, nothing is lost."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from cloud import ADMIN, ANN, Cloud

import invariants
from kaon.model.errors import IpAddressGenerationFailure, OverQuota
from kaon.server.control import (
    networks,
    ports,
    router_interfaces,
    routers,
    scheduling,
    security_group_rules,
    security_groups,
    subnets,
)
from kaon.server.store import tables as t
from kaon.wire.messages import Role

CALLERS = 16
ROUNDS = 4
HOSTS = ("h1", "h2", "h3")


@pytest.fixture
def cloud(shared_database: str) -> Iterator[Cloud]:
    """An empty cloud with tight quotas and three hosts."""
    quotas = {"port": 40, "network": 8, "subnet": 12, "router": 6, "security_group": 6, "security_group_rule": 30}
    cloud = Cloud(shared_database, quotas=quotas)
    for host in HOSTS:
        cloud.hello(host, Role.L2, Role.L3, Role.DHCP)
    yield cloud
    cloud.store.close()


def _rows(cloud: Cloud, statement: Any) -> list[Any]:
    return list(cloud.store.read(lambda tx: tx.execute(statement).all()))


def _at_once(work: Callable[[int], None]) -> None:
    """Let all callers work, each with its number; the first error is raised."""
    failed: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as problem:  # noqa: BLE001  # a thread's errors are the test's
            failed.append(problem)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    if failed:
        raise failed[0]


def _allowed(cloud: Cloud, work: Callable[[], Any]) -> Any:
    """Do it unless the quota or the subnet is exhausted, which both are at times; the quota is never exceeded."""
    try:
        return work()
    except (OverQuota, IpAddressGenerationFailure):
        return None
    finally:
        counted = sa.select(sa.func.count()).select_from(t.ports).where(t.ports.c.project_id == "p1")
        assert _rows(cloud, counted)[0][0] <= cloud.core.settings.quotas["port"]


def test_ports_of_one_subnet(cloud: Cloud) -> None:
    """Made, bound, moved and deleted: each address is free or had, never both; quota, journal and followers are right."""
    network = cloud.network()
    cloud.subnet(network, "10.0.0.0/27")
    cloud.subnet(network, "2001:db8::/64", enable_dhcp=False)

    def work(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  # no secret
        for turn in range(ROUNDS):
            port = _allowed(cloud, lambda: cloud.port(network, ADMIN, project_id="p1", host=chance.choice(HOSTS)))
            if port is None:
                continue
            ports.update(cloud.core, ADMIN, port["id"], {"binding:host_id": chance.choice(HOSTS)})
            if (number + turn) % 3:
                ports.delete(cloud.core, ANN, port["id"])

    _at_once(work)
    invariants.check(cloud.store)
    assert len(_rows(cloud, sa.select(t.ports.c.id))) > CALLERS / 2


def test_everything_at_once(cloud: Cloud) -> None:
    """Networks, subnets, ports, groups, rules, routers and their interfaces, made and deleted side by side."""
    crowd = Crowd(cloud)

    def work(number: int) -> None:
        for turn in range(ROUNDS):
            crowd.kinds[(number + turn) % len(crowd.kinds)](number)

    _at_once(work)
    invariants.check(cloud.store)


class Crowd:
    """What each of many callers does, in `kinds`: each makes something and deletes it again."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.core = cloud.core
        self.shared = cloud.network()
        cloud.subnet(self.shared, "10.0.0.0/24")
        self.group = security_groups.create(cloud.core, ANN, [{"project_id": "p1", "name": "shared"}])[0]
        self.kinds = (self.networking, self.porting, self.grouping, self.routing)
        self._numbers = itertools.count(1)

    def networking(self, number: int) -> None:
        """Make a network with a subnet and a port."""
        network = _allowed(self.cloud, self.cloud.network)
        if network is None:
            return
        self._subnet(network, number)
        port = _allowed(self.cloud, lambda: self.cloud.port(network, ADMIN, project_id="", host="h1"))
        if port is not None:
            ports.delete(self.core, ADMIN, port["id"])
        networks.delete(self.core, ANN, network["id"])

    def porting(self, _number: int) -> None:
        """Make a bound port in a shared group."""
        body = {"project_id": "p1", "security_groups": [self.group["id"]], "host": HOSTS[0]}
        port = _allowed(self.cloud, lambda: self.cloud.port(self.shared, ADMIN, **body))
        if port is not None:
            ports.delete(self.core, ADMIN, port["id"])

    def grouping(self, number: int) -> None:
        """Make a group, and a rule of the shared group that names it; it takes the rule along when it goes."""
        made = _allowed(self.cloud, lambda: security_groups.create(self.core, ANN, [{"project_id": "p1", "name": "own"}]))
        rule = {"project_id": "p1", "security_group_id": self.group["id"], "direction": "ingress", "ethertype": "IPv4"}
        rule |= {"protocol": "tcp", "port_range_min": next(self._numbers), "port_range_max": 1000 + number}
        if made:
            rule["remote_group_id"] = made[0]["id"]
        _allowed(self.cloud, lambda: security_group_rules.create(self.core, ANN, [rule]))
        if made:
            security_groups.delete(self.core, ANN, made[0]["id"])

    def routing(self, number: int) -> None:
        """Join a router to a subnet."""
        router = _allowed(self.cloud, self.cloud.router)
        network = _allowed(self.cloud, self.cloud.network)
        subnet = network and self._subnet(network, number)
        if router and subnet and _allowed(self.cloud, lambda: _join(self.cloud, router, subnet)):
            router_interfaces.remove(self.core, ANN, router["id"], {"subnet_id": subnet["id"]})
        if subnet:
            subnets.delete(self.core, ANN, subnet["id"])
        if network:
            networks.delete(self.core, ANN, network["id"])
        if router:
            routers.delete(self.core, ANN, router["id"])

    def _subnet(self, network: Any, number: int) -> Any:
        return _allowed(self.cloud, lambda: self.cloud.subnet(network, f"10.{number}.{next(self._numbers) % 200}.0/24"))


def test_overlapping_subnets_are_made_once(cloud: Cloud) -> None:
    """Of sixteen who want the same prefix on one network one gets it; one host serves it, one MAC is one port's."""
    network = cloud.network()
    refused = []

    def work(_number: int) -> None:
        try:
            cloud.subnet(network, "10.0.0.0/24", ADMIN)
        except Exception as problem:  # noqa: BLE001  # which one is looked at below
            refused.append(type(problem).__name__)
        scheduling.schedule_pending(cloud.core)

    _at_once(work)
    assert Counter(refused) == {"InvalidInput": CALLERS - 1}
    assert len(_rows(cloud, sa.select(t.served_networks))) == 1
    invariants.check(cloud.store)


def _join(cloud: Cloud, router: Any, subnet: Any) -> Any:
    return router_interfaces.add(cloud.core, ANN, router["id"], {"subnet_id": subnet["id"]})
