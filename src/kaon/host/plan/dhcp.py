"""Which DHCP servers to stop, start, restart or tell of new reservations. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from kaon.host.state.dhcp import DhcpServer, DhcpState


@dataclass(frozen=True, slots=True)
class StopServer:
    """End our process of this network and remove its files and leases."""

    network_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class StartServer:
    """Run it; an earlier process of ours is ended first.

    release  addresses whose leases are forgotten before the start: their reservations are new
    reason   why a running one is not left alone, or why there is none
    """

    server: DhcpServer
    release: tuple[str, ...]
    reason: str

    @property
    def owner(self) -> str:
        """Who is told when it fails."""
        return self.server.owner


@dataclass(frozen=True, slots=True)
class ReloadServer:
    """Rewrite hosts and options and make the process read them. It keeps running."""

    server: DhcpServer

    @property
    def owner(self) -> str:
        """Who is told when it fails."""
        return self.server.owner


DhcpStep = StopServer | StartServer | ReloadServer


@dataclass(frozen=True, slots=True)
class DhcpPlan:
    """Steps in order."""

    steps: tuple[DhcpStep, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.steps)


def plan_dhcp(desired: DhcpState, actual: DhcpState, owners: Collection[str] | None = None) -> DhcpPlan:
    """Say what makes `actual` become `desired`.

    owners  only what belongs to them is planned; None for everything
    Law     planning again after applying is empty; a server that is as desired is not touched.
    Why     stops go first: a namespace that is about to go must not be held by a process, and a server that moves from one
            network to another may not answer on both.
    """
    stops: list[DhcpStep] = []
    others: list[DhcpStep] = []
    for network_id in sorted(desired.servers.keys() | actual.servers.keys()):
        owner = f"dhcp/{network_id}"
        if owners is not None and owner not in owners:
            continue
        wanted, found = desired.servers.get(network_id), actual.servers.get(network_id)
        if wanted is None:
            stops.append(StopServer(network_id, owner))
        elif (step := _step(wanted, found)) is not None:
            others.append(step)
    return DhcpPlan((*stops, *others))


def _step(wanted: DhcpServer, found: DhcpServer | None) -> DhcpStep | None:
    if found is None:
        return StartServer(wanted, (), "it is not there")
    release = _stale_leases(wanted, found)
    if not found.alive:
        return StartServer(wanted, release, "its process has gone")
    if wanted.command != found.command:
        return StartServer(wanted, release, "its command line changes")
    if release:
        return StartServer(wanted, release, "a lease of an earlier holder stands against a reservation")
    return ReloadServer(wanted) if (wanted.hosts, wanted.options) != (found.hosts, found.options) else None


def _stale_leases(wanted: DhcpServer, found: DhcpServer) -> tuple[str, ...]:
    """Find addresses that are newly reserved although somebody else still holds a lease of them.

    dnsmasq refuses to give a reserved address away while its lease runs, and forgets a lease only by expiry, a release from
    the client, or a start without it. For IPv4 the lease names the MAC; a DUID need not contain one, so for IPv6
    only what was reserved for the same MAC before counts as the same holder.
    """
    before = {(address, host.mac_address) for host in found.hosts for address in host.addresses}
    stale = []
    for host in wanted.hosts:
        for address in host.addresses:
            if address not in found.leases or found.leases[address] == host.mac_address:
                continue
            if ":" in address and (address, host.mac_address) in before:
                continue
            stale.append(address)
    return tuple(sorted(stale))
