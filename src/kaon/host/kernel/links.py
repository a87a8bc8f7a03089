"""The door to links, as the agent sees it; `netlink` is the real one, `links_fake` a fake with the kernel's teeth."""

from collections.abc import Sequence
from typing import Protocol

from kaon.host.plan.links import LinkStep
from kaon.host.state.network_state import Observed
from kaon.host.state.trouble import Trouble


class LinkDoor(Protocol):
    """Observe and change namespaces, links, addresses, routes, neighbours and forwarding entries."""

    def observe(self) -> Observed:
        """Say what is ours, and which names are others'. One dump of each kind for each namespace."""

    def apply(self, steps: Sequence[LinkStep]) -> list[Trouble]:
        """Take the steps in order, going on past failures; say what failed."""

    def fileno(self) -> int:
        """Give a descriptor that is readable when devices came or went; see `drain`."""

    def drain(self) -> frozenset[str]:
        """Read what has happened without waiting: names of devices of the host's namespace that came, went or changed owner.

        An empty name stands for "some were missed, look at all".
        """

    def close(self) -> None:
        """Let go of sockets and descriptors. Nothing in the kernel changes."""
