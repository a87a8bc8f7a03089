"""What the terminal shows: hosts, networks, VMs, who reaches whom, times, what to try next."""

import statistics
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kaon.lab.demo import NOBODY, Check, Shown
from kaon.lab.rig import Access, NodeStatus
from kaon.lab.topology import HostSpec, Lab


def hosts_table(specs: Sequence[HostSpec], found: Sequence[NodeStatus]) -> Table:
    """Hosts with addresses and what runs on them."""
    table = Table(title="Hosts", title_justify="left", expand=False)
    for column in ("host", "underlay", "plays", "runs (pid)"):
        table.add_column(column)
    by_name = {status.name: status for status in found}
    for spec in specs:
        status = by_name[spec.name]
        plays = "server" if spec.server else ", ".join(spec.roles)
        runs = "  ".join(f"{name} {pid or '✗'}" for name, pid in status.processes.items())
        table.add_row(spec.name, spec.tunnel_ip, plays, runs if status.pid else Text("off", style="red"))
    return table


def _networks_table(shown: Shown) -> Table:
    table = Table(title="Networks", title_justify="left")
    for column in ("project", "network", "addresses", ""):
        table.add_column(column)
    for row in shown.networks:
        table.add_row(*row)
    return table


def _guests_table(shown: Shown) -> Table:
    table = Table(title="VMs", title_justify="left")
    for column in ("VM", "project", "host", "network", "address (API and lease)", "wired after", "lease after"):
        table.add_column(column)
    for guest in shown.guests:
        times = (f"{guest.wired_s * 1000:.0f} ms", f"{guest.lease_s * 1000:.0f} ms")
        table.add_row(guest.name, guest.project, guest.vm.host, guest.network.name, guest.address, *times)
    return table


def _mark(check: Check) -> Text:
    if check.holds:
        return Text("·", style="dim") if check.expected == NOBODY else Text("✓", style="green")
    return Text(f"{check.seen} instead of {check.expected}", style="bold red")


def _matrix_table(shown: Shown) -> Table:
    names = [guest.name for guest in shown.guests]
    table = Table(title="Who reaches whom (row dials column; ✓ reached, · not reached, both as expected)", title_justify="left")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="center")
    cells = {(check.source, check.target): _mark(check) for check in shown.matrix}
    for source in names:
        table.add_row(source, *(cells.get((source, target), Text("")) for target in names))
    return table


def _checks_table(shown: Shown) -> Table:
    table = Table(title="Beyond the network", title_justify="left")
    for column in ("from", "to", "", "expected", "seen"):
        table.add_column(column)
    for check in shown.checks:
        seen = Text(check.seen, style="green" if check.holds else "bold red")
        table.add_row(check.source, check.target, check.how, check.expected, seen)
    return table


def _times(shown: Shown, server_s: float) -> Text:
    wired = [guest.wired_s for guest in shown.guests]
    leases = [guest.lease_s for guest in shown.guests]
    return Text(
        f"API call to wired port: median {statistics.median(wired) * 1000:.0f} ms, slowest {max(wired) * 1000:.0f} ms.  "
        f"DHCP client start to first lease: median {statistics.median(leases) * 1000:.0f} ms, slowest {max(leases) * 1000:.0f} ms.  "
        f"Server answering after {server_s:.1f} s, all agents alive {shown.agents_s:.1f} s later."
    )


def _next(lab: Lab, access: Access, guest: str) -> Text:
    name = "" if lab.name == "demo" else f" --name {lab.name}"
    return Text(
        f"OS_CLIENT_CONFIG_FILE={access.clouds} OS_CLOUD=red openstack port list\n"
        f"kaon lab shell{name} {guest}          # a shell in the VM; then: ping 10.0.0.12\n"
        f"kaon lab down{name}                   # removes everything the lab made, and only that",
        no_wrap=True,
    )


def picture(
    lab: Lab, access: Access, specs: Sequence[HostSpec], found: Sequence[NodeStatus], shown: Shown, server_s: float
) -> RenderableType:
    """The whole of it."""
    verdict = Text("Everything came as expected.", style="bold green")
    if not shown.holds:
        wrong = sum(not check.holds for check in (*shown.matrix, *shown.checks))
        verdict = Text(f"{wrong} of {len(shown.matrix) + len(shown.checks)} checks did not come as expected.", style="bold red")
    return Group(
        hosts_table(specs, found),
        _networks_table(shown),
        _guests_table(shown),
        _matrix_table(shown),
        _checks_table(shown),
        _times(shown, server_s),
        verdict,
        Panel(_next(lab, access, shown.guests[0].name), title="Try next", title_align="left"),
    )
