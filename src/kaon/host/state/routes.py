"""Routes in our namespaces. Ours are those with our protocol number."""

from dataclasses import dataclass, field

ROUTE_PROTOCOL = 0x4B
"""Marks routes that Kaon made; the number has no name in iproute2's table."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One way onward. gateway None: the destination is on the link itself."""

    device: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the main table. Several hops share the traffic.

    destination  canonical prefix; "0.0.0.0/0" and "::/0" are the defaults
    hops         at least one, sorted
    """

    namespace: str
    destination: str
    hops: tuple[Hop, ...]
    owner: str = field(default="", compare=False)
