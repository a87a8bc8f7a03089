"""A world without a kernel: many sessions, one server's end, a database of scopes, links that lose, double, delay and reorder.

Everything happens on one clock that is not real, drawn from one seed: the same seed gives the same history.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kaon.bus.live import Follow, Load, Note, Record, Register, Send, ServerAction, Times
from kaon.bus.server_end import ServerEnd
from kaon.host.agent import session as agent
from kaon.host.compile.view import View, needed_scopes
from kaon.wire import scopes
from kaon.wire.codec import decode_from_server, encode
from kaon.wire.entries import Entry
from kaon.wire.messages import Delta, Realised, RealisedKind, Report, Role, Snapshot
from kaon.wire.networks import Network
from kaon.wire.ports import GroupMember, HostPort, NetworkPort, RouterPort
from kaon.wire.routers import HostedRouter, Router
from kaon.wire.security_groups import Rule, SecurityGroup

JOURNAL_REVISIONS = 8
"""A scope's journal reaches back so far; who is further behind gets all of it."""


@dataclass
class Scope:
    """One scope of the database, and which keys changed at which revision."""

    revision: int = 1
    entries: dict[str, Entry] = field(default_factory=dict)
    journal: dict[int, set[str]] = field(default_factory=dict)


class Database:
    """Scopes as tables would give them. Ports, networks, groups and routers are made and unmade by `change`."""

    def __init__(self, hosts: Iterable[str], networks: int, source: random.Random) -> None:
        self.epoch = "epoch-1"
        self.hosts = tuple(hosts)
        self.random = source
        self.scopes: dict[str, Scope] = {}
        self.bound: dict[str, str] = {}
        self.reports: dict[tuple[str, RealisedKind, str], Realised] = {}
        self.applied: dict[tuple[str, str], int] = {}
        self.numbers = itertools.count(1)
        self.networks = [f"n{number}" for number in range(networks)]
        for name in self.networks:
            self.put(scopes.network(name), Network(id=name, network_type="vxlan", mtu=1450, segmentation_id=1))
            self.put(scopes.group(name), SecurityGroup(id=name))
            self.put(scopes.members(name))
            self.put(scopes.router(name), Router(id=name, revision=1))
            self.put(
                scopes.router(name), RouterPort(port_id=f"leg-{name}", network_id=name, device_owner="network:router_interface")
            )

    def put(self, scope: str, *entries: Entry, gone: Iterable[str] = ()) -> None:
        """Change a scope: one more revision."""
        held = self.scopes.setdefault(scope, Scope(revision=0))
        held.revision += 1
        for key in gone:
            held.entries.pop(key, None)
        held.entries.update((entry.key, entry) for entry in entries)
        held.journal[held.revision] = {entry.key for entry in entries} | set(gone)
        held.journal.pop(held.revision - JOURNAL_REVISIONS, None)

    def change(self) -> dict[str, int]:
        """Do something that an API call would do; give the scopes that moved."""
        before = {name: scope.revision for name, scope in self.scopes.items()}
        deed = self.random.random()
        if deed < 0.45 or not self.bound:
            self._bind(f"p{next(self.numbers)}", self.random.choice(self.hosts))
        elif deed < 0.7:
            self._unbind(self.random.choice(sorted(self.bound)))
        elif deed < 0.85:
            group, remote = self.random.choice(self.networks), self.random.choice(self.networks)
            rule = Rule(id=f"r-{remote}", direction="ingress", ethertype="IPv6", remote_group_id=remote)
            there = rule.key in self.scopes[scopes.group(group)].entries
            self.put(scopes.group(group), *(() if there else (rule,)), gone=(rule.key,) if there else ())
        else:
            host, router = self.random.choice(self.hosts), self.random.choice(self.networks)
            hosted = HostedRouter(router_id=router)
            there = hosted.key in self.scopes.get(scopes.host(host), Scope()).entries
            self.put(scopes.host(host), *(() if there else (hosted,)), gone=(hosted.key,) if there else ())
        return {name: scope.revision for name, scope in self.scopes.items() if before.get(name) != scope.revision}

    def _bind(self, port: str, host: str) -> None:
        network = self.random.choice(self.networks)
        self.bound[port] = f"{host} {network}"
        wired = HostPort(id=port, revision=1, network_id=network, mac_address="fa:16:3e:00:00:01", security_groups=(network,))
        self.put(scopes.host(host), wired)
        self.put(scopes.network(network), NetworkPort(id=port, revision=1, mac_address="fa:16:3e:00:00:01", host=host))
        self.put(scopes.members(network), GroupMember(port_id=port, addresses=("2001:db8::1",)))

    def _unbind(self, port: str) -> None:
        host, network = self.bound.pop(port).split()
        for scope in (scopes.host(host), scopes.network(network), scopes.members(network)):
            self.put(scope, gone=(f"port/{port}",))

    def follows(self, host: str) -> dict[str, int]:
        """Say what a host follows, by what it needs."""
        if scopes.host(host) not in self.scopes:
            self.put(scopes.host(host))
        held = {name: scope.entries for name, scope in self.scopes.items()}
        needed: frozenset[str] = frozenset()
        while True:
            view = View(host, {name: held[name] for name in needed if name in held})
            if needed == (needed := needed_scopes(view)):
                return {name: self.scopes[name].revision for name in needed if name in self.scopes}

    def load(self, load: Load) -> tuple[int, bytes | None]:
        """Read a scope as `server.feed.database.load` does."""
        scope = self.scopes.get(load.scope)
        if scope is None:
            return 0, None
        since = range(load.from_revision + 1, scope.revision + 1)
        if load.from_revision and all(revision in scope.journal for revision in since):
            keys = set().union(*(scope.journal[revision] for revision in since))
            delta = Delta(
                scope=load.scope,
                from_revision=load.from_revision,
                to_revision=scope.revision,
                entries=tuple(scope.entries[key] for key in sorted(keys & scope.entries.keys())),
                gone=tuple(sorted(keys - scope.entries.keys())),
            )
            return scope.revision, encode(delta)
        whole = Snapshot(scope=load.scope, revision=scope.revision, entries=tuple(scope.entries.values()))
        return scope.revision, encode(whole)

    def record(self, host: str, report: Report) -> None:
        """Store a report."""
        self.applied.update({(host, scope): revision for scope, revision in report.applied.items()})
        self.reports.update({(host, thing.kind, thing.id): thing for thing in report.realised})


