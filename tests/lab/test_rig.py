"""The emulated hosts, wires, VMs, DHCP clients and probes behave as the tests that use them believe."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kaon.lab import frames, nodes, probes, processes, vms
from kaon.lab.processes import LabError
from kaon.lab.topology import ECHO_PORT, INTERNET, Lab, classic

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("lab")]

MAC_A, MAC_B = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b"
PORT_A = vms.Port("aaaaaaaa-0000-4000-8000-000000000001", MAC_A)
PORT_B = vms.Port("bbbbbbbb-0000-4000-8000-000000000002", MAC_B)


def _bridge(pid: int, *taps: str) -> None:
    nodes.ip_batch(pid, ["link add br0 type bridge", "link set br0 up", *(f"link set {tap} master br0" for tap in taps)])


def _await(what: str, holds: object, limit_s: float = 20.0) -> None:
    assert callable(holds)
    until = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < until, f"not within {limit_s:g} s: {what}"
        time.sleep(0.02)  # between two looks at a state


def test_hosts_reach_each_other_over_the_underlay_in_full_size(lab: Lab) -> None:
    """Every pair of hosts exchanges pings over IPv4 and IPv6."""
    for here in classic():
        for there in classic():
            if here != there:
                pid = nodes.node(lab, here.name).pid
                assert probes.ping(pid, there.tunnel_ip, count=2, interval_s=0.05).lost == ()
                assert probes.ping(pid, there.tunnel_ip_v6, count=2, interval_s=0.05).lost == ()


def test_a_host_has_its_own_names_processes_run_and_disk(lab: Lab) -> None:
    """What a host sees is its own: name, process list, /run, /var/lib, devices."""
    host = nodes.node(lab, "compute1")
    assert nodes.run_inside(host.pid, ["hostname"]).stdout == "compute1\n"
    assert nodes.run_inside(host.pid, ["cat", "/proc/1/cmdline"]).stdout.startswith(lab.title("compute1"))
    run = nodes.run_inside(host.pid, ["ls", "/run"]).stdout.split()
    assert {"lock", "netns"} <= set(run)
    assert "kaon-lab" not in run
    assert sorted(nodes.run_inside(host.pid, ["ls", "/var/lib"]).stdout.split()) == ["kaon", "misc"]
    assert sorted(nodes.run_inside(host.pid, ["ls", "/sys/class/net"]).stdout.split()) == ["eth0", "lo"]


def test_two_hosts_may_have_network_namespaces_of_the_same_name(lab: Lab) -> None:
    """A namespace made in one host is seen neither in another nor on the machine."""
    name = f"same-{os.getpid()}"
    for host in ("compute1", "compute2"):
        nodes.run_inside(nodes.node(lab, host).pid, ["ip", "netns", "add", name])
    assert not Path("/run/netns", name).exists()
    nodes.run_inside(nodes.node(lab, "compute1").pid, ["ip", "netns", "del", name])
    assert name in nodes.run_inside(nodes.node(lab, "compute2").pid, ["ip", "netns", "list"]).stdout
    nodes.run_inside(nodes.node(lab, "compute2").pid, ["ip", "netns", "del", name])


def test_a_lab_has_no_way_out(lab: Lab) -> None:
    """No host has a default route, and the machine has no link to the lab."""
    for spec in classic():
        routes = nodes.run_inside(nodes.node(lab, spec.name).pid, ["ip", "route", "show", "default"]).stdout
        assert routes == ""
    mine = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert "link-netnsid" not in mine or "eth0@" in mine


def test_a_vm_gets_a_lease_renews_it_and_leaves_the_machines_files_alone(lab: Lab) -> None:
    """A VM takes address, routes and resolver from a DHCP server, in the VM's own mounts; SIGUSR1 renews."""
    before = Path("/etc/resolv.conf").read_bytes()
    host = nodes.node(lab, "compute1")
    vm = vms.plug(lab, "compute1", "leaser", PORT_A)
    try:
        _bridge(host.pid, vm.tap)
        nodes.ip_batch(host.pid, ["addr add 10.0.0.1/24 dev br0"])
        served = [
            "--dhcp-range=10.0.0.10,static",
            f"--dhcp-host={MAC_A},10.0.0.17",
            "--dhcp-option=121,10.9.0.0/16,10.0.0.1,0.0.0.0/0,10.0.0.1",
        ]
        nodes.start_daemon(
            lab,
            "compute1",
            "dnsmasq",
            ["dnsmasq", "-k", "-p0", "-C/dev/null", "-ibr0", "--bind-dynamic", "--dhcp-option=6,10.0.0.53", *served],
        )
        vms.ask_lease(lab, vm)
        _await("a lease", lambda: vms.address(vm) == "10.0.0.17")
        assert "10.9.0.0/16 via 10.0.0.1" in nodes.run_inside(vm.pid, ["ip", "route"]).stdout
        assert nodes.run_inside(vm.pid, ["cat", "/etc/resolv.conf"]).stdout == "nameserver 10.0.0.53\n"
        vms.renew_lease(lab, vm)
        _await("a renewal", lambda: vms.lease_events(vm)[-1].event == "renew")
        assert probes.ping(vm.pid, "10.0.0.1").lost == ()
        assert Path("/etc/resolv.conf").read_bytes() == before
    finally:
        dnsmasq = nodes.daemon(lab, "compute1", "dnsmasq")
        if dnsmasq is not None:
            processes.end(dnsmasq)
        vms.unplug(lab, vm)
        nodes.ip_batch(host.pid, ["link del br0"])


