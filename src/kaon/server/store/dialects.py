"""What differs between SQLite, PostgreSQL and MariaDB: connections, options of tables, failures that ask for another attempt.

Writers read committed rows on PostgreSQL and MariaDB: a statement that waited for a row goes on with that row as it then is.
What they decided on earlier reads is checked again at the end (`engine.Transaction.rely_on`). Readers see one snapshot.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

_BUSY_TIMEOUT_S = 30.0
_LOCK_TIMEOUT_S = 10
"""Longest wait for a row: a transaction that holds one longer than this hangs, and waiting on would hang everyone."""

_INSIDE = 16 * 1024 * 1024
"""Longest text, in bytes, that MariaDB strings together before it cuts it off without an error."""

_IDLE_S = 1800
"""Age at which a connection is made anew: proxies and MariaDB's wait_timeout end older ones."""

_LOST_RACES = {"40001", "40P01", "55P03"}  # PostgreSQL: serialization failure, deadlock detected, lock timeout
_LOST_RACES_MARIADB = {
    1020,  # record has changed since last read
    1205,  # lock wait timeout
    1213,  # deadlock, also Galera's certification failure
}


def make_engines(url: str, pool_size: int) -> tuple[Engine, Engine]:
    """Make the engine of writers and the engine of readers; they may be one.

    Errors  ValueError for SQLite in memory.
    """
    parsed = sa.make_url(url)
    # Every transaction is committed or rolled back by who began it: a rollback more would be one question more.
    pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size, "pool_reset_on_return": None}
    match parsed.get_backend_name():
        case "sqlite":
            engine = _sqlite(parsed, pool)
            return engine, engine  # every transaction of WAL mode reads one snapshot
        case "postgresql":
            engine = sa.create_engine(parsed, isolation_level="READ COMMITTED", pool_recycle=_IDLE_S, **pool)
            sa.event.listen(engine, "connect", _prepare_postgresql)
            return engine, engine.execution_options(isolation_level="REPEATABLE READ")  # goes with BEGIN, costs nothing
        case _:
            # There the level belongs to the connection; setting it back and forth would take two questions a transaction.
            engines = [
                sa.create_engine(parsed, isolation_level=level, pool_recycle=_IDLE_S, **pool)
                for level in ("READ COMMITTED", "REPEATABLE READ")
            ]
            for engine in engines:
                sa.event.listen(engine, "connect", _prepare_mariadb)
            return engines[0], engines[1]


def is_lost_race(problem: DBAPIError) -> bool:
    """Tell whether a fresh attempt may end otherwise. A broken key may: the next attempt sees the row that won."""
    if isinstance(problem, IntegrityError):
        return True
    original = problem.orig
    if getattr(original, "sqlstate", None) in _LOST_RACES:
        return True
    arguments = getattr(original, "args", ())
    if arguments and arguments[0] in _LOST_RACES_MARIADB:
        return True
    return str(getattr(original, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def one_writer(engine: Engine) -> bool:
    """Tell whether the database lets in one writer at a time, so that nothing can change under it."""
    return engine.dialect.name == "sqlite"


@compiles(CreateTable, "mysql", "mariadb")
def _create_table(element: CreateTable, compiler: Any, **options: Any) -> str:
    """Make every table of MariaDB compare text as the other databases do: by its bytes, blanks at the end included."""
    text = str(compiler.visit_create_table(element, **options)).rstrip()
    return f"{text} ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"


def _sqlite(parsed: sa.URL, pool: dict[str, Any]) -> Engine:
    if parsed.database in {None, "", ":memory:"}:
        raise ValueError("SQLite in memory cannot be shared between connections: name a file")
    arguments = {"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False}
    engine = sa.create_engine(parsed, connect_args=arguments, **pool)
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


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT_S}s'")
    connection.commit()


def _prepare_mariadb(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        # Strict whatever the server is set to: what does not fit is an error and is never cut off.
        # What comes inside a row (`select.inside`) must be whole, too.
        whole = f"sql_mode = 'TRADITIONAL', group_concat_max_len = {_INSIDE}"
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_TIMEOUT_S}, {whole}")
