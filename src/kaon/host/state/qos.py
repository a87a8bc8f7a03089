"""Limits of bandwidth as the kernel's traffic control has them, in the host's own namespace. Pure.

    to the port     a token bucket (TBF) is the tap's root queue
    from the port   what comes in by the tap is led through a device of ours (IFB), whose root queue is the token bucket

Packet rates and marks are the filters' (`compile/packet_rates.py`).

How an agent knows its own on devices that others made: a root queue by its handle, a redirection by its priority. A root queue
without a handle is the kernel's default, which is nobody's. Other ones are not touched.

Sources: tc-tbf(8), ifb and mirred in tc-mirred(8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HANDLE = 0x4B41_0000
"""Handle of our root queues: the letters KA."""

PRIORITY = 0x4B41
"""Priority of our redirections among the filters of a device."""

TICK_NS = 64
"""The kernel's unit of a bucket's depth in time."""

MOST_TICKS = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket.

    rate   bytes a second, Ethernet headers included
    depth  how much may go at once, as the time that it takes at the rate, in ticks of 64 ns: the kernel counts so
    queue  bytes that wait at most; more is dropped
    """

    rate: int
    depth: int
    queue: int


@dataclass(frozen=True, slots=True)
class Shaper:
    """The root queue of a device is a bucket."""

    device: str
    bucket: Bucket
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Intermediate:
    """A device of ours that packets only wait in."""

    device: str
    up: bool = True
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Redirect:
    """What comes in by a device goes through an intermediate one first. `to` is empty where that is no more (actual only)."""

    device: str
    to: str
    owner: str = field(default="", compare=False)


QosNoun = Shaper | Intermediate | Redirect

Place = tuple[str, str]
"""(kind of noun, device): where one of the kind can be."""


@dataclass(frozen=True, slots=True)
class QosState:
    """Everything of this slice on a host, desired and actual alike."""

    shapers: frozenset[Shaper] = frozenset()
    intermediates: frozenset[Intermediate] = frozenset()
    redirects: frozenset[Redirect] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.shapers or self.intermediates or self.redirects)


@dataclass(frozen=True, slots=True)
class ObservedQos:
    """What a host has: ours, and where others are: place -> what is there, in words for an operator."""

    state: QosState = field(default_factory=QosState)
    taken: Mapping[Place, str] = field(default_factory=dict)


def place(noun: QosNoun) -> Place:
    """Say where a noun is."""
    return type(noun).__name__, noun.device
