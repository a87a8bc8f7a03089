"""Several transactions at once, step by step: what each may see, and what happens to who comes second."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from kaon.server.backends.linux import LinuxBackend
from kaon.server.control.core import Core
from kaon.server.feed.database import Tail
from kaon.server.store import rows, select, tables
from kaon.server.store.engine import Store, Transaction

NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone

_LOST = {
    "postgresql": [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable],
    "mysql": [lambda: pymysql.err.OperationalError(1213, "deadlock"), lambda: pymysql.err.OperationalError(1205, "waited")],
}


@pytest.fixture
def store(shared_database: str) -> Iterator[Store]:
    """A new database."""
    fresh = Store(shared_database)
    yield fresh
    fresh.close()


def _make_group(store: Store, identity: str) -> None:
    stamps = {"created_at": NOW, "updated_at": NOW, "revision_number": 1}
    row = {"id": identity, "project_id": "p", "name": "", "description": "", "stateful": True, **stamps}

    def work(tx: Transaction) -> None:
        tx.execute(sa.insert(tables.security_groups).values(row))
        tx.open_scope(f"group:{identity}")

    store.write(work)


def _revision(store: Store, identity: str) -> int:
    c = tables.security_groups.c
    return store.read(lambda tx: int(tx.execute(sa.select(c.revision_number).where(c.id == identity)).scalar_one()))


def test_a_reader_never_skips_a_late_commit(store: Store) -> None:
    """A row that became visible after a thousand later ones is told all the same, and told once."""
    tail = Tail(Core(store=store, backends={"linux": LinuxBackend()}))
    assert tail.read() == {}
    with store.engine.connect() as late:
        slow = Transaction(late, NOW)
        slow.touch("host:slow", "port/1")
        slow.flush()
        store.write(lambda tx: tx.touch("host:fast", *(f"port/{number}" for number in range(1000))))
        assert tail.read() == {"host:fast": 1}
        store.write(lambda tx: tx.touch("host:fast", *(f"port/{number}" for number in range(1000))))
        assert tail.read() == {"host:fast": 2}
        late.commit()
    assert tail.read() == {"host:slow": 1}
    assert tail.read() == {}


def test_what_was_read_and_changed_meanwhile_begins_again(store: Store) -> None:
    """Who decided on a group that another one changed before the end decides anew."""
    _make_group(store, "g")
    seen = []

    def work(tx: Transaction) -> None:
        found = select.one(tx, tables.security_groups, "g")
        assert found is not None
        seen.append(found["revision_number"])
        if len(seen) == 1:
            store.write(lambda other: rows.bump(other, tables.security_groups, "g"))
        tx.touch("group:g", "group")

    store.write(work)
    assert seen == [1, 2]


def test_two_looks_that_differ_begin_again(store: Store) -> None:
    """Who decided on the first look and changes what the second one showed decides anew."""
    _make_group(store, "g")
    seen = []

    def work(tx: Transaction) -> None:
        seen.append(_look(tx))
        if len(seen) == 1:
            store.write(lambda other: rows.bump(other, tables.security_groups, "g"))
        rows.change(tx, tables.security_groups, "g", {"revision_number": _look(tx) + 1})

    store.write(work)
    assert (seen, _revision(store, "g")) == ([1, 2], 3)


def _look(tx: Transaction) -> int:
    found = select.one(tx, tables.security_groups, "g")
    assert found is not None
    return int(found["revision_number"])


def test_own_changes_do_not_count_as_those_of_others(store: Store) -> None:
    """A transaction may change what it read, in either way, and delete it."""
    _make_group(store, "g")
    ran = []

    def work(tx: Transaction) -> None:
        ran.append(tx)
        found = select.one(tx, tables.security_groups, "g")
        assert found is not None
        rows.bump(tx, tables.security_groups, "g")
        rows.change(tx, tables.security_groups, "g", {"name": "new", "revision_number": found["revision_number"] + 2})
        tx.touch("group:g", "group")

    def remove(tx: Transaction) -> None:
        ran.append(tx)
        select.one(tx, tables.security_groups, "g")
        rows.bump(tx, tables.security_groups, "g")
        rows.remove(tx, tables.security_groups, "g")
        tx.touch("host:h", "x")

    store.write(work)
    assert _revision(store, "g") == 3
    store.write(remove)
    assert len(ran) == 2


def test_two_changes_of_one_resource_are_two_revisions(store: Store) -> None:
    """Sixteen who read the same revision make sixteen, not one."""
    _make_group(store, "g")

    def change(tx: Transaction) -> None:
        found = select.one(tx, tables.security_groups, "g")
        assert found is not None
        rows.change(tx, tables.security_groups, "g", {"revision_number": found["revision_number"] + 1})
        tx.touch("group:g", "group")

    _at_once([lambda: store.write(change)] * 16)
    assert _revision(store, "g") == 17


def test_a_deadlock_is_nobodys_error(store: Store) -> None:
    """Two who take two rows in opposite order both get through."""
    _make_group(store, "a")
    _make_group(store, "b")
    met = threading.Barrier(2)

    def crossing(first: str, second: str) -> Callable[[], None]:
        attempts = []

        def work(tx: Transaction) -> None:
            attempts.append(tx)
            rows.bump(tx, tables.security_groups, first)
            if len(attempts) == 1:
                met.wait(30)
            rows.bump(tx, tables.security_groups, second)

        return lambda: store.write(work)

    _at_once([crossing("a", "b"), crossing("b", "a")])
    assert (_revision(store, "a"), _revision(store, "b")) == (3, 3)


def test_a_lost_race_at_any_step_is_survived(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlock, lock timeout, certification failure: at each statement and at COMMIT, once, the work is done once."""
    dialect = store.engine.dialect
    for problem in _LOST[dialect.name]:
        for step in range(1, 6):
            name = f"{problem}-{step}"[-60:]
            _fail_at(monkeypatch, dialect, step, problem)
            store.write(lambda tx, name=name: _three_statements(tx, name))
            monkeypatch.undo()
            names = sa.select(tables.facts.c.name).where(tables.facts.c.name == name)
            assert store.read(lambda tx, names=names: tx.execute(names).scalars().all()) == [name]


