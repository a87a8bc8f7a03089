"""Sixteen clients of two servers on one database: whatever they do, nobody is told of it and nothing is given twice."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from api_client import USERS, Client

import invariants
from kaon.server.api.app import ApiSettings, make_app
from kaon.server.api.auth import BasicAuthentication
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import hosts, scheduling
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store
from kaon.wire.messages import Hello, Role

CLIENTS = 16
SECONDS = 3.0
"""How long all work on the same few topics."""

HOSTS = ("h1", "h2", "h3")
QUOTAS = {
    "port": 60,
    "network": 25,
    "subnet": 30,
    "router": 12,
    "security_group": 12,
    "security_group_rule": 60,
    "rbac_policy": 12,
}
P1 = {"project_id": "p1"}


@pytest.fixture
def servers(shared_database: str, tmp_path: Path) -> Iterator[list[Any]]:
    """Two servers that know of each other only what the database says: the API of each."""
    stores = [Store(shared_database) for _ in range(2)]
    settings = ServerSettings(quotas=QUOTAS, vni_ranges=((1, 999),))
    cores = [Core(store=store, backends={"linux": LinuxBackend()}, settings=settings) for store in stores]
    for name in HOSTS:
        hello = Hello(wire_version=1, host=name, instance="1", roles=(Role.L2, Role.L3, Role.DHCP), tunnel_ip="192.0.2.1")
        hosts.hello(cores[0], hello)
    scheduling.schedule_pending(cores[0])
    passwords, projects = tmp_path / "htpasswd", tmp_path / "projects"
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    passwords.write_text("".join(f"{user}:{hashed}\n" for user in USERS))
    projects.write_text("".join(f"{user}:{rest}\n" for user, rest in USERS.items()))
    authentication = BasicAuthentication(passwords, projects)
    yield [make_app(core, authentication, ApiSettings()) for core in cores]
    for store in stores:
        store.close()


class One:
    """One of the clients.

    told  (topic, method, status) -> how often
    """

    def __init__(self, server: Any, number: int, ground: dict[str, str]) -> None:
        self._clients = {user: Client(server, user) for user in ("root", "nova", "ann", "bob")}
        self.number, self.ground = number, ground
        self.chance = random.Random(number)  # noqa: S311  # no secret
        self.told: Counter[tuple[str, str, int]] = Counter()
        self.topic = ""

    def ask(self, method: str, path: str, body: Any = None, by: str = "root") -> Any:
        """The document of an answer; None when it was refused, as it may be. What no client may ever be told fails the test."""
        given = {} if body is None else {"json": body}
        answer = self._clients[by].ask(method, f"/v2.0/{path}", **given)
        assert answer.status_code < 500, (method, path, body, answer.text)
        self.told[self.topic, method, answer.status_code] += 1
        return (answer.json() if answer.content else {}) if answer.status_code < 300 else None

    def make(self, path: str, member: str, **body: Any) -> str | None:
        """The id of something new; None when it was refused."""
        found = self.ask("POST", path, {member: {**P1, **body}})
        return found and str(found[member]["id"])

    def drop(self, path: str, *identities: str | None) -> None:
        """Delete what was made."""
        for identity in identities:
            if identity:
                self.ask("DELETE", f"{path}/{identity}")

    def pick(self, *names: str) -> str:
        """Choose something that is there for all."""
        return self.ground[self.chance.choice(names)]


def _ports(one: One) -> None:
    host = {"binding:host_id": one.chance.choice(HOSTS)}
    port = one.make("ports", "port", network_id=one.pick("n1", "n2"), security_groups=[one.ground["group"]], **host)
    if port:
        fixed = [{"ip_address": f"10.0.0.{one.chance.randrange(2, 30)}"}]
        one.ask("PUT", f"ports/{port}", {"port": {"binding:host_id": one.chance.choice(HOSTS), "name": "moved"}})
        one.ask("PUT", f"ports/{port}", {"port": {"fixed_ips": fixed}})
    if one.chance.random() < 0.8:
        one.drop("ports", port)


def _subnets(one: One) -> None:
    wanted = {"ip_version": 4, "subnetpool_id": one.ground["pool"]}
    subnets = [one.make("subnets", "subnet", network_id=one.pick("n3", "n4"), **wanted) for _ in range(2)]
    one.drop("subnets", *subnets[: one.chance.randrange(1, 3)])
    one.drop("subnets", subnets[1])


def _groups(one: One) -> None:
    group = one.make("security-groups", "security_group", name="g")
    rule = {"security_group_id": one.ground["group"], "direction": "ingress", "protocol": "tcp"}
    rule |= {"port_range_min": one.chance.randrange(1, 20), "port_range_max": 30}
    rules = [one.make("security-group-rules", "security_group_rule", **rule)]
    if group:
        one.make("security-group-rules", "security_group_rule", **rule, remote_group_id=group)
        one.make(
            "rbac-policies",
            "rbac_policy",
            object_type="security_group",
            object_id=group,
            action="access_as_shared",
            target_tenant="p2",
        )
    one.drop("security-group-rules", *rules)
    one.drop("security-groups", group)


def _networks(one: One) -> None:
    network = one.make("networks", "network", shared=one.chance.random() < 0.5)
    subnet = network and one.make("subnets", "subnet", network_id=network, ip_version=4, cidr="10.3.0.0/24")
    router = one.make("routers", "router", external_gateway_info={"network_id": one.ground["outside"]})
    port = network and one.make("ports", "port", network_id=network, **{"binding:host_id": one.chance.choice(HOSTS)})
    joined = router and subnet and one.ask("PUT", f"routers/{router}/add_router_interface", {"subnet_id": subnet})
    if joined:
        floating = one.make("floatingips", "floatingip", floating_network_id=one.ground["outside"], port_id=port)
        one.drop("floatingips", floating)
        one.ask("PUT", f"routers/{router}/remove_router_interface", {"subnet_id": subnet})
    one.drop("ports", port)
    one.drop("routers", router)
    one.drop("networks", network)


def _crossing_routers(one: One) -> None:
    router, subnet = one.pick("r1", "r2"), one.pick("s1", "s2", "s3")
    one.ask("PUT", f"routers/{router}/{one.chance.choice(('add', 'remove'))}_router_interface", {"subnet_id": subnet})


def _floatingips(one: One) -> None:
    floating = one.make("floatingips", "floatingip", floating_network_id=one.ground["outside"])
    if floating:
        one.ask("PUT", f"floatingips/{floating}", {"floatingip": {"port_id": one.pick("p1", "p2")}})
        one.drop("floatingips", floating)
    port = one.chance.choice(("p1", "p2"))
    inside = {"internal_port_id": one.ground[port], "internal_ip_address": one.ground[f"address of {port}"]}
    ends = {f"{side}_port": one.chance.randrange(1, 5) for side in ("internal", "external")}
    forwarding = {"protocol": "tcp", **inside, **ends}
    path = f"floatingips/{one.ground['floating']}/port_forwardings"
    found = one.ask("POST", path, {"port_forwarding": forwarding})
    if found and one.chance.random() < 0.7:
        one.drop(path, found["port_forwarding"]["id"])


def _trunks(one: One) -> None:
    spare = [f"t{number}" for number in range(4)]
    trunk = one.make("trunks", "trunk", port_id=one.pick(*spare))
    if trunk:
        sub = {"port_id": one.pick(*spare), "segmentation_type": "vlan", "segmentation_id": one.chance.randrange(1, 4)}
        one.ask("PUT", f"trunks/{trunk}/add_subports", {"sub_ports": [sub]})
        one.ask("PUT", f"trunks/{trunk}/remove_subports", {"sub_ports": [{"port_id": sub["port_id"]}]})
        one.drop("trunks", trunk)


def _limits(one: One) -> None:
    limits = {"port": one.chance.randrange(12, 40), "security_group_rule": one.chance.randrange(10, 60)}
    one.ask("PUT", "quotas/p1", {"quota": limits})
    used = one.ask("GET", "quotas/p1/details")["quota"]
    for name in ("port", "network", "subnet", "router", "security_group_rule"):
        assert used[name]["used"] <= used[name]["limit"], (name, used[name])
    if one.chance.random() < 0.2:
        one.ask("DELETE", "quotas/p1")


def _sharing(one: One) -> None:
    kind = one.chance.choice(("network", "qos_policy", "address_group"))
    given = {
        "object_type": kind,
        "object_id": one.ground[kind],
        "action": "access_as_shared",
        "target_tenant": one.chance.choice("xyz"),
    }
    one.drop("rbac-policies", one.make("rbac-policies", "rbac_policy", **given))
    group = one.make("address-groups", "address_group", name="a", addresses=["10.0.0.0/24"])
    if group:
        one.make("rbac-policies", "rbac_policy", **{**given, "object_type": "address_group", "object_id": group})
    one.drop("address-groups", group)
    prefix = f"10.7.{one.chance.randrange(3)}.0/24"
    verb = one.chance.choice(("add", "remove"))
    one.ask("PUT", f"address-groups/{one.ground['address_group']}/{verb}_addresses", {"addresses": [prefix]})


def _qos(one: One) -> None:
    policy = one.make("qos/policies", "policy", name="q", is_default=one.chance.random() < 0.5)
    shared = one.ground["qos_policy"]
    found = one.ask("POST", f"qos/policies/{shared}/dscp_marking_rules", {"dscp_marking_rule": {"dscp_mark": 10}})
    if policy:
        where = one.chance.choice((("ports", "port", "p1"), ("networks", "network", "n2")))
        for value in (policy, shared, None):
            one.ask("PUT", f"{where[0]}/{one.ground[where[2]]}", {where[1]: {"qos_policy_id": value}})
    one.drop("qos/policies", policy)
    if found:
        one.drop(f"qos/policies/{shared}/dscp_marking_rules", found["dscp_marking_rule"]["id"])


def _bindings(one: One) -> None:
    path, host = f"ports/{one.ground['vm']}/bindings", one.chance.choice(HOSTS)
    one.ask("POST", path, {"binding": {"host": host}}, by="nova")
    one.ask("PUT", f"{path}/{host}/activate", {}, by="nova")
    one.ask("DELETE", f"{path}/{one.chance.choice(HOSTS)}", by="nova")


def _segments(one: One) -> None:
    flat = {"network_type": "flat", "physical_network": f"physnet{one.chance.randrange(3)}"}
    found = one.ask("POST", "segments", {"segment": {"network_id": one.ground["n3"], **flat}})
    first = 2000 + one.chance.randrange(30)
    ids = {"name": "r", "shared": False, "network_type": "vxlan", "minimum": first, "maximum": first + 5}
    made = one.make("network-segment-ranges", "network_segment_range", **ids)
    network = one.make("networks", "network")
    one.drop("networks", network)
    one.drop("network-segment-ranges", made)
    if found:
        one.drop("segments", found["segment"]["id"])


def _flavors(one: One) -> None:
    flavor = one.pick("flavor1", "flavor2")
    found = one.ask("POST", "service_profiles", {"service_profile": {"metainfo": "{'a': 1}"}})
    profile = found["service_profile"]["id"]
    one.ask("POST", f"flavors/{flavor}/service_profiles", {"service_profile": {"id": profile}})
    one.drop("service_profiles", profile)
    one.drop(f"flavors/{flavor}/service_profiles", profile)
    one.drop("service_profiles", profile)


def _metering(one: One) -> None:
    label = one.ground["label"]
    rule = {"metering_label_id": label, "direction": "ingress", "remote_ip_prefix": f"10.{one.chance.randrange(3)}.0.0/16"}
    one.drop("metering/metering-label-rules", one.make("metering/metering-label-rules", "metering_label_rule", **rule))


def _defaults(one: One) -> None:
    one.ask("PUT", f"networks/{one.pick('outside', 'outside2')}", {"network": {"is_default": one.chance.random() < 0.7}})
    one.ask("GET", "auto-allocated-topology/None", by="bob")
    if one.chance.random() < 0.5:
        one.ask("DELETE", "auto-allocated-topology/None", by="bob")
    rule = {"direction": "ingress", "protocol": "tcp", "used_in_default_sg": True, "used_in_non_default_sg": False}
    made = one.ask("POST", "default-security-group-rules", {"default_security_group_rule": rule})
    if made:
        one.drop("default-security-group-rules", made["default_security_group_rule"]["id"])


TOPICS: dict[str, Callable[[One], None]] = {
    name.strip("_"): work
    for name, work in globals().items()
    if callable(work) and name.startswith("_") and getattr(work, "__module__", "") == __name__
}


def _laid(server: Any) -> dict[str, str]:
    """What is there for all, by name."""
    one = One(server, 0, {})
    ground: dict[str, str | None] = {}
    for name in ("n1", "n2", "n3", "n4"):
        ground[name] = one.make("networks", "network", name=name)
    ground["network"] = ground["n1"]  # by the name of its type, for policies
    for at, name in enumerate(("s1", "s2", "s3")):
        ground[name] = one.make("subnets", "subnet", network_id=ground[f"n{at % 2 + 1}"], ip_version=4, cidr=f"10.0.{at}.0/27")
    pool = {"name": "p", "prefixes": ["10.64.0.0/20"], "default_prefixlen": 26}
    ground["pool"] = one.make("subnetpools", "subnetpool", **pool)
    for name, at in (("outside", 0), ("outside2", 1)):
        ground[name] = one.make("networks", "network", project_id="admin-project", **{"router:external": True})
        body = {"network_id": ground[name], "ip_version": 4, "cidr": f"203.0.{at}.0/24", "project_id": "admin-project"}
        assert one.make("subnets", "subnet", **body)
    default = {"name": "d", "prefixes": ["10.128.0.0/16"], "default_prefixlen": 26, "is_default": True, "shared": True}
    assert one.make("subnetpools", "subnetpool", **default, project_id="admin-project")
    ground["group"] = one.make("security-groups", "security_group", name="g")
    gateway = {"external_gateway_info": {"network_id": ground["outside"]}}
    ground |= {name: one.make("routers", "router", **gateway) for name in ("r1", "r2")}
    ground |= {
        name: one.make("ports", "port", network_id=ground["n1"]) for name in ("p1", "p2", *(f"t{at}" for at in range(4)))
    }
    for name in ("p1", "p2"):
        port = one.ask("GET", f"ports/{ground[name]}")["port"]
        ground[f"address of {name}"] = port["fixed_ips"][0]["ip_address"]
    vm = {"network_id": ground["n1"], "device_id": "vm", "device_owner": "compute:az", "binding:host_id": "h1"}
    ground["vm"] = one.make("ports", "port", **vm)
    for name in ("s1", "s3"):
        assert one.ask("PUT", f"routers/{ground['r1']}/add_router_interface", {"subnet_id": ground[name]})
    ground["floating"] = one.make("floatingips", "floatingip", floating_network_id=ground["outside"])
    ground["qos_policy"] = one.make("qos/policies", "policy", name="q", shared=True)
    ground["address_group"] = one.make("address-groups", "address_group", name="a")
    for name in ("flavor1", "flavor2"):
        found = one.ask("POST", "flavors", {"flavor": {"name": name, "service_type": "L3_ROUTER_NAT"}})
        ground[name] = found["flavor"]["id"]
    ground["label"] = one.make("metering/metering-labels", "metering_label", name="m")
    assert all(ground.values()), ground
    return {name: str(value) for name, value in ground.items()}


def _at_once(servers: list[Any], ground: dict[str, str], topics: Sequence[str]) -> Counter[tuple[str, str, int]]:
    """Let all clients work for a while, each on topics that it chooses; give what they were told."""
    told: Counter[tuple[str, str, int]] = Counter()
    failed: list[BaseException] = []
    end = time.monotonic() + SECONDS

    def run(number: int) -> None:
        one = One(servers[number % len(servers)], number, ground)
        try:
            for turn in itertools.count(number):
                one.topic = topics[turn % len(topics)]
                TOPICS[one.topic](one)
                if time.monotonic() > end or failed:
                    break
        except BaseException as problem:  # noqa: BLE001  # a thread's errors are the test's
            failed.append(problem)
        told.update(one.told)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    if failed:
        raise failed[0]
    return told


TOGETHER = (
    ("ports", "limits", "bindings"),
    ("subnets", "segments", "networks"),
    ("groups", "sharing", "limits", "defaults"),
    ("crossing_routers", "floatingips", "networks"),
    ("trunks", "qos", "ports"),
    ("flavors", "defaults", "metering"),
)
"""What is done at the same time."""


def test_whatever_is_done_at_once(servers: list[Any], shared_database: str) -> None:
    """No answer is an error of the server; what is left is what one client alone could have made."""
    ground = _laid(servers[0])
    store = Store(shared_database)
    told: Counter[tuple[str, str, int]] = Counter()
    for topics in TOGETHER:
        told += _at_once(servers, ground, topics)
        invariants.check(store)
    store.close()
    assert {topic for (topic, method, status) in told if method in {"POST", "PUT"} and status < 300} == set(TOPICS)
