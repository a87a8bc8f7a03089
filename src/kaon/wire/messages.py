"""What a host and a server say to each other. Pure values; `bus` carries them, `codec` makes bytes of them.

    host                                 server
    Hello(digest of what I hold)    ->
                                    <-   Welcome(matches?, else the revisions you should hold) | Refused
    Pull({scope: revision held})    ->
                                    <-   Snapshot | Delta | Dropped, one a scope
                                    <-   Nudge({scope: revision})                        whenever something moved
    Report(applied, realised)       ->
                                    <-   Taken(sequence)
    Heartbeat(digest)               ->
                                    <-   Welcome, as after Hello
                                    <-   Probe      are you still there? (another instance claims your host)
    Alive                           ->

Each may be lost, doubled, delayed or reordered: a delta counts only for who holds `from_revision`, reports carry whole
values, and digests find what was missed.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from kaon.wire.entries import Entry

WIRE_VERSION = 1

MOST_AT_ONCE = 1000
"""Things in one message of a host; a message with more cannot be read. What is said by hosts is bounded in every way."""

Word = Annotated[str, Meta(max_length=255, pattern=r"\A[^\x00-\x1f]*\Z")]
Reason = Annotated[str, Meta(max_length=500, pattern=r"\A[^\x00]*\Z")]
Setting = Annotated[str, Meta(max_length=4000, pattern=r"\A[^\x00]*\Z")]
Revision = Annotated[int, Meta(ge=0, lt=2**62)]
Revisions = Annotated[dict[Word, Revision], Meta(max_length=MOST_AT_ONCE)]


class Role(StrEnum):
    """What an agent does on its host."""

    L2 = "l2"
    L3 = "l3"
    DHCP = "dhcp"
    METADATA = "metadata"


class RealisedKind(StrEnum):
    """What a host can report as done.

    PORT        wired and filtered on its own host
    LEASE       a DHCP server of the port's network has its reservation; id is the port's
    ROUTER      the router forwards
    FLOATINGIP  the address is translated
    """

    PORT = "port"
    LEASE = "lease"
    ROUTER = "router"
    FLOATINGIP = "floatingip"


class Hello(msgspec.Struct, frozen=True, tag="hello", kw_only=True):
    """An agent introduces itself. Who it is comes from its key; `host` must agree with that.

    instance           random for each start of an agent
    tunnel_ip          where its tunnels end; None without the l2 role
    physical_networks  provider networks it is wired to
    epoch              of the database that its scopes came from; None when it holds none
    digest             over all scopes held, see `digest_of`
    """

    wire_version: int
    host: Word
    instance: Word
    roles: Annotated[tuple[Role, ...], Meta(max_length=len(Role))]
    tunnel_ip: Word | None = None
    physical_networks: Annotated[tuple[Word, ...], Meta(max_length=100)] = ()
    epoch: Word | None = None
    digest: Word = ""
    configurations: Annotated[
        dict[Word, Setting | Annotated[int, Meta(ge=-(2**62), lt=2**62)] | bool], Meta(max_length=100)
    ] = {}


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat", kw_only=True):
    """An agent is alive, and holds this."""

    instance: Word
    digest: Word


class Pull(msgspec.Struct, frozen=True, tag="pull", kw_only=True):
    """An agent asks for scopes; the value is the revision it holds, 0 for none."""

    scopes: Revisions


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """One thing as it now is on the host: done at this revision, or not and why.

    up      True: in force at `revision`. False: not (device absent, admin down, an error); `reason` says which
    gone    the host has taken it away and forgets it
    """

    kind: RealisedKind
    id: Annotated[str, Meta(max_length=36, pattern=r"\A[^\x00-\x1f]*\Z")]
    revision: Revision
    up: bool = True
    gone: bool = False
    reason: Reason = ""


class Report(msgspec.Struct, frozen=True, tag="report", kw_only=True):
    """What the host has made true. Repeated until taken; the latest value of each thing wins.

    applied  scope -> revision that the kernel now agrees with
    """

    sequence: Revision
    instance: Word
    applied: Revisions = {}
    realised: Annotated[tuple[Realised, ...], Meta(max_length=MOST_AT_ONCE)] = ()


class Alive(msgspec.Struct, frozen=True, tag="alive", kw_only=True):
    """The answer to Probe."""

    instance: Word


class Welcome(msgspec.Struct, frozen=True, tag="welcome", kw_only=True):
    """The server knows the agent.

    epoch      identity of the database; scopes of another epoch are worthless
    matches    the digest agreed: the agent is in sync, `revisions` is empty
    revisions  otherwise: every scope that the host should hold, and its revision
    """

    epoch: str
    heartbeat_s: float
    matches: bool
    revisions: dict[str, int] = {}


class Refused(msgspec.Struct, frozen=True, tag="refused", kw_only=True):
    """The server will not serve this agent, at least for now."""

    reason: str
    retry_after_s: float


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot", kw_only=True):
    """A whole scope. Replaces what was held if `revision` is newer."""

    scope: str
    revision: int
    entries: tuple[Entry, ...]


class Delta(msgspec.Struct, frozen=True, tag="delta", kw_only=True):
    """What changed in a scope. Counts only for who holds exactly `from_revision`.

    entries  as they are now, by key
    gone     keys that are no more
    """

    scope: str
    from_revision: int
    to_revision: int
    entries: tuple[Entry, ...] = ()
    gone: tuple[str, ...] = ()


class Dropped(msgspec.Struct, frozen=True, tag="dropped", kw_only=True):
    """The host does not follow the scope (any more), or it does not exist."""

    scope: str


class Nudge(msgspec.Struct, frozen=True, tag="nudge", kw_only=True):
    """Look: these scopes have moved to these revisions."""

    revisions: dict[str, int]


class Taken(msgspec.Struct, frozen=True, tag="taken", kw_only=True):
    """The report with this sequence number is stored."""

    sequence: int


class Probe(msgspec.Struct, frozen=True, tag="probe", kw_only=True):
    """Answer with Alive."""

    instance: str


FromHost = Hello | Heartbeat | Pull | Report | Alive
FromServer = Welcome | Refused | Snapshot | Delta | Dropped | Nudge | Taken | Probe


def digest_of(epoch: str, revisions: Mapping[str, int]) -> str:
    """Sum up which scopes are held at which revisions, independent of order: equal exactly when they are equal."""
    summary = hashlib.blake2b(digest_size=16)
    summary.update(epoch.encode())
    for scope in sorted(revisions):
        summary.update(f"\n{scope}={revisions[scope]}".encode())
    return summary.hexdigest()