@dataclass
class Weather:
    """What links do to messages: chances of loss and doubling, longest delay in seconds."""

    loss: float = 0.0
    doubling: float = 0.0
    delay_s: float = 0.01


class Agent:
    """One start of an agent: its session, and what it was told."""

    def __init__(self, world: "World", host: str, instance: str, saved: agent.Saved | None = None) -> None:
        self.world, self.host, self.instance = world, host, instance
        who = agent.Introduction(host=host, instance=instance, roles=(Role.L2,), tunnel_ip="192.0.2.1")
        self.session = agent.Session(who, random=world.random.random, saved=saved)
        self.peer = world.connect(self)
        self.alive = True
        self.saved: agent.Saved | None = saved
        self.refusals: list[str] = []
        self.out_of_sync = 0
        self.do(self.session.start(world.now))
        self.tick()

    def tick(self) -> None:
        """Let the session do what is due, and come again when it says so."""
        if self.alive:
            self.do(self.session.tick(self.world.now))
            pause = max(0.01, self.session.next_deadline(self.world.now) - self.world.now)
            self.world.after(min(pause, 1.0), self.tick)

    def hear(self, raw: bytes) -> None:
        """Take in a message."""
        if self.alive:
            self.do(self.session.receive(self.world.now, decode_from_server(raw)))

    def do(self, actions: Iterable[agent.Action]) -> None:
        """Carry out what the session says, and check that it never shows part of a picture."""
        for action in actions:
            match action:
                case agent.Send(message=message):
                    self.world.to_server(self, encode(message))
                case agent.SaveState(state=state):
                    self.saved = state
                case agent.RefusedBy(reason=reason):
                    self.refusals.append(reason)
                case agent.OutOfSync():
                    self.out_of_sync += 1
                case agent.InSync() | agent.ScopesChanged():
                    view = self.session.view()
                    assert needed_scopes(view) <= view.scopes.keys(), f"{self.host} was shown part of a picture"
                    self.report(view)

    def report(self, view: View) -> None:
        """Say that all is done, as an agent with a perfect kernel would."""
        ports = [Realised(kind=RealisedKind.PORT, id=port.id, revision=port.revision) for port in view.ports().values()]
        self.do(self.session.report(self.world.now, self.session.revisions(), ports))

    def kill(self) -> None:
        """Die without a word. The connection breaks."""
        self.alive = False
        self.world.disconnect(self)


