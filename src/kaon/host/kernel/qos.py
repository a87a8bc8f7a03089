"""The door to limits of bandwidth, as the agent sees it; `traffic_control` is the real one, `qos_fake` a fake with teeth."""

from collections.abc import Sequence
from typing import Protocol

from kaon.host.plan.qos import QosStep
from kaon.host.state.qos import ObservedQos
from kaon.host.state.trouble import Trouble


class QosDoor(Protocol):
    """Observe and change root queues, redirections, and the devices that they lead to."""

    def observe(self) -> ObservedQos:
        """Say what is ours, and where others are."""

    def apply(self, steps: Sequence[QosStep]) -> list[Trouble]:
        """Take the steps in order, going on past failures; say what failed, and leave out what stands on it.

        What the kernel cannot do at all is told as not transient.
        """

    def close(self) -> None:
        """Let go of sockets. Nothing in the kernel changes."""
