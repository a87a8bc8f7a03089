"""What tenants of a lab do, by the openstack client, and what Nova would do for them: networks, ports, VMs plugged and served.

The demo and the tests in packets are told in these words.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from kaon.lab import vms
from kaon.lab.client import OpenStack
from kaon.lab.probes import ConnectReport, connect
from kaon.lab.processes import LabError
from kaon.lab.rig import Access, hosts, wait_for
from kaon.lab.topology import EXTERNAL_CIDR, EXTERNAL_GATEWAY, PHYSICAL_NETWORK, Lab
from kaon.lab.vms import Vm

PUBLIC = "public"
SERVED_PORTS = (22, 80)  # what every VM answers on
_ACTIVE_LIMIT_S = 60.0
_LEASE_LIMIT_S = 60.0
_DIAL_S = 1.5


@dataclass(frozen=True)
class Cloud:
    """A lab and a client of each of its projects."""

    lab: Lab
    clients: Mapping[str, OpenStack]

    @property
    def admin(self) -> OpenStack:
        """The client that may do everything."""
        return self.clients["admin"]


@dataclass(frozen=True)
class Network:
    """A network with its one IPv4 subnet. mtu in bytes."""

    id: str
    name: str
    subnet_id: str
    cidr: str
    mtu: int
    project: str


@dataclass(frozen=True)
class Guest:
    """A VM as its tenant knows it.

    address   that the API shows
    wired_s   from the request that bound the port to its host until the API showed ACTIVE, in seconds
    lease_s   from the start of the DHCP client until it had its lease, in seconds; 0 when it was not asked to get one
    """

    vm: Vm
    project: str
    network: Network
    port_id: str
    address: str
    wired_s: float
    lease_s: float

    @property
    def name(self) -> str:
        """Of the VM."""
        return self.vm.name


@contextmanager
def clients(lab: Lab, access: Access, names: Sequence[str] = ("admin", "red", "blue")) -> Iterator[Cloud]:
    """A running client of each project, for as long as the block lasts."""
    with ExitStack() as stack:
        yield Cloud(lab, {name: stack.enter_context(OpenStack(access.clouds, name)) for name in names})


def wait_agents(cloud: Cloud) -> float:
    """Wait until every role of every host is reported alive; give the seconds."""
    kinds = {"l2": "Linux bridge agent", "l3": "L3 agent", "dhcp": "DHCP agent"}
    wanted = {(spec.name, kinds[role]) for spec in hosts(cloud.lab) for role in spec.roles}

    def holds() -> bool:
        rows = cloud.admin.run("network agent list")
        return wanted <= {(row["Host"], row["Agent Type"]) for row in rows if row["Alive"]}

    return wait_for("all agents are alive: " + ", ".join(f"{kind} on {host}" for host, kind in sorted(wanted)), holds)


def make_public(cloud: Cloud) -> Network:
    """The external network, flat on the network node's eth1, with the outside as its gateway."""
    admin = cloud.admin
    flat = ["--provider-network-type", "flat", "--provider-physical-network", PHYSICAL_NETWORK]
    made = admin.run("network create --external", *flat, PUBLIC)
    prefix = EXTERNAL_CIDR.rpartition(".")[0]
    subnet = admin.run(
        f"subnet create --network {PUBLIC} --subnet-range {EXTERNAL_CIDR} --gateway {EXTERNAL_GATEWAY} --no-dhcp",
        f"--allocation-pool start={prefix}.100,end={prefix}.199 {PUBLIC}-v4",
    )
    return Network(made["id"], PUBLIC, subnet["id"], EXTERNAL_CIDR, int(made["mtu"]), "admin")


def make_network(cloud: Cloud, project: str, name: str, cidr: str, *options: str) -> Network:
    """A network of a project with one subnet, DHCP on unless the subnet's options say otherwise."""
    client = cloud.clients[project]
    made = client.run("network create", name)
    subnet = client.run("subnet create --network", made["id"], "--subnet-range", cidr, *options, f"{name}-v4")
    return Network(made["id"], name, subnet["id"], cidr, int(made["mtu"]), project)


def make_port(cloud: Cloud, network: Network, name: str, *options: str) -> dict[str, Any]:
    """A port of the network's project; the client's words for it."""
    made: dict[str, Any] = cloud.clients[network.project].run("port create --network", network.id, *options, name)
    return made


def address_of(port: Mapping[str, Any]) -> str:
    """The first address of a port as the client prints it."""
    return str(port["fixed_ips"][0]["ip_address"])


def port_status(cloud: Cloud, project: str, port_id: str) -> str:
    """ACTIVE, DOWN, ..."""
    return str(cloud.clients[project].run("port show -c status", port_id)["status"])


def plug_port(cloud: Cloud, network: Network, port: Mapping[str, Any], host: str, name: str) -> tuple[Vm, float]:
    """Bind the port to a host and plug a VM there, as Nova does; wait until it is ACTIVE; give the VM and the seconds."""
    vms.boot(cloud.lab, host, name)  # its start is not the network's time
    begun = time.monotonic()
    cloud.admin.run("port set --host", host, port["id"])
    vm = vms.plug(cloud.lab, host, name, vms.Port(str(port["id"]), str(port["mac_address"]), network.mtu))
    wait_for(
        f"port {port['id']} of {name} is ACTIVE",
        lambda: port_status(cloud, network.project, str(port["id"])) == "ACTIVE",
        _ACTIVE_LIMIT_S,
    )
    return vm, time.monotonic() - begun


def get_lease(cloud: Cloud, vm: Vm, expected: str) -> float:
    """Start the DHCP client, wait for its lease; give the seconds. LabError when the address is not the API's."""
    vms.ask_lease(cloud.lab, vm)
    took = wait_for(f"{vm.name} has a lease", lambda: vms.address(vm) is not None, _LEASE_LIMIT_S)
    leased = vms.address(vm)
    if leased != expected:
        raise LabError(f"{vm.name}: the API shows {expected}, the lease says {leased}")
    return took


def launch(cloud: Cloud, network: Network, host: str, name: str, *options: str) -> Guest:
    """A VM with a port on the network: created, bound, plugged, ACTIVE, with its lease, and answering on `SERVED_PORTS`."""
    port = make_port(cloud, network, name, *options)
    vm, wired_s = plug_port(cloud, network, port, host, name)
    expected = address_of(port)
    lease_s = get_lease(cloud, vm, expected)
    vms.serve(cloud.lab, vm, *SERVED_PORTS)
    return Guest(vm, network.project, network, str(port["id"]), expected, wired_s, lease_s)


def remove(cloud: Cloud, guest: Guest) -> None:
    """Unplug the VM and delete its port, in Nova's order."""
    vms.unplug(cloud.lab, guest.vm)
    cloud.clients[guest.project].run("port delete", guest.port_id)


def who_answers(pid: int, address: str, port: int = SERVED_PORTS[-1]) -> str:
    """Host name of who answers at an address, "" when nobody does: with overlapping addresses an answer alone proves little."""
    return connect(pid, address, port, timeout_s=_DIAL_S).who


def comes_true(look: Callable[[], object], expected: object, limit_s: float = 10.0) -> object:
    """Look until what is seen is what is expected, or the limit has passed; give what was seen last."""
    until = time.monotonic() + limit_s
    while (seen := look()) != expected and time.monotonic() < until:
        time.sleep(0.05)
    return seen


def asks(pid: int, address: str, port: int) -> ConnectReport:
    """One connection with the limit that all checks share."""
    return connect(pid, address, port, timeout_s=_DIAL_S)
