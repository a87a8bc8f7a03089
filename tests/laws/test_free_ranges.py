"""Free ranges against a plain set: whatever is taken and given back, they say the same."""

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from kaon.server.store import tables
from kaon.server.store.addresses import free_segments, without
from kaon.server.store.engine import Store, Transaction

LAST = 12

steps = st.lists(
    st.one_of(
        st.just(("next", 0)),
        st.tuples(st.just("take"), st.integers(1, LAST + 2)),
        st.tuples(st.just("give"), st.integers(1, LAST)),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """One database for all examples; each rolls back what it did."""
    with tempfile.TemporaryDirectory() as directory:
        made = Store(f"sqlite:///{Path(directory)}/kaon.db")
        made.upgrade()
        yield made
        made.close()


def _free(tx: Transaction) -> list[tuple[int, int]]:
    c = tables.free_segments.c
    return [tuple(row) for row in tx.execute(sa.select(c.first, c.last).order_by(c.first))]


@given(steps)
@settings(max_examples=150)
def test_ranges_behave_as_a_set(store: Store, taken: list[tuple[str, int]]) -> None:
    """The next free number is the lowest; a number is free exactly when nobody has it; ranges never overlap or touch."""

    def run(tx: Transaction) -> None:
        ranges = free_segments("vxlan")
        ranges.lay_out(tx, [(1, LAST)])
        model = set(range(1, LAST + 1))
        for what, number in taken:
            if what == "next":
                expected = min(model, default=None)
                assert expected == ranges.take_next(tx)
                model.discard(expected or 0)
            elif what == "take":
                assert (number in model) == ranges.take(tx, number)
                model.discard(number)
            elif number not in model:
                ranges.give_back(tx, number)
                model.add(number)
            found = _free(tx)
            assert model == {each for first, last in found for each in range(first, last + 1)}
            assert all(before[1] + 1 < after[0] for before, after in pairwise(found))

    store.read(run)


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(0, 40)))
def test_cutting_out_is_subtraction(inside: set[int], had: set[int]) -> None:
    """Ranges without some numbers hold exactly the numbers that are left."""

    def digits(number: int) -> str:
        return f"{number:032x}"

    ranges = sorted((digits(number), digits(number)) for number in inside)
    left = list(without(ranges, sorted(map(digits, had))))
    assert inside - had == {each for first, last in left for each in range(int(first, 16), int(last, 16) + 1)}
