"""Announcements of addresses are said again: the first may leave before the link is up at the other end, and is then lost.

The kernel takes up to a second to call a new link running, and drops what is sent before. Nobody answers an announcement,
so it is repeated, as RFC 5227 section 2.3 does. Time is an argument.
"""

from collections.abc import Iterable

from kaon.host.state.addresses import InterfaceAddress

AFTER_S = (0.5, 2.0)
"""When it is said again, counted from the first time."""


class Repeats:
    """What is to be announced again, and when. As many as there are addresses that were put in the last two seconds."""

    def __init__(self) -> None:
        self._due: dict[InterfaceAddress, list[float]] = {}

    def made(self, now: float, announced: Iterable[InterfaceAddress]) -> None:
        """Take note of addresses that were announced for the first time."""
        for address in announced:
            self._due[address] = [now + after for after in AFTER_S]

    def due(self, now: float) -> list[InterfaceAddress]:
        """Give the addresses to announce now."""
        found = [address for address, times in self._due.items() if times[0] <= now]
        for address in found:
            self._due[address] = [time for time in self._due[address] if time > now]
        self._due = {address: times for address, times in self._due.items() if times}
        return found

    def next_deadline(self) -> float | None:
        """Say when `due` is to be asked next; None: nothing is waiting."""
        return min((times[0] for times in self._due.values()), default=None)
