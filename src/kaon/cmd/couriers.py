"""What tells other services of what happens: a thread for each that is configured, beside the feed."""

import os
import socket
import time
from typing import TYPE_CHECKING

from kaon.cmd.configured import ServerConfiguration, WrongSettings

if TYPE_CHECKING:
    from kaon.server.control.core import Core
    from kaon.server.peers.courier import Courier, Delivery

_STOP_S = 5.0


class Couriers:
    """Every courier of this process; none where nothing is configured. Errors of making it: WrongSettings."""

    def __init__(self, configuration: ServerConfiguration, core: "Core") -> None:
        self._couriers = _made(core, deliveries(configuration))
        core.store.on_post(self.poke)
        for courier in self._couriers:
            courier.start()

    def poke(self) -> None:
        """Have the outbox looked into."""
        for courier in self._couriers:
            courier.poke()

    def stop(self) -> None:
        """End them; what is being told is told first, for a while."""
        for courier in self._couriers:
            courier.stop()
        deadline = time.monotonic() + _STOP_S
        for courier in self._couriers:
            courier.join(max(0.0, deadline - time.monotonic()))


def deliveries(configuration: ServerConfiguration) -> "list[Delivery]":
    """Say how each configured service is told. Errors: WrongSettings."""
    told = configuration.peers
    if not told.any:
        return []
    from keystoneauth1.exceptions import ClientException  # noqa: PLC0415  # what nobody configured is not loaded

    from kaon.server.peers import designate, nova  # noqa: PLC0415  # as above

    found = []
    section = "nova"
    try:
        if told.nova is not None:
            found.append(nova.delivery(told.nova))
        section = "designate"
        if told.designate is not None:
            found.append(designate.delivery(told.designate))
    except (ClientException, OSError, ValueError) as problem:
        raise WrongSettings(f"[{section}]: {problem}") from problem
    return found


def _made(core: "Core", those: "list[Delivery]") -> "list[Courier]":
    if not those:
        return []
    from kaon.server.peers.courier import Courier  # noqa: PLC0415  # what nobody configured is not loaded

    holder = f"{socket.gethostname()}/{os.getpid()}"
    return [Courier(core.store, holder, one) for one in those]
