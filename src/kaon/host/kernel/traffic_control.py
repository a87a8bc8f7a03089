"""The real door to limits of bandwidth: rtnetlink's traffic control, in the host's own namespace.

What we have been taught by the kernel:

- a queueing discipline or a kind of device that it does not have is ENOENT or EOPNOTSUPP: trying again is no use
- a filter that leads to a device that is gone stays, and drops what it sees: its index is looked at, not only its being there
- when a device gets a queueing discipline, or loses one, or `clsact`, it stands still for a millisecond or two, and what comes
  then is lost; a bucket that changes stops nothing. So ours are changed in place, and go only when no limit is left
- `clsact` has one handle for everybody: whose it is, its filters say
"""

import errno
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from kaon.host.kernel import link_dump, qos_messages, rtnetlink
from kaon.host.kernel import link_requests as links
from kaon.host.kernel import netlink_socket as nl
from kaon.host.kernel.link_dump import Device
from kaon.host.plan.qos import PutQos, QosStep, RemoveQos, stands_on
from kaon.host.state.names import is_tap
from kaon.host.state.qos import HANDLE, Intermediate, ObservedQos, Place, QosNoun, QosState, Redirect, Shaper, place
from kaon.host.state.trouble import Trouble

_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EINVAL, errno.ENXIO})
_HOPELESS = frozenset({errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.ERANGE})

_NAMES = ("ifb", "ifi", "ife")


class TrafficControl:
    """Limits of the host whose namespace the making thread is in. Use from that thread only."""

    def __init__(self) -> None:
        """Open the socket."""
        self._socket = rtnetlink.RouteSocket()

    def observe(self) -> ObservedQos:
        """See `QosDoor.observe`. One dump of devices, one of queues, and one of filters for each tap that may have some."""
        devices = link_dump.devices(self._socket)
        seen = _Seen(devices)
        for queue in qos_messages.queues(self._socket):
            device = devices.get(queue.index)
            if device is None or not (is_tap(device.name) or _is_ours(device)):
                continue
            if queue.parent == qos_messages.ROOT:
                seen.root(device, queue)
            elif queue.parent == qos_messages.CLSACT:
                with suppress(OSError):  # gone since it was dumped: what was on it went with it
                    seen.filters(device, queue.kind, *map(partial(self._filters, queue.index), (False, True)))
        return seen.result()

    def apply(self, steps: Sequence[QosStep]) -> list[Trouble]:
        """See `QosDoor.apply`."""
        troubles: list[Trouble] = []
        failed: set[str] = set()
        for step in steps:
            if stands_on(step) in failed:
                continue
            try:
                self._take(step)
            except OSError as error:
                if not (isinstance(step, RemoveQos) and error.errno in _GONE):
                    failed.add(step.what.device)
                    troubles.append(_trouble(step, error))
        return troubles

    def close(self) -> None:
        """See `QosDoor.close`."""
        self._socket.close()

    def _take(self, step: QosStep) -> None:
        match step:
            case PutQos(what=Intermediate() as device):
                self._put_device(device, new=step.found is None)
            case PutQos(what=Shaper() as shaper):
                self._ask(qos_messages.bucket(self._index(shaper.device), shaper.bucket))
            case PutQos(what=Redirect() as redirect):
                self._redirect(redirect, anew=step.found is not None)
            case RemoveQos(what=Intermediate() as device):
                self._ask(links.deletion(self._index(device.device)))
            case RemoveQos(what=Shaper() as shaper):
                self._ask(qos_messages.bucket_removal(self._index(shaper.device)))
            case RemoveQos(what=Redirect() as redirect):
                self._undirect(redirect, self._index(redirect.device))

    def _put_device(self, device: Intermediate, *, new: bool) -> None:
        if new:
            self._ask(qos_messages.creation(device))
        index = self._index(device.device)
        if new:
            self._socket.ask([qos_messages.without_addresses(index)])  # a kernel without IPv6 refuses, and gives none
        self._ask(qos_messages.marking(device, index))

    def _redirect(self, redirect: Redirect, *, anew: bool) -> None:
        index, to = self._index(redirect.device), self._index(redirect.to)
        (answer,) = self._socket.ask([qos_messages.classifier(index)])
        if answer.number not in (0, errno.EEXIST):
            raise OSError(answer.number, str(answer))
        if anew:
            self._remove_filter(redirect, index)
        self._ask(qos_messages.redirection(index, to, redirect))

    def _undirect(self, redirect: Redirect, index: int) -> None:
        """Take our filter away, and its place when no other is left."""
        self._remove_filter(redirect, index)
        if not any(self._filters(index, leaving) for leaving in (False, True)):
            self._ask(qos_messages.classifier_removal(index))

    def _remove_filter(self, redirect: Redirect, index: int) -> None:
        for one in self._filters(index, redirect.leaving):
            if one.is_redirection and one.address == redirect.address:
                self._ask(qos_messages.filter_removal(index, one, leaving=redirect.leaving))

    def _filters(self, index: int, leaving: bool) -> list[qos_messages.Filter]:
        return qos_messages.filters(self._socket, index, leaving=leaving)

    def _index(self, name: str) -> int:
        body = self._socket.get(rtnetlink.GETLINK, links.link_header() + nl.text(links.IFNAME, name))
        if body is None:
            raise OSError(errno.ENODEV, f"device {name} is not there")
        return link_dump.device(body).index

    def _ask(self, request: nl.Request) -> None:
        (answer,) = self._socket.ask([request])
        if answer.number:
            raise OSError(answer.number, str(answer))


