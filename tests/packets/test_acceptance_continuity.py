"""What goes on while parts are dead: packets, leases, changes. Points 3 and 4 of what shows that first light is done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from inventories import AGENTS, altered, at_rest, looks, missing, settles
from kaon.lab import cloud, inventory, nodes, probes, rig, vms
from kaon.lab.cloud import Cloud, Guest, Network
from kaon.lab.inventory import Inventory

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Served:
    """Two VMs on two hosts, one of them with a floating IP that answers pings."""

    network: Network
    first: Guest
    second: Guest
    floating_ip: str


@pytest.fixture(scope="module")
def served(tenants: Cloud) -> Served:
    """red-1 on compute1 with a floating IP, red-2 on compute2; ICMP and TCP 80 allowed to the group."""
    red = tenants.clients["red"]
    network = cloud.make_network(tenants, "red", "red-a", "10.0.0.0/24")
    red.run("router create red-router")
    red.run("router add subnet red-router", network.subnet_id)
    red.run("router set --external-gateway", cloud.PUBLIC, "red-router")
    red.run("security group rule create --ingress --protocol icmp default")
    first = cloud.launch(tenants, network, "compute1", "red-1")
    second = cloud.launch(tenants, network, "compute2", "red-2")
    address = str(red.run("floating ip create --port", first.port_id, cloud.PUBLIC)["floating_ip_address"])
    outside = nodes.node(tenants.lab, "outside").pid
    assert cloud.comes_true(lambda: probes.ping(outside, address, count=1).received, 1) == 1
    assert cloud.comes_true(lambda: probes.ping(first.vm.pid, second.address, count=1).received, 1) == 1
    return Served(network, first, second, address)


def wire_one(tenants: Cloud, network: Network, host: str) -> None:
    """Create a VM on a host, see it ACTIVE and leased, remove it: the agent there is in sync and works.

    Its address is the lowest free one, which others have leased before and not given back.
    """
    cloud.remove(tenants, cloud.launch(tenants, network, host, f"proof-{host}"))


def dnsmasqs(found: Inventory) -> set[int]:
    """Process ids, in the host."""
    return {pid for pid, line in found.daemons if "dnsmasq" in line}


@pytest.fixture(scope="module")
def steady(tenants: Cloud, served: Served) -> dict[str, Inventory]:
    """Every host as it is when only what is served is there; every test ends so."""
    assert served.floating_ip
    return at_rest(tenants.lab)


@pytest.fixture
def undisturbed(tenants: Cloud, served: Served, steady: dict[str, Inventory]) -> Iterator[None]:
    """Pings every 10 ms across hosts and by the floating IP meanwhile: none lost.

    What there was is there when the test ends, and soon nothing else: the same devices (one made anew has another index),
    filters, forwarding, neighbours, files, and dnsmasq by its process id.
    """
    settles(tenants.lab, steady, "every host is as at first")
    outside = nodes.node(tenants.lab, "outside").pid
    across = probes.ping_flow(served.first.vm.pid, served.second.address)
    with across, probes.ping_flow(outside, served.floating_ip) as through:
        yield
        reports = {"across hosts": across.report(), "floating IP": through.report()}
    for name, report in reports.items():
        assert (name, ()) == (name, report.lost)
        assert report.sent > 100
    after = looks(tenants.lab)
    assert {host: {} for host in AGENTS} == {host: missing(steady[host], after[host]) for host in AGENTS}
    assert dnsmasqs(steady["network1"]) != set()
    settles(tenants.lab, steady, "every host is as before")


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("host", AGENTS)
def test_the_death_of_an_agent_is_not_felt(tenants: Cloud, served: Served, host: str) -> None:
    """Kill -9 and restart of a host's agent: no packet lost, no port rewired, dnsmasq the same; and it works again."""
    rig.stop(tenants.lab, host, "agent")
    assert probes.ping(served.first.vm.pid, served.second.address, count=50, interval_s=0.01).lost == ()
    rig.start_agent(tenants.lab, host)
    wire_one(tenants, served.network, host)


