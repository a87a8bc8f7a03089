"""A fake of the door to limits of bandwidth, with the kernel's teeth.

Teeth   nothing stands on a device that is not there, and all goes with it; a name is held by one; a redirection needs what it
        leads to, and leads nowhere when that is gone; a kernel may lack a part
"""

import errno
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from kaon.host.plan.qos import QosStep, RemoveQos, stands_on
from kaon.host.state.qos import Intermediate, ObservedQos, Place, QosNoun, QosState, Redirect, Shaper, key, place
from kaon.host.state.trouble import Trouble


class FakeQos:
    """Limits of one host in memory.

    devices  names of the devices that others made, asked anew each time
    lacking  kinds of nouns that this kernel cannot do; a test sets it
    """

    def __init__(self, devices: Callable[[], Collection[str]]) -> None:
        self._devices = devices
        self._nouns: dict[tuple[object, ...], QosNoun] = {}
        self._foreign: dict[Place, str] = {}
        self.lacking: frozenset[type[QosNoun]] = frozenset()
        self.steps: list[QosStep] = []

    def observe(self) -> ObservedQos:
        """See `QosDoor.observe`."""
        self._follow()
        return ObservedQos(
            QosState(
                frozenset(noun for noun in self._nouns.values() if isinstance(noun, Shaper)),
                frozenset(noun for noun in self._nouns.values() if isinstance(noun, Intermediate)),
                frozenset(noun for noun in self._nouns.values() if isinstance(noun, Redirect)),
            ),
            dict(self._foreign),
        )

    def apply(self, steps: Sequence[QosStep]) -> list[Trouble]:
        """See `QosDoor.apply`."""
        troubles = []
        failed: set[str] = set()
        for step in steps:
            if stands_on(step) in failed:
                continue
            self.steps.append(step)
            self._follow()
            try:
                self._take(step)
            except OSError as error:
                if not isinstance(step, RemoveQos):
                    failed.add(step.what.device)
                    transient = error.errno != errno.EOPNOTSUPP
                    troubles.append(Trouble(step.what.owner, f"{step}: {error.strerror}", transient=transient))
        return troubles

    def close(self) -> None:
        """See `QosDoor.close`."""

    def strange(self, taken: Place, reason: str = "somebody else's") -> None:
        """Let someone else have a root queue, filters or the name of a device."""
        self._nouns = {at: noun for at, noun in self._nouns.items() if place(noun) != taken}
        self._foreign[taken] = reason

    def _take(self, step: QosStep) -> None:
        noun = step.what
        if isinstance(step, RemoveQos):
            _refuse_if(key(noun) not in self._nouns, errno.ENOENT)
            del self._nouns[key(noun)]
            self._follow()
            return
        _refuse_if(type(noun) in self.lacking, errno.EOPNOTSUPP)
        _refuse_if(place(noun) in self._foreign, errno.EEXIST)
        if isinstance(noun, Intermediate):
            _refuse_if(step.found is None and key(noun) in self._nouns, errno.EEXIST)
        else:
            _refuse_if(noun.device not in self._there(), errno.ENODEV)
        if isinstance(noun, Redirect):
            _refuse_if(noun.to not in self._there(), errno.ENODEV)
            _refuse_if(step.found is None and key(noun) in self._nouns, errno.EEXIST)
        self._nouns[key(noun)] = noun

    def _there(self) -> frozenset[str]:
        made = (noun.device for noun in self._nouns.values() if isinstance(noun, Intermediate))
        return frozenset((*self._devices(), *made))

    def _follow(self) -> None:
        there = self._there()
        self._nouns = {at: noun for at, noun in self._nouns.items() if noun.device in there}
        for at, noun in self._nouns.items():
            if isinstance(noun, Redirect) and noun.to not in there:
                self._nouns[at] = replace(noun, to="")


def _refuse_if(wrong: bool, number: int) -> None:
    if wrong:
        raise OSError(number, os.strerror(number))
