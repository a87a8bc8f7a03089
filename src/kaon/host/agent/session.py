"""The host's end of the talk with the server: a state machine without I/O. Time and randomness are arguments.

It keeps two pictures. The *working* one takes whatever arrives. The *complete* one is what the rest of the agent sees: it is
replaced by the working one only when every scope that the host needs is held, so nobody ever acts on part of a picture.

`start`, `reconnected`, `receive`, `tick` and `report` return actions to carry out in order; `next_deadline` says when to
`tick`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from kaon.host.agent.outbox import Outbox
from kaon.host.agent.pulls import Pulls
from kaon.host.compile.view import View, needed_scopes
from kaon.wire import scopes
from kaon.wire.entries import Entry
from kaon.wire.messages import (
    WIRE_VERSION,
    Alive,
    Delta,
    Dropped,
    FromHost,
    FromServer,
    Heartbeat,
    Hello,
    Nudge,
    Probe,
    Pull,
    Realised,
    Refused,
    Role,
    Snapshot,
    Taken,
    Welcome,
    digest_of,
)

_HELLO_BASE_S, _HELLO_CEILING_S = 0.5, 30.0
_SPREAD_S = 0.3
_SILENT_HEARTBEATS = 3
_EARLY_S = 10.0
_EARLY_SCOPES = 256
_SAVE_EVERY_S = 2.0
_BEYOND_STRIKES = 3
_NAMING = (scopes.Kind.HOST, scopes.Kind.GROUP, scopes.Kind.ROUTER)


@dataclass(frozen=True, slots=True)
class Held:
    """One scope as the host holds it: entries by key. Never changed in place."""

    revision: int
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Saved:
    """A complete picture: the epoch of the database it came from, and every scope."""

    epoch: str
    scopes: Mapping[str, Held]


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who the agent is. instance: random for each start; the rest as in `wire.messages.Hello`."""

    host: str
    instance: str
    roles: tuple[Role, ...]
    tunnel_ip: str | None = None
    physical_networks: tuple[str, ...] = ()
    configurations: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    """Hand this to the carrier. If it is lost, the session notices by itself."""

    message: FromHost


@dataclass(frozen=True, slots=True)
class ScopesChanged:
    """The complete picture is newer now; these scopes changed, appeared or went."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class InSync:
    """The complete picture is the server's: from now on it may be written to the kernel. Take all of it."""


@dataclass(frozen=True, slots=True)
class OutOfSync:
    """What was held is worth nothing: write nothing more until InSync."""

    reason: str


@dataclass(frozen=True, slots=True)
class SaveState:
    """Save this complete picture for a start without the server."""

    state: Saved


@dataclass(frozen=True, slots=True)
class RefusedBy:
    """The server does not serve this agent now; the session asks again by itself."""

    reason: str
    retry_after_s: float


Action = Send | ScopesChanged | InSync | OutOfSync | SaveState | RefusedBy


