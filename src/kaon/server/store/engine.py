"""The unit of work: one transaction that carries a change, its revisions and its journal rows.

Every write runs as a function of a `Transaction`, and may run again from the start when the database asks for it; it must
therefore have no effect outside the transaction. Scopes are raised in one UPDATE, as the last step before COMMIT: whoever
holds a scope's row commits before the next one can raise it, so revisions of a scope appear in the order of their numbers.
"""

import functools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from kaon.lib.backoff import jittered
from kaon.lib.clock import Clock, utc_now
from kaon.lib.ids import new_id
from kaon.server.store import tables
from kaon.wire.scopes import Kind, parse

T = TypeVar("T")

CLOSED = 0
"""The revision in the journal row that says a scope is no more; its entry key is empty."""

_BUSY_TIMEOUT_S = 30.0
_LOST_RACES = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock detected
_LOST_RACES_MYSQL = {
    1020,
    1205,
    1213,
}  # MariaDB: record changed, lock wait timeout, deadlock (also Galera's certification failure)


class Retry(Exception):  # noqa: N818  # it asks for something; it is no error
    """Raised by work that lost a race: begin again with a fresh transaction."""


class Statements(list[str]):
    """The SQL text of statements, in the order in which they ran; BEGIN, COMMIT and ROLLBACK are not among them."""


