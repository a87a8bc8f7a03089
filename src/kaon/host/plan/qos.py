"""What to do so that the limits of a host become as desired, in which order, and why in that order. Pure.

    1  redirections that go, before the device that they lead to
    2  buckets that go, but those of devices that go with them
    3  devices that go
    4  devices that come, and are up: a redirection to one that is down loses packets
    5  buckets, before what they are for is led to them; one that changes is changed in place and keeps what waits in it
    6  redirections

Taps that are on none of our bridges are left alone: nobody's traffic passes there that would be ours to limit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kaon.host.state.names import is_tap
from kaon.host.state.qos import Intermediate, ObservedQos, Place, QosNoun, QosState, Redirect, Shaper, key, place
from kaon.host.state.trouble import Trouble


@dataclass(frozen=True, slots=True)
class PutQos:
    """Make it, or change what is ours there to this; `found` is that."""

    what: QosNoun
    found: QosNoun | None = None


@dataclass(frozen=True, slots=True)
class RemoveQos:
    """Take it away."""

    what: QosNoun


QosStep = PutQos | RemoveQos


def stands_on(step: QosStep) -> str:
    """Name the device that a step is no use without, and that an earlier step may have failed to make or to limit."""
    if isinstance(step, RemoveQos) or isinstance(step.what, Intermediate):
        return ""
    return step.what.to if isinstance(step.what, Redirect) else step.what.device


@dataclass(frozen=True, slots=True)
class QosPlan:
    """Steps in order, what cannot be had, and what will be when all steps are taken."""

    steps: tuple[QosStep, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    wanted: QosState = field(default_factory=QosState)


def plan_qos(desired: QosState, observed: ObservedQos, attached: frozenset[str]) -> QosPlan:
    """Say what makes the observed limits as desired.

    attached  names of the taps that are members of our bridges now
    Law     planning again after applying is empty; nothing of others is named.
    Taken   what is desired where others have theirs is left out, with all that serves it, and reported.
    """
    wanted, troubles = _without_taken(_on(desired, attached), observed.taken)
    have = observed.state
    leaving = {one.device for one in _gone(wanted.intermediates, have.intermediates)}
    shapers = (one for one in _gone(wanted.shapers, have.shapers) if one.device not in leaving)
    removed = (*_gone(wanted.redirects, have.redirects), *shapers, *_gone(wanted.intermediates, have.intermediates))
    put = (
        *_puts(wanted.intermediates, have.intermediates),
        *_puts(wanted.shapers, have.shapers),
        *_puts(wanted.redirects, have.redirects),
    )
    return QosPlan((*map(RemoveQos, removed), *put), troubles, wanted)


def _on(desired: QosState, attached: frozenset[str]) -> QosState:
    """Leave out what is for taps that are not there; a device of ours serves the tap that leads to it."""
    redirects = frozenset(one for one in desired.redirects if one.device in attached)
    served = {one.to for one in redirects}
    return QosState(
        shapers=frozenset(one for one in desired.shapers if one.device in (attached if is_tap(one.device) else served)),
        intermediates=frozenset(one for one in desired.intermediates if one.device in served),
        redirects=redirects,
    )


def _without_taken(desired: QosState, taken: Mapping[Place, str]) -> tuple[QosState, tuple[Trouble, ...]]:
    nouns: tuple[QosNoun, ...] = (*desired.intermediates, *desired.shapers, *desired.redirects)
    blocked = [noun for noun in nouns if place(noun) in taken]
    if not blocked:
        return desired, ()
    lost = {noun.device for noun in blocked if isinstance(noun, Intermediate)}
    lost |= {noun.to for noun in blocked if isinstance(noun, Redirect)}
    lost |= {noun.device for noun in blocked if isinstance(noun, Shaper) and not is_tap(noun.device)}
    kept = QosState(
        shapers=frozenset(one for one in desired.shapers if one not in blocked and one.device not in lost),
        intermediates=frozenset(one for one in desired.intermediates if one.device not in lost),
        redirects=frozenset(one for one in desired.redirects if one.to not in lost),
    )
    troubles = (Trouble(noun.owner, f"bandwidth is not limited: {taken[place(noun)]}", transient=False) for noun in blocked)
    return kept, tuple(sorted(troubles, key=lambda trouble: (trouble.owner, trouble.reason)))


def _gone(wanted: Iterable[QosNoun], found: Iterable[QosNoun]) -> list[QosNoun]:
    keys = {key(noun) for noun in wanted}
    return sorted((noun for noun in found if key(noun) not in keys), key=key)


def _puts(wanted: Iterable[QosNoun], found: Iterable[QosNoun]) -> list[PutQos]:
    there = {key(noun): noun for noun in found}
    puts = (PutQos(noun, there.get(key(noun))) for noun in sorted(wanted, key=key))
    return [put for put in puts if put.found != put.what or _renamed(put)]


def _renamed(put: PutQos) -> bool:
    """Tell whether a device of ours is marked for somebody else."""
    return isinstance(put.what, Intermediate) and put.found is not None and put.found.owner != put.what.owner
