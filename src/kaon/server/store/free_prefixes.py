"""Free prefixes of subnet pools: a part of the tightest that is large enough, one that is asked for, and giving one back.

What is free in a pool is kept as the fewest prefixes that hold it, each a row: a fresh pool has as many as it was given.
Cutting a part out of a prefix leaves one of each length between the two; giving a part back joins it with its other half,
and that with its own, as far as they are free. So neither looks at the subnets of the pool, however many there are.

Who changes what is free holds the pool's row: two who give back the two halves of a prefix at once would each miss the
other, and the halves would never join.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from kaon.lib.addresses import Prefix, hex_of, to_hex
from kaon.lib.prefixes import around, bits, prefix_at
from kaon.server.store import tables as t
from kaon.server.store.engine import Retry, Transaction

_c = t.free_prefixes.c


def hold(tx: Transaction, pool_id: str) -> None:
    """Keep everybody else from changing what is free in the pool. The three changes do it by themselves."""
    tx.lock(t.subnetpools, pool_id)


def lay_out(tx: Transaction, pool_id: str, prefixes: Iterable[Prefix]) -> None:
    """Make prefixes free that overlap nothing which is free, and have no free other half."""
    given = [
        {"subnetpool_id": pool_id, "first": to_hex(prefix.network_address), "length": prefix.prefixlen} for prefix in prefixes
    ]
    if given:
        tx.execute(sa.insert(t.free_prefixes), given)


def listed(tx: Transaction, pool_id: str, version: int) -> list[Prefix]:
    """List what is free, in the order of addresses."""
    hold(tx, pool_id)
    found = tx.execute(sa.select(_c.first, _c.length).where(_c.subnetpool_id == pool_id).order_by(_c.first))
    return [prefix_at(int(row.first, 16), row.length, version) for row in found]


def take_next(tx: Transaction, pool_id: str, length: int, version: int) -> Prefix | None:
    """Take a prefix of this length: the lowest out of the smallest that is large enough. None when there is none."""
    hold(tx, pool_id)
    large = sa.select(_c.first, _c.length).where(_c.subnetpool_id == pool_id, _c.length <= length)
    found = tx.execute(large.order_by(_c.length.desc(), _c.first).limit(1)).first()
    if found is None:
        return None
    whole = prefix_at(int(found.first, 16), found.length, version)
    taken = prefix_at(int(found.first, 16), length, version)
    _cut(tx, pool_id, whole, taken)
    return taken


def take(tx: Transaction, pool_id: str, prefix: Prefix) -> bool:
    """Take one prefix. False when it was not all free: taken, in part or as a whole, or not of the pool."""
    hold(tx, pool_id)
    nearest = sa.select(_c.first, _c.length).where(_c.subnetpool_id == pool_id, _c.first <= to_hex(prefix.network_address))
    found = tx.execute(nearest.order_by(_c.first.desc()).limit(1)).first()
    if found is None:
        return False
    whole = prefix_at(int(found.first, 16), found.length, prefix.version)
    if whole.prefixlen > prefix.prefixlen or not whole.overlaps(prefix):
        return False
    _cut(tx, pool_id, whole, prefix)
    return True


def give_back(tx: Transaction, pool_id: str, prefix: Prefix) -> None:
    """Make a prefix free that is not; it joins what is free around it."""
    hold(tx, pool_id)
    width = bits(prefix.version)
    halves = {length: _other_half(prefix, length) for length in range(prefix.prefixlen, 0, -1)}
    wanted = sorted({hex_of(number) for number in halves.values()})
    near = tx.execute(sa.select(_c.first, _c.length).where(_c.subnetpool_id == pool_id, _c.first.in_(wanted)))
    free = {(int(row.first, 16), row.length) for row in near}
    joined: list[str] = []
    length = prefix.prefixlen
    while length and (halves[length], length) in free:
        joined.append(hex_of(halves[length]))
        length -= 1
    _forget(tx, pool_id, joined)
    whole = int(prefix.network_address) >> (width - length) << (width - length)
    lay_out(tx, pool_id, [prefix_at(whole, length, prefix.version)])


def _other_half(prefix: Prefix, length: int) -> int:
    """Give the first address of that half of a prefix one bit shorter than `length` in which `prefix` is not."""
    away = bits(prefix.version) - length
    return (int(prefix.network_address) >> away ^ 1) << away


def _cut(tx: Transaction, pool_id: str, whole: Prefix, part: Prefix) -> None:
    _forget(tx, pool_id, [to_hex(whole.network_address)])
    lay_out(tx, pool_id, around(whole, part))


def _forget(tx: Transaction, pool_id: str, firsts: list[str]) -> None:
    if firsts:
        gone = tx.execute(sa.delete(t.free_prefixes).where(_c.subnetpool_id == pool_id, _c.first.in_(firsts))).rowcount
        if gone != len(firsts):
            raise Retry("free prefixes changed under the hand that holds them")
