"""When to work: a state machine without I/O, time as an argument. What to do in a piece of work is `work`'s business.

    asleep ----------- in_sync ------------> awake          nothing is written before
       |                                       | wanted?  -> Work
       '-- no server, rebooted, saved state -> stale       one Work from what was saved, until in_sync

Reasons to work, and how much is looked at:

    the desired state changed      what is remembered of the host is trusted
    devices came or went           links are looked at
    a daemon died                  its slice is looked at: DHCP, router advertisements
    a step failed before           everything is looked at, after a pause that doubles for its owner
    long ago                       everything is looked at: what others broke is found and mended

All reasons that come up while work is being done become one piece of work after it. A change of the desired state waits a few
milliseconds for its fellows: what one request changed arrives as one message a scope. Waiting longer would only delay the
first port, since work on many changes costs hardly more than on one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from kaon.host.state.trouble import Trouble


class Slice(StrEnum):
    """A part of the host that is looked at and written by a door of its own."""

    LINKS = "links"
    FILTERS = "filters"
    DHCP = "dhcp"
    QOS = "qos"
    ADVERTISEMENTS = "advertisements"


EVERYTHING = frozenset(Slice)


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How patient the loop is.

    drift_interval_s      everything is looked at that often
    supervise_interval_s  that often it is asked whether daemons live
    retry_first_s         pause after a first failure; doubles for each further one of the same owner
    retry_longest_s       and is never longer
    gather_s              how long a change of the desired state waits for others
    offline_after_s       after a reboot of the host, how long to wait for a server before the saved state counts
    """

    drift_interval_s: float = 60.0
    supervise_interval_s: float = 2.0
    retry_first_s: float = 0.5
    retry_longest_s: float = 60.0
    gather_s: float = 0.005
    offline_after_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Work:
    """Make the host as desired now, and call `finished`.

    look   slices that are looked at; what is remembered of the others is trusted
    stale  the desired state is the saved one: report nothing
    """

    look: frozenset[Slice]
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Supervise:
    """Ask whether the daemons live, and call `daemons_died` if some do not."""


LoopAction = Work | Supervise


@dataclass(frozen=True, slots=True)
class _Failing:
    """Somebody whose steps fail."""

    times: int
    again_at: float | None


class Loop:
    """One agent's loop. Call what happened, then `tick` and do what it says; `next_deadline` says when to tick at the latest.

    rebooted  the host has nothing of ours in its kernel since it started: an earlier agent's work is gone
    saved     a complete picture was saved by an earlier agent
    """

    def __init__(self, settings: LoopSettings, now: float, *, rebooted: bool, saved: bool) -> None:
        self._settings = settings
        self._awake = False
        self._stale_at: float | None = now + settings.offline_after_s if rebooted and saved else None
        self._stale = False
        self._wanted_at: float | None = None
        self._look: frozenset[Slice] = frozenset()
        self._drift_at = now
        self._supervise_at = now
        self._failing: dict[str, _Failing] = {}

    @property
    def stale(self) -> bool:
        """True while the host runs on the saved picture."""
        return self._stale

    # What happens

    def in_sync(self, now: float) -> None:
        """Take note: the desired state is the server's. What the host really has is not known yet: look at all of it."""
        self._awake, self._stale, self._stale_at = True, False, None
        self._failing.clear()
        self._want(now, EVERYTHING)
        self._supervise_at = now + self._settings.supervise_interval_s

    def out_of_sync(self) -> None:
        """Take note: what was desired counts no longer. Nothing is written until `in_sync`."""
        self._awake = self._stale = False
        self._stale_at = self._wanted_at = None

    def desired_changed(self, now: float) -> None:
        """Take note: scopes changed."""
        self._want(now + self._settings.gather_s, frozenset())

    def devices_changed(self, now: float, names: Collection[str]) -> None:
        """Take note: devices came, went or changed."""
        if names:
            self._want(now, {Slice.LINKS})

    def daemons_died(self, now: float, slices: Collection[Slice]) -> None:
        """Take note: daemons of these slices have gone."""
        if slices:
            self._want(now, slices)

    def server_heard(self, now: float) -> None:
        """Take note: a server answers, so its word is waited for. Being stale lasts until it has said all."""
        if self._stale_at is not None:
            self._stale_at = now + self._settings.offline_after_s

    def finished(self, now: float, troubles: Iterable[Trouble], *, complete_look: bool) -> None:
        """Take note: the work is done, but for these. Owners without trouble begin anew when they next fail."""
        failing: dict[str, _Failing] = {}
        for trouble in troubles:
            times = self._failing[trouble.owner].times + 1 if trouble.owner in self._failing else 1
            pause = min(self._settings.retry_longest_s, self._settings.retry_first_s * 2.0 ** min(times - 1, 16))
            again_at = now + pause if trouble.transient else None
            known = failing.get(trouble.owner)
            if known is None or known.again_at is None:
                failing[trouble.owner] = _Failing(times, again_at)
        self._failing = failing
        if complete_look:
            self._drift_at = now + self._settings.drift_interval_s

    # What to do

    def tick(self, now: float) -> list[LoopAction]:
        """Say what is due. At most one piece of work at a time; the caller calls `finished` before the next `tick`."""
        if self._stale_at is not None and now >= self._stale_at:
            self._stale_at, self._stale = None, True
            self._want(now, EVERYTHING)
        if not self._awake and not self._stale:
            return []
        actions: list[LoopAction] = []
        if now >= self._supervise_at:
            self._supervise_at = now + self._settings.supervise_interval_s
            actions.append(Supervise())
        if now >= self._drift_at or any(one.again_at is not None and now >= one.again_at for one in self._failing.values()):
            self._want(now, EVERYTHING)
        if self._wanted_at is not None and now >= self._wanted_at:
            actions.append(Work(self._look, stale=self._stale))
            self._wanted_at, self._look = None, frozenset()
        return actions

    def next_deadline(self, now: float) -> float | None:
        """Say when to tick next, at the latest; None: only when something happens."""
        if not self._awake and not self._stale:
            return self._stale_at
        times = [self._drift_at, self._supervise_at]
        times += [one.again_at for one in self._failing.values() if one.again_at is not None]
        times += [self._wanted_at] if self._wanted_at is not None else []
        return max(now, min(times))

    def _want(self, at: float, look: Iterable[Slice]) -> None:
        self._wanted_at = at if self._wanted_at is None else min(at, self._wanted_at)
        self._look |= frozenset(look)