@pytest.mark.usefixtures("undisturbed")
def test_the_death_of_the_server_is_not_felt(tenants: Cloud, served: Served) -> None:
    """Kill -9 and restart of the server: no packet lost, no port rewired, dnsmasq the same; and every host is served again."""
    rig.stop(tenants.lab, "controller", "server")
    assert probes.ping(served.first.vm.pid, served.second.address, count=50, interval_s=0.01).lost == ()
    rig.start_server(tenants.lab)
    rig.wait_answering(tenants.lab)
    for host in AGENTS:
        wire_one(tenants, served.network, host)


def renews(guest: Guest, tenants: Cloud) -> Callable[[], bool]:
    """Ask for a renewal now; what is given tells whether it has been answered with the same address."""
    had = len(vms.lease_events(guest.vm))
    vms.renew_lease(tenants.lab, guest.vm)
    return lambda: [(event.event, event.address) for event in vms.lease_events(guest.vm)[had:]] == [("renew", guest.address)]


def test_a_lease_is_renewed_while_the_server_is_down(tenants: Cloud, served: Served) -> None:
    """With the server dead, a VM that renews gets its address again; with the network node's agent dead too."""
    rig.stop(tenants.lab, "controller", "server")
    try:
        rig.wait_for("a renewal without a server", renews(served.first, tenants))
        rig.stop(tenants.lab, "network1", "agent")
        rig.wait_for("a renewal without server and agent", renews(served.second, tenants))
    finally:
        rig.start_server(tenants.lab)
        rig.wait_answering(tenants.lab)
        rig.start_agent(tenants.lab, "network1")
    wire_one(tenants, served.network, "network1")


@pytest.mark.usefixtures("undisturbed")
def test_changes_made_while_an_agent_is_down_are_applied_when_it_is_back(
    tenants: Cloud, served: Served, steady: dict[str, Inventory]
) -> None:
    """A port made, a port deleted and a rule added meanwhile: all done once the agent is back, and nothing else is touched."""
    red = tenants.clients["red"]
    leaving = cloud.launch(tenants, served.network, "compute2", "leaving")
    red.run("security group create late")
    asker = cloud.launch(tenants, served.network, "compute1", "asker", "--security-group", "late")

    def reached(number: int) -> str:
        return cloud.who_answers(asker.vm.pid, served.second.address, number)

    assert reached(22) == ""
    rig.stop(tenants.lab, "compute2", "agent")
    port = cloud.make_port(tenants, served.network, "coming")
    tenants.admin.run("port set --host compute2", port["id"])
    vm = vms.plug(tenants.lab, "compute2", "coming", vms.Port(str(port["id"]), str(port["mac_address"]), served.network.mtu))
    cloud.remove(tenants, leaving)
    rule = red.run("security group rule create --ingress --protocol tcp --dst-port 22 --remote-group late default")
    assert cloud.port_status(tenants, "red", str(port["id"])) == "DOWN"
    assert reached(22) == ""
    rig.start_agent(tenants.lab, "compute2")
    rig.wait_for("the port is ACTIVE", lambda: cloud.port_status(tenants, "red", str(port["id"])) == "ACTIVE")
    cloud.get_lease(tenants, vm, cloud.address_of(port))
    vms.serve(tenants.lab, vm, 80)
    assert cloud.comes_true(lambda: cloud.who_answers(served.first.vm.pid, cloud.address_of(port)), "coming") == "coming"
    assert cloud.comes_true(lambda: reached(22), served.second.name) == served.second.name
    assert reached(80) == ""
    left = inventory.take(tenants.lab, "compute2")
    assert missing(steady["compute2"], left) == {}
    group = rule["security_group_id"]
    lists = {"map port", "map spoof", "map ingress", "map egress"}  # of ports: one more
    assert altered(steady["compute2"], left) == lists | {f"chain allow_in_{group}", f"set grp_{group}_v4"}
    assert leaving.vm.mac_address not in str(left.forwarding)
    assert leaving.port_id[:11] not in left.rules_in()
    red.run("security group rule delete", rule["id"])
    assert cloud.comes_true(lambda: reached(22), "") == ""
    cloud.remove(tenants, asker)
    red.run("security group delete late")
    vms.unplug(tenants.lab, vm)
    red.run("port delete", port["id"])
