"""Rows that come as one text are the rows."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from kaon.server.store import packed, select
from kaon.server.store.engine import Store

TABLE = sa.Table(
    "packed_rows",
    sa.MetaData(),
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("said", sa.String(255), nullable=False),
    sa.Column("maybe_said", sa.Text, nullable=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("maybe_number", sa.Integer, nullable=True),
    sa.Column("flag", sa.Boolean, nullable=False),
    sa.Column("maybe_flag", sa.Boolean, nullable=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("maybe_at", sa.DateTime, nullable=True),
)

AT = datetime(2026, 11, 22, 1, 2, 3)  # noqa: DTZ001  # as the tables keep it
TEXTS = ("", "=", " ", "null", "NULL", "\t\n\r", "'\"\\%s %(id)s :id", "\x01\x1e\x7f", "\u00e4\u6f22\U0001f600", "a" * 255)
WITH_SEPARATOR = ("\x1f", "a\x1fb", "\x1f" * 9)
EMPTY = {"maybe_said": None, "number": 0, "maybe_number": None, "flag": False, "maybe_flag": None, "at": AT, "maybe_at": None}
FULL = {"number": 2**62, "maybe_number": -1, "flag": True, "maybe_flag": True, "at": AT, "maybe_at": AT}


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store with the table, on each database."""
    made = Store(database)
    TABLE.create(made.engine)
    yield made
    TABLE.drop(made.engine)
    made.close()


def _found(store: Store, rows: list[dict[str, Any]]) -> tuple[list[Any], int]:
    def insert(tx: Any) -> None:
        tx.execute(sa.insert(TABLE), rows)

    store.write(insert)
    asked = select.fetch(sa.select(TABLE.c.id).order_by(TABLE.c.id), TABLE, (), store.engine.dialect.name)
    with store.counting() as statements:
        found = store.read(lambda tx: select.fetched(tx, asked))
    return found, len(statements)


def test_any_value_comes_back_as_it_was(store: Store) -> None:
    """Texts of all kinds, nothing and empty, numbers, flags, times: one statement."""
    rows = [
        {"id": f"{number:04}", "said": said, **rest}
        for number, (said, rest) in enumerate(
            itertools.product(TEXTS, (EMPTY, *(FULL | {"maybe_said": text} for text in TEXTS)))
        )
    ]
    assert (rows, 1) == _found(store, rows)


def test_a_value_with_the_separator_comes_back_as_it_was(store: Store) -> None:
    """The rows are read once more, column by column."""
    rows = [
        {"id": f"{number}", "said": text, **FULL, "maybe_said": other}
        for number, (text, other) in enumerate(itertools.product((*WITH_SEPARATOR, "plain"), (*WITH_SEPARATOR, "plain")))
    ]
    rows.sort(key=lambda row: row["id"])
    assert (rows, 2) == _found(store, rows)


def test_what_is_no_text_number_flag_or_time_is_refused() -> None:
    """Nobody finds out in a list."""
    with pytest.raises(TypeError):
        packed.of_columns([sa.Column("odd", sa.JSON, nullable=False)], "sqlite")