class World:
    """The server's process, the links and the clock."""

    def __init__(self, seed: int, hosts: int, networks: int, weather: Weather | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311  # a simulation wants to be repeated
        self.now = 1000.0
        self.weather = weather or Weather()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.database = Database([f"h{number}" for number in range(hosts)], networks, self.random)
        self.peers: dict[bytes, Agent] = {}
        self.notes: list[str] = []
        self.told = 0
        self.server: ServerEnd | None = None
        self.boots = itertools.count(1)
        self.times = Times(heartbeat_s=5.0, silent_s=20.0, probe_s=2.0, refresh_s=20.0)
        self.start_server()
        self.agents = [Agent(self, host, f"{host}-1") for host in self.database.hosts]

    # Time

    def after(self, pause: float, what: Callable[[], None]) -> None:
        """Have something happen later."""
        heapq.heappush(self._events, (self.now + pause, next(self._order), what))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = end

    def run_until(self, holds: Callable[[], bool], within_s: float) -> float:
        """Let time pass until something holds; give how long it took."""
        began = self.now
        while not holds():
            assert self.now - began < within_s, f"not within {within_s} s"
            self.run(0.25)
        return self.now - began

    # The server

    def start_server(self) -> None:
        """Start a server that knows nothing but the database."""
        self.server = ServerEnd(self.database.epoch, self.times)
        self._tick_server(self.server)

    def kill_server(self) -> None:
        """End the server; every connection is gone."""
        self.server = None
        self.peers.clear()

    def reconnect_all(self) -> None:
        """Have the carrier of every living agent make a new connection."""
        for one in self.agents:
            if one.alive:
                one.peer = self.connect(one)
                one.do(one.session.reconnected(self.now))

    def change(self, times: int = 1) -> None:
        """Change the database, and have the journal looked into: at once, late, or only at the next look."""
        for _ in range(times):
            moved = self.database.change()
            if self.random.random() < 0.8:
                self.after(self.random.random() * 0.2, lambda moved=moved: self.look(moved))  # type: ignore[misc]

    def look(self, moved: dict[str, int]) -> None:
        """Have the server told of scopes that moved."""
        if self.server is not None:
            self._do(self.server, self.server.journal_moved(self.now, moved))

    def _tick_server(self, server: ServerEnd) -> None:
        if self.server is server:
            self._do(server, server.tick(self.now))
            self.after(0.2, lambda: self._tick_server(server))

    def _do(self, server: ServerEnd, actions: Iterable[ServerAction]) -> None:
        if self.server is not server:
            return
        for action in actions:
            match action:
                case Send():
                    self._to_agent(action)
                case Load():
                    self._answer(server, lambda load=action: server.loaded(self.now, load, *self.database.load(load)))
                case Follow():
                    self._answer(server, lambda follow=action: self._following(server, follow))
                case Register():
                    self._answer(server, lambda one=action: server.registered(self.now, one.host, one.hello.instance))
                case Record():
                    self._answer(server, lambda one=action: self._recorded(server, one))
                case Note(event=event):
                    self.notes.append(event)

    def _following(self, server: ServerEnd, follow: Follow) -> list[ServerAction]:
        return server.following(self.now, {host: self.database.follows(host) for host in follow.hosts})

    def _recorded(self, server: ServerEnd, record: Record) -> list[ServerAction]:
        self.database.record(record.host, record.report)
        return server.recorded(record.host, record.report.instance, record.report.sequence)

    def _answer(self, server: ServerEnd, question: Callable[[], list[ServerAction]]) -> None:
        """Ask the database: the pause is the same for all, so that answers come in order."""
        self.after(0.003, lambda: self._do(server, question() if self.server is server else []))

    # Links

    def connect(self, one: Agent) -> bytes:
        """Make a connection."""
        peer = next(self._order).to_bytes(5)
        self.peers[peer] = one
        return peer

    def disconnect(self, one: Agent) -> None:
        """Break a connection, and let the server notice."""
        if self.peers.pop(one.peer, None) is not None and self.server is not None:
            self._do(self.server, self.server.lost(self.now, one.peer))

    def _carry(self, deliver: Callable[[], None]) -> None:
        for _ in range(1 + (self.random.random() < self.weather.doubling)):
            if self.random.random() >= self.weather.loss:
                self.after(self.random.random() * self.weather.delay_s, deliver)

    def to_server(self, one: Agent, raw: bytes) -> None:
        """Send from a host."""
        peer = one.peer

        def deliver() -> None:
            server = self.server
            if server is not None and peer in self.peers:
                self._do(server, server.received(self.now, peer, one.host, raw))

        self._carry(deliver)

    def _to_agent(self, send: Send) -> None:
        self.told += bool(send.scopes) and isinstance(send.message, bytes)
        one = self.peers.get(send.peer)
        if one is None:
            assert self.server is not None
            self.server.unsent(self.now, send)
            return
        raw = send.message if isinstance(send.message, bytes) else encode(send.message)

        def deliver() -> None:
            if one.peer == send.peer:
                one.hear(raw)

        self._carry(deliver)

    # What should be

    def converged(self) -> bool:
        """Tell whether every living agent shows exactly what the database says, and said so."""
        return all(self.right(one) for one in self.agents if one.alive)

    def right(self, one: Agent) -> bool:
        """Tell whether an agent shows exactly what the database says."""
        wanted = self.database.follows(one.host)
        if not one.session.in_sync or one.session.revisions() != wanted:
            return False
        shown = one.session.view().scopes
        same = all(shown[name] == self.database.scopes[name].entries for name in wanted)
        return same and all(self.database.applied.get((one.host, name)) == revision for name, revision in wanted.items())
