"""What the server's end remembers of a host that speaks to it, and what it asks of whoever drives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaon.wire.messages import FromServer, Hello, Report


@dataclass(frozen=True, slots=True)
class Times:
    """How long things may take, in seconds.

    heartbeat_s      between two heartbeats of a host
    silent_s         a host that says nothing for so long is no longer live
    probe_s          the time to answer Probe
    refused_retry_s  when a second instance may ask again
    misfit_retry_s   when one with the wrong name or version may ask again
    refresh_s        what a host follows is read anew at a heartbeat when it is older; mends whatever the journal's tail missed
    nudge_every_s    between two nudges to one host
    """

    heartbeat_s: float = 10.0
    silent_s: float = 45.0
    probe_s: float = 3.0
    refused_retry_s: float = 5.0
    misfit_retry_s: float = 60.0
    refresh_s: float = 60.0
    nudge_every_s: float = 0.2


@dataclass(frozen=True, slots=True)
class Send:
    """Hand this to the carrier; bytes are encoded already. When it is not taken, call `unsent`. scopes: what it tells of."""

    peer: bytes
    message: FromServer | bytes
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Read a scope and call `loaded`: what changed since that revision if the journal still tells; else, or for 0, all."""

    scope: str
    from_revision: int


@dataclass(frozen=True, slots=True)
class Follow:
    """Read which scopes these hosts follow, and their revisions. Call `following`.

    asked  scopes that a host asks for though it is not known to follow them: look whether it should
    """

    hosts: frozenset[str]
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Register:
    """Store who a host is. Call `registered`, or `refused`."""

    host: str
    hello: Hello


@dataclass(frozen=True, slots=True)
class Heard:
    """The host is alive."""

    host: str


@dataclass(frozen=True, slots=True)
class Record:
    """Store a host's report. Call `recorded`."""

    host: str
    report: Report


@dataclass(frozen=True, slots=True)
class Note:
    """Write to the log."""

    event: str
    fields: Mapping[str, object]


ServerAction = Send | Load | Follow | Register | Heard | Record | Note


@dataclass(frozen=True, slots=True)
class Claim:
    """A second instance that wants to speak for a host, while the first is asked whether it is there."""

    peer: bytes
    hello: Hello
    deadline: float


@dataclass(slots=True)
class Live:
    """A host that speaks to this server.

    registered          the database knows this hello
    welcomed_once       it has been told what to hold; pushes make sense
    asked               a digest that waits for its answer
    follows             scopes it is entitled to
    followed_at         when that was read; following_asked_at: when the reading was asked for
    sent                scope -> revision that it holds, as far as is known
    behind              scopes to nudge it for
    loading             scopes that are being read for it
    waiting             pulls for scopes of which it is not known yet whether the host follows them
    recording, recorded the newest report that was passed on, and that was stored
    """

    host: str
    instance: str
    peer: bytes
    hello: Hello
    heard_at: float
    nudge_at: float
    registered: bool = False
    welcomed_once: bool = False
    asked: str | None = None
    follows: frozenset[str] = frozenset()
    followed_at: float = float("-inf")
    following_asked_at: float = float("-inf")
    sent: dict[str, int] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    loading: set[str] = field(default_factory=set)
    waiting: dict[str, int] = field(default_factory=dict)
    recording: int = 0
    recorded: int = 0
    claim: Claim | None = None

    def introduced_as(self, hello: Hello) -> bool:
        """Tell whether a hello says the same of the agent as the one before; what it holds may differ."""
        return _introduction(self.hello) == _introduction(hello)

    def moved_to(self, peer: bytes, hello: Hello, now: float) -> None:
        """Go on by another connection: nothing is known of what arrived by the old one."""
        if peer != self.peer:
            self.sent.clear()
            self.behind.clear()
            self.waiting.clear()
            self.welcomed_once = False
        self.peer, self.hello, self.heard_at, self.claim = peer, hello, now, None


def _introduction(hello: Hello) -> tuple[object, ...]:
    return (hello.instance, hello.roles, hello.tunnel_ip, hello.physical_networks, sorted(hello.configurations.items()))
