"""What tells other services of what happens: a thread for each that is configured, beside the feed."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kaon.cmd.configured import ServerConfiguration, WrongSettings

if TYPE_CHECKING:
    from kaon.server.control.core import Core
    from kaon.server.peers.courier import Courier, Delivery
    from kaon.server.peers.http import Peer
    from kaon.server.peers.placement import Reconciler

_STOP_S = 5.0


class Couriers:
    """Every courier of this process; none where nothing is configured. Errors of making it: WrongSettings."""

    def __init__(self, configuration: ServerConfiguration, core: "Core") -> None:
        self._couriers = _made(configuration, core)
        if self._couriers:
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
    """Say how each configured service that takes messages is told. Errors: WrongSettings."""
    told = configuration.peers
    found = []
    if told.nova is not None:
        from kaon.server.peers import nova  # noqa: PLC0415  # what nobody configured is not loaded

        with _told("nova"):
            found.append(nova.delivery(told.nova))
    if told.designate is not None:
        from kaon.server.peers import designate  # noqa: PLC0415  # as above

        with _told("designate"):
            found.append(designate.delivery(told.designate))
    return found


def placement_peers(configuration: ServerConfiguration) -> "tuple[Peer, Peer | None] | None":
    """Give Placement, and Nova if it is configured; None: Placement is not. Errors: WrongSettings."""
    told = configuration.peers
    if told.placement is None:
        return None
    from kaon.server.peers.http import Peer  # noqa: PLC0415  # as above

    with _told("placement"):
        placement = Peer(told.placement, "placement")
    with _told("nova"):
        return placement, Peer(told.nova.peer, "compute") if told.nova is not None else None


@contextlib.contextmanager
def _told(section: str) -> Iterator[None]:
    """Say in which section wrong settings are."""
    from keystoneauth1.exceptions import ClientException  # noqa: PLC0415  # as above

    try:
        yield
    except (ClientException, OSError, ValueError) as problem:
        raise WrongSettings(f"[{section}]: {problem}") from problem


def _made(configuration: ServerConfiguration, core: "Core") -> "list[Courier | Reconciler]":
    holder = f"{socket.gethostname()}/{os.getpid()}"
    found: "list[Courier | Reconciler]" = []  # noqa: UP037  # both are loaded below, and only where needed
    for delivery in deliveries(configuration):
        from kaon.server.peers.courier import Courier  # noqa: PLC0415  # as above

        found.append(Courier(core.store, holder, delivery))
    peers = placement_peers(configuration)
    if peers is not None:
        from kaon.server.control import resource_providers  # noqa: PLC0415  # as above
        from kaon.server.peers.placement import Reconciler  # noqa: PLC0415  # as above

        found.append(Reconciler(core.store, holder, *peers, lambda tx: resource_providers.wanted(core, tx)))
    return found
