"""The unit of work: one transaction that carries a change, its revisions and its journal rows.

Every write runs as a function of a `Transaction`, and may run again from the start when the database asks for it; it must
therefore have no effect outside the transaction. Scopes are raised in one UPDATE, as the last step before COMMIT: whoever
holds a scope's row commits before the next one can raise it, so revisions of a scope appear in the order of their numbers.

Where several write at once, rows that a transaction read may change before it commits. It relies on their revisions: once it
holds its scopes, these are compared, and when one moved it begins again. Two changes of one network, router or group
therefore know of each other, as they raise the same scope.
"""

import functools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from kaon.lib.backoff import jittered
from kaon.lib.clock import Clock, utc_now
from kaon.lib.ids import new_id
from kaon.server.store import dialects, tables
from kaon.wire.scopes import Kind, parse

T = TypeVar("T")
R = TypeVar("R")
F = TypeVar("F", bound="Finish")

CLOSED = 0
"""The revision in the journal row that says a scope is no more; its entry key is empty."""


_PATIENCE_S = 30.0
"""After so long an attempt that fails is followed by one more only: whoever asked has other limits than ours."""


class Retry(Exception):  # noqa: N818  # it asks for something; it is no error
    """Raised by work that lost a race: begin again with a fresh transaction."""


class _UndecidedError(Exception):
    """The connection broke at COMMIT: whether it happened nobody knows, so it must not be tried again."""

    def __init__(self, problem: DBAPIError) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Statements(list[str]):
    """The SQL text of statements, in the order in which they ran; BEGIN, COMMIT and ROLLBACK are not among them."""


class Finish(Protocol):
    """What a transaction leaves to its end."""

    def finish(self, tx: "Transaction") -> None: ...  # noqa: D102  # see the class


