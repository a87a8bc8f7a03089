"""VMs: namespaces inside a compute host, plugged as Nova would plug them, with a real DHCP client (busybox udhcpc).

A VM sees its own /run and its own resolv.conf; nothing it does reaches the files of the machine.
"""

import json
import shutil
import signal
from dataclasses import asdict, dataclass
from importlib import resources

from kaon.lab import processes
from kaon.lab.nodes import Kind, argv_inside, await_listening, ip_batch, node, program, run_inside, start_node
from kaon.lab.processes import LabError, Process
from kaon.lab.topology import Lab

_EVENTS = "/run/dhcp.events"


@dataclass(frozen=True)
class Port:
    """What a VM must know of its port. mtu: bytes, of the port's network."""

    id: str
    mac_address: str
    mtu: int = 1500


@dataclass(frozen=True)
class Vm:
    """One VM as recorded.

    mtu  bytes, of the network it is on
    pid  of its first process, as the machine sees it
    """

    name: str
    host: str
    port_id: str
    mac_address: str
    mtu: int
    pid: int

    @property
    def tap(self) -> str:
        """The device on its host."""
        return tap_name(self.port_id)


@dataclass(frozen=True)
class LeaseEvent:
    """What the DHCP client was told. Times in seconds, uptime since boot of the machine; addresses as text, "-" when absent."""

    event: str
    uptime_s: float
    address: str
    prefix_length: str
    router: str
    lease_s: str
    server: str


def tap_name(port_id: str) -> str:
    """Neutron's name of a port's device, which Nova creates."""
    return f"tap{port_id[:11]}"


def boot(lab: Lab, host: str, name: str) -> Process:
    """Start a VM without an interface; the running one when it runs already."""
    return start_node(lab, f"{host}/{name}", lab.directory / "vms" / name, Kind(inside=node(lab, host).pid, resolver=True))


def plug(lab: Lab, host: str, name: str, port: Port) -> Vm:
    """Give a VM on a host its one interface, booting it if need be; it asks for no lease yet. LabError when it has one."""
    record = lab.directory / "vms" / name / "vm.json"
    if record.exists():
        raise LabError(f"there is a VM {name} with an interface already")
    inner = boot(lab, host, name)
    on = node(lab, host)
    tap = tap_name(port.id)
    far = f"peer name eth0 address {port.mac_address} mtu {port.mtu} netns {inner.pid}"
    ip_batch(on.pid, [f"link add {tap} mtu {port.mtu} type veth {far}"])
    # As Nova's os-vif does: the host itself has no address on, and sends nothing into, a tenant's port.
    run_inside(on.pid, ["sysctl", "-qw", f"net.ipv6.conf.{tap}.disable_ipv6=1"])
    ip_batch(inner.pid, ["link set eth0 up"])
    ip_batch(on.pid, [f"link set {tap} up"])
    vm = Vm(name, host, port.id, port.mac_address, port.mtu, inner.pid)
    record.write_text(json.dumps(asdict(vm)) + "\n")
    return vm


def unplug(lab: Lab, vm: Vm) -> None:
    """Remove the VM and its device; the device first, for a namespace ends some time later and the name may be needed again."""
    host = processes.load(lab.host_directory(vm.host) / "node")
    if host is not None and processes.is_alive(host):
        run_inside(host.pid, ["ip", "link", "del", vm.tap], check=False)
    directory = lab.directory / "vms" / vm.name
    inner = processes.load(directory / "node")
    if inner is not None:
        processes.end(inner)
    shutil.rmtree(directory, ignore_errors=True)


def vms(lab: Lab) -> list[Vm]:
    """All VMs that live."""
    found = []
    for record in sorted(lab.directory.glob("vms/*/vm.json")):
        inner = processes.load(record.with_name("node"))
        if inner is not None and processes.is_alive(inner):
            found.append(Vm(**json.loads(record.read_text())))
    return found


def vm_named(lab: Lab, name: str) -> Vm:
    """The living VM of that name. LabError when there is none."""
    for vm in vms(lab):
        if vm.name == name:
            return vm
    raise LabError(f"there is no VM {name} in lab {lab.name}")


def vm_argv(vm: Vm, argv: list[str]) -> list[str]:
    """The command that runs `argv` in the VM."""
    return argv_inside(vm.pid, argv)


def _client(lab: Lab, vm: Vm) -> Process | None:
    found = processes.load(lab.directory / "vms" / vm.name / "dhcp.daemon")
    return found if found is not None and processes.is_alive(found) else None


def ask_lease(lab: Lab, vm: Vm) -> None:
    """Start the DHCP client; it goes on asking every second, and keeps the lease once it has one."""
    if _client(lab, vm) is not None:
        return
    script = resources.files("kaon.lab.inside").joinpath("udhcpc.sh").read_text()
    run_inside(vm.pid, ["sh", "-c", "cat >/run/udhcpc.sh && chmod 755 /run/udhcpc.sh"], text=script)
    client = ["busybox", "udhcpc", "-f", "-i", "eth0", "-s", "/run/udhcpc.sh", "-t", "5", "-T", "1", "-A", "1"]
    asked = ["-x", f"hostname:{vm.name}", "-O", "staticroutes", "-O", "mtu"]
    directory = lab.directory / "vms" / vm.name
    started = processes.daemon([*client, *asked], inside=vm.pid, log=directory / "dhcp.log", title="udhcpc -f -i eth0")
    processes.save(started, directory / "dhcp.daemon")


def renew_lease(lab: Lab, vm: Vm) -> None:
    """Make the client renew now, as its timer would; the answer is a `renew` event. LabError when no client runs."""
    client = _client(lab, vm)
    if client is None or not processes.send_signal(client, signal.SIGUSR1):
        raise LabError(f"no DHCP client runs in {vm.name}")


def lease_events(vm: Vm) -> list[LeaseEvent]:
    """What the client was told so far, oldest first."""
    text = run_inside(vm.pid, ["cat", _EVENTS], check=False).stdout
    rows = [line.split() for line in text.splitlines()]
    return [LeaseEvent(row[0], float(row[1]), *row[2:7]) for row in rows if len(row) >= 7]  # noqa: PLR2004  # its seven words


def address(vm: Vm) -> str | None:
    """The IPv4 address the last lease gave; None when there is none (yet)."""
    for event in reversed(lease_events(vm)):
        if event.event in ("bound", "renew"):
            return event.address
        if event.event == "deconfig":
            return None
    return None


def serve(lab: Lab, vm: Vm, *ports: int) -> None:
    """Have the VM answer on TCP and UDP ports (see `kaon.lab.inside.respond`); returns once it listens."""
    name = "respond-" + "-".join(str(port) for port in ports)
    directory = lab.directory / "vms" / vm.name
    argv = program("respond", *(str(port) for port in ports))
    started = processes.daemon(argv, inside=vm.pid, log=directory / f"{name}.log", title=" ".join(argv))
    processes.save(started, directory / f"{name}.daemon")
    await_listening(started, ports)
