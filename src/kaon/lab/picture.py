"""What the terminal shows: hosts, networks, VMs, who reaches whom, times, what to try next."""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kaon.lab import rig
from kaon.lab.demo import NOBODY, STRANGER, Check, Shown
from kaon.lab.rig import Access, NodeStatus
from kaon.lab.topology import DEFAULT_NAME, HostSpec, Lab


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
    for column in ("VM", "host", "network", "API shows", "leased", "wired in", "lease in"):
        table.add_column(column, no_wrap=True)
    for guest, lease in zip(shown.guests, shown.leases, strict=True):
        times = (f"{guest.wired_s * 1000:.0f} ms", f"{guest.lease_s * 1000:.0f} ms")
        table.add_row(guest.name, guest.vm.host, guest.network.name, lease.expected, _seen(lease), *times)
    return table


def _seen(check: Check) -> Text:
    return Text(check.seen, style="green" if check.holds else "bold red")


def _mark(check: Check) -> Text:
    if check.holds:
        return Text("·", style="dim") if check.expected == NOBODY else Text("✓", style="green")
    return Text(f"{check.seen} instead of {check.expected}", style="bold red")


def _matrix_table(shown: Shown) -> Table:
    names = [guest.name for guest in shown.guests]
    table = Table(title="Who reaches whom: row dials column\n✓ reached, · not reached, as expected", title_justify="left")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="center")
    cells = {(check.source, check.target): _mark(check) for check in shown.matrix}
    for source in names:
        table.add_row(source, *(cells.get((source, target), Text("")) for target in names))
    return table


def _checks_table(title: str, checks: Sequence[Check]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("from", "to", "what", "expected", "seen"):
        table.add_column(column)
    for check in checks:
        table.add_row(check.source, check.target, check.how, check.expected, _seen(check))
    return table


def _times(shown: Shown, server_s: float) -> Text:
    wired = [guest.wired_s for guest in shown.guests]
    leases = [guest.lease_s for guest in shown.guests]
    return Text(
        f"API call to wired port   median {statistics.median(wired) * 1000:.0f} ms, slowest {max(wired) * 1000:.0f} ms\n"
        f"first DHCP lease         median {statistics.median(leases) * 1000:.0f} ms, slowest {max(leases) * 1000:.0f} ms\n"
        f"server answers after     {server_s:.1f} s"
    )


def _command(name: str) -> str:
    """How to call a command that lies beside this Python: as it would be typed here."""
    path = Path(sys.prefix, "bin", name)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def next_commands(lab: Lab, access: Access, guest: str) -> list[str]:
    """Three commands to try: a client, a shell in a VM, the end."""
    kaon, option = _command("kaon"), "" if lab.name == DEFAULT_NAME else f" --name {lab.name}"
    return [
        f"OS_CLIENT_CONFIG_FILE={access.clouds} {_command('openstack')} --os-cloud red port list",
        f"{kaon} lab shell{option} {guest}",
        f"{kaon} lab down{option}",
    ]


def picture(lab: Lab, access: Access, shown: Shown) -> RenderableType:
    """The whole of it, but for the commands to try next."""
    checks = shown.every
    wrong = sum(not check.holds for check in checks)
    verdict = Text(f"All {len(checks)} checks came as expected.", style="bold green")
    if wrong:
        verdict = Text(f"{wrong} of {len(checks)} checks did not come as expected.", style="bold red")
    return Group(
        hosts_table(rig.hosts(lab), rig.status(lab)),
        _networks_table(shown),
        _guests_table(shown),
        _matrix_table(shown),
        _checks_table(f"Security groups: {STRANGER} is on red-a too, in a group of its own", shown.groups),
        _checks_table("Beyond the network", shown.checks),
        _times(shown, access.server_s),
        verdict,
    )