def test_a_broken_connection_is_replaced(store: Store) -> None:
    """A connection that the server ended costs an attempt, while nothing was committed; for readers at any time."""
    for run in (store.write, store.read):
        attempts = []

        def work(tx: Transaction, attempts: list[Any] = attempts) -> Any:
            attempts.append(_kill(store, tx) if not attempts else None)
            return tx.execute(sa.select(tables.facts.c.name)).scalars().all()

        assert run(work) == ["epoch"]
        assert len(attempts) == 2


def test_nobody_knows_of_a_commit_whose_connection_broke(store: Store) -> None:
    """It is not tried again, as it might be done twice."""
    attempts = []

    def work(tx: Transaction) -> None:
        attempts.append(tx)
        tx.execute(sa.insert(tables.facts).values(name="x", value=""))
        _kill(store, tx)

    with pytest.raises(OperationalError):
        store.write(work)
    assert len(attempts) == 1


def test_names_that_look_alike_are_two(store: Store) -> None:
    """Text is compared by its bytes on every database: case, accents and blanks at the end make a difference."""
    names = ["a", "A", "a ", "ä", "a\N{COMBINING DIAERESIS}", "\N{GRINNING FACE}"]
    store.write(lambda tx: tx.execute(sa.insert(tables.facts), [{"name": name, "value": name} for name in names]))
    found = sa.select(tables.facts.c.value).where(tables.facts.c.name == "a")
    assert store.read(lambda tx: tx.execute(found).scalars().all()) == ["a"]


def test_what_does_not_fit_is_refused(store: Store) -> None:
    """Nothing is cut off silently."""
    with pytest.raises(DBAPIError):
        store.write(lambda tx: tx.execute(sa.insert(tables.facts).values(name="n" * 65, value="")))


def _three_statements(tx: Transaction, name: str) -> None:
    tx.execute(sa.insert(tables.facts).values(name=name, value=""))
    tx.touch("host:h", "x")


def _fail_at(monkeypatch: pytest.MonkeyPatch, dialect: Any, step: int, problem: Callable[[], Exception]) -> None:
    """Let a step of the driver fail once: statements are counted from 1, and COMMIT comes after them."""
    passed = []

    def counting(inner: Callable[..., Any]) -> Callable[..., Any]:
        def outer(*arguments: Any, **options: Any) -> Any:
            passed.append(inner)
            if len(passed) == step:
                raise problem()
            return inner(*arguments, **options)

        return outer

    for name in ("do_execute", "do_executemany", "do_commit"):
        monkeypatch.setattr(dialect, name, counting(getattr(dialect, name)))


def _kill(store: Store, tx: Transaction) -> None:
    """End the connection of a transaction as an administrator would, from another one."""
    ask, end = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({}, 5000)"),
        "mysql": ("SELECT connection_id()", "KILL {}"),
    }[store.engine.dialect.name]
    victim = tx.connection.exec_driver_sql(ask).scalar_one()
    with store.engine.connect() as other:
        other.exec_driver_sql(end.format(victim))


def _at_once(works: list[Callable[[], Any]]) -> None:
    """Do all at once; the first error is raised."""
    failed: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as problem:  # noqa: BLE001  # a thread's errors are the test's
            failed.append(problem)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failed:
        raise failed[0]
