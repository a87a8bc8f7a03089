"""The figures of first light, measured on one lab of emulated hosts; nothing else should run meanwhile.

The limits are what a user would still call prompt on a small machine, several times what was measured.
How long a server takes to answer, what both processes weigh, how soon a port is ACTIVE, how soon a restarted agent is in sync.
"""

import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from kaon.lab import cloud, nodes, rig
from kaon.lab.api import Api, api_of
from kaon.lab.topology import Lab
from kaon.lab.vms import tap_name

PATIENCE_S = 120.0
LOOK_EVERY_S = 0.002
HOST = "compute1"


@dataclass(frozen=True)
class Figure:
    """One measurement. value and limit in `unit`; limit None: nothing was promised."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return self.limit is None or self.value <= self.limit


def _wait(what: str, holds: Callable[[], bool]) -> float:
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > PATIENCE_S:
            raise TimeoutError(f"not within {PATIENCE_S:g} s: {what}")
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - begun


def _rss_mib(pid: int) -> float:
    """Resident memory of a process. Source: proc_pid_status(5), VmRSS in kB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise ProcessLookupError(pid)
    return int(found[1]) / 1024


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def server_start(lab: Lab) -> list[Figure]:
    """From the start of the process to the first answer, its database being there already: the median of five."""
    taken = []
    for _ in range(5):
        rig.stop(lab, rig.server_host(lab), "server")
        begun = time.monotonic()
        rig.start_server(lab)
        rig.wait_answering(lab)
        taken.append(time.monotonic() - begun)
    return [Figure("server start to first answer, median of 5", statistics.median(taken), "s", limit=5.0)]


def idle_memory(lab: Lab) -> list[Figure]:
    """What server and agent weigh before anybody asks for anything."""
    figures = []
    for host, name in ((rig.server_host(lab), "server"), (HOST, "agent"), ("network1", "agent")):
        running = nodes.daemon(lab, host, name)
        if running is None:
            raise ProcessLookupError(f"no {name} on {host}")
        figures.append(Figure(f"idle RSS of the {name} on {host}", _rss_mib(running.pid), "MiB", limit=100.0))
    return figures


def _plugged_port(api: Api, network_id: str, pid: int) -> tuple[float, float]:
    """Seconds from the POST, and from the moment the device was there, to ACTIVE."""
    begun = time.monotonic()
    made = api.ask(
        "POST", "/v2.0/ports", {"port": {"network_id": network_id, "binding:host_id": HOST, "device_owner": "compute:nova"}}
    )
    if made.status != HTTPStatus.CREATED:
        raise RuntimeError(f"port not made: {made.body}")
    port_id = made.body["port"]["id"]
    tap = tap_name(port_id)
    nodes.ip_batch(pid, [f"link add {tap} type veth peer name v{tap[1:]}", f"link set {tap} up", f"link set v{tap[1:]} up"])
    there = time.monotonic()
    path = f"/v2.0/ports/{port_id}?fields=status"
    _wait(f"port {port_id} is ACTIVE", lambda: api.ask("GET", path).body["port"]["status"] == "ACTIVE")
    now = time.monotonic()
    return now - begun, now - there


def port_to_active(lab: Lab, api: Api, count: int) -> list[Figure]:
    """Ports made one at a time on one network that DHCP serves, each with its device plugged after the POST answered.

    One more goes before them and is not counted: after a restart of the server agents may still be coming back.
    """
    network = api.ask("POST", "/v2.0/networks", {"network": {"name": "bench"}}).body["network"]["id"]
    api.ask("POST", "/v2.0/subnets", {"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.7.0.0/22"}})
    pid = nodes.node(lab, HOST).pid
    _plugged_port(api, network, pid)
    taken = [_plugged_port(api, network, pid) for _ in range(count)]
    figures = []
    for name, column in (("POST port to ACTIVE", 0), ("device plugged to ACTIVE", 1)):
        values = [row[column] * 1000 for row in taken]
        figures += [
            Figure(f"{name}, p50 of {count}", _percentile(values, 50), "ms", limit=300.0),
            Figure(f"{name}, p99 of {count}", _percentile(values, 99), "ms", limit=1000.0),
        ]
    return figures


def agent_restart(lab: Lab, ports: int) -> list[Figure]:
    """From kill -9 and start of an agent with that many ports on its host: until in sync, and until it has looked at all."""
    log = rig.log_of(lab, HOST, "agent")
    synced, looked = [], []
    for _ in range(5):
        rig.stop(lab, HOST, "agent")
        seen = log.stat().st_size
        begun = time.monotonic()
        rig.start_agent(lab, HOST)

        def said(word: str, seen: int = seen) -> bool:
            with log.open("rb") as file:
                file.seek(seen)
                return word.encode() in file.read()

        _wait("the agent is in sync", lambda: said("in sync"))
        synced.append(time.monotonic() - begun)
        _wait("the agent has worked", lambda: said("worked"))
        looked.append(time.monotonic() - begun)
    return [
        Figure(f"agent restart to in sync with {ports} ports, median of 5", statistics.median(synced), "s", limit=5.0),
        Figure(
            f"agent restart to everything compared with {ports} ports, median of 5", statistics.median(looked), "s", limit=10.0
        ),
    ]


def measure(lab: Lab) -> list[Figure]:
    """All figures, in an order that does not disturb the next."""
    with cloud.clients(lab, rig.access(lab)) as tenants:
        cloud.wait_agents(tenants)
    api = api_of(rig.access(lab), "admin")
    figures = idle_memory(lab)
    figures += server_start(lab)
    figures += port_to_active(lab, api, 50)
    figures += [replace(f, what=f"{f.what}, 50 more") for f in port_to_active(lab, api, 50)]
    figures += agent_restart(lab, 100)
    return figures
