"""What the feed asks of the database, one function a question. Each runs in a worker thread and may raise an outage."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from kaon.model.errors import Unavailable
from kaon.server.control import hosts, scope_reading, status
from kaon.server.control.core import Core
from kaon.server.store import followers, journal
from kaon.server.store.engine import CLOSED, Transaction
from kaon.wire.codec import encode
from kaon.wire.messages import Delta, Dropped, Hello, Report

_OVERLAP_ROWS = 256
_LATEST_S = 300
"""Seconds after which a transaction that was open when a later one committed is taken for one that never will."""

_BATCH_ROWS = 2000
_KEEP_ROWS = 100_000


def is_outage(problem: Exception) -> bool:
    """Tell whether a failure says that the database is out of reach or overloaded, not that the question was wrong."""
    if isinstance(problem, IntegrityError | ProgrammingError):
        return False
    return isinstance(problem, DBAPIError | TimeoutError | Unavailable) or type(problem) is SQLAlchemyError


@dataclass(slots=True)
class Tail:
    """Where the journal was read to.

    Rows become visible in the order of their commits, not of their numbers, so the newest rows are read again each time;
    what was told already is known by its revision. Numbers that were missing among them are asked for until they appear, or
    until whoever took them cannot commit any more. Of one scope both orders are the same.
    """

    core: Core
    sequence: int | None = None
    _told: Mapping[str, int] = field(default_factory=dict)
    _missing: Mapping[int, datetime] = field(default_factory=dict)

    def read(self) -> dict[str, int]:
        """Give the newest revision of each scope that moved since the last call; 0 for a scope that ended."""
        rows, began, now = self.core.store.read(self._read)
        found: dict[str, int] = {}
        for _, scope, revision in rows:
            ended = revision == CLOSED or found.get(scope) == CLOSED
            found[scope] = CLOSED if ended else max(revision, found.get(scope, 0))
        numbers = {number for number, _, _ in rows}
        newest = max(numbers, default=began)
        passed = dict(self._missing) | dict.fromkeys(set(range(began + 1, newest)) - self._missing.keys(), now)
        oldest = now - timedelta(seconds=_LATEST_S)
        self._missing = {number: since for number, since in passed.items() if number not in numbers and since >= oldest}
        self.sequence = max(self.sequence or 0, newest)
        moved = {scope: revision for scope, revision in found.items() if self._told.get(scope) != revision}
        self._told = found
        return moved

    def _read(self, tx: Transaction) -> tuple[list[journal.Row], int, datetime]:
        """Read what is new, what was read last, and what was missing; tell from where on, and when."""
        reached = scope_reading.journal_end(tx) if self.sequence is None else self.sequence
        began = position = max(0, reached - _OVERLAP_ROWS)
        rows = journal.at(tx, [number for number in self._missing if number <= began])
        while part := journal.after(tx, position, _BATCH_ROWS):
            rows += part
            position = part[-1][0]
        return rows, began, tx.now


def follow(core: Core, wanted: Collection[str], asked: Collection[str]) -> dict[str, dict[str, int]]:
    """Read what hosts follow: host -> scope -> revision. `asked`: scopes to settle first if the tables say they are needed."""

    def read(tx: Transaction) -> dict[str, dict[str, int]]:
        return {host: followers.followed(tx, host) for host in sorted(wanted)}

    def missed(tx: Transaction) -> dict[str, set[str]]:
        return {host: followers.allowed(tx, host, asked) - followers.followed(tx, host).keys() for host in sorted(wanted)}

    if asked:
        for host, names in core.store.read(missed).items():
            if names:
                core.store.write(lambda tx, host=host, names=names: followers.settle(tx, [host], names))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
    return core.store.read(read)


def load(core: Core, scope: str, from_revision: int) -> tuple[int, bytes | None]:
    """Read a scope for those who hold `from_revision`: the revision they will hold, the message, encoded. None: no scope."""
    message = core.store.read(lambda tx: scope_reading.read_changes(tx, scope, from_revision))
    match message:
        case None:
            return from_revision, encode(Delta(scope=scope, from_revision=from_revision, to_revision=from_revision))
        case Dropped():
            return 0, None
        case Delta():
            return message.to_revision, encode(message)
        case _:
            return message.revision, encode(message)


def register(core: Core, hello: Hello) -> None:
    """Store who a host is, and place what waited for such a host."""
    hosts.hello(core, hello)
    place_waiting(core)


def start_backends(core: Core) -> None:
    """Let the back ends begin."""
    status.start_backends(core)


def place_waiting(core: Core) -> None:
    """Give networks and routers that nobody serves to hosts that can; no port waits for a server that died."""
    from kaon.server.control import scheduling  # noqa: PLC0415  # pulls in the verbs of ports, needed here only

    scheduling.schedule_pending(core)
    status.refresh_waiting(core)


def heard(core: Core, names: Collection[str]) -> None:
    """Remember that hosts are alive."""
    hosts.heartbeat(core, names, core.clock())


def record(core: Core, host: str, report: Report) -> None:
    """Let the back ends take a report; statuses come of it."""
    status.take_report(core, host, report)


def trim(core: Core) -> None:
    """Forget old journal rows."""
    scope_reading.trim_journal(core, _KEEP_ROWS)
