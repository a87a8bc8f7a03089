"""`kaon lab`: emulated hosts and VMs on this machine, the demo, and their end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Annotated, NoReturn, Self

import typer
from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from kaon.lab import cloud, demo, nodes, rig, vms
from kaon.lab.api import api_of
from kaon.lab.picture import hosts_table, next_commands, picture
from kaon.lab.processes import LabError
from kaon.lab.topology import DEFAULT_NAME, Lab, classic

app = typer.Typer(no_args_is_help=True, help="Emulated hosts and VMs on this machine (root), the demo, and their end.")

Name = Annotated[str, typer.Option("--name", help="Name of the lab; labs of different names never meet.")]
_INSIDE = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def _lab(name: str) -> Lab:
    """The lab of that name, or the end: a bad name, or no right to make one."""
    if os.geteuid() != 0:
        _fail("the lab makes namespaces and devices: run it as root")
    try:
        return Lab(name)
    except ValueError as error:
        _fail(str(error))


def _fail(words: str) -> NoReturn:
    Console(stderr=True).print(f"kaon lab: {words}", style="bold red", highlight=False)
    raise typer.Exit(1)


@contextmanager
def _errors_in_words(afterwards: str = "") -> Iterator[None]:
    """A LabError is for the person at the terminal: its words, what to do afterwards, and exit status 1."""
    try:
        yield
    except LabError as error:
        _fail(f"{error}\n{afterwards}" if afterwards else str(error))


class _Seconds(ProgressColumn):
    """How long a step has taken."""

    def render(self, task: Task) -> Text:
        """Give it in seconds."""
        return Text(f"{task.finished_time or task.elapsed or 0.0:5.1f} s", style="dim")


class _Steps:
    """Progress: the step under way has a spinner, those done stand above it with their times."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(finished_text="✓"), _Seconds(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=console)
        self._current: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._finish()
        self._progress.stop()

    def _finish(self) -> None:
        if self._current is not None:
            self._progress.update(self._current, total=1, completed=1)

    def say(self, step: str) -> None:
        """The last step is done, this one begins."""
        self._finish()
        self._current = self._progress.add_task(step, total=None)


@app.command()
def up(name: Name = DEFAULT_NAME, computes: int = 2, port: int = 0) -> None:
    """Bring up hosts, server and agents; what is up already stays. --port: of the API on 127.0.0.1 (0: any free one)."""
    lab, console = _lab(name), Console()
    with _errors_in_words():
        with _Steps(console) as steps:
            access = rig.up(lab, classic(computes), port=port, say=steps.say)
        console.print(
            f"API: {access.endpoint}   openstack client: OS_CLIENT_CONFIG_FILE={access.clouds} OS_CLOUD=admin", soft_wrap=True
        )


@app.command()
def down(name: Name = DEFAULT_NAME) -> None:
    """Remove everything that the lab made, and only that."""
    lab = _lab(name)
    with _errors_in_words():
        ended = rig.down(lab)
        Console().print(f"ended: {', '.join(ended)}" if ended else f"there is nothing of lab {name}", highlight=False)


@app.command()
def status(name: Name = DEFAULT_NAME) -> None:
    """Say what runs. Exit status 1 when a host, the server or an agent does not."""
    lab, console = _lab(name), Console()
    with _errors_in_words():
        found = rig.status(lab)
        console.print(hosts_table(rig.hosts(lab), found))
        for vm in vms.vms(lab):
            console.print(f"VM {vm.name} on {vm.host}: {vms.address(vm) or 'no lease'}", highlight=False)
        console.print(f"API: {rig.access(lab).endpoint}", highlight=False)
    if any(one.pid is None or None in one.processes.values() for one in found):
        raise typer.Exit(1)