class _Seen:
    """What is seen, as it is being put together."""

    def __init__(self, devices: dict[int, Device]) -> None:
        self._devices = devices
        self._shapers: list[Shaper] = []
        self._redirects: list[Redirect] = []
        self._intermediates = [Intermediate(one.name, one.up, one.owner or "") for one in devices.values() if _is_ours(one)]
        self._taken: dict[Place, str] = {
            (Intermediate.__name__, one.name): f"device {one.name} is not ours"
            for one in devices.values()
            if one.name.startswith(_NAMES) and not _is_ours(one)
        }

    def root(self, device: Device, queue: qos_messages.Queue) -> None:
        """Take note of a root queue; one without a handle is the kernel's own."""
        if queue.handle == HANDLE and queue.bucket is not None:
            self._shapers.append(Shaper(device.name, queue.bucket))
        elif queue.handle:
            reason = f"device {device.name} has a root queue {queue.kind} that is not ours"
            self._taken[Shaper.__name__, device.name] = reason

    def filters(self, device: Device, kind: str, coming: list[qos_messages.Filter], going: list[qos_messages.Filter]) -> None:
        """Take note of what is done with what passes. A place without any filter is what a cut short work of ours leaves."""
        if kind != "clsact" or not all(one.ours for one in (*coming, *going)):
            self._taken[Redirect.__name__, device.name] = f"device {device.name} has filters ({kind}) that are not ours"
        for leaving, found in ((False, coming), (True, going)):
            for one in found:
                if one.is_redirection:
                    to = self._devices.get(one.to)
                    name = to.name if to and _is_ours(to) else ""
                    self._redirects.append(Redirect(device.name, name, leaving=leaving, address=one.address))

    def result(self) -> ObservedQos:
        """Give all that was seen."""
        state = QosState(frozenset(self._shapers), frozenset(self._intermediates), frozenset(self._redirects))
        return ObservedQos(state, self._taken)


def _is_ours(device: Device) -> bool:
    return device.kind == "ifb" and device.owner is not None


def _trouble(step: QosStep, error: OSError) -> Trouble:
    kind, device = place(step.what)
    verb = "put" if isinstance(step, PutQos) else "remove"
    transient = error.errno not in _HOPELESS
    hint = "" if transient else _lacks(step.what)
    return Trouble(step.what.owner, f"{verb} {kind} {device}: {error.strerror or error}{hint}", transient=transient)


def _lacks(noun: QosNoun) -> str:
    needed = {"Shaper": "sch_tbf", "Intermediate": "ifb", "Redirect": "sch_ingress, cls_u32 and act_mirred"}[place(noun)[0]]
    return f" (the kernel needs {needed})"
