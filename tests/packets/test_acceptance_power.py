"""Hosts without a server: what an agent does that starts and finds none. Promises 5 and 6 of what Kaon is for."""

import os
from collections.abc import Iterator

import pytest

from kaon.lab import cloud, configs, inventory, nodes, probes, rig, vms
from kaon.lab.cloud import Cloud, Guest
from kaon.lab.topology import EXTERNAL_GATEWAY, Lab

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

AGENTS = ("compute1", "compute2", "network1")
OFFLINE_AFTER_S = 2


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab whose agents soon stop waiting for a server."""
    extras = configs.Extras(agent={"agent": {"offline_after": OFFLINE_AFTER_S}})
    with rig.running(f"t{os.getpid()}-power", extras=extras) as made:
        yield made


@pytest.fixture(scope="module")
def guests(tenants: Cloud) -> tuple[Guest, Guest]:
    """Two VMs of a network on two hosts, with a router to the outside; ICMP allowed."""
    red = tenants.clients["red"]
    network = cloud.make_network(tenants, "red", "red-a", "10.0.0.0/24")
    red.run("router create red-router")
    red.run("router add subnet red-router", network.subnet_id)
    red.run("router set --external-gateway", cloud.PUBLIC, "red-router")
    red.run("security group rule create --ingress --protocol icmp default")
    first = cloud.launch(tenants, network, "compute1", "red-1")
    second = cloud.launch(tenants, network, "compute2", "red-2")
    assert reaches(first.vm.pid, second.address)
    assert reaches(first.vm.pid, EXTERNAL_GATEWAY)
    return first, second


def reaches(pid: int, address: str) -> bool:
    """Whether an echo comes back, within a while."""
    return cloud.comes_true(lambda: probes.ping(pid, address, count=1).received, 1, 30.0) == 1


def starts(lab: Lab, host: str) -> None:
    """Start an agent, and see in its log that it has."""
    log = rig.log_of(lab, host, "agent")
    before = log.read_text().count("started")
    rig.start_agent(lab, host)
    rig.wait_for(f"the agent of {host} has started", lambda: log.read_text().count("started") > before)


def plug_again(lab: Lab, guest: Guest) -> vms.Vm:
    """Boot a VM anew after its host's reboot, as Nova does, and start its DHCP client."""
    vm = vms.plug(lab, guest.vm.host, guest.name, vms.Port(guest.port_id, guest.vm.mac_address, guest.network.mtu))
    vms.ask_lease(lab, vm)
    return vm


def server_back(tenants: Cloud) -> None:
    """Start the server, and wait until it knows every agent."""
    rig.start_server(tenants.lab)
    rig.wait_answering(tenants.lab)
    cloud.wait_agents(tenants)


def test_an_agent_that_finds_no_server_leaves_its_host_as_it_is(tenants: Cloud, guests: tuple[Guest, Guest]) -> None:
    """Server and agents killed, agents started again: they wait in vain, nothing changes, no packet is lost."""
    first, second = guests
    vm = vms.vm_named(tenants.lab, first.name)  # another test may have cut its host's power
    rig.stop(tenants.lab, "controller", "server")
    before = {host: inventory.take(tenants.lab, host) for host in AGENTS}
    try:
        with probes.ping_flow(vm.pid, second.address) as across, probes.ping_flow(vm.pid, EXTERNAL_GATEWAY) as out:
            for host in AGENTS:
                rig.stop(tenants.lab, host, "agent")
                starts(tenants.lab, host)
            assert probes.ping(second.vm.pid, first.address, count=25, interval_s=OFFLINE_AFTER_S / 10).lost == ()
            assert (across.report().lost, out.report().lost) == ((), ())
        for host in AGENTS:
            assert (host, before[host]) == (host, inventory.take(tenants.lab, host))
    finally:
        server_back(tenants)


def test_after_a_power_cut_hosts_serve_from_what_they_saved(tenants: Cloud, guests: tuple[Guest, Guest]) -> None:
    """Two hosts lose power with the server down: from what they saved, VMs get leases, each other and the outside.

    The server's return is not felt, and finds the ports as they were.
    """
    lab, (first, second) = tenants.lab, guests
    ports = [guest.port_id.encode() for guest in guests]
    for host in ("network1", "compute1"):  # a picture is saved a moment after it was complete
        picture = lab.disk(host) / "kaon" / "agent" / "picture"
        rig.wait_for("both VMs are in the saved picture", lambda at=picture: all(port in at.read_bytes() for port in ports))
    rig.stop(lab, "controller", "server")
    try:
        for host in ("network1", "compute1"):
            assert nodes.power_cut(lab, host)
        for host in ("network1", "compute1"):
            rig.power_on(lab, host)
        assert inventory.take(lab, "compute1").link(first.vm.tap) is None
        vm = plug_again(lab, first)
        rig.wait_for("a lease from the saved state", lambda: vms.address(vm) == first.address)
        assert reaches(vm.pid, second.address)
        assert reaches(second.vm.pid, first.address)
        assert reaches(vm.pid, EXTERNAL_GATEWAY)
        work = [line for line in rig.log_of(lab, "compute1", "agent").read_text().splitlines() if "worked" in line]
        assert "stale" in work[-1]
        assert "stale=False" not in work[-1]
        flow = probes.ping_flow(vm.pid, second.address)
        with flow, probes.ping_flow(vm.pid, EXTERNAL_GATEWAY) as out:
            before = inventory.take(lab, "compute1")
            server_back(tenants)
            rig.wait_for("the port is ACTIVE", lambda: cloud.port_status(tenants, "red", first.port_id) == "ACTIVE")
            assert (flow.report().lost, out.report().lost) == ((), ())
        assert {link.name: link.index for link in before.links} == {
            link.name: link.index for link in inventory.take(lab, "compute1").links
        }
    finally:
        if nodes.daemon(lab, "controller", "server") is None:
            server_back(tenants)
