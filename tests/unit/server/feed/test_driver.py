"""The feed with a real database and the carrier in memory: commits reach hosts, reports reach users."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from kaon.bus.live import Times
from kaon.bus.memory import MemoryHost, MemoryServer
from kaon.host.agent import session as agent
from kaon.lib.ids import new_id
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import networks, ports, scope_reading, segment_types, subnets
from kaon.server.control.core import Caller, Core, implied
from kaon.server.feed.database import Tail
from kaon.server.feed.driver import Feed
from kaon.server.feed.pokes import PokeListener, Poker
from kaon.server.store import tables
from kaon.server.store.engine import Store
from kaon.wire import scopes
from kaon.wire.codec import decode_from_server, encode
from kaon.wire.messages import Pull, Realised, RealisedKind, Report, Role, Welcome

ADMIN = Caller(user_id="u", project_id="p", roles=implied("admin", "service"))
PATIENCE_S = 20.0


class Host:
    """An agent without a kernel: its session over a carrier, turned by hand."""

    def __init__(self, carrier: MemoryHost, name: str, roles: tuple[Role, ...] = (Role.L2,)) -> None:
        self.carrier = carrier
        who = agent.Introduction(host=name, instance=new_id(), roles=roles, tunnel_ip="192.0.2.7")
        self.session = agent.Session(who, random=random.Random(1).random)  # noqa: S311  # spreads retries only
        self.refusals: list[str] = []
        self.do(self.session.start(time.monotonic()))

    def do(self, actions: list[agent.Action]) -> None:
        """Carry out what the session says."""
        for action in actions:
            if isinstance(action, agent.Send):
                self.carrier.send(encode(action.message))
            elif isinstance(action, agent.RefusedBy):
                self.refusals.append(action.reason)

    def turn(self) -> None:
        """Do one round of the agent's loop."""
        for raw in self.carrier.receive(0.02):
            self.do(self.session.receive(time.monotonic(), decode_from_server(raw)))
        self.do(self.session.tick(time.monotonic()))

    def until(self, holds: Callable[[], object]) -> None:
        """Turn until something holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline
            self.turn()


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """Make a control plane with a database of its own."""
    store = Store(f"sqlite:///{tmp_path}/kaon.sqlite")
    store.upgrade()
    core = Core(store=store, backends={"linux": LinuxBackend()})
    segment_types.prepare(core)
    yield core
    store.close()


@pytest.fixture
def carrier(core: Core) -> Iterator[MemoryServer]:
    """Run the feed."""
    carrier = MemoryServer()
    feed = Feed(core, carrier, Times(heartbeat_s=0.5, silent_s=5.0))
    thread = threading.Thread(target=feed.run)
    thread.start()
    yield carrier
    feed.stop()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def _network(core: Core) -> str:
    body = {"name": "n", "admin_state_up": True, "shared": False, "project_id": "p", "port_security_enabled": True}
    return str(networks.create(core, ADMIN, [body | {"router:external": False, "description": ""}])[0]["id"])


def _port(core: Core, network: str, host: str) -> dict[str, Any]:
    body = {"network_id": network, "project_id": "p", "name": "", "description": "", "admin_state_up": True, "device_id": ""}
    body |= {"device_owner": "compute:nova", "binding:host_id": host, "binding:vnic_type": "normal", "binding:profile": {}}
    return ports.create(core, ADMIN, [body])[0]


def test_a_port_reaches_its_host_and_becomes_active(core: Core, carrier: MemoryServer) -> None:
    """A port that is created while its host is connected arrives there by itself; once reported as wired it is ACTIVE."""
    host = Host(carrier.connect("h1"), "h1")
    host.until(lambda: host.session.in_sync)
    port = _port(core, _network(core), "h1")
    assert port["status"] == "DOWN"
    host.until(lambda: port["id"] in host.session.view().ports())
    wired = host.session.view().ports()[port["id"]]
    done = Realised(kind=RealisedKind.PORT, id=wired.id, revision=wired.revision)
    host.do(host.session.report(time.monotonic(), host.session.revisions(), [done]))
    host.until(lambda: ports.show(core, ADMIN, port["id"])["status"] == "ACTIVE")


def test_a_port_that_goes_takes_its_scopes_along(core: Core, carrier: MemoryServer) -> None:
    """When the last port of a network goes, its host lets go of the network."""
    host = Host(carrier.connect("h1"), "h1")
    host.until(lambda: host.session.in_sync)
    network = _network(core)
    port = _port(core, network, "h1")
    host.until(lambda: scopes.network(network) in host.session.revisions())
    ports.delete(core, ADMIN, port["id"])
    host.until(lambda: set(host.session.revisions()) == {scopes.host("h1")})


def test_a_host_gets_nothing_of_others(core: Core, carrier: MemoryServer) -> None:
    """A host that pulls a network it has no port on, or another host's scope, is told that it does not follow it."""
    network = _network(core)
    _port(core, network, "h2")
    line = carrier.connect("h1")
    host = Host(line, "h1")
    host.until(lambda: host.session.in_sync)
    line.send(encode(Pull(scopes={scopes.network(network): 0, scopes.host("h2"): 0, "nonsense": 0})))
    heard: list[object] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(heard) < 2 and time.monotonic() < deadline:
        heard += [message for raw in line.receive(0.1) if not isinstance(message := decode_from_server(raw), Welcome)]
    assert {(type(message).__name__, getattr(message, "scope", "")) for message in heard} == {
        ("Dropped", scopes.network(network)),
        ("Dropped", scopes.host("h2")),
    }


