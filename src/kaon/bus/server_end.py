"""The server's end of the talk with hosts: a state machine without I/O. Time is an argument.

Whoever drives it (`server.feed.driver`, a simulation) passes in what happened and carries out the actions that come back, in
order:

    received, lost, unsent      from the carrier
    registered, following,      results of Register, Follow, Load, Record; results of Follow and Load come in the order in
    loaded, recorded            which the database was read
    journal_moved               scopes have new revisions
    tick                        time has passed; `next_deadline` says when

What a host holds is known by `sent`: the revision of each scope that was last sent to it or that it said it has. A host that
does not read, or of whom it is not known what it holds, gets no deltas: one nudge says where to look.
"""

from collections.abc import Collection, Mapping
from ipaddress import ip_address

from kaon.bus.live import Claim, Follow, Heard, Live, Load, Note, Record, Register, Send, ServerAction, Times
from kaon.wire import scopes
from kaon.wire.codec import BadMessage, decode_from_host
from kaon.wire.messages import (
    MOST_AT_ONCE,
    WIRE_VERSION,
    Alive,
    Delta,
    Dropped,
    Heartbeat,
    Hello,
    Nudge,
    Probe,
    Pull,
    Refused,
    Report,
    Taken,
    Welcome,
    digest_of,
)

_NAMING = (scopes.Kind.HOST, scopes.Kind.GROUP, scopes.Kind.ROUTER)


