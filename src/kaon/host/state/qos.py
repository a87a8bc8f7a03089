"""Limits of bandwidth as the kernel's traffic control has them, in the host's own namespace. Pure.

    to the port     a token bucket (TBF) is the tap's root queue
    from the port   what comes in by the tap is led through a device of ours (IFB), whose root queue is the token bucket
    of an address   floating IPs and gateways have no device: of all that passes the tap of the router's gateway, theirs is led
                    through a device of ours, one for each direction

Packet rates and marks are the filters' (`compile/packet_rates.py`).

How an agent knows its own on devices that others made: a root queue by its handle, a redirection by its priority. A root queue
without a handle is the kernel's default, which is nobody's. Other ones are not touched.

Sources: tc-tbf(8), ifb and mirred in tc-mirred(8).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HANDLE = 0x4B41_0000
"""Handle of our root queues: the letters KA."""

PRIORITY = 0x4B41
"""Priority of redirections of all that comes in by a device, among its filters."""

SENDER_PRIORITY, RECEIVER_PRIORITY = PRIORITY - 1, PRIORITY - 2
"""Of those of single addresses, which come before: by what comes in, and by what goes out."""

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
    """What comes in by a device goes through an intermediate one first.

    to       the other device; empty where that is no more (actual only)
    leaving  instead what goes out by it
    address  only what has this IPv4 address: as source of what comes in, as destination of what goes out; empty: all
    """

    device: str
    to: str
    owner: str = field(default="", compare=False)
    leaving: bool = False
    address: str = ""


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
    """Say where a noun is. Redirections of one device share theirs."""
    return type(noun).__name__, noun.device


def key(noun: QosNoun) -> tuple[str, str, bool, str]:
    """Tell a noun from all others."""
    where = (noun.leaving, noun.address) if isinstance(noun, Redirect) else (False, "")
    return (*place(noun), *where)


def merge(states: Iterable[QosState]) -> QosState:
    """Put several states together into one."""
    parts = tuple(states)
    return QosState(
        shapers=frozenset().union(*(part.shapers for part in parts)),
        intermediates=frozenset().union(*(part.intermediates for part in parts)),
        redirects=frozenset().union(*(part.redirects for part in parts)),
    )