class Session:
    """One start of one agent.

    random  gives numbers in [0, 1): spreads retries of many hosts
    saved   what an earlier start saved; it is the complete picture until the server says otherwise, but not in sync
    """

    def __init__(self, introduction: Introduction, *, random: Callable[[], float], saved: Saved | None = None) -> None:
        self._who = introduction
        self._random = random
        self._epoch = saved.epoch if saved else None
        self._working: dict[str, Held] = dict(saved.scopes) if saved else {}
        self._complete: dict[str, Held] = {}
        self._listed: frozenset[str] = frozenset()
        self._early: dict[str, tuple[float, Held]] = {}
        self._beyond: dict[str, int] = {}
        self._pulls = Pulls(random)
        self._outbox = Outbox(introduction.instance)
        self._needed = self._find_needed()
        self._changed: set[str] = set()
        self._in_sync = self._joined = self._confirmed = False
        self._heartbeat_s = 10.0
        self._attempt = 0
        self._hello_at: float | None = None
        self._heartbeat_at = self._heard_at = 0.0
        self._save_at: float | None = None
        if self._needed <= self._working.keys():
            self._complete = dict(self._working)

    # What others read

    @property
    def in_sync(self) -> bool:
        """True from the first time that the whole of the server's picture was held."""
        return self._in_sync

    @property
    def joined(self) -> bool:
        """True while the server knows this agent and answers."""
        return self._joined

    @property
    def instance(self) -> str:
        """Name this start of the agent."""
        return self._who.instance

    def view(self) -> View:
        """Give the complete picture; before InSync it is what was saved, or nothing."""
        return View(host=self._who.host, scopes={name: held.entries for name, held in self._complete.items()})

    def revisions(self) -> dict[str, int]:
        """Give the revisions of the complete picture: what to report as applied once the kernel agrees with it."""
        return {name: held.revision for name, held in self._complete.items()}

    def holds_state(self) -> bool:
        """Tell whether there is a complete picture at all, saved or in sync."""
        return bool(self._complete)

    @property
    def reports_wait(self) -> bool:
        """True while the server has not taken all that was reported."""
        return not self._outbox.empty

    def next_deadline(self, now: float) -> float:
        """Say when to call `tick` next, at the latest: seconds on the clock of `now`."""
        times = [now + self._heartbeat_s, self._pulls.next_deadline()]
        if self._hello_at is not None:
            times.append(self._hello_at)
        if self._joined:
            times += [self._heartbeat_at, self._outbox.next_deadline()]
        if self._save_at is not None:
            times.append(self._save_at)
        return max(now, min(times))

    # What happens

    def start(self, now: float) -> list[Action]:
        """Begin: say hello."""
        self._heard_at = now
        return self._say_hello(now)

    def reconnected(self, now: float) -> list[Action]:
        """Say hello anew: the carrier made a new connection. If it lost one, many hosts did: a random moment is waited."""
        self._joined = False
        self._attempt = 0
        self._hello_at = now + (self._random() * _SPREAD_S if self._confirmed else 0.0)
        return []

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        if self._joined and now - self._heard_at > _SILENT_HEARTBEATS * self._heartbeat_s:
            self._joined = False
            self._hello_at = now
        if self._hello_at is not None and now >= self._hello_at:
            actions += self._say_hello(now)
        if self._joined:
            if now >= self._heartbeat_at:
                self._heartbeat_at = now + self._heartbeat_s * (0.9 + 0.2 * self._random())
                actions.append(Send(Heartbeat(instance=self._who.instance, digest=self._digest())))
            actions += self._pull(now)
            actions += self._report(now)
        self._early = {name: kept for name, kept in self._early.items() if now - kept[0] < _EARLY_S}
        if self._save_at is not None and now >= self._save_at and self._epoch is not None:
            self._save_at = None
            actions.append(SaveState(Saved(self._epoch, dict(self._complete))))
        return actions

    def report(self, now: float, applied: Mapping[str, int], realised: Iterable[Realised]) -> list[Action]:
        """Tell the server what the kernel agrees with now. The latest value of each thing is repeated until it is taken."""
        self._outbox.add(applied, realised)
        return self._report(now) if self._joined else []

    def receive(self, now: float, message: FromServer) -> list[Action]:  # noqa: C901  # one line a message of the protocol
        """Take in what the server said."""
        self._heard_at = now
        match message:
            case Welcome():
                return self._welcomed(now, message)
            case Refused():
                return self._refused(now, message)
            case Probe():
                return [Send(Alive(instance=self._who.instance))] if message.instance == self._who.instance else []
            case Taken():
                self._outbox.taken(message.sequence)
                return self._report(now) if self._joined else []
        if self._epoch is None or not self._joined:
            return []  # of an earlier talk; whatever it was, the digest finds what is missing
        match message:
            case Snapshot():
                self._take_snapshot(now, message)
            case Delta():
                self._take_delta(now, message)
            case Dropped():
                self._take_dropped(now, message.scope)
            case Nudge():
                for name, revision in message.revisions.items():
                    self._pulls.want(name, revision)
        return self._settle(now)

    # Joining

    def _say_hello(self, now: float) -> list[Action]:
        window = min(_HELLO_CEILING_S, _HELLO_BASE_S * 2.0 ** min(self._attempt, 16))
        self._attempt += 1
        self._hello_at = now + window * (0.5 + 0.5 * self._random())
        who = self._who
        hello = Hello(
            wire_version=WIRE_VERSION,
            host=who.host,
            instance=who.instance,
            roles=who.roles,
            tunnel_ip=who.tunnel_ip,
            physical_networks=who.physical_networks,
            epoch=self._epoch,
            digest=self._digest(),
            configurations=dict(who.configurations),
        )
        return [Send(hello)]

    def _refused(self, now: float, message: Refused) -> list[Action]:
        self._joined = False
        self._attempt = max(self._attempt, 1)
        self._hello_at = now + message.retry_after_s * (1.0 + 0.2 * self._random())
        return [RefusedBy(message.reason, message.retry_after_s)]

    def _welcomed(self, now: float, message: Welcome) -> list[Action]:
        actions: list[Action] = []
        if message.epoch != self._epoch:
            actions += self._forget(message.epoch)
        if not self._joined:
            self._heartbeat_at = now + message.heartbeat_s * (0.5 + 0.5 * self._random())
            self._outbox.reconnected()
            self._pulls.reconnected()
        self._joined = True
        self._hello_at = None
        self._attempt = 0
        self._heartbeat_s = message.heartbeat_s
        if message.matches:
            self._beyond.clear()
            self._pulls.satisfied()
        else:
            self._listed = frozenset(message.revisions)
            self._mind_beyond(message.revisions)
            for name, revision in message.revisions.items():
                self._pulls.want(name, revision)
        self._confirmed = True
        return actions + self._settle(now)

    def _forget(self, epoch: str) -> list[Action]:
        """Begin anew: another database speaks, what was held came from a different one."""
        held_something = bool(self._working) or self._in_sync
        self._epoch = epoch
        self._working, self._complete, self._early = {}, {}, {}
        self._listed, self._beyond, self._changed = frozenset(), {}, set()
        self._pulls.forget()
        self._outbox.forget_applied()
        self._needed = self._find_needed()
        self._in_sync = self._confirmed = False
        self._save_at = None
        return [OutOfSync("the server's database is another one")] if held_something else []

    def _mind_beyond(self, revisions: Mapping[str, int]) -> None:
        """Give up scopes that stay newer here than at the server.

        A welcome may have been overtaken by a delta, so once means nothing; several times in a row means that the server's
        database was put back to an earlier state.
        """
        beyond = {name for name, revision in revisions.items() if self._revision(name) > revision}
        self._beyond = {name: self._beyond.get(name, 0) + 1 for name in beyond}
        for name in [name for name, times in self._beyond.items() if times >= _BEYOND_STRIKES]:
            del self._beyond[name], self._working[name]
            self._pulls.replace(name, revisions[name])
            self._changed.add(name)

    # Scopes

    def _revision(self, name: str) -> int:
        held = self._working.get(name)
        return held.revision if held else 0

    def _digest(self) -> str:
        return digest_of(self._epoch or "", {name: held.revision for name, held in self._working.items()})

    def _find_needed(self) -> frozenset[str]:
        return needed_scopes(View(self._who.host, {name: held.entries for name, held in self._working.items()}))

    def _take_snapshot(self, now: float, message: Snapshot) -> None:
        self._pulls.answered(message.scope, message.revision)
        if message.revision > max(self._revision(message.scope), self._early_revision(message.scope)):
            self._keep(now, message.scope, Held(message.revision, {entry.key: entry for entry in message.entries}))

    def _take_delta(self, now: float, message: Delta) -> None:
        name = message.scope
        held = self._working.get(name) or (self._early[name][1] if name in self._early else None)
        if held is not None and held.revision == message.from_revision:
            self._pulls.answered(name, message.to_revision)
            if message.to_revision > held.revision:
                entries = dict(held.entries)
                for key in message.gone:
                    entries.pop(key, None)
                entries.update((entry.key, entry) for entry in message.entries)
                self._keep(now, name, Held(message.to_revision, entries))
        else:
            self._pulls.want(name, message.to_revision)

    def _take_dropped(self, now: float, name: str) -> None:
        self._pulls.dropped(now, name)
        self._listed -= {name}
        if name not in self._needed and self._working.pop(name, None) is not None:
            self._changed.add(name)

    def _early_revision(self, name: str) -> int:
        return self._early[name][1].revision if name in self._early else 0

    def _keep(self, now: float, name: str, held: Held) -> None:
        """Take a scope in; what nobody needs yet waits a while, for the entry that names it may come later."""
        if name in self._needed or name in self._listed:
            self._early.pop(name, None)
            self._working[name] = held
            self._changed.add(name)
        elif len(self._early) < _EARLY_SCOPES or name in self._early:
            self._early[name] = (now, held)

    def _settle(self, now: float) -> list[Action]:
        """Find what is needed now, ask for what is missing, and publish the picture if it is complete."""
        self._follow_names()
        wanted = self._needed | self._listed
        missing = any(self._pulls.wanted(name) > self._revision(name) or name not in self._working for name in wanted)
        actions = self._pull(now) if missing and self._joined else []
        if not self._needed <= self._working.keys() or not (self._in_sync or (self._confirmed and not missing)):
            return actions
        if self._changed:
            self._complete = dict(self._working)
            actions.append(ScopesChanged(frozenset(self._changed)))
            self._changed.clear()
            self._save_at = self._save_at if self._save_at is not None else now + _SAVE_EVERY_S
        if not self._in_sync:
            self._complete = dict(self._working)
            self._in_sync = True
            actions.append(InSync())
        return actions

    def _follow_names(self) -> None:
        """Bring the needed set up to date: take in early scopes that are needed, let go of scopes that no longer are."""
        exact = self._needed <= self._working.keys() <= self._needed | self._listed
        if exact and not any(scopes.parse(name)[0] in _NAMING for name in self._changed):
            return
        before = self._needed
        while True:
            self._needed = self._find_needed()
            timely = [name for name in self._early if name in self._needed]
            for name in timely:
                self._working[name] = self._early.pop(name)[1]
                self._changed.add(name)
            if not timely:
                break
        self._listed -= before - self._needed
        if not self._needed <= self._working.keys():
            return  # what is missing may name what now seems superfluous
        for name in [name for name in self._working if name not in self._needed and name not in self._listed]:
            del self._working[name]
            self._changed.add(name)
        self._pulls.retain(self._needed | self._listed)

    def _pull(self, now: float) -> list[Action]:
        wanted = self._needed | self._listed
        asked = self._pulls.due(now, {name: self._revision(name) for name in wanted})
        return [Send(Pull(scopes=asked))] if asked else []

    def _report(self, now: float) -> list[Action]:
        report = self._outbox.due(now)
        return [Send(report)] if report is not None else []