@app.command("exec", context_settings=_INSIDE)
def execute(context: typer.Context, host: str, name: Name = DEFAULT_NAME) -> None:
    """Run a command in a host, all its namespaces: kaon lab exec compute1 ip -br link. A shell when none is given."""
    lab = _lab(name)
    with _errors_in_words():
        pid = nodes.node(lab, host).pid
    _become(nodes.argv_inside(pid, context.args or ["bash", "--norc"]))


@app.command(context_settings=_INSIDE)
def shell(context: typer.Context, vm: str, name: Name = DEFAULT_NAME) -> None:
    """Run a command in a VM: kaon lab shell red-1 ping -c3 10.0.0.12. A shell when none is given."""
    lab = _lab(name)
    with _errors_in_words():
        pid = vms.vm_named(lab, vm).pid
    _become(nodes.argv_inside(pid, context.args or ["bash", "--norc"]))


def _become(argv: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606  # nsenter with what the person typed; the terminal goes with it


@app.command()
def plug(host: str, vm: str, port: str, name: Name = DEFAULT_NAME) -> None:
    """Start a VM on a host with a port (its id), as Nova would: bound, plugged, a DHCP client, answering on TCP 22 and 80."""
    lab = _lab(name)
    with _errors_in_words():
        api = api_of(rig.access(lab), "admin")
        answer = api.ask("PUT", f"/v2.0/ports/{port}", {"port": {"binding:host_id": rig.host_spec(lab, host).name}})
        if answer.status != HTTPStatus.OK:
            _fail(f"port {port}: {answer.status} {answer.error_type}")
        found = answer.body["port"]
        network = api.ask("GET", f"/v2.0/networks/{found['network_id']}").body["network"]
        made = vms.plug(lab, host, vm, vms.Port(found["id"], found["mac_address"], network["mtu"]))
        vms.ask_lease(lab, made)
        vms.serve(lab, made, *cloud.SERVED_PORTS)


@app.command()
def unplug(vm: str, name: Name = DEFAULT_NAME) -> None:
    """Remove a VM; its port stays."""
    lab = _lab(name)
    with _errors_in_words():
        vms.unplug(lab, vms.vm_named(lab, vm))


@app.command("power-cut")
def power_cut(host: str, name: Name = DEFAULT_NAME) -> None:
    """End a host without a warning: its processes, VMs, namespaces and devices go at once; its disk stays."""
    lab = _lab(name)
    with _errors_in_words():
        rig.host_spec(lab, host)
        if not nodes.power_cut(lab, host):
            _fail(f"{host} is off already")


@app.command("power-on")
def power_on(host: str, name: Name = DEFAULT_NAME) -> None:
    """Switch a host on again after a power cut, with its server or agent."""
    lab = _lab(name)
    with _errors_in_words():
        rig.power_on(lab, host)


@app.command()
def kill(host: str, daemon: str, name: Name = DEFAULT_NAME) -> None:
    """End the `server` or `agent` of a host with SIGKILL."""
    lab = _lab(name)
    with _errors_in_words():
        rig.stop(lab, host, daemon, signal.SIGKILL)


@app.command("demo")
def demonstrate(name: Name = DEFAULT_NAME, port: int = 0) -> None:
    """Bring up a cloud network, prove in packets that it works, leave it up. Exit status 1 when it is not as expected."""
    lab, console = _lab(name), Console()
    if lab.directory.exists():
        _fail(f"lab {name} is there already; remove it first: kaon lab down --name {name}")
    with _errors_in_words(f"what is up stays, logs in {lab.directory}/hosts; remove it: kaon lab down --name {name}"):
        with _Steps(console) as steps:
            access = rig.up(lab, port=port, say=steps.say)
            with cloud.clients(lab, access) as tenants:
                shown = demo.show(tenants, steps.say)
        console.print(picture(lab, access, shown))
        console.print("\nIt stays up. Try next:", *next_commands(lab, access, shown.guests[0].name), sep="\n  ", soft_wrap=True)
    if not shown.holds:
        raise typer.Exit(1)