class ServerEnd:
    """All hosts of one server process. epoch: the database's identity."""

    def __init__(self, epoch: str, times: Times | None = None) -> None:
        self.epoch = epoch
        self._times = times or Times()
        self._hosts: dict[str, Live] = {}
        self._by_peer: dict[bytes, Live] = {}
        self._followers: dict[str, set[str]] = {}
        self._revisions: dict[str, int] = {}
        self._loading: dict[tuple[str, int], set[str]] = {}

    def hosts(self) -> dict[str, str]:
        """Map each live host to the instance that speaks for it."""
        return {name: live.instance for name, live in self._hosts.items()}

    def next_deadline(self, now: float) -> float:
        """Say when to call `tick` next, at the latest."""
        times = [now + self._times.heartbeat_s]
        for live in self._hosts.values():
            if live.claim is not None:
                times.append(live.claim.deadline)
            if live.behind:
                times.append(live.nudge_at)
        return max(now, min(times))

    # From the carrier

    def received(self, now: float, peer: bytes, host: str, raw: bytes) -> list[ServerAction]:
        """Take in what a host said; `host` is the name that its key belongs to."""
        try:
            message = decode_from_host(raw)
        except BadMessage as error:
            return [Note("message cannot be read", {"host": host, "reason": str(error)})]
        if isinstance(message, Hello):
            return self._hello(now, peer, host, message)
        live = self._by_peer.get(peer)
        if live is None or live.host != host:
            return self._unknown(peer, host, message)
        actions = self._heard(now, live)
        match message:
            case Heartbeat():
                actions += self._heartbeat(now, live, message)
            case Pull():
                actions += self._pull(live, message)
            case Report():
                actions += self._report(live, message)
            case Alive():
                pass  # to have been heard is all it says
        return actions

    def lost(self, now: float, peer: bytes) -> list[ServerAction]:
        """Take note that a connection is gone."""
        live = self._by_peer.get(peer)
        if live is not None:
            claim = live.claim
            self._forget(live)
            return self._accept(now, claim.peer, live.host, claim.hello) if claim is not None else []
        for live in self._hosts.values():
            if live.claim is not None and live.claim.peer == peer:
                live.claim = None
        return []

    def unsent(self, now: float, send: Send) -> None:
        """Take note that a message was not taken by the carrier: its scopes are nudged for later, in one message."""
        live = self._by_peer.get(send.peer)
        if live is None:
            return
        for scope in send.scopes:
            live.sent.pop(scope, None)
            self._leave_behind(now, live, scope)

    # Results

    def registered(self, now: float, host: str, instance: str) -> list[ServerAction]:
        """Go on with a hello: the database knows the host now."""
        live = self._hosts.get(host)
        if live is None or live.instance != instance:
            return []
        live.registered = True
        live.following_asked_at = now
        return [Follow(frozenset({host}))]

    def refused(self, host: str, instance: str, reason: str) -> list[ServerAction]:
        """Go on with a hello that the server's control refuses."""
        live = self._hosts.get(host)
        if live is None or live.instance != instance:
            return []
        self._forget(live)
        return [Send(live.peer, Refused(reason=reason, retry_after_s=self._times.refused_retry_s))]

    def following(self, now: float, found: Mapping[str, Mapping[str, int]]) -> list[ServerAction]:
        """Take in what hosts follow: host -> scope -> revision. It answers Follow."""
        actions: list[ServerAction] = []
        for host, revisions in found.items():
            live = self._hosts.get(host)
            if live is None or not live.registered:
                continue
            if scopes.host(host) not in revisions:
                self._forget(live)
                actions.append(Note("host is unknown to the database now", {"host": host}))
                actions.append(Send(live.peer, Refused(reason="the host was removed: say hello again", retry_after_s=1.0)))
                continue
            moved = [scope for scope, revision in revisions.items() if self._revisions.get(scope, revision) != revision]
            new = self._follow(live, revisions)
            live.followed_at = now
            knows_its_scopes = live.welcomed_once
            actions += self._answer(live)
            if knows_its_scopes:
                actions += self._push_new(live, new)
            actions += self._answer_waiting(live)
            for scope in moved:
                for follower in sorted(self._followers[scope]):
                    actions += self._move(now, self._hosts[follower], scope)
        return actions

    def loaded(self, now: float, load: Load, revision: int, raw: bytes | None) -> list[ServerAction]:
        """Pass on a snapshot or delta that brings the scope to `revision`, encoded once; None: there is no such scope."""
        actions: list[ServerAction] = []
        hosts = self._loading.pop((load.scope, load.from_revision), set())
        if raw is not None and load.scope in self._followers:
            self._revisions[load.scope] = max(revision, self._revisions.get(load.scope, 0))
        for host in sorted(hosts):
            live = self._hosts.get(host)
            if live is None:
                continue
            live.loading.discard(load.scope)
            if raw is None or load.scope not in live.follows:
                live.sent.pop(load.scope, None)
                actions.append(Send(live.peer, Dropped(scope=load.scope)))
                continue
            live.sent[load.scope] = revision
            live.behind.discard(load.scope)
            actions.append(Send(live.peer, raw, (load.scope,)))
            actions += self._move(now, live, load.scope)
        return actions

    def failed(self, load: Load) -> None:
        """Take note that a Load cannot be answered. The hosts' next heartbeat or pull finds what is missing."""
        for host in self._loading.pop((load.scope, load.from_revision), set()):
            live = self._hosts.get(host)
            if live is not None:
                live.sent.pop(load.scope, None)
                live.loading.discard(load.scope)

    def recorded(self, host: str, instance: str, sequence: int) -> list[ServerAction]:
        """Answer a report: it is stored."""
        live = self._hosts.get(host)
        if live is None or live.instance != instance:
            return []
        live.recorded = max(live.recorded, sequence)
        return [Send(live.peer, Taken(sequence=sequence))]

    def journal_moved(self, now: float, moved: Mapping[str, int]) -> list[ServerAction]:
        """Take note of scopes that have new revisions; 0 says that the scope is no more. Saying it twice does no harm."""
        actions: list[ServerAction] = []
        naming: set[str] = set()
        for scope, revision in moved.items():
            followers = self._followers.get(scope)
            if followers is None:
                continue
            if revision == 0 or scopes.parse(scope)[0] in _NAMING:
                naming.update(host for host in followers if self._hosts[host].registered)
            if revision:
                self._revisions[scope] = max(revision, self._revisions.get(scope, 0))
        if naming:
            for host in naming:
                self._hosts[host].following_asked_at = now
            actions.append(Follow(frozenset(naming)))
        for scope, revision in moved.items():
            if revision:
                for host in sorted(self._followers.get(scope, ())):
                    actions += self._move(now, self._hosts[host], scope)
        return actions

    def tick(self, now: float) -> list[ServerAction]:
        """Do what is due: answer claims, send nudges, forget the silent."""
        actions: list[ServerAction] = []
        for live in list(self._hosts.values()):
            claim = live.claim
            if claim is not None and now >= claim.deadline:
                actions.append(Note("instance is silent, another takes over", {"host": live.host, "instance": live.instance}))
                self._forget(live)
                actions += self._accept(now, claim.peer, live.host, claim.hello)
                continue
            if now - live.heard_at > self._times.silent_s:
                actions.append(Note("host is silent", {"host": live.host, "instance": live.instance}))
                self._forget(live)
                continue
            if live.behind and now >= live.nudge_at:
                where = {scope: self._revisions[scope] for scope in sorted(live.behind) if scope in self._revisions}
                live.behind.clear()
                live.nudge_at = now + self._times.nudge_every_s
                if where:
                    actions.append(Send(live.peer, Nudge(revisions=where), tuple(where)))
        return actions

    # Joining

    def _hello(self, now: float, peer: bytes, host: str, hello: Hello) -> list[ServerAction]:
        problem = None
        if hello.host != host:
            problem = f"this key is of another host than {hello.host!r}"
        elif hello.wire_version != WIRE_VERSION:
            problem = f"wire version {hello.wire_version} is not spoken here: expected {WIRE_VERSION}"
        elif not hello.instance:
            problem = "the hello names no instance"
        elif not _can_end_a_tunnel(hello.tunnel_ip):
            problem = f"no tunnel can end at {hello.tunnel_ip!r}: expected an IPv4 or IPv6 address of the host"
        if problem is not None:
            refusal = Refused(reason=problem, retry_after_s=self._times.misfit_retry_s)
            return [Note("host refused", {"host": host, "says": hello.host, "reason": problem}), Send(peer, refusal)]
        live = self._hosts.get(host)
        if live is None or live.instance == hello.instance:
            return self._accept(now, peer, host, hello)
        if live.claim is not None and live.claim.hello.instance != hello.instance:
            return [self._second(peer)]
        if live.claim is not None:
            live.claim = Claim(peer, hello, live.claim.deadline)
            return []
        live.claim = Claim(peer, hello, now + self._times.probe_s)
        return [
            Note("a second instance claims the host", {"host": host, "first": live.instance, "second": hello.instance}),
            Send(live.peer, Probe(instance=live.instance)),
        ]

    def _second(self, peer: bytes) -> Send:
        reason = "another instance of this host's agent is alive"
        return Send(peer, Refused(reason=reason, retry_after_s=self._times.refused_retry_s))

    def _accept(self, now: float, peer: bytes, host: str, hello: Hello) -> list[ServerAction]:
        """Let an instance speak for its host; a known one may come by another connection."""
        live = self._hosts.get(host)
        if live is not None and live.hello == hello and live.peer == peer and not live.registered:
            return []  # said twice; the answer is on its way
        known = live is not None and live.registered and live.introduced_as(hello)
        if live is None:
            live = Live(host=host, instance=hello.instance, peer=peer, hello=hello, heard_at=now, nudge_at=now)
            self._hosts[host] = live
        else:
            self._by_peer.pop(live.peer, None)
            live.moved_to(peer, hello, now)
        self._by_peer[peer] = live
        live.asked = self._digest_asked(hello)
        if known:
            return [Heard(host), *self._compare(now, live)]
        live.registered = False
        return [Register(host, hello)]

    def _digest_asked(self, hello: Hello) -> str:
        return hello.digest if hello.epoch == self.epoch else ""

    def _unknown(self, peer: bytes, host: str, message: object) -> list[ServerAction]:
        """Someone speaks who has not said hello here: after a restart of this server that is everybody."""
        if isinstance(message, Heartbeat | Pull | Report):
            return [Send(peer, Refused(reason=f"{host} has not said hello here", retry_after_s=0.1))]
        return []

    def _forget(self, live: Live) -> None:
        del self._hosts[live.host]
        self._by_peer.pop(live.peer, None)
        for scope in live.follows:
            self._unfollow(live.host, scope)

    # What a host says once it is known

    def _heard(self, now: float, live: Live) -> list[ServerAction]:
        live.heard_at = now
        if live.claim is None:
            return []
        claim, live.claim = live.claim, None
        return [self._second(claim.peer)]

    def _heartbeat(self, now: float, live: Live, message: Heartbeat) -> list[ServerAction]:
        if message.instance != live.instance:
            return [Send(live.peer, Refused(reason="another instance speaks for this host", retry_after_s=0.1))]
        if not live.registered:
            return []
        live.asked = message.digest
        return [Heard(live.host), *self._compare(now, live)]

    def _compare(self, now: float, live: Live) -> list[ServerAction]:
        """Answer a digest, from memory if that is fresh."""
        if now - live.followed_at < self._times.refresh_s:
            return self._answer(live)
        if now - live.following_asked_at < self._times.refresh_s:
            return []  # asked for already; the answer brings the welcome
        live.following_asked_at = now
        return [Follow(frozenset({live.host}))]

    def _answer(self, live: Live) -> list[ServerAction]:
        """Compare the digest that waits with what the host should hold, and say so."""
        if live.asked is None:
            return []
        should = {scope: self._revisions[scope] for scope in live.follows}
        matches = live.asked == digest_of(self.epoch, should)
        live.asked = None
        live.welcomed_once = True
        if matches:
            live.sent = dict(should)
            live.behind.clear()
            should = {}
        welcome = Welcome(epoch=self.epoch, heartbeat_s=self._times.heartbeat_s, matches=matches, revisions=should)
        return [Send(live.peer, welcome)]

    def _pull(self, live: Live, message: Pull) -> list[ServerAction]:
        if not live.registered:
            return []
        actions: list[ServerAction] = []
        if len(message.scopes) + len(live.waiting) > MOST_AT_ONCE:
            return [Note("host asks for too much at once", {"host": live.host, "scopes": len(message.scopes)})]
        for scope, held in message.scopes.items():
            if scope in live.follows:
                actions += self._give(live, scope, held)
            elif _is_scope(scope):
                live.waiting[scope] = held
            else:
                actions.append(Note("host asks for what is no scope", {"host": live.host, "scope": scope}))
        if live.waiting:
            actions.append(Follow(frozenset({live.host}), frozenset(live.waiting)))
        return actions

    def _give(self, live: Live, scope: str, held: int) -> list[ServerAction]:
        """Bring a scope from the revision that the host holds to the present one."""
        live.behind.discard(scope)
        if held and scope in live.loading:
            return []  # something is on its way already; should it not fit, the host asks again
        if held and held == self._revisions[scope]:
            live.sent[scope] = held
            return [Send(live.peer, Delta(scope=scope, from_revision=held, to_revision=held), (scope,))]
        return self._load(live, scope, held if held < self._revisions[scope] else 0)

    def _answer_waiting(self, live: Live) -> list[ServerAction]:
        """Answer what was asked for before it was known whether the host may have it."""
        actions: list[ServerAction] = []
        waiting, live.waiting = live.waiting, {}
        for scope, held in waiting.items():
            if scope in live.follows:
                actions += self._give(live, scope, held)
            else:
                actions.append(Note("host asks for what it does not follow", {"host": live.host, "scope": scope}))
                actions.append(Send(live.peer, Dropped(scope=scope)))
        return actions

    def _report(self, live: Live, message: Report) -> list[ServerAction]:
        if message.instance != live.instance or not live.registered or message.sequence < live.recorded:
            return []
        if message.sequence == live.recorded:
            return [Send(live.peer, Taken(sequence=message.sequence))]
        if message.sequence <= live.recording:
            return []
        live.recording = message.sequence
        return [Record(live.host, message)]

    # Scopes

    def _follow(self, live: Live, revisions: Mapping[str, int]) -> frozenset[str]:
        """Replace what a host follows; give what is new."""
        for scope in live.follows - revisions.keys():
            self._unfollow(live.host, scope)
            live.sent.pop(scope, None)
            live.behind.discard(scope)
        new = frozenset(revisions.keys() - live.follows)
        for scope in new:
            self._followers.setdefault(scope, set()).add(live.host)
        live.follows = frozenset(revisions)
        self._revisions.update(revisions)
        return new

    def _unfollow(self, host: str, scope: str) -> None:
        followers = self._followers[scope]
        followers.discard(host)
        if not followers:
            del self._followers[scope]
            self._revisions.pop(scope, None)

    def _push_new(self, live: Live, new: Collection[str]) -> list[ServerAction]:
        """Send scopes that the host has just begun to follow, before it asks."""
        actions: list[ServerAction] = []
        for scope in sorted(new):
            if scope not in live.sent and scope not in live.waiting:
                actions += self._load(live, scope, 0)
        return actions

    def _move(self, now: float, live: Live, scope: str) -> list[ServerAction]:
        """Bring a follower to the present revision: by a delta if it is known what it holds and it reads, else by a nudge."""
        held = live.sent.get(scope)
        if not live.welcomed_once or (held is not None and held >= self._revisions[scope]):
            return []
        if held is None or live.behind:
            if scope not in live.loading:
                self._leave_behind(now, live, scope)
            return []
        return self._load(live, scope, held)

    def _leave_behind(self, now: float, live: Live, scope: str) -> None:
        if not live.behind:
            live.nudge_at = max(live.nudge_at, now)
        live.behind.add(scope)

    def _load(self, live: Live, scope: str, from_revision: int) -> list[ServerAction]:
        """Ask for a delta or snapshot, once for all who hold the same."""
        live.loading.add(scope)
        waiting = self._loading.get((scope, from_revision))
        if waiting is not None:
            waiting.add(live.host)
            return []
        self._loading[scope, from_revision] = {live.host}
        return [Load(scope, from_revision)]


def _can_end_a_tunnel(address: str | None) -> bool:
    """Tell whether hosts may be told this address: they all work with it, so one host's nonsense would be everybody's."""
    if address is None:
        return True
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return not (known.is_multicast or known.is_unspecified)


def _is_scope(name: str) -> bool:
    try:
        scopes.parse(name)
    except ValueError:
        return False
    return True
