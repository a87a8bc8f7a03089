"""A control plane on an empty database, with short words for what tests make."""

from datetime import datetime, timedelta
from typing import Any

from kaon.model.query import Row
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import floatingips, hosts, networks, ports, routers, scheduling, scope_reading, status, subnets
from kaon.server.control.core import Caller, Core, implied
from kaon.server.control.settings import ServerSettings
from kaon.server.store import followers
from kaon.server.store.engine import Store
from kaon.wire import scopes
from kaon.wire.entries import Entry
from kaon.wire.messages import Hello, Realised, RealisedKind, Report, Role

ADMIN = Caller(user_id="root", project_id="admin", roles=implied("admin", "service"))
ANN = Caller(user_id="ann", project_id="p1", roles=implied("member"))
BOB = Caller(user_id="bob", project_id="p2", roles=implied("member"))


class Cloud:
    """Everything below is made by ANN for project p1, unless another caller is given. database: the URL of one with tables."""

    def __init__(self, database: str, **settings: Any) -> None:
        self.now = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone
        self.store = Store(database, clock=lambda: self.now)
        self.core = Core(self.store, {"linux": LinuxBackend()}, ServerSettings(**settings), clock=lambda: self.now)
        status.start_backends(self.core)
        self._reports = 0

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def network(self, caller: Caller = ANN, **body: Any) -> Row:
        """Make a network."""
        return networks.create(self.core, caller, [{"project_id": caller.project_id, **body}])[0]

    def subnet(self, network: Row, cidr: str, caller: Caller = ANN, **body: Any) -> Row:
        """Make a subnet."""
        version = 6 if ":" in cidr else 4
        given = {"network_id": network["id"], "cidr": cidr, "ip_version": version, "enable_dhcp": True, **body}
        return subnets.create(self.core, caller, [{"project_id": caller.project_id, **given}])[0]

    def port(self, network: Row, caller: Caller = ANN, **body: Any) -> Row:
        """Make a port; `host` binds it."""
        if "host" in body:
            body["binding:host_id"] = body.pop("host")
        return ports.create(self.core, caller, [{"project_id": caller.project_id, "network_id": network["id"], **body}])[0]

    def router(self, caller: Caller = ANN, outside: Row | None = None, **body: Any) -> Row:
        """Make a router, perhaps with its gateway on an external network."""
        if outside is not None:
            body["external_gateway_info"] = {"network_id": outside["id"]}
        return routers.create(self.core, caller, [{"project_id": caller.project_id, **body}])[0]

    def floatingip(self, outside: Row, caller: Caller = ANN, **body: Any) -> Row:
        """Make a floating IP."""
        given = {"project_id": caller.project_id, "floating_network_id": outside["id"], **body}
        return floatingips.create(self.core, caller, [given])[0]

    def outside(self) -> Row:
        """Make an external network with a subnet, as an administrator."""
        network = self.network(ADMIN, **{"router:external": True})
        self.subnet(network, "203.0.113.0/24", ADMIN, enable_dhcp=False)
        return network

    def hello(
        self,
        host: str,
        *roles: Role,
        tunnel_ip: str | None = "192.0.2.1",
        instance: str = "1",
        wires: tuple[str, ...] = (),
    ) -> None:
        """Let a host introduce itself, wired to these physical networks, and place what waited for it."""
        hello = Hello(
            wire_version=1,
            host=host,
            instance=instance,
            roles=roles or (Role.L2,),
            tunnel_ip=tunnel_ip,
            physical_networks=wires,
        )
        hosts.hello(self.core, hello)
        scheduling.schedule_pending(self.core)

    def report(self, host: str, *told: Realised, applied: dict[str, int] | None = None) -> None:
        """Let a host report these things."""
        self._reports += 1
        report = Report(sequence=self._reports, instance="1", applied=applied or {}, realised=told)
        status.take_report(self.core, host, report)

    def read(self, scope: str) -> dict[str, Entry]:
        """Read all of a scope."""
        found = self.store.read(lambda tx: scope_reading.read_scope(tx, scope))
        assert found is not None, scope
        return found[1]

    def host_scope(self, host: str) -> dict[str, Entry]:
        """Read what a host is told of itself."""
        return self.read(scopes.host(host))

    def followed(self, host: str) -> set[str]:
        """List the scopes that a host follows."""
        return set(self.store.read(lambda tx: followers.followed(tx, host)))

    def show_port(self, port: Row) -> Row:
        """Show a port as it now is."""
        return ports.show(self.core, ADMIN, port["id"])


def wired(port: Row, revision: int | None = None, *, up: bool = True) -> Realised:
    """Say that a port is wired (or, not up, that it is not), at its revision unless another is given."""
    at = port["revision_number"] if revision is None else revision
    return Realised(kind=RealisedKind.PORT, id=port["id"], revision=at, up=up)


def leased(port: Row) -> Realised:
    """Say that a DHCP server has the port's reservation."""
    return Realised(kind=RealisedKind.LEASE, id=port["id"], revision=port["revision_number"])
