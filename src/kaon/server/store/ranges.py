"""Free numbers as ranges: the next free one, one that is asked for, and giving one back. Never a scan of what is taken.

A range is a row (`first`, `last`, inclusive) under a key (which subnet, which physical network). Every change is a
compare-and-swap of one row: it names the range as it was read, and when that changed meanwhile it reads again. Two who take
at once therefore never get the same number; two neighbours who give back at once may leave ranges that touch, which is
harmless.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from kaon.server.store.engine import Retry, Transaction

N = TypeVar("N", int, str)

_TRIES = 64


@dataclass(frozen=True)
class Ranges(Generic[N]):
    """The free numbers under one key.

    table      has the columns of `key`, `first` and `last`
    key        column -> value
    step       the number that is so much above (or, negative, below) another
    """

    table: sa.Table
    key: Mapping[str, Any]
    step: Callable[[N, int], N]

    def lay_out(self, tx: Transaction, ranges: list[tuple[N, N]]) -> None:
        """Make these ranges free; nothing else is."""
        if ranges:
            tx.execute(sa.insert(self.table), [{**self.key, "first": first, "last": last} for first, last in ranges])

    def clear(self, tx: Transaction) -> None:
        """Make nothing free."""
        while tx.execute(sa.delete(self.table).where(self._mine())).rowcount:
            pass

    def take_next(self, tx: Transaction, hint: N | None = None) -> N | None:
        """Take the lowest free number; None when there is none. hint: the lowest one, if it was read a moment ago."""
        return next(iter(self.take_some(tx, 1, hint)), None)

    def take_some(self, tx: Transaction, count: int, hint: N | None = None) -> list[N]:
        """Take the lowest free numbers, as many as the first range has, `count` at most; none when there is none.

        hint  the lowest one, if it was read a moment ago
        """
        first, c, names = hint, self.table.c, tuple(self.key)
        key = {f"of_{column}": value for column, value in self.key.items()}
        for _ in range(_TRIES):
            if first is None:
                first = tx.execute(_lowest(self.table, names), key).scalar_one()
                if first is None:
                    return []
            last = self.step(first, count - 1)
            whole = {**key, "this_first": first}
            if tx.execute(_shorten(self.table, names), {**whole, "this_last": last, "above": self.step(last, 1)}).rowcount:
                return [self.step(first, at) for at in range(count)]
            # The range has no more than that: it goes.
            end = last if count == 1 else tx.execute(sa.select(c.last).where(self._mine(c.first == first))).scalar()
            if end is not None and end <= last and tx.execute(_drop(self.table, names), {**whole, "this_last": end}).rowcount:
                numbers = [first]
                while numbers[-1] != end:
                    numbers.append(self.step(numbers[-1], 1))
                return numbers
            first = None  # somebody was faster
        raise Retry("free ranges change faster than they can be read")

    def take_within(self, tx: Transaction, low: N, high: N) -> N | None:
        """Take the lowest free number from `low` to `high`; None when there is none."""
        c = self.table.c
        there = self._mine(c.last >= low, c.first <= high)
        lowest = sa.select(c.first, c.last).where(there).order_by(c.first).limit(1)
        for _ in range(_TRIES):
            found = tx.execute(lowest).first()
            if found is None:
                return None
            number: N = max(found.first, low)
            if self._cut(tx, found.first, found.last, number):
                return number
        raise Retry("free ranges change faster than they can be read")

    def take(self, tx: Transaction, number: N) -> bool:
        """Take one number. False when it was not free here: taken, or in no range at all."""
        c = self.table.c
        nearest = sa.select(c.first, c.last).where(self._mine(c.first <= number)).order_by(c.first.desc()).limit(1)
        for _ in range(_TRIES):
            found = tx.execute(nearest).first()
            if found is None or found.last < number:
                return False
            if self._cut(tx, found.first, found.last, number):
                return True
        raise Retry("free ranges change faster than they can be read")

    def give_back(self, tx: Transaction, number: N) -> None:
        """Make a number free again that was taken; it joins its neighbours."""
        c = self.table.c
        above, below = self.step(number, 1), self.step(number, -1)
        around = sa.select(c.first, c.last).where(self._mine(c.first <= above)).order_by(c.first.desc()).limit(2)
        for _ in range(_TRIES):
            found = tx.execute(around).all()
            after = next((row.last for row in found if row.first == above), None)
            before = next((row.first for row in found if row.last == below), None)
            if self._join(tx, before, after, number):
                return
        raise Retry("free ranges change faster than they can be read")

    def _cut(self, tx: Transaction, first: N, last: N, number: N) -> bool:
        whole = self._whole(first, last)
        if first == last:
            return bool(tx.execute(sa.delete(self.table).where(whole)).rowcount)
        if first == number:
            return bool(tx.execute(sa.update(self.table).where(whole).values(first=self.step(number, 1))).rowcount)
        if not tx.execute(sa.update(self.table).where(whole).values(last=self.step(number, -1))).rowcount:
            return False
        if number != last:
            self.lay_out(tx, [(self.step(number, 1), last)])
        return True

    def _join(self, tx: Transaction, before: N | None, after: N | None, number: N) -> bool:
        """Join a number to the range that begins at `before` and ends just under it, and the one above that ends at `after`."""
        below, above = self.step(number, -1), self.step(number, 1)
        if before is None and after is None:
            self.lay_out(tx, [(number, number)])
            return True
        if before is None:
            assert after is not None  # noqa: S101  # by the case above; tells mypy
            return bool(tx.execute(sa.update(self.table).where(self._whole(above, after)).values(first=number)).rowcount)
        end = number
        if after is not None:
            if not tx.execute(sa.delete(self.table).where(self._whole(above, after))).rowcount:
                return False
            end = after
        if tx.execute(sa.update(self.table).where(self._whole(before, below)).values(last=end)).rowcount:
            return True
        if after is not None:
            raise Retry("a free range changed between its neighbours")  # half was done: begin again
        return False

    def _whole(self, first: N, last: N) -> sa.ColumnElement[bool]:
        return self._mine(self.table.c.first == first, self.table.c.last == last)

    def _mine(self, *more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.and_(*(self.table.c[column] == value for column, value in self.key.items()), *more)


# Statements of the commonest step, made once for a table and its key. Parameters: of_<column>, this_first, this_last, above.


@functools.cache
def _lowest(table: sa.Table, key: tuple[str, ...]) -> sa.Select[Any]:
    return sa.select(sa.func.min(table.c.first)).where(*_keyed(table, key))


@functools.cache
def _shorten(table: sa.Table, key: tuple[str, ...]) -> sa.Update:
    longer = sa.and_(*_keyed(table, key), table.c.first == sa.bindparam("this_first"), table.c.last > sa.bindparam("this_last"))
    return sa.update(table).where(longer).values(first=sa.bindparam("above"))


@functools.cache
def _drop(table: sa.Table, key: tuple[str, ...]) -> sa.Delete:
    c = table.c
    return sa.delete(table).where(
        *_keyed(table, key), c.first == sa.bindparam("this_first"), c.last == sa.bindparam("this_last")
    )


def _keyed(table: sa.Table, key: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    return [table.c[column] == sa.bindparam(f"of_{column}") for column in key]
