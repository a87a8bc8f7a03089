"""A whole lab: hosts, server, agents, the way in. Brought up, looked at, hurt and removed.

up      what is not there yet is made and started; what is there stays (a second `up` changes nothing)
down    ends every process the lab recorded, removes its directory; nothing else
"""

import http.client
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kaon.lab import configs, nodes, processes, vms
from kaon.lab.processes import LabError, Process
from kaon.lab.topology import API_PORT, ECHO_PORT, HostSpec, Lab, classic

_START_LIMIT_S = 60.0
_LOOK_EVERY_S = 0.02
KAON = [sys.executable, "-m", "kaon.cmd.main"]


@dataclass(frozen=True)
class Access:
    """The way in for a person or a test on the machine.

    endpoint  URL of the API
    clouds    clouds.yaml for the openstack client
    server_s  from the start of the server until it answered, in seconds; 0 when it ran already
    """

    endpoint: str
    clouds: Path
    server_s: float = 0.0


@dataclass(frozen=True)
class NodeStatus:
    """One host as it is now. processes: by name (server, agent, ...) the pid, or None when it does not run."""

    name: str
    pid: int | None
    processes: Mapping[str, int | None]


def wait_for(what: str, holds: Callable[[], bool], limit_s: float = _START_LIMIT_S) -> float:
    """Wait until a state is seen; give the seconds it took. LabError names what did not come."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > limit_s:
            raise LabError(f"not within {limit_s:g} s: {what}")
        time.sleep(_LOOK_EVERY_S)
    return time.monotonic() - begun


def hosts(lab: Lab) -> tuple[HostSpec, ...]:
    """The hosts that the lab was made of. LabError when there is no such lab."""
    try:
        rows = json.loads((lab.directory / "topology.json").read_text())
    except FileNotFoundError:
        raise LabError(f"there is no lab {lab.name}") from None
    return tuple(HostSpec(**{**row, "roles": tuple(row["roles"])}) for row in rows)


def host_spec(lab: Lab, name: str) -> HostSpec:
    """One host of the lab. LabError when there is none of that name."""
    for spec in hosts(lab):
        if spec.name == name:
            return spec
    raise LabError(f"lab {lab.name} has no host {name}")


def up(
    lab: Lab,
    specs: Sequence[HostSpec] = classic(),
    *,
    extras: configs.Extras | None = None,
    port: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Access:
    """Bring the lab up, server answering and agents started; give the way in. `say` is told each step."""
    say("underlay and external segment")
    lab.directory.mkdir(parents=True, exist_ok=True)
    made = lab.directory / "topology.json"
    if not made.exists():
        made.write_text(json.dumps([asdict(spec) for spec in specs], indent=1) + "\n")
    nodes.start_wires(lab)
    for spec in hosts(lab):
        say(f"host {spec.name}")
        nodes.start_host(lab, spec)
    say("the world outside")
    nodes.start_outside(lab)
    nodes.start_responder(lab, "outside", ECHO_PORT)
    server = next(spec for spec in hosts(lab) if spec.server)
    listen = nodes.start_forwarder(lab, server.name, API_PORT, listen_port=port)
    endpoint = f"http://127.0.0.1:{listen}"
    clouds = lab.directory / "clouds.yaml"
    if not clouds.exists():
        say("keys, users and configuration")
        configs.write_clouds(lab, endpoint, configs.write_all(lab, hosts(lab), extras or configs.Extras()))
    say("kaon server")
    running_already = nodes.daemon(lab, server.name, "server") is not None
    start_server(lab)
    server_s = wait_answering(lab)
    for spec in hosts(lab):
        if spec.roles:
            say(f"kaon agent on {spec.name}")
            start_agent(lab, spec.name)
    return Access(endpoint, clouds, 0.0 if running_already else server_s)


def access(lab: Lab) -> Access:
    """The way into a lab that is up. LabError when there is none."""
    try:
        port = int((lab.directory / "forwarder.port").read_text())
    except FileNotFoundError:
        raise LabError(f"lab {lab.name} is not up") from None
    return Access(f"http://127.0.0.1:{port}", lab.directory / "clouds.yaml")


def down(lab: Lab) -> list[str]:
    """Remove all that the lab made; give the names of what was ended. Nothing there: nothing done."""
    return nodes.remove(lab)


def server_host(lab: Lab) -> str:
    """Name of the host that runs the server."""
    return next(spec.name for spec in hosts(lab) if spec.server)


def start_server(lab: Lab) -> Process:
    """Start `kaon server` on its host; the running one when it runs."""
    return nodes.start_daemon(
        lab, server_host(lab), "server", [*KAON, "server", "--config-file", str(configs.ETC / "server.conf")]
    )


def start_agent(lab: Lab, host: str) -> Process:
    """Start `kaon agent` on a host; the running one when it runs."""
    return nodes.start_daemon(lab, host, "agent", [*KAON, "agent", "--config-file", str(configs.ETC / "agent.conf")])


def stop(lab: Lab, host: str, name: str, number: signal.Signals = signal.SIGKILL) -> None:
    """End the server ("server") or agent ("agent") of a host; by default without a warning. LabError when it does not run.

    Its workers, if it has any, go with it or by themselves; whether they do is the server's affair, and is tested.
    """
    found = nodes.daemon(lab, host, name)
    if found is None:
        raise LabError(f"no {name} runs on {host}")
    processes.end(found, number)


def log_of(lab: Lab, host: str, name: str) -> Path:
    """Where a daemon of a host writes what it has to say."""
    return lab.host_directory(host) / f"{name}.log"


def answers(lab: Lab) -> bool:
    """Whether the API answers its version list."""
    port = int(access(lab).endpoint.rpartition(":")[2])
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("GET", "/")
        return line.getresponse().status in (200, 300)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def wait_answering(lab: Lab) -> float:
    """Wait until the API answers; give the seconds. LabError with the log's last words when the server ended."""
    host = server_host(lab)

    def holds() -> bool:
        if nodes.daemon(lab, host, "server") is None:
            words = log_of(lab, host, "server").read_text().strip().splitlines()[-5:]
            raise LabError("kaon server ended: " + "\n".join(words))
        return answers(lab)

    return wait_for("kaon server answers", holds)


def status(lab: Lab) -> list[NodeStatus]:
    """Every host with what runs on it. LabError when there is no such lab."""
    found = []
    for spec in hosts(lab):
        record = processes.load(lab.host_directory(spec.name) / "node")
        pid = record.pid if record is not None and processes.is_alive(record) else None
        wanted = [*(["server"] if spec.server else []), *(["agent"] if spec.roles else [])]
        living = {name: nodes.daemon(lab, spec.name, name) for name in wanted}
        found.append(NodeStatus(spec.name, pid, {name: one.pid if one else None for name, one in living.items()}))
    return found


def power_on(lab: Lab, host: str) -> None:
    """Switch a host on after a power cut, with its daemons. VMs that were on it are forgotten."""
    spec = host_spec(lab, host)
    for record in lab.directory.glob("vms/*/vm.json"):
        vm = vms.Vm(**json.loads(record.read_text()))
        if vm.host == host and processes.started_at(vm.pid) is None:
            vms.unplug(lab, vm)
    nodes.start_host(lab, spec)
    if spec.server:
        start_server(lab)
    if spec.roles:
        start_agent(lab, host)


@contextmanager
def running(name: str, specs: Sequence[HostSpec] = classic(), *, extras: configs.Extras | None = None) -> Iterator[Lab]:
    """A lab for as long as the block lasts: for tests."""
    lab = Lab(name)
    try:
        up(lab, specs, extras=extras)
        yield lab
    finally:
        down(lab)