def test_a_host_cannot_speak_as_another(core: Core, carrier: MemoryServer) -> None:
    """A hello whose host differs from the one that the key belongs to is refused, and leaves no trace."""
    host = Host(carrier.connect("h1"), "h2")
    host.until(lambda: host.refusals)
    assert "another host" in host.refusals[0]
    assert core.store.read(lambda tx: tx.connection.exec_driver_sql("select count(*) from hosts").scalar()) == 0


def test_a_dhcp_host_is_given_what_waits(core: Core, carrier: MemoryServer) -> None:
    """A network with a subnet that nobody serves is placed on the first host with that role that says hello."""
    network = _network(core)
    body = {"network_id": network, "project_id": "p", "name": "", "description": "", "ip_version": 6, "cidr": "2001:db8::/64"}
    body |= {"enable_dhcp": True, "ipv6_ra_mode": None, "ipv6_address_mode": "dhcpv6-stateful"}
    body |= {"dns_nameservers": [], "host_routes": []}
    subnets.create(core, ADMIN, [body])
    host = Host(carrier.connect("h1"), "h1", (Role.L2, Role.DHCP))
    host.until(lambda: network in host.session.view().served_networks())


def test_the_feed_outlives_an_outage(core: Core, carrier: MemoryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database does not answer hosts stay connected; what was asked is answered once it does."""
    host = Host(carrier.connect("h1"), "h1")
    host.until(lambda: host.session.in_sync)
    network = _network(core)
    failures: list[int] = []
    read = core.store.read

    def broken(work: Callable[..., object]) -> object:
        if threading.current_thread().name == "feed-reads" and len(failures) < 3:
            failures.append(1)
            raise OperationalError("select", {}, Exception("gone away"))
        return read(work)

    monkeypatch.setattr(core.store, "read", broken)
    port = _port(core, network, "h1")
    host.until(lambda: port["id"] in host.session.view().ports())
    assert len(failures) == 3


def test_pokes_pass_between_processes(tmp_path: Path) -> None:
    """A poke arrives by the socket; nobody listening is no error."""
    poked = threading.Event()
    poker = Poker(tmp_path / "feed.sock")
    poker()
    listener = PokeListener(tmp_path / "feed.sock", poked.set)
    poker()
    assert poked.wait(PATIENCE_S)
    listener.close()
    poker()
    poker.close()


def test_the_tail_goes_back_with_the_database(core: Core) -> None:
    """A database that is put back to an earlier state while the feed runs is followed from there."""
    tail = Tail(core)
    tail.read()
    for _ in range(3):
        _network(core)
    assert tail.read() != {}
    core.store.write(lambda tx: tx.execute(sa.delete(tables.journal)))
    core.store.write(lambda tx: tx.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'journal'")))
    assert tail.read() == {}
    network = _network(core)
    assert scopes.network(network) in tail.read()


def test_a_row_that_commits_late_is_not_passed_over(core: Core) -> None:
    """A journal row that appears below the newest number already read is told all the same, once."""
    tail = Tail(core)
    tail.read()
    network = _network(core)
    assert scopes.network(network) in tail.read()
    rows = core.store.read(lambda tx: tx.execute(sa.select(tables.journal)).mappings().all())
    late = {"sequence": min(row["sequence"] for row in rows), "scope": "network:late", "revision": 7, "entry_key": "network"}
    core.store.write(lambda tx: tx.execute(sa.delete(tables.journal).where(tables.journal.c.sequence == late["sequence"])))
    core.store.write(lambda tx: tx.execute(sa.insert(tables.journal), late))
    assert tail.read() == {"network:late": 7}
    assert tail.read() == {}


def test_the_journal_is_trimmed_in_small_pieces(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the newest rows are forgotten, and no transaction forgets more than its share."""
    rows = [{"scope": "network:x", "revision": number + 1, "entry_key": "network"} for number in range(100)]
    core.store.write(lambda tx: tx.execute(sa.insert(tables.journal), rows))
    before = core.store.read(lambda tx: tx.execute(sa.select(tables.journal.c.sequence)).scalars().all())
    monkeypatch.setattr(scope_reading, "_TRIMMED_AT_ONCE", 30)
    with core.store.counting() as statements:
        assert scope_reading.trim_journal(core, 10) == len(before) - 10
    assert sum(statement.startswith("DELETE") for statement in statements) == -(-(len(before) - 10) // 30)
    after = core.store.read(lambda tx: tx.execute(sa.select(tables.journal.c.sequence)).scalars().all())
    assert sorted(before)[-10:] == sorted(after)
    assert scope_reading.trim_journal(core, 10) == 0


def test_a_host_cannot_make_anothers_port_active(core: Core, carrier: MemoryServer) -> None:
    """What a host says of another host's port is passed over, wired, leased or gone; its own report counts."""
    thief, owner = (Host(carrier.connect(name), name) for name in ("h1", "h2"))
    thief.until(lambda: thief.session.in_sync)
    owner.until(lambda: owner.session.in_sync)
    port = _port(core, _network(core), "h2")
    for kind in RealisedKind:
        told = [Realised(kind=kind, id=port["id"], revision=2**60)]
        thief.do(thief.session.report(time.monotonic(), {}, told))
        thief.until(lambda: not thief.session.reports_wait)
    assert ports.show(core, ADMIN, port["id"])["status"] == "DOWN"
    owner.until(lambda: port["id"] in owner.session.view().ports())
    owner.do(owner.session.report(time.monotonic(), {}, [Realised(kind=RealisedKind.PORT, id=port["id"], revision=2**60)]))
    owner.until(lambda: ports.show(core, ADMIN, port["id"])["status"] == "ACTIVE")
    for told in ({"up": False}, {"gone": True}):
        one = Realised(kind=RealisedKind.PORT, id=port["id"], revision=2**60, **told)
        thief.do(thief.session.report(time.monotonic(), {}, [one]))
        thief.until(lambda: not thief.session.reports_wait)
    assert ports.show(core, ADMIN, port["id"])["status"] == "ACTIVE"


def test_a_host_that_floods_keeps_nobody_waiting(core: Core, carrier: MemoryServer) -> None:
    """Rubbish, pulls and reports without end from one host: another still gets its port, and nothing piles up."""
    flood = carrier.connect("h1")
    flooding = Host(flood, "h1")
    flooding.until(lambda: flooding.session.in_sync)
    other = Host(carrier.connect("h2"), "h2")
    other.until(lambda: other.session.in_sync)
    network = _network(core)
    noise = random.Random(1)  # noqa: S311  # a test wants to be repeated
    for number in range(2000):
        flood.send(noise.randbytes(50))
        flood.send(encode(Pull(scopes={scopes.network(network): number, scopes.host("h1"): number})))
        flood.send(encode(Report(sequence=10**6 + number, instance=flooding.session.instance)))
    port = _port(core, network, "h2")
    other.until(lambda: port["id"] in other.session.view().ports())
    flooding.turn()
    flooding.until(lambda: flooding.session.joined)
