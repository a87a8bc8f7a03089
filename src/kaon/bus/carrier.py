"""What a carrier is: bytes between one server and many hosts, nothing promised about their arrival.

A carrier may lose a message when a connection breaks or a queue is full; the talk above it mends that. What it must not do is
to let one host speak as another: `Received.host` is the name that belongs to the key of the connection.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Received:
    """A host said something.

    peer  the connection it came by: opaque, never used again for another connection
    host  the name that the connection's key belongs to
    """

    peer: bytes
    host: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """A connection is gone. Not every carrier always notices: silence counts too."""

    peer: bytes


FromCarrier = Received | Lost


class ServerCarrier(Protocol):
    """The server's side. One thread uses it, but for `wake`."""

    def receive(self, timeout_s: float) -> list[FromCarrier]:
        """Wait for something to arrive, for `wake`, or for the time to pass; give what has arrived, in order."""

    def send(self, peer: bytes, raw: bytes) -> bool:
        """Hand a message over. False: the connection is gone or its queue full, the message is lost."""

    def wake(self) -> None:
        """End a `receive` that waits. Any thread may call it."""

    def close(self) -> None:
        """Close every connection."""


class HostCarrier(Protocol):
    """The host's side. One thread uses it, but for `wake`."""

    def receive(self, timeout_s: float) -> list[bytes]:
        """Wait for something to arrive, for `wake`, for a connection to be made, or for the time to pass."""

    def send(self, raw: bytes) -> bool:
        """Hand a message over. False: there is no connection or its queue is full, the message is lost."""

    def connections(self) -> int:
        """Count how often a connection was made: when it has grown, the server does not know this host any more."""

    def reconnect(self) -> None:
        """Give the connection up and make another."""

    def wake(self) -> None:
        """End a `receive` that waits. Any thread may call it."""

    def close(self) -> None:
        """Close the connection."""