class Transaction:
    """One attempt of a unit of work.

    connection  SQLAlchemy Core; never commit or roll back on it
    now         when the attempt began: UTC without zone, whole seconds
    posted      it leaves something to be told to another service; see `store.outbox`
    """

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.posted = False
        self._one_writer = dialects.one_writer(connection.engine)
        self._touched: dict[str, dict[str, None]] = {}
        self._opened: dict[str, None] = {}
        self._closed: dict[str, None] = {}
        self._read: dict[tuple[sa.Table, str], int] = {}
        self._last: dict[str, Finish] = {}

    def execute(
        self, statement: sa.Executable, parameters: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement."""
        result = self.connection.execute(statement, parameters)
        assert isinstance(result, CursorResult)  # noqa: S101  # Core on a real connection gives nothing else; tells mypy
        return result

    def lock(self, table: sa.Table, identity: str, *, references: bool = False) -> None:
        """Keep everybody else from changing or deleting a row, by its key; with `references` also from newly referring to it.

        Nothing where one writes at a time. MariaDB always keeps off references, too.
        """
        if not self._one_writer:
            key = table.primary_key.columns[0]
            self.execute(sa.select(key).where(key == identity).with_for_update(key_share=not references)).all()

    def rely_on(self, table: sa.Table, identity: str, revision: int) -> None:
        """Remember that a resource was read at this revision; the transaction begins again if another one changes it.

        Errors  Retry when it was read before at another revision: what was decided on that one may not hold.
        """
        if not self._one_writer and self._read.setdefault((table, identity), revision) != revision:
            raise Retry(f"{table.name} {identity} changed between two looks at it")

    def relies_on(self, table: sa.Table, identity: str) -> int | None:
        """Tell at which revision a resource was read; None: it was not, or nobody else can change it."""
        return self._read.get((table, identity))

    def changed(self, table: sa.Table, identity: str, by: int | None = None) -> None:
        """Remember that this very transaction raised the revision of a resource by so much; None: it was set or went."""
        read = self._read.pop((table, identity), None)
        if read is not None and by is not None:
            self._read[table, identity] = read + by

    def at_the_end(self, name: str, make: Callable[[], F]) -> F:
        """Leave something to the end, before scopes are raised, in the order of names; each name has one."""
        return self._last.setdefault(name, make())  # type: ignore[return-value]  # who shares a name shares the type

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
    def dialect(self) -> str:
        """Name of the kind of database, as SQLAlchemy has it."""
        return self.connection.dialect.name

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
        for name in sorted(self._last):
            self._last[name].finish(self)
        rows = self._close()
        touched = {name: keys for name, keys in sorted(self._touched.items()) if name not in self._closed}
        revisions = self._raise([name for name in touched if name not in self._opened])
        opened = dict.fromkeys(self._opened, 1)
        for name in touched.keys() - revisions.keys() - opened.keys():
            if parse(name)[0] is not Kind.HOST:
                raise Retry(f"scope {name} is gone")
            opened[name] = 1  # a host's scope appears when it is first spoken of
        if opened:
            self.execute(_OPEN, [{"name": name, "revision": 1} for name in sorted(opened)])
        revisions.update(opened)
        rows += [
            {"scope": name, "revision": revisions[name], "entry_key": key} for name, keys in touched.items() for key in keys
        ]
        if rows:
            self.execute(_NOTE, rows)

    def _raise(self, names: list[str]) -> dict[str, int]:
        if not names:
            return {}
        by_table: dict[sa.Table, dict[str, int]] = {}
        for (table, identity), revision in self._read.items():
            by_table.setdefault(table, {})[identity] = revision
        raising, looking = _raising(tuple((table, len(read)) for table, read in by_table.items()), self.dialect)
        values: dict[str, Any] = {"names": names}
        for at, read in enumerate(by_table.values()):
            for number, (identity, revision) in enumerate(read.items()):
                values |= {f"id_{at}_{number}": identity, f"revision_{at}_{number}": revision}
        if self.dialect == "postgresql":
            # Its UPDATE takes rows in any order; and what it compares it sees as of the moment before it waited for them.
            self.execute(_TAKE, {"names": names}).all()
            rows = self.execute(raising, values).all()
        else:
            self.execute(raising, {"names": names})
            rows = self.execute(looking, values).all()
        if any(row.unchanged != len(self._read) for row in rows):
            raise Retry("what was read has changed")
        return {row.name: row.revision for row in rows}

    def _close(self) -> list[dict[str, Any]]:
        if not self._closed:
            return []
        names = sorted(self._closed)
        if not self._one_writer:  # all scopes in one order, those that end and those that are raised
            c = tables.scopes.c
            mine = sorted({*names, *self._touched})
            self.execute(sa.select(c.name).where(c.name.in_(mine)).order_by(c.name).with_for_update()).all()
        self.execute(sa.delete(tables.followers).where(tables.followers.c.scope.in_(names)))
        self.execute(sa.delete(tables.scopes).where(tables.scopes.c.name.in_(names)))
        return [{"scope": name, "revision": CLOSED, "entry_key": ""} for name in names]


_NAMED = tables.scopes.c.name.in_(sa.bindparam("names", expanding=True))
_TAKE = sa.select(tables.scopes.c.name).where(_NAMED).order_by(tables.scopes.c.name).with_for_update()
_OPEN = sa.insert(tables.scopes)
_NOTE = sa.insert(tables.journal)


@functools.lru_cache(256)
def _raising(read: tuple[tuple[sa.Table, int], ...], dialect: str) -> tuple[sa.Executable, sa.Executable]:
    """Make what raises scopes, and what then tells their revisions and how many resources are unchanged (`unchanged`).

    read  table -> how many resources were read of it; parameters id_0_0, revision_0_0: of the first one of the first table
    """
    counted: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer)
    for at, (table, count) in enumerate(read):
        this, as_read = table.c.id, table.c.revision_number
        same = [
            sa.and_(this == sa.bindparam(f"id_{at}_{one}"), as_read == sa.bindparam(f"revision_{at}_{one}"))
            for one in range(count)
        ]
        counted = counted + sa.select(sa.func.count()).select_from(table).where(sa.or_(*same)).scalar_subquery()
    c = tables.scopes.c
    found = (c.name, c.revision, counted.label("unchanged"))
    raising = sa.update(tables.scopes).where(_NAMED).values(revision=c.revision + 1)
    return (raising.returning(*found) if dialect == "postgresql" else raising), sa.select(*found).where(_NAMED)


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
        self._post_pokes: list[Callable[[], None]] = []
        self.engine, self._snapshots = dialects.make_engines(url, pool_size)
        # SQLite has one writer at a time and polls for its turn; threads of one process queue here and need not poll.
        self._turn: AbstractContextManager[Any] = threading.Lock() if dialects.one_writer(self.engine) else nullcontext()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` in one transaction, flush its scopes, commit, then poke. It is tried again when the database says so.

        Errors  what `work` raises, nothing then remains of it; DBAPIError after the last attempt.
        """
        result, dirty, posted = self._again(lambda: self._write_once(work))
        for poke in (*(self._pokes if dirty else ()), *(self._post_pokes if posted else ())):
            poke()
        return result

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` on one snapshot of the database. What it writes is rolled back. Tried again as `write` does."""

        def once() -> T:
            with self._snapshots.connect() as connection:
                return work(Transaction(connection, self._clock()))

        return self._again(once)

    def _again(self, once: Callable[[], R]) -> R:
        deadline = time.monotonic() + _PATIENCE_S
        for attempt in range(1, self._attempts):
            try:
                return once()
            except (DBAPIError, Retry) as problem:
                if isinstance(problem, DBAPIError) and not (problem.connection_invalidated or dialects.is_lost_race(problem)):
                    raise
            except _UndecidedError as undecided:
                raise undecided.problem from None
            if time.monotonic() > deadline:
                break
            time.sleep(jittered(attempt, 0.001, 0.5, self._random))
        return once()

    def _write_once(self, work: Callable[[Transaction], T]) -> tuple[T, bool, bool]:
        with self._turn, self.engine.connect() as connection, connection.execution_options(kaon_write=True).begin() as begun:
            transaction = Transaction(connection, self._clock())
            result = work(transaction)
            transaction.flush()
            try:
                begun.commit()
            except DBAPIError as problem:
                if problem.connection_invalidated:
                    raise _UndecidedError(problem) from problem
                _roll_back(connection)
                raise
            return result, transaction.dirty, transaction.posted

    def on_commit(self, poke: Callable[[], None]) -> None:
        """Have `poke` called after each commit that touched a scope. It must be quick and must not raise."""
        self._pokes.append(poke)

    def on_post(self, poke: Callable[[], None]) -> None:
        """Have `poke` called after each commit that left something to tell to another service; else as `on_commit`."""
        self._post_pokes.append(poke)

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
        for engine in {self.engine, self._snapshots}:
            engine.dispose()

    @contextmanager
    def counting(self) -> Iterator[Statements]:
        """Collect the statements that run on any connection of this store until the block ends."""
        statements = Statements()

        def collect(_c: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:  # noqa: PLR0917, FBT001, RUF100  # SQLAlchemy's event signature
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        engines = {self.engine, self._snapshots} if self._snapshots.pool is not self.engine.pool else {self.engine}
        for engine in engines:
            sa.event.listen(engine, "before_cursor_execute", collect)
        try:
            yield statements
        finally:
            for engine in engines:
                sa.event.remove(engine, "before_cursor_execute", collect)


def _roll_back(connection: Connection) -> None:
    """End a transaction whose COMMIT failed: SQLAlchemy holds it for ended, and its next user would go on with it."""
    try:
        connection.connection.rollback()
    except Exception:  # noqa: BLE001  # each driver has its own; what matters is that nobody gets this connection again
        connection.invalidate()


def _ensure_epoch(tx: Transaction) -> None:
    if tx.execute(sa.select(tables.facts.c.value).where(tables.facts.c.name == "epoch")).first() is None:
        tx.execute(sa.insert(tables.facts).values(name="epoch", value=new_id()))
