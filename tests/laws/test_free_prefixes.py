"""Free prefixes against plain sets of addresses: whatever is taken and given back, they say the same."""

import ipaddress
import tempfile
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from kaon.lib.addresses import Prefix
from kaon.lib.ids import new_id
from kaon.lib.prefixes import bits, compact, covers, prefix_at, without
from kaon.server.store import free_prefixes, tables
from kaon.server.store.engine import Store, Transaction

WIDTH = 6
"""Bits to the right of the space: so many that every shape comes up, so few that it can be written out."""

SPACES = {4: ip_network(f"10.0.0.0/{32 - WIDTH}"), 6: ip_network(f"2001:db8::/{128 - WIDTH}")}

POOL = new_id()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """One database for all examples; each rolls back what it did."""
    with tempfile.TemporaryDirectory() as directory:
        made = Store(f"sqlite:///{Path(directory)}/kaon.db")
        made.upgrade()
        yield made
        made.close()


def _inside(version: int, number: int, less: int) -> Prefix:
    """The prefix of the space that holds its address of this number and has 2**less addresses."""
    at = int(SPACES[version].network_address) + (number >> less << less)
    return prefix_at(at, bits(version) - less, version)


prefixes = st.tuples(st.integers(0, 2**WIDTH - 1), st.integers(0, WIDTH))
versions = st.sampled_from((4, 6))
steps = st.lists(st.tuples(st.sampled_from(("next", "take", "give")), st.integers(0, 2**WIDTH - 1), st.integers(0, WIDTH)))


def _addresses(given: list[Prefix]) -> set[int]:
    return {int(address) for prefix in given for address in prefix}


def _fewest(version: int, free: set[int]) -> list[Prefix]:
    """The plain model of what is free: every address one prefix, joined as the standard library does."""
    singles = [prefix_at(number, bits(version), version) for number in free]
    if version == 4:
        return list(ipaddress.collapse_addresses(one for one in singles if isinstance(one, ipaddress.IPv4Network)))
    return list(ipaddress.collapse_addresses(one for one in singles if isinstance(one, ipaddress.IPv6Network)))


def _begin(tx: Transaction, version: int, had: list[Prefix]) -> None:
    common = {
        "project_id": "p",
        "name": "",
        "description": "",
        "created_at": tx.now,
        "updated_at": tx.now,
        "revision_number": 1,
    }
    lengths = {"default_prefixlen": 0, "min_prefixlen": 0, "max_prefixlen": 0}
    row = {"id": POOL, "ip_version": version, "is_default": False, **common, **lengths}
    tx.execute(sa.insert(tables.subnetpools).values(row))
    free_prefixes.lay_out(tx, POOL, had)


@given(versions, st.lists(prefixes, min_size=1, max_size=4), steps)
@settings(max_examples=150)
def test_free_prefixes_behave_as_a_set(
    store: Store, version: int, had: list[tuple[int, int]], taken: list[tuple[str, int, int]]
) -> None:
    """A prefix is free exactly when nobody has a part of it; the next is cut from the tightest; what is free is joined."""

    def run(tx: Transaction) -> None:
        pool = compact(_inside(version, *one) for one in had)
        _begin(tx, version, pool)
        free, out = _addresses(pool), list[Prefix]()
        for what, number, less in taken:
            wanted = _inside(version, number, less)
            before = _fewest(version, free)
            if what == "next":
                large = [prefix for prefix in before if prefix.prefixlen <= wanted.prefixlen]
                tightest = min(large, key=lambda prefix: (-prefix.prefixlen, int(prefix.network_address)), default=None)
                expected = tightest and prefix_at(int(tightest.network_address), wanted.prefixlen, version)
                assert expected == free_prefixes.take_next(tx, POOL, wanted.prefixlen, version)
                out += [expected] if expected is not None else []
            elif what == "take":
                inside = _addresses([wanted]) <= free
                assert inside == free_prefixes.take(tx, POOL, wanted)
                out += [wanted] if inside else []
            elif out:
                free_prefixes.give_back(tx, POOL, out.pop(number % len(out)))
            free = _addresses(pool) - _addresses(out)
            assert _fewest(version, free) == free_prefixes.listed(tx, POOL, version)

    store.read(run)


@given(versions, st.lists(prefixes, max_size=5), st.lists(prefixes, max_size=5))
def test_sets_of_prefixes_are_sets(version: int, one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    """Joining, subtracting and covering mean the same for prefixes as for their addresses."""
    first, second = ([_inside(version, *each) for each in given] for given in (one, other))
    assert _fewest(version, _addresses(first)) == compact(first)
    assert _fewest(version, _addresses(first) - _addresses(second)) == without(first, second)
    assert (_addresses(second) <= _addresses(first)) == covers(first, second)
