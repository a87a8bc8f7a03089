"""IPv6 by router advertisements: VMs form or lease their addresses, hear of their router and name servers, and pass it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from inventories import at_rest, missing
from kaon.host.compile.prefixes import link_local
from kaon.lab import cloud, inventory, nodes, probes, rig
from kaon.lab.cloud import Cloud, Network, comes_true
from kaon.lab.inventory import Inventory
from kaon.lab.vms import Vm

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

MODES = {"ra-slaac": "slaac", "ra-stateless": "dhcpv6-stateless", "ra-stateful": "dhcpv6-stateful"}
PREFIXES = {name: f"fd00:{number}::/64" for number, name in enumerate(MODES, 1)}
SERVER = "fd00:53::53"
SOON_S = 10.0
"""A change is heard of within this: a second at most when the machine has nothing else to do."""


@dataclass(frozen=True)
class Six:
    """A VM with a port of its own, on a network of its own.

    address  that the API shows
    """

    vm: Vm
    network: Network
    port: dict[str, Any]
    address: str


@pytest.fixture(scope="module")
def six(tenants: Cloud) -> dict[str, Six]:
    """A network for each mode, all behind one router, a VM on each. The first two are on compute1, the last on compute2."""
    red = tenants.clients["red"]
    red.run("router create ra-router")
    red.run("security group rule create --ingress --ethertype IPv6 --protocol ipv6-icmp default")
    made = {}
    for name, mode in MODES.items():
        modes = f"--ip-version 6 --ipv6-ra-mode {mode} --ipv6-address-mode {mode} --dns-nameserver {SERVER}"
        network = cloud.make_network(tenants, "red", name, PREFIXES[name], *modes.split())
        red.run("router add subnet ra-router", network.subnet_id)
        port = cloud.make_port(tenants, network, name)
        vm, _ = cloud.plug_port(tenants, network, port, "compute2" if mode == "dhcpv6-stateful" else "compute1", name)
        made[name] = Six(vm, network, port, cloud.address_of(port))
    return made


@pytest.fixture(scope="module")
def leased(six: dict[str, Six]) -> Six:
    """Let the VM with a lease take it, as its DHCP client's script would."""
    found = six["ra-stateful"]
    rig.wait_for("a lease by DHCPv6", lambda: f"new_ip6_address={found.address}" in ask_v6(found.vm), 20.0)
    nodes.run_inside(found.vm.pid, ["ip", "-6", "addr", "replace", f"{found.address}/128", "dev", "eth0", "nodad"])
    return found


def ask_v6(vm: Vm, *words: str) -> str:
    """Run a DHCPv6 client without a past to its end, and give what it learnt: what it would tell its script."""
    learn = "printf '#!/bin/sh\\nenv >>/run/six.learnt\\n' >/run/six.script; chmod 755 /run/six.script"
    files = ["-lf", "/run/six.leases", "-pf", "/run/six.pid", "-sf", "/run/six.script"]
    client = f"timeout 60 dhclient -6 -1 {' '.join((*words, *files))} eth0"
    command = f"rm -f /run/six.*; {learn}; {client}; cat /run/six.learnt; kill -9 $(cat /run/six.pid)"
    return nodes.run_inside(vm.pid, ["sh", "-c", command], check=False).stdout


def addresses(vm: Vm) -> dict[str, int]:
    """Map each global IPv6 address that the VM has formed to how long it is preferred, in seconds."""
    rows = json.loads(nodes.run_inside(vm.pid, ["ip", "-6", "-j", "addr", "show", "dev", "eth0", "scope", "global"]).stdout)
    found = (one for row in rows for one in row.get("addr_info", []) if "local" in one and "tentative" not in one)
    return {one["local"]: one["preferred_life_time"] for one in found}


def gateways(vm: Vm) -> list[str]:
    """List the VM's default routers."""
    rows = json.loads(nodes.run_inside(vm.pid, ["ip", "-6", "-j", "route", "show", "default"]).stdout or "[]")
    return [row["gateway"] for row in rows]


def heard(vm: Vm) -> str:
    """Ask for routers, as at boot, and give what one answered, in tcpdump's words."""
    again = "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1; sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0"
    dump = "timeout 10 tcpdump -l -n -v -c 1 -i eth0 'icmp6 and ip6[40]==134' 2>/run/dumping"
    ready = "until grep -q listening /run/dumping 2>/dev/null; do sleep 0.02; done"
    script = f"rm -f /run/dumping; {dump} & {ready}; {again}; wait"
    return nodes.run_inside(vm.pid, ["sh", "-c", script]).stdout


