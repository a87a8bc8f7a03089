"""Free addresses of subnets, free segmentation ids: which ranges there are, and what may go back into them."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa

from kaon.lib.addresses import hex_of, to_hex
from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction
from kaon.server.store.ranges import Ranges
from kaon.server.store.subnets import AUTO_MODES


def _step_hex(digits: str, by: int) -> str:
    # Below the lowest address there is nothing: zero stands for it and joins no range, as no pool begins under 1.
    return hex_of(max(int(digits, 16) + by, 0))


def free_in(subnet_id: str) -> Ranges[str]:
    """Give the free addresses of a subnet, as 32 hexadecimal digits."""
    return Ranges(t.free_addresses, {"subnet_id": subnet_id}, _step_hex)


def free_segments(network_type: str, physical_network: str = "") -> Ranges[int]:
    """Give the free segmentation ids of a network type."""
    return Ranges(t.free_segments, {"network_type": network_type, "physical_network": physical_network}, int.__add__)


@dataclass
class Supply:
    """Free addresses of a subnet for ports that are made at once: taken together.

    ahead   how many may still be asked for
    lowest  the first free one, if it was read a moment ago
    """

    subnet_id: str
    ahead: int
    lowest: str | None = None
    taken: deque[str] = field(default_factory=deque)

    def next(self, tx: Transaction) -> str | None:
        """Give the next one, as hexadecimal digits; None when there is none."""
        if not self.taken:
            self.taken.extend(free_in(self.subnet_id).take_some(tx, max(self.ahead, 1), self.lowest))
            self.lowest = None
        self.ahead -= 1
        return self.taken.popleft() if self.taken else None

    def give_back(self, tx: Transaction) -> None:
        """Make free again what nobody asked for."""
        if self.taken:
            free_in(self.subnet_id).lay_out(tx, [(self.taken[0], self.taken[-1])])
            self.taken.clear()


def give_back(tx: Transaction, subnet_id: str, address: str) -> None:
    """Make an address free again, if it lies in an allocation pool and the subnet hands out addresses from them."""
    p, s, digits = t.allocation_pools.c, t.subnets.c, to_hex(address)
    pooled = (
        sa.select(p.first)
        .select_from(t.allocation_pools.join(t.subnets, s.id == p.subnet_id))
        .where(p.subnet_id == subnet_id, p.first <= digits, p.last >= digits)
        .where(sa.func.coalesce(s.ipv6_address_mode, "").not_in(AUTO_MODES))
        .where(sa.func.coalesce(s.ipv6_ra_mode, "").not_in(AUTO_MODES))
    )
    if tx.execute(pooled).first() is not None:
        free_in(subnet_id).give_back(tx, digits)


def lay_out(tx: Transaction, subnet_id: str, pools: Iterable[tuple[str, str]]) -> None:
    """Make the addresses of these pools (first and last, as text) free, but for those that ports have; forget what was free.

    The free ranges are emptied first: that waits for everyone who is taking one, so that the addresses read next are all.
    Who cut a range in two leaves another one, so they are emptied until nothing is left.
    """
    free = free_in(subnet_id)
    free.clear(tx)
    c = t.ip_allocations.c
    had = tx.execute(sa.select(c.address_hex).where(c.subnet_id == subnet_id).order_by(c.address_hex)).scalars().all()
    free.lay_out(tx, list(without(sorted((to_hex(first), to_hex(last)) for first, last in pools), had)))


def without(ranges: Iterable[tuple[str, str]], numbers: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Cut sorted numbers out of sorted ranges."""
    above, below = partial(_step_hex, by=1), partial(_step_hex, by=-1)
    waiting = list(reversed(list(numbers)))
    for first, last in ranges:
        start = first
        while waiting and waiting[-1] < start:
            waiting.pop()
        while waiting and waiting[-1] <= last:
            number = waiting.pop()
            if start < number:
                yield start, below(number)
            start = above(number)
        if start <= last:
            yield start, last
