"""Which scopes are asked for, how often, and how many at once. Pure but for the randomness that it is handed."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from kaon.wire import scopes

_AT_ONCE = 32
_ANSWER_S = 4.0
_CEILING_S = 30.0


@dataclass(slots=True)
class _Asked:
    """attempts: since it last got newer. again_at: not before. waiting: an answer may still come."""

    attempts: int = 0
    again_at: float = 0.0
    waiting: bool = False


class Pulls:
    """Scopes that are missing or behind. random: numbers in [0, 1)."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._wanted: dict[str, int] = {}
        self._asked: dict[str, _Asked] = {}

    def wanted(self, name: str) -> int:
        """Give the revision that the scope is known to have reached; 1 when nothing is known."""
        return self._wanted.get(name, 1)

    def want(self, name: str, revision: int) -> None:
        """Remember that a scope has reached a revision."""
        if revision > self._wanted.get(name, 0):
            self._wanted[name] = revision

    def replace(self, name: str, revision: int) -> None:
        """Believe this revision, though a higher one was known."""
        self._wanted[name] = revision
        self._asked.pop(name, None)

    def answered(self, name: str, revision: int) -> None:
        """Take note of an answer."""
        asked = self._asked.get(name)
        if asked is None:
            return
        if revision >= self.wanted(name):
            del self._asked[name]
        else:
            asked.waiting = False

    def dropped(self, now: float, name: str) -> None:
        """Take note that the server does not give the scope; ask again later, should it still be needed."""
        self._wanted.pop(name, None)
        asked = self._asked.setdefault(name, _Asked())
        asked.waiting = False
        asked.attempts += 1
        asked.again_at = now + self._pause(asked.attempts)

    def retain(self, names: Collection[str]) -> None:
        """Forget every other scope."""
        self._asked = {name: asked for name, asked in self._asked.items() if name in names}
        self._wanted = {name: revision for name, revision in self._wanted.items() if name in names}

    def satisfied(self) -> None:
        """Forget what is wanted: the server says that nothing is missing."""
        self._wanted.clear()
        self._asked.clear()

    def reconnected(self) -> None:
        """Ask anew at once: answers to the old connection will not come."""
        self._asked.clear()

    def forget(self) -> None:
        """Forget everything."""
        self._wanted.clear()
        self._asked.clear()

    def due(self, now: float, held: Mapping[str, int]) -> dict[str, int]:
        """Choose what to ask for now, of the scopes that are needed and held at these revisions (0: not held)."""
        for name in [name for name in self._asked if name in held and held[name] >= self.wanted(name)]:
            del self._asked[name]
        behind = [name for name in held if held[name] < self.wanted(name)]
        room = _AT_ONCE - sum(asked.waiting and asked.again_at > now for asked in self._asked.values())
        chosen: dict[str, int] = {}
        for name in sorted(behind, key=_own_first):
            asked = self._asked.get(name)
            if len(chosen) >= room:
                break
            if asked is not None and now < asked.again_at:
                continue
            asked = self._asked.setdefault(name, _Asked())
            asked.attempts += 1
            asked.waiting = True
            asked.again_at = now + max(_ANSWER_S, self._pause(asked.attempts))
            chosen[name] = held[name]
        return chosen

    def next_deadline(self) -> float:
        """Say when something is due at the earliest; infinity when nothing is."""
        return min((asked.again_at for asked in self._asked.values()), default=math.inf)

    def _pause(self, attempts: int) -> float:
        return min(_CEILING_S, 0.5 * 2.0 ** min(attempts, 16)) * (0.5 + 0.5 * self._random())


def _own_first(name: str) -> tuple[bool, str]:
    return (scopes.parse(name)[0] is not scopes.Kind.HOST, name)