def leg(found: Six, cloud_of: Cloud) -> str:
    """Give the link-local address of the router's leg on the VM's network."""
    rows = cloud_of.clients["red"].run(f"port list --network {found.network.id} --device-owner network:router_interface --long")
    return link_local(rows[0]["MAC Address"])


def radvds(tenants: Cloud) -> set[int]:
    """Process ids on the network node: the one that speaks and the one that kept its rights."""
    return {pid for pid, line in inventory.take(tenants.lab, "network1").daemons if "radvd" in line}


def test_a_vm_forms_the_address_that_the_api_shows(tenants: Cloud, six: dict[str, Six]) -> None:
    """With slaac and with dhcpv6-stateless; its default router is the leg, and it passes it."""
    for name in ("ra-slaac", "ra-stateless"):
        found = six[name]
        assert comes_true(lambda vm=found.vm: list(addresses(vm)), [found.address]) == [found.address]
        assert gateways(found.vm) == [leg(found, tenants)]
    assert comes_true(lambda: probes.ping(six["ra-slaac"].vm.pid, six["ra-stateless"].address, count=1).received, 1) == 1


def test_with_a_lease_the_advertisement_gives_the_route(tenants: Cloud, six: dict[str, Six], leased: Six) -> None:
    """dhcpv6-stateful: no address but the leased one, the default route by the leg, and it passes it."""
    assert list(addresses(leased.vm)) == [leased.address]
    assert gateways(leased.vm) == [leg(leased, tenants)]
    assert comes_true(lambda: probes.ping(leased.vm.pid, six["ra-slaac"].address, count=1).received, 1) == 1


@pytest.mark.parametrize(
    ("name", "flags"), [("ra-slaac", "none"), ("ra-stateless", "other stateful"), ("ra-stateful", "managed")]
)
def test_the_advertisement_says_what_the_mode_means(six: dict[str, Six], name: str, flags: str) -> None:
    """Flags, prefix, MTU, name server and domain; who asks has an answer at once. Then all is as it was."""
    found = six[name]
    text = heard(found.vm)
    assert f"Flags [{flags}]" in text
    prefix = "onlink" if name == "ra-stateful" else "onlink, auto"
    assert f"{PREFIXES[name]}, Flags [{prefix}]" in text
    assert f"mtu option (5), length 8 (1):  {found.network.mtu}" in text
    assert SERVER in text
    assert "openstacklocal" in text
    if name == "ra-stateful":
        nodes.run_inside(found.vm.pid, ["ip", "-6", "addr", "replace", f"{found.address}/128", "dev", "eth0", "nodad"])
    assert comes_true(lambda: list(addresses(found.vm)), [found.address]) == [found.address]


def test_a_stateless_vm_gets_its_name_server_by_dhcp(six: dict[str, Six]) -> None:
    """Options, and no address."""
    lease = ask_v6(six["ra-stateless"].vm, "-S")
    assert f"new_dhcp6_name_servers={SERVER}" in lease
    assert "new_ip6_address" not in lease


@pytest.fixture
def undisturbed(tenants: Cloud, six: dict[str, Six], leased: Six) -> Iterator[dict[str, Inventory]]:
    """Pings every 10 ms across the router meanwhile: none lost; and radvd is the same process."""
    before = at_rest(tenants.lab)
    running = radvds(tenants)
    source = six["ra-slaac"].vm.pid  # the leg before it may be new: neighbours find each other first
    rig.wait_for("the way across the router", lambda: probes.ping(source, leased.address, count=1).received == 1, 60.0)
    with probes.ping_flow(six["ra-slaac"].vm.pid, leased.address) as flow:
        yield before
        report = flow.report()
    assert report.lost == ()
    assert len(running) == 2  # radvd and the part of it that kept its rights
    assert radvds(tenants) == running


