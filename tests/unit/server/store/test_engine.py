"""The unit of work: scopes, journal, retries, migrations."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from kaon.server.store import tables
from kaon.server.store.engine import CLOSED, Retry, Store, Transaction


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A new database."""
    fresh = Store(database, attempts=4)
    yield fresh
    fresh.close()


def _journal(store: Store) -> list[tuple[str, int, str]]:
    j = tables.journal.c
    return store.read(
        lambda tx: [tuple(row) for row in tx.execute(sa.select(j.scope, j.revision, j.entry_key).order_by(j.sequence))]
    )


def _revisions(store: Store) -> dict[str, int]:
    s = tables.scopes.c
    return store.read(lambda tx: {row.name: row.revision for row in tx.execute(sa.select(s.name, s.revision))})


def _differs(_context: object, _there: object, column: sa.Column[object], inspected: str | None, *_rest: object) -> bool | None:
    """Compare the default of a boolean, which MariaDB keeps as a number; leave every other one to Alembic (None)."""
    default = column.server_default
    wanted = {sa.true(): "1", sa.false(): "0"}.get(getattr(default, "arg", None))
    return False if wanted is not None and inspected == wanted else None


def test_migrations_and_tables_agree(store: Store) -> None:
    """A database made by the migrations is what tables.py says."""
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": _differs})
        assert compare_metadata(context, tables.metadata) == []


def test_upgrade_is_harmless_to_repeat(store: Store) -> None:
    """A second upgrade changes nothing, the identity of the database least of all; servers may start together."""
    before = store.epoch()
    store.upgrade()
    with ThreadPoolExecutor(3) as servers:
        list(servers.map(lambda _: store.upgrade(), range(3)))
    assert before == store.epoch()


def test_memory_is_refused() -> None:
    """SQLite in memory cannot be shared between connections."""
    with pytest.raises(ValueError, match="name a file"):
        Store("sqlite://")


def test_sqlite_is_set_up_for_several(tmp_path: Path) -> None:
    """Writers do not block readers, keys are kept, a commit outlives a power cut."""
    store = Store(f"sqlite:///{tmp_path}/kaon.db")
    with store.engine.connect() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert asked == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


def test_touched_scopes_are_raised_and_journaled_once(store: Store) -> None:
    """However often a scope is touched, one transaction raises it by one and writes each key once."""

    def make(tx: Transaction) -> None:
        tx.open_scope("network:n")
        tx.touch("network:n", "network")

    def change(tx: Transaction) -> None:
        tx.touch("network:n", "port/1", "port/2")
        tx.touch("network:n", "port/1")

    store.write(make)
    store.write(change)
    assert _revisions(store) == {"network:n": 2}
    assert _journal(store) == [("network:n", 1, "network"), ("network:n", 2, "port/1"), ("network:n", 2, "port/2")]


def test_a_flush_takes_three_statements(store: Store) -> None:
    """One UPDATE, one SELECT (PostgreSQL: the other way round), one INSERT, whatever the number of scopes."""
    names = [f"network:{number}" for number in range(20)]
    store.write(lambda tx: [tx.open_scope(name) for name in names])
    with store.counting() as statements:
        store.write(lambda tx: [tx.touch(name, "network") for name in names])
    words = [statement.split()[0] for statement in statements]
    assert (sorted(words[:2]), words[2:]) == (["SELECT", "UPDATE"], ["INSERT"])


def test_a_hosts_scope_appears_when_spoken_of(store: Store) -> None:
    """Only scopes of hosts need no opening."""
    store.write(lambda tx: tx.touch("host:h", "port/1"))
    assert _revisions(store) == {"host:h": 1}


def test_touching_a_scope_that_is_gone_begins_again(store: Store) -> None:
    """What a scope describes went meanwhile: the work runs again and can see that."""
    ran = []
    with pytest.raises(Retry, match="network:n is gone"):
        store.write(lambda tx: (ran.append(tx), tx.touch("network:n", "network")))
    assert len(ran) == 4


def test_a_closed_scope_takes_its_followers_along(store: Store) -> None:
    """Closing leaves one row in the journal that says so."""
    store.write(lambda tx: tx.open_scope("network:n"))
    store.write(lambda tx: tx.execute(sa.insert(tables.followers).values(host="h", scope="network:n", applied=0)))

    def close(tx: Transaction) -> None:
        tx.touch("network:n", "network")
        tx.close_scope("network:n")

    store.write(close)
    assert _revisions(store) == {}
    assert _journal(store) == [("network:n", CLOSED, "")]
    assert store.read(lambda tx: tx.execute(sa.select(tables.followers)).all()) == []


def test_what_raises_leaves_nothing(store: Store) -> None:
    """A refusal rolls everything back, and nobody is poked."""
    poked = []
    store.on_commit(lambda: poked.append(1))

    def work(tx: Transaction) -> None:
        tx.touch("host:h", "port/1")
        tx.execute(sa.insert(tables.facts).values(name="a", value="b"))
        raise LookupError

    with pytest.raises(LookupError):
        store.write(work)
    assert (_revisions(store), _journal(store), poked) == ({}, [], [])
    assert store.read(lambda tx: tx.execute(sa.select(tables.facts.c.name)).scalars().all()) == ["epoch"]


def test_pokes_follow_commits_that_touched(store: Store) -> None:
    """A commit without a touched scope pokes nobody."""
    poked = []
    store.on_commit(lambda: poked.append(1))
    store.write(lambda tx: tx.execute(sa.insert(tables.facts).values(name="a", value="b")))
    assert poked == []
    store.write(lambda tx: tx.touch("host:h", "port/1"))
    assert poked == [1]


def test_a_broken_key_is_tried_again(store: Store) -> None:
    """Who lost the race for a key sees the winner's row the next time; who never can is told in the end."""
    names = ["epoch", "epoch", "other"]
    store.write(lambda tx: tx.execute(sa.insert(tables.facts).values(name=names.pop(0), value="")))
    assert names == []
    with pytest.raises(IntegrityError):
        store.write(lambda tx: tx.execute(sa.insert(tables.facts).values(name="epoch", value="")))


def test_reads_are_one_snapshot_and_change_nothing(store: Store) -> None:
    """What commits during a read is not seen by it."""

    def reading(tx: Transaction) -> tuple[int, int]:
        count = sa.select(sa.func.count()).select_from(tables.facts)
        before = tx.execute(count).scalar_one()
        store.write(lambda other: other.execute(sa.insert(tables.facts).values(name="x", value="")))
        return before, tx.execute(count).scalar_one()

    assert store.read(reading) == (1, 1)
    store.read(lambda tx: tx.execute(sa.delete(tables.facts)))
    assert store.read(lambda tx: len(tx.execute(sa.select(tables.facts)).all())) == 2


def test_many_writers_lose_no_revision(store: Store) -> None:
    """Forty raises by eight threads are forty revisions, each journaled with its own number."""
    store.write(lambda tx: tx.open_scope("network:n"))

    def raise_five() -> None:
        for number in range(5):
            store.write(lambda tx, number=number: tx.touch("network:n", f"port/{number}"))

    store._attempts = 20
    threads = [threading.Thread(target=raise_five) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _revisions(store) == {"network:n": 41}
    assert [revision for _, revision, _ in _journal(store)] == list(range(2, 42))
