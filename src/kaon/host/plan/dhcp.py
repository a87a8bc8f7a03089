"""Which DHCP servers to stop, start, restart or tell of new reservations. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kaon.host.state.dhcp import DhcpHost, DhcpServer, DhcpState


@dataclass(frozen=True, slots=True)
class StopServer:
    """End our process of this network and remove its files and leases."""

    network_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class StartServer:
    """Run it; an earlier process of ours is ended first.

    release  addresses whose leases are forgotten before the start; see `_stale_leases`
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
    """Give stale leases back, then rewrite hosts and options and make the process read them. It keeps running.

    Why in this order: whose a lease of IPv6 was can be told from the hosts file only until that is rewritten.
    """

    server: DhcpServer
    release: tuple[str, ...] = ()

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
    changed = (wanted.hosts, wanted.options) != (found.hosts, found.options)
    return ReloadServer(wanted, release) if changed or release else None


def _stale_leases(wanted: DhcpServer, found: DhcpServer) -> tuple[str, ...]:
    """Find leases whose holder has no reservation any more.

    dnsmasq refuses to give a reserved address away while somebody else's lease of it runs, and forgets a lease only by expiry,
    a release, or a start without it. For IPv4 the lease names the MAC; a DUID need not contain one, so for IPv6 the
    holder is whoever the address was reserved for before.
    """
    reserved = _holders(wanted.hosts)
    before = _holders(found.written)
    stale = []
    for address, holder in found.leases.items():
        now = reserved.get(address, frozenset())
        if not now & before.get(address, frozenset()) if ":" in address else holder not in now:
            stale.append(address)
    return tuple(sorted(stale))


def _holders(hosts: Iterable[DhcpHost]) -> dict[str, frozenset[str]]:
    """Map each reserved address to the MACs it is reserved for."""
    holders: dict[str, set[str]] = {}
    for host in hosts:
        for address in host.addresses:
            holders.setdefault(address, set()).add(host.mac_address)
    return {address: frozenset(macs) for address, macs in holders.items()}
