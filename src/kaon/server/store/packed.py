"""Rows as one text each: the database joins the columns of a row, and the text is cut here.

A driver written in Python takes a microsecond and more for every value that it reads; a row of thirty columns in one value
takes a fifth of the time. A value that has the separator in it makes its row too long, which is noticed: the caller then reads
the columns one by one.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import registry

SEPARATOR: Final = "\x1f"
"""The unit separator of ASCII; JSON text cannot have it, and nobody types it."""

_THERE: Final = "="
"""Stands before a text that could be NULL, so that NULL and the empty text are two things."""

_BOOLEANS: Final = {"1": True, "0": False, "t": True, "f": False, "true": True, "false": False, "": None}


class Unpackable(ValueError):  # noqa: N818  # it asks for another way; it is no error
    """Raised for a text that cannot be cut: a value has the separator in it."""


@dataclass(frozen=True)
class Packing:
    """How rows of some columns are packed.

    names     of the values, in their order
    special   what is not plain text: (position, what makes a value of a text)
    column    the text, to be selected
    """

    names: tuple[str, ...]
    special: tuple[tuple[int, Callable[[str], Any]], ...]
    column: sa.ColumnElement[str]

    def values(self, text: str) -> list[Any]:
        """Give the values of a row, in the order of names. Errors: Unpackable."""
        values: list[Any] = text.split(SEPARATOR)
        if len(values) != len(self.names):
            raise Unpackable
        for at, made in self.special:
            values[at] = made(values[at])
        return values

    def row(self, text: str) -> dict[str, Any]:
        """Give a row by names. Errors: Unpackable."""
        return dict(zip(self.names, self.values(text)))  # noqa: B905  # `values` saw to it, and asking again costs

    def shown(self, names: Mapping[str, str]) -> "Packing":
        """Give rows as the API shows them: under these names (column -> name), with times as text."""
        special = tuple((at, _shown_moment if made is _moment else made) for at, made in self.special)
        return Packing(tuple(names.get(name, name) for name in self.names), special, self.column)

    def plain(self, values: Sequence[Any]) -> dict[str, Any]:
        """Give a row of values that were read column by column, as `row` does."""
        row = dict(zip(self.names, values, strict=True))
        for at, made in self.special:
            if made is _shown_moment:
                row[self.names[at]] = made(str(values[at]))
        return row


@functools.cache
def of_table(table: sa.FromClause, dialect: str) -> Packing:
    """Give the packing of all columns of a table. Its text is SQL that was written once: nothing is compiled for it again."""
    packing = of_columns(tuple(table.c), dialect)
    text = str(packing.column.compile(dialect=registry.load(dialect)(), compile_kwargs={"literal_binds": True}))
    return Packing(packing.names, packing.special, sa.literal_column(text, sa.Text))


def of_columns(columns: Sequence[sa.ColumnElement[Any]], dialect: str) -> Packing:
    """Give the packing of columns, which may be labelled expressions."""
    kinds = [_kind(column) for column in columns]
    special = tuple((at, made) for at, (_, made) in enumerate(kinds) if made is not None)
    return Packing(tuple(str(column.key) for column in columns), special, _joined([text for text, _ in kinds], dialect))


def extended(packing: Packing, columns: Sequence[sa.ColumnElement[Any]], dialect: str) -> Packing:
    """Give a packing with further columns behind it."""
    if not columns:
        return packing
    more = of_columns(columns, dialect)
    first = len(packing.names)
    special = (*packing.special, *((first + at, made) for at, made in more.special))
    return Packing((*packing.names, *more.names), special, _joined([packing.column, more.column], dialect))


def _joined(texts: Sequence[sa.ColumnElement[str]], dialect: str) -> sa.ColumnElement[str]:
    separator = sa.literal_column(f"'{SEPARATOR}'", sa.Text)
    if dialect != "sqlite":
        return sa.func.concat_ws(separator, *texts, type_=sa.Text)
    return functools.reduce(lambda joined, text: joined + separator + text, texts)


def _kind(column: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[str], Callable[[str], Any] | None]:
    """Give a column as text without NULL, and what makes its value of that; None: nothing, it is the value."""
    nullable = getattr(column, "nullable", True)  # what is computed may be NULL for all that is known
    bare: sa.ColumnElement[Any] = column.element if isinstance(column, sa.Label) else column
    text = _or_empty(sa.cast(bare, sa.Text)) if nullable else sa.type_coerce(bare, sa.Text)
    match column.type:
        case sa.Boolean():
            return text, _BOOLEANS.__getitem__
        case sa.Integer():
            return text, _number if nullable else int
        case sa.DateTime():
            return text, _time if nullable else _moment
        case sa.String():
            return (_or_empty(sa.literal_column(f"'{_THERE}'", sa.Text) + bare), _text) if nullable else (bare, None)
    raise TypeError(f"{column.key}: {column.type!r} is not packed")


def _or_empty(text: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.func.coalesce(text, sa.literal_column("''", sa.Text), type_=sa.Text)


def _number(text: str) -> int | None:
    return int(text) if text else None


def _text(text: str) -> str | None:
    return text[1:] if text else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:19])  # SQLite writes microseconds, which are none


def _shown_moment(text: str) -> str:
    return f"{text[:10]}T{text[11:19]}Z"


def _time(text: str) -> datetime | None:
    return _moment(text) if text else None
