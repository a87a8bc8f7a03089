"""Policies as users give them, and what packets feel: limits of ports and of floating IPs, through server and agents."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ground import Node, throughput
from kaon.lab import cloud, inventory, nodes, probes, rig
from kaon.lab.api import Api
from kaon.lab.cloud import Cloud, Guest
from kaon.lab.topology import EXTERNAL_GATEWAY

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

LIMIT_KBPS = 20_000
FREE, LIMITED, DOUBLE = "far above", "near the limit", "near twice the limit"


class Inside(Node):
    """Where a process of the lab is; its name is the process id."""

    @property
    def path(self) -> Path:
        """Its namespace."""
        return Path("/proc") / self.name / "ns" / "net"


def at(pid: int, address: str) -> Inside:
    """Go there."""
    return Inside(str(pid), "", (address,))


@pytest.fixture(scope="module")
def guests(tenants: Cloud) -> tuple[Guest, Guest]:
    """Two VMs on two hosts behind a router; ICMP and TCP are let in."""
    red = tenants.clients["red"]
    network = cloud.make_network(tenants, "red", "red-a", "10.0.0.0/24")
    red.run("router create red-router")
    red.run("router add subnet red-router", network.subnet_id)
    red.run("router set --external-gateway", cloud.PUBLIC, "red-router")
    for protocol in ("icmp", "tcp"):
        red.run("security group rule create --ingress --protocol", protocol, "default")
    first, second = (cloud.launch(tenants, network, host, host) for host in ("compute1", "compute2"))
    assert cloud.comes_true(lambda: probes.ping(first.vm.pid, second.address, count=1).received, 1) == 1
    return first, second


@pytest.fixture
def policy(admin: Api) -> Iterator[str]:
    """A shared policy without rules."""
    made = admin.ask("POST", "/v2.0/qos/policies", {"policy": {"name": "limits", "shared": True}}).body["policy"]["id"]
    yield made
    assert admin.ask("DELETE", f"/v2.0/qos/policies/{made}").status == 204


def limits(admin: Api, policy: str, direction: str, kbps: int) -> str:
    """Add a rule; give its path."""
    body = {"bandwidth_limit_rule": {"direction": direction, "max_kbps": kbps}}
    answer = admin.ask("POST", f"/v2.0/qos/policies/{policy}/bandwidth_limit_rules", body)
    assert answer.status == 201, answer.body
    return f"/v2.0/qos/policies/{policy}/bandwidth_limit_rules/{answer.body['bandwidth_limit_rule']['id']}"


def pace(kbps: float) -> str:
    """Say how fast that is."""
    if kbps > 3 * LIMIT_KBPS:
        return FREE
    return DOUBLE if kbps > 1.2 * LIMIT_KBPS else LIMITED


def test_a_port_is_limited_as_its_policy_says(tenants: Cloud, admin: Api, guests: tuple[Guest, Guest], policy: str) -> None:
    """Rules come, change and go while the port has the policy; the agent that starts again changes nothing of it."""
    first, second = (at(guest.vm.pid, guest.address) for guest in guests)

    def paces() -> tuple[str, str]:
        return pace(throughput(second, first)), pace(throughput(first, second))

    port = f"/v2.0/ports/{guests[0].port_id}"
    assert paces() == (FREE, FREE)
    inward = limits(admin, policy, "ingress", LIMIT_KBPS)
    assert admin.ask("PUT", port, {"port": {"qos_policy_id": policy}}).status == 200
    assert cloud.comes_true(paces, (LIMITED, FREE), 30) == (LIMITED, FREE)
    limits(admin, policy, "egress", 2 * LIMIT_KBPS)
    assert cloud.comes_true(paces, (LIMITED, DOUBLE), 30) == (LIMITED, DOUBLE)
    with probes.ping_flow(guests[0].vm.pid, guests[1].address) as flow:
        before = inventory.take(tenants.lab, "compute1").links
        rig.stop(tenants.lab, "compute1", "agent")
        rig.start_agent(tenants.lab, "compute1")
        assert admin.ask("PUT", inward, {"bandwidth_limit_rule": {"max_kbps": 2 * LIMIT_KBPS}}).status == 200
        assert cloud.comes_true(lambda: pace(throughput(second, first, count=1_000_000)), DOUBLE, 30) == DOUBLE
        assert inventory.take(tenants.lab, "compute1").links == before
        report = flow.report()
    assert report.lost == ()
    assert admin.ask("PUT", port, {"port": {"qos_policy_id": None}}).status == 200
    assert cloud.comes_true(paces, (FREE, FREE), 30) == (FREE, FREE)
    assert "ifb" not in str(inventory.take(tenants.lab, "compute1").links)


def test_a_floating_ip_is_limited_as_its_policy_says(
    tenants: Cloud, admin: Api, guests: tuple[Guest, Guest], policy: str
) -> None:
    """From outside and to it, but not what passes beside it; without the policy nothing is left."""
    red = tenants.clients["red"]
    made = red.run("floating ip create --port", guests[0].port_id, cloud.PUBLIC)
    address = str(made["floating_ip_address"])
    beyond = nodes.node(tenants.lab, "outside")
    assert cloud.comes_true(lambda: probes.ping(beyond.pid, address, count=1).received, 1) == 1
    outside = at(beyond.pid, EXTERNAL_GATEWAY)
    first, second = (at(guest.vm.pid, guest.address) for guest in guests)
    path = f"/v2.0/floatingips/{made['id']}"

    def paces() -> tuple[str, str]:
        return pace(throughput(outside, first, to=address)), pace(throughput(first, outside))

    assert paces() == (FREE, FREE)
    limits(admin, policy, "ingress", LIMIT_KBPS)
    limits(admin, policy, "egress", 2 * LIMIT_KBPS)
    assert admin.ask("PUT", path, {"floatingip": {"qos_policy_id": policy}}).status == 200
    assert cloud.comes_true(paces, (LIMITED, DOUBLE), 30) == (LIMITED, DOUBLE)
    assert pace(throughput(second, first)) == FREE
    assert pace(throughput(second, outside)) == FREE
    assert admin.ask("PUT", path, {"floatingip": {"qos_policy_id": None}}).status == 200
    assert cloud.comes_true(paces, (FREE, FREE), 30) == (FREE, FREE)
    red.run("floating ip delete", made["id"])