class Transaction:
    """One attempt of a unit of work.

    connection  SQLAlchemy Core; never commit or roll back on it
    now         when the attempt began: UTC without zone, whole seconds
    """

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self._touched: dict[str, dict[str, None]] = {}
        self._opened: dict[str, None] = {}
        self._closed: dict[str, None] = {}

    def execute(
        self, statement: sa.Executable, parameters: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement."""
        result = self.connection.execute(statement, parameters)
        assert isinstance(result, CursorResult)  # noqa: S101  # Core on a real connection gives nothing else; tells mypy
        return result

    def touch(self, scope: str, *entry_keys: str) -> None:
        """Remember that these entries of a scope changed, appeared or went."""
        self._touched.setdefault(scope, {}).update(dict.fromkeys(entry_keys))

    def open_scope(self, scope: str) -> None:
        """Make a scope, in the transaction that makes what it describes."""
        self._closed.pop(scope, None)
        self._opened[scope] = None

    def close_scope(self, scope: str) -> None:
        """End a scope, in the transaction that ends what it describes. Its followers go with it."""
        self._opened.pop(scope, None)
        self._touched.pop(scope, None)
        self._closed[scope] = None

    @property
    def dirty(self) -> bool:
        """True when a scope was opened, touched or closed."""
        return bool(self._touched or self._opened or self._closed)

    @property
    def moved(self) -> dict[str, tuple[str, ...]]:
        """Tell what changed: scope -> keys of its entries that did; the empty key stands for a scope that came or went."""
        found = dict.fromkeys((*self._opened, *self._closed), ("",))
        return found | {name: (*keys, *found.get(name, ())) for name, keys in self._touched.items()}

    def flush(self) -> None:
        """Raise the touched scopes and journal what changed in them. The store does it, last of all.

        Errors  Retry when a scope is gone: its object went while this transaction ran.
        """
        rows = self._close()
        touched = {name: keys for name, keys in sorted(self._touched.items()) if name not in self._closed}
        revisions = self._raise([name for name in touched if name not in self._opened])
        opened = dict.fromkeys(self._opened, 1)
        for name in touched.keys() - revisions.keys() - opened.keys():
            if parse(name)[0] is not Kind.HOST:
                raise Retry(f"scope {name} is gone")
            opened[name] = 1  # a host's scope appears when it is first spoken of
        if opened:
            self.execute(sa.insert(tables.scopes), [{"name": name, "revision": 1} for name in sorted(opened)])
        revisions.update(opened)
        rows += [
            {"scope": name, "revision": revisions[name], "entry_key": key} for name, keys in touched.items() for key in keys
        ]
        if rows:
            self.execute(sa.insert(tables.journal), rows)

    def _raise(self, names: list[str]) -> dict[str, int]:
        if not names:
            return {}
        which = tables.scopes.c.name.in_(names)
        self.execute(sa.update(tables.scopes).where(which).values(revision=tables.scopes.c.revision + 1))
        rows = self.execute(sa.select(tables.scopes.c.name, tables.scopes.c.revision).where(which))
        return {row.name: row.revision for row in rows}

    def _close(self) -> list[dict[str, Any]]:
        if not self._closed:
            return []
        names = sorted(self._closed)
        self.execute(sa.delete(tables.followers).where(tables.followers.c.scope.in_(names)))
        self.execute(sa.delete(tables.scopes).where(tables.scopes.c.name.in_(names)))
        return [{"scope": name, "revision": CLOSED, "entry_key": ""} for name in names]


class Store:
    """The database and its units of work. Safe to share between threads.

    url    SQLAlchemy's; sqlite:///file, postgresql+psycopg://..., mysql+pymysql://...  SQLite in memory is refused: its
           connections would not see each other
    clock  tells `Transaction.now`
    """

    def __init__(self, url: str, *, clock: Clock = utc_now, attempts: int = 20, pool_size: int = 16) -> None:
        self._clock = clock
        self._attempts = attempts
        self._random = random.Random()  # noqa: S311  # spreads retries, guards nothing
        self._pokes: list[Callable[[], None]] = []
        self.engine = _engine(url, pool_size)
        # SQLite has one writer at a time and polls for its turn; threads of one process queue here and need not poll.
        self._turn: AbstractContextManager[Any] = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` in one transaction, flush its scopes, commit, then poke. It is tried again when the database says so.

        Errors  what `work` raises, nothing then remains of it; DBAPIError after the last attempt.
        """
        for attempt in range(1, self._attempts + 1):
            try:
                result, dirty = self._write_once(work)
            except (DBAPIError, Retry) as problem:
                if attempt == self._attempts or not _worth_another(problem):
                    raise
                time.sleep(jittered(attempt, 0.001, 0.5, self._random))
                continue
            if dirty:
                for poke in self._pokes:
                    poke()
            return result
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _write_once(self, work: Callable[[Transaction], T]) -> tuple[T, bool]:
        with self._turn, self.engine.connect() as connection, connection.execution_options(kaon_write=True).begin():
            transaction = Transaction(connection, self._clock())
            result = work(transaction)
            transaction.flush()
            return result, transaction.dirty

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` on one snapshot of the database. What it writes is rolled back."""
        with self._snapshots.connect() as connection:
            return work(Transaction(connection, self._clock()))

    @functools.cached_property
    def _snapshots(self) -> Engine:
        if self.engine.dialect.name == "sqlite":
            return self.engine  # every transaction of WAL mode reads one snapshot
        return self.engine.execution_options(isolation_level="REPEATABLE READ")

    def on_commit(self, poke: Callable[[], None]) -> None:
        """Have `poke` called after each commit that touched a scope. It must be quick and must not raise."""
        self._pokes.append(poke)

    def upgrade(self) -> None:
        """Bring the schema to the newest migration, and give a new database its identity (fact `epoch`)."""
        from kaon.server.store import migrations  # noqa: PLC0415  # Alembic is slow to import and needed here only

        migrations.upgrade(self.engine)
        self.write(_ensure_epoch)

    def epoch(self) -> str:
        """Tell the identity of the database; scopes of another one are worthless."""
        return self.read(
            lambda tx: str(tx.execute(sa.select(tables.facts.c.value).where(tables.facts.c.name == "epoch")).scalar_one())
        )

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()

    @contextmanager
    def counting(self) -> Iterator[Statements]:
        """Collect the statements that run on any connection of this store until the block ends."""
        statements = Statements()

        def collect(_c: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:  # noqa: PLR0917, FBT001, RUF100  # SQLAlchemy's event signature
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        sa.event.listen(self.engine, "before_cursor_execute", collect)
        try:
            yield statements
        finally:
            sa.event.remove(self.engine, "before_cursor_execute", collect)


def _ensure_epoch(tx: Transaction) -> None:
    if tx.execute(sa.select(tables.facts.c.value).where(tables.facts.c.name == "epoch")).first() is None:
        tx.execute(sa.insert(tables.facts).values(name="epoch", value=new_id()))


def _worth_another(problem: DBAPIError | Retry) -> bool:
    """Tell whether a fresh attempt may end otherwise. A broken key may: the next attempt sees the row that won."""
    if isinstance(problem, Retry | IntegrityError):
        return True
    original = problem.orig
    if getattr(original, "sqlstate", None) in _LOST_RACES:
        return True
    arguments = getattr(original, "args", ())
    if arguments and arguments[0] in _LOST_RACES_MYSQL:
        return True
    return getattr(original, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _engine(url: str, pool_size: int) -> Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        isolation = {"isolation_level": "READ COMMITTED"}
        return sa.create_engine(parsed, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, **isolation)
    if parsed.database in {None, "", ":memory:"}:
        raise ValueError("SQLite in memory cannot be shared between connections: name a file")
    engine = sa.create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False},
        json_serializer=json.dumps,
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin_sqlite` does
    for pragma in (
        "journal_mode = WAL",  # readers and the writer do not wait for each other
        # A host may already hold a revision; losing it to a power cut would give its number to another change. So: FULL.
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -16384",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader could not become one later without failing; it says so from the start.
    writes = connection.get_execution_options().get("kaon_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