def test_the_death_of_the_agent_is_not_felt(tenants: Cloud, six: dict[str, Six], undisturbed: dict[str, Inventory]) -> None:
    """Kill -9 and restart of the router's agent: radvd is adopted; and what changes then is advertised."""
    rig.stop(tenants.lab, "network1", "agent")
    rig.start_agent(tenants.lab, "network1")
    red = tenants.clients["red"]
    for server in ("fd00:53::54", SERVER):
        red.run(f"subnet set --no-dns-nameservers --dns-nameserver {server} {six['ra-stateless'].network.subnet_id}")
        rig.wait_for(f"the name server {server}", lambda server=server: server in heard(six["ra-stateless"].vm), 60.0)
    assert missing(undisturbed["network1"], inventory.take(tenants.lab, "network1")) == {}


@pytest.mark.usefixtures("undisturbed")
def test_a_further_subnet_is_advertised_and_taken_back(tenants: Cloud, six: dict[str, Six]) -> None:
    """Several prefixes on one leg: the VM forms an address in the new one; when that goes its address is deprecated at once."""
    found, red = six["ra-slaac"], tenants.clients["red"]
    modes = "--ip-version 6 --ipv6-ra-mode slaac --ipv6-address-mode slaac"
    subnet = red.run(f"subnet create --network {found.network.id} --subnet-range fd00:9::/64 {modes} ra-further")
    red.run("router add subnet ra-router", subnet["id"])
    formed = "fd00:9::" + found.address.removeprefix("fd00:1::")
    assert comes_true(lambda: set(addresses(found.vm)), {found.address, formed}, SOON_S) == {found.address, formed}
    red.run("router remove subnet ra-router", subnet["id"])
    assert comes_true(lambda: addresses(found.vm).get(formed), 0, SOON_S) == 0
    assert addresses(found.vm)[found.address] > 0
    assert gateways(found.vm) == [leg(found, tenants)]
    red.run("subnet delete", subnet["id"])
    nodes.run_inside(found.vm.pid, ["ip", "-6", "addr", "del", f"{formed}/64", "dev", "eth0"])


def test_a_leg_that_goes_is_no_router_any_more(tenants: Cloud, six: dict[str, Six]) -> None:
    """The VM's default route goes with the leg and comes with the next one."""
    found, red = six["ra-slaac"], tenants.clients["red"]
    assert gateways(found.vm) == [leg(found, tenants)]
    red.run("router remove subnet ra-router", found.network.subnet_id)
    assert comes_true(lambda: gateways(found.vm), [], SOON_S) == []
    red.run("router add subnet ra-router", found.network.subnet_id)
    expected = [leg(found, tenants)]
    assert comes_true(lambda: gateways(found.vm), expected, SOON_S) == expected
    rig.wait_for("the address is preferred again", lambda: addresses(found.vm).get(found.address, 0) > 0, 60.0)
    assert comes_true(lambda: probes.ping(found.vm.pid, six["ra-stateless"].address, count=1).received, 1) == 1


def test_a_dead_radvd_is_started_again(tenants: Cloud, six: dict[str, Six]) -> None:
    """Killed, it is missed and started anew; the VMs keep their router meanwhile."""
    before = radvds(tenants)
    node = nodes.node(tenants.lab, "network1").pid
    nodes.run_inside(node, ["kill", "-9", *(str(pid) for pid in before)], check=False)
    assert comes_true(lambda: len(radvds(tenants) - before), 2) == 2
    assert gateways(six["ra-slaac"].vm) == [leg(six["ra-slaac"], tenants)]
    assert "Flags [none]" in heard(six["ra-slaac"].vm)


@pytest.mark.usefixtures("six")
def test_with_its_last_leg_goes_radvd(tenants: Cloud) -> None:
    """Without legs there is nothing to advertise: no process and no file of the router is left."""
    red, before = tenants.clients["red"], radvds(tenants)
    network = cloud.make_network(tenants, "red", "ra-alone", "fd00:8::/64", "--ip-version 6 --ipv6-ra-mode slaac")
    router = red.run("router create ra-alone")["id"]
    red.run("router add subnet ra-alone", network.subnet_id)
    assert comes_true(lambda: len(radvds(tenants) - before), 2) == 2
    red.run("router remove subnet ra-alone", network.subnet_id)
    assert comes_true(lambda: radvds(tenants), before) == before
    assert not [file for file in inventory.take(tenants.lab, "network1").files if router in file and "/ra/" in file]
    red.run("router delete ra-alone")
    red.run("network delete", network.id)
