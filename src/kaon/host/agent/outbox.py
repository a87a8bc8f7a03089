"""What the host still has to tell the server: the latest value of each thing, repeated until it is taken. Pure."""

import math
from collections.abc import Iterable, Mapping

import msgspec

from kaon.wire.messages import Realised, RealisedKind, Report

_AT_ONCE = 500
_REASON_CHARACTERS = 500
_ANSWER_S, _CEILING_S = 3.0, 30.0


class Outbox:
    """Reports of one start of an agent. One is on its way at a time; what comes meanwhile waits and is merged."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._applied: dict[str, int] = {}
        self._realised: dict[tuple[RealisedKind, str], Realised] = {}
        self._sequence = 0
        self._on_its_way: Report | None = None
        self._again_at = 0.0
        self._attempts = 0

    @property
    def empty(self) -> bool:
        """True when everything was taken."""
        return not self._applied and not self._realised

    def add(self, applied: Mapping[str, int], realised: Iterable[Realised]) -> None:
        """Remember what is true now; it replaces what was said of the same things before."""
        self._applied.update(applied)
        for thing in realised:
            reason = _sayable(thing.reason)[:_REASON_CHARACTERS]
            self._realised[thing.kind, thing.id] = msgspec.structs.replace(thing, reason=reason)

    def taken(self, sequence: int) -> None:
        """Forget what the server has stored, unless it has changed since."""
        report = self._on_its_way
        if report is None or report.sequence != sequence:
            return
        self._on_its_way = None
        self._attempts = 0
        for scope, revision in report.applied.items():
            if self._applied.get(scope) == revision:
                del self._applied[scope]
        for thing in report.realised:
            if self._realised.get((thing.kind, thing.id)) == thing:
                del self._realised[thing.kind, thing.id]

    def due(self, now: float) -> Report | None:
        """Give the report to send now. One that was not taken in time goes again under a new number, with what came since."""
        if self.empty:
            return None
        if self._on_its_way is not None and now < self._again_at:
            return None
        self._sequence += 1
        self._on_its_way = Report(
            sequence=self._sequence,
            instance=self._instance,
            applied=dict(tuple(self._applied.items())[:_AT_ONCE]),
            realised=tuple(self._realised.values())[:_AT_ONCE],
        )
        self._again_at = now + min(_CEILING_S, _ANSWER_S * 2.0 ** min(self._attempts, 8))
        self._attempts += 1
        return self._on_its_way

    def reconnected(self) -> None:
        """Send again at once: the answer to the old connection will not come."""
        self._on_its_way = None
        self._attempts = 0

    def forget_applied(self) -> None:
        """Forget revisions of scopes: they are another database's."""
        self._applied.clear()
        self._on_its_way = None

    def next_deadline(self) -> float:
        """Say when something is due at the earliest; infinity when nothing is."""
        return math.inf if self.empty else self._again_at


def _sayable(text: str) -> str:
    """Replace what has no bytes in UTF-8 (names of files may be anything) and what no database keeps."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
