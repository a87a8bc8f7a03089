"""A host's DHCP servers without a host: the same door, with the real one's teeth."""

from collections.abc import Callable, Collection
from dataclasses import replace

from kaon.host.plan.dhcp import DhcpPlan, DhcpStep, ReloadServer, StartServer, StopServer
from kaon.host.state.dhcp import DhcpServer, DhcpState
from kaon.host.state.trouble import Trouble


class FakeDnsmasq:
    """Servers as values.

    namespace_exists  asked before a start, as the real one needs the namespace
    refuse            networks whose steps fail, with the reason
    starts, reloads   how often each network's process was started or told to reload
    """

    def __init__(self, namespace_exists: Callable[[str], bool] = lambda _: True) -> None:
        self.servers: dict[str, DhcpServer] = {}
        self.refuse: dict[str, str] = {}
        self.starts: dict[str, int] = {}
        self.reloads: dict[str, int] = {}
        self._namespace_exists = namespace_exists
        self._dead: set[str] = set()

    def observe(self, networks: Collection[str] | None = None) -> DhcpState:
        """Say which servers there are."""
        return DhcpState({key: server for key, server in self.servers.items() if networks is None or key in networks})

    def lost(self) -> frozenset[str]:
        """Name the networks whose server was killed since the last call."""
        dead, self._dead = frozenset(self._dead), set()
        return dead

    def apply(self, plan: DhcpPlan) -> list[Trouble]:
        """Do the steps in order."""
        return [trouble for step in plan.steps if (trouble := self._apply_step(step)) is not None]

    def kill(self, network_id: str) -> None:
        """End a process from outside; its files remain."""
        found = self.servers[network_id]
        gone = replace(found, namespace="", ranges=(), hosts=(), options=(), alive=False)
        self.servers[network_id] = gone
        self._dead.add(network_id)

    def lease(self, network_id: str, address: str, holder: str) -> None:
        """Let a client take an address."""
        server = self.servers[network_id]
        self.servers[network_id] = replace(server, leases={**server.leases, address: holder})

    def _apply_step(self, step: DhcpStep) -> Trouble | None:
        network_id = step.network_id if isinstance(step, StopServer) else step.server.network_id
        if network_id in self.refuse:
            return Trouble(step.owner, self.refuse[network_id])
        found = self.servers.get(network_id)
        match step:
            case StopServer():
                self.servers.pop(network_id, None)
            case StartServer(server=server, release=release):
                if not self._namespace_exists(server.namespace):
                    return Trouble(step.owner, f"dnsmasq: namespace {server.namespace} is not there yet")
                self.servers[network_id] = replace(server, alive=True, leases=_left(found, release), written=server.hosts)
                self.starts[network_id] = self.starts.get(network_id, 0) + 1
            case ReloadServer(server=server, release=release):
                self.servers[network_id] = replace(server, leases=_left(found, release), written=server.hosts)
                self.reloads[network_id] = self.reloads.get(network_id, 0) + 1
        return None


def _left(found: DhcpServer | None, release: Collection[str]) -> dict[str, str]:
    """Give the leases that are left after some are released."""
    return {} if found is None else {key: value for key, value in found.leases.items() if key not in release}