def test_probes_count_exactly_and_see_what_lies(lab: Lab) -> None:
    """Lost pings are named one by one; TCP is judged by the responder's greeting; raw frames are counted where they pass."""
    host = nodes.node(lab, "compute2")
    a, b = vms.plug(lab, "compute2", "a", PORT_A), vms.plug(lab, "compute2", "b", PORT_B)
    try:
        _bridge(host.pid, a.tap, b.tap)
        nodes.ip_batch(a.pid, ["addr add 10.0.0.1/24 dev eth0"])
        nodes.ip_batch(b.pid, ["addr add 10.0.0.2/24 dev eth0"])
        with probes.ping_flow(a.pid, "10.0.0.2") as flow:
            nodes.ip_batch(host.pid, [f"link set {b.tap} nomaster"])
            time.sleep(0.3)  # the outage itself
            nodes.ip_batch(host.pid, [f"link set {b.tap} master br0"])
            assert probes.ping(a.pid, "10.0.0.2").lost == ()
            report = flow.report()
        assert 15 <= len(report.lost) <= 60
        assert report.sent == report.received + len(report.lost)
        assert report.lost == tuple(range(report.lost[0], report.lost[0] + len(report.lost)))

        assert not probes.connect(a.pid, "10.0.0.2", 80).connected
        vms.serve(lab, b, 80)
        assert probes.connect(a.pid, "10.0.0.2", 80) == probes.ConnectReport(
            connected=True, who="b", seen_as="10.0.0.1", error=""
        )
        with probes.tcp_flow(a.pid, "10.0.0.2", 80, interval_s=0.02) as talk:
            assert [talk.wait_word(), talk.wait_word()] == ["2", "3"]
            answer = talk.report()
        assert answer.error == ""
        assert answer.echoed == answer.sent

        macs, ips = frames.Ends(MAC_A, MAC_B), frames.Ends("10.0.0.99", "10.0.0.2")
        lie = frames.udp(macs=macs, ips=ips, port=9, payload=b"a-lie")
        with probes.count_frames(b.pid, b"a-lie") as count:
            assert probes.send_frames(a.pid, [lie], count=7) == 7
            assert count.report() == 7
    finally:
        vms.unplug(lab, a)
        vms.unplug(lab, b)
        nodes.ip_batch(host.pid, ["link del br0"])


def test_the_outside_answers_and_says_who_asked(lab: Lab) -> None:
    """A node on the external segment reaches the internet behind the gateway, and is told the address it is seen by."""
    pid = nodes.node(lab, "network1").pid
    nodes.ip_batch(pid, ["addr add 203.0.113.9/24 dev eth1", f"route add {INTERNET} via 203.0.113.1"])
    try:
        nodes.start_responder(lab, "outside", ECHO_PORT)
        assert probes.ping(pid, INTERNET).lost == ()
        assert probes.connect(pid, INTERNET, ECHO_PORT).seen_as == "203.0.113.9"
    finally:
        nodes.ip_batch(pid, ["addr flush dev eth1"])


def test_the_forwarder_carries_from_loopback_to_a_hosts_loopback(lab: Lab) -> None:
    """A connection to the forwarder's port on the machine reaches a server on 127.0.0.1 in the host; no link joins them."""
    nodes.start_responder(lab, "controller", 9696)
    port = nodes.start_forwarder(lab, "controller", 9696)
    outcome = subprocess.run(
        nodes.program("tcp", "connect", "127.0.0.1", str(port), "5"), capture_output=True, text=True, check=True
    )
    assert '"connected": true' in outcome.stdout
    assert '"seen_as": "127.0.0.1"' in outcome.stdout


def test_a_power_cut_takes_all_but_the_disk_and_the_host_can_be_switched_on_again(lab: Lab) -> None:
    """After a power cut nothing of the host lives, VMs included; switched on, it finds its disk and is on the underlay."""
    spec = classic()[1]
    host = nodes.node(lab, spec.name)
    vm = vms.plug(lab, spec.name, "victim", PORT_A)
    nodes.run_inside(host.pid, ["sh", "-c", "echo kept >/var/lib/kaon/note; echo gone >/run/note"])
    assert nodes.power_cut(lab, spec.name)
    assert processes.started_at(vm.pid) is None
    with pytest.raises(LabError):
        nodes.node(lab, spec.name)
    again = nodes.start_host(lab, spec)
    vms.unplug(lab, vm)
    assert nodes.run_inside(again.pid, ["cat", "/var/lib/kaon/note"]).stdout == "kept\n"
    assert nodes.run_inside(again.pid, ["ls", "/run/note"], check=False).returncode != 0
    assert probes.ping(again.pid, classic()[2].tunnel_ip).lost == ()


def test_a_recorded_pid_that_is_used_again_is_left_alone() -> None:
    """A record whose start time or title does not fit is nobody's, and is not signalled."""
    with subprocess.Popen(["sleep", "60"]) as bystander:
        started = processes.started_at(bystander.pid)
        assert started is not None
        _await("its command line", lambda: processes.is_alive(processes.Process(bystander.pid, started, "sleep 60")))
        assert not processes.end(processes.Process(bystander.pid, started + 1, "sleep"))
        assert not processes.end(processes.Process(bystander.pid, started, "kaon-lab:"))
        assert bystander.poll() is None
        assert processes.end(processes.Process(bystander.pid, started, "sleep 60"), signal.SIGTERM)


def test_nothing_is_left_when_a_lab_is_removed() -> None:
    """After `remove` there is no process and no file of the lab; a second time it does nothing."""
    made = Lab(f"t{os.getpid()}-gone")
    nodes.start_wires(made)
    nodes.start_host(made, classic()[0])
    pid = nodes.node(made, "controller").pid
    assert sorted(nodes.remove(made)) == ["controller", "underlay"]
    assert processes.started_at(pid) is None
    assert not made.directory.exists()
    assert nodes.remove(made) == []
