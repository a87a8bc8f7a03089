"""A database that refuses a step now and then, and what it holds, so that two runs of the same request can be compared."""

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from kaon.server.store import tables
from kaon.server.store.engine import Store


class MariaDbConflict(sqlite3.OperationalError, pymysql.err.OperationalError):
    """What MariaDB says, where SQLite's driver is asked."""


CONFLICTS: Mapping[str, Sequence[Callable[[], Exception]]] = {
    "sqlite": [lambda: MariaDbConflict(1213, "deadlock"), lambda: MariaDbConflict(1205, "lock wait timeout")],
    "mysql": [
        lambda: pymysql.err.OperationalError(1213, "deadlock"),
        lambda: pymysql.err.OperationalError(1205, "lock wait timeout"),
    ],
    "postgresql": [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected],
}
"""Dialect -> what its driver raises when a transaction lost."""

_NUMBERED = {"journal": "sequence", "outbox": "id"}
"""Table -> the column that counts attempts, too."""

_TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
"""What chance made: identities, digests of them, MAC addresses."""

Content = Mapping[sa.Table, list[dict[str, Any]]]


class Conflicts:
    """Lets steps of the drivers of a store fail: BEGIN is none; each statement is one, COMMIT comes after them.

    failed   how many steps did
    passed   how many steps did not, since the last of `never`, `once`, `again_and_again`
    commits  how many of them were a COMMIT
    """

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._problems = CONFLICTS[store.engine.dialect.name]
        self.never()
        for dialect in {store.engine.dialect, store._snapshots.dialect}:
            for name in ("do_begin", "do_execute", "do_executemany", "do_commit"):
                monkeypatch.setattr(dialect, name, self._watched(name, getattr(dialect, name)))

    def never(self) -> None:
        """Let nothing fail."""
        self.failed = self.passed = self.commits = self._at = 0
        self._left: list[int] = []
        self._each: list[int] | None = None
        self._lost = False

    def once(self, step: int) -> None:
        """Let a step fail, counted from 1 over all transactions."""
        self.never()
        self._left = [step]

    def again_and_again(self, steps: Sequence[int]) -> None:
        """Of each transaction let the first attempt fail at the first of these steps, and so on; one more at COMMIT."""
        self.never()
        self._each = list(steps)

    def _watched(self, name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        def outer(*arguments: Any, **options: Any) -> Any:
            if name == "do_begin":
                self._begins()
            elif not str(arguments[1:2]).startswith("('BEGIN"):
                self._steps(name)
            return inner(*arguments, **options)

        return outer

    def _begins(self) -> None:
        if self._each is not None:
            self._at = 0
            if not self._lost:
                self._left = [*self._each, _COMMIT]
        self._lost = False

    def _steps(self, name: str) -> None:
        self._at += 1
        if self._left and (self._at == self._left[0] or (self._each is not None and name == "do_commit")):
            self._left = [] if name == "do_commit" else self._left[1:]
            self._lost = True
            self.failed += 1
            problem = self._problems[self.failed % len(self._problems)]
            raise problem()
        self.passed += 1
        self.commits += name == "do_commit"


_COMMIT = 0
"""A step that no statement has."""


def content(store: Store) -> Content:
    """All rows of all tables."""
    with store.engine.connect() as connection:
        return {
            table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in tables.metadata.sorted_tables
        }


def restore(store: Store, before: Content) -> None:
    """Make the database hold just what it held."""
    now = content(store)
    filled = [table for table in tables.metadata.sorted_tables if now[table] or before[table]]
    with store.engine.begin() as connection:
        for table in reversed(filled):
            connection.execute(sa.delete(table))
        for table in filled:
            if before[table]:
                connection.execute(sa.insert(table), before[table])


def comparable(rows: Content, before: Content) -> list[str]:
    """The content as text that is the same after the same change, whatever identities chance gave to what was not there before.

    Each new identity is named by all that the rows say of it, so rows that differ in more than that differ here.
    """
    known = set(_TOKEN.findall(repr(list(before.values()))))
    texts = [
        f"{table.name} {sorted((key, value) for key, value in row.items() if key != _NUMBERED.get(table.name))}"
        for table, found in rows.items()
        for row in found
    ]
    fixed = [text for text in texts if known.issuperset(_TOKEN.findall(text))]
    loose = [text for text in texts if not known.issuperset(_TOKEN.findall(text))]
    names = {token: "" for text in loose for token in _TOKEN.findall(text) if token not in known}
    for _ in range(3):
        said = defaultdict(list)
        for text in loose:
            for token in set(_TOKEN.findall(text)) - known:
                said[token].append(_renamed(text, {**names, token: "this"}))
        names = {token: _digest("".join(sorted(all_of_it))) for token, all_of_it in said.items()}
    return sorted(fixed + [_renamed(text, names) for text in loose])


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda found: names.get(found[0], found[0]), text)


def _digest(text: str) -> str:
    return "~" + hashlib.blake2s(text.encode(), digest_size=6).hexdigest()
