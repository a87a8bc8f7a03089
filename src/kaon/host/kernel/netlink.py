"""The real door to links: rtnetlink, /proc/sys and raw sockets, in the host's namespace and in ours.

A socket for each namespace (of many, not for all) is kept, and closed when its namespace is no more: it would keep it alive.

What we have been taught by the kernel:

- what is made can be seen before it is marked; see `link_requests.GROUP`
- "not there" at a removal is success; "there already" is success for an address, a trouble for a device
- a device may be replaced by another of its name at any time: what was looked at is changed by index, not by name
"""

import errno
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

from kaon.host.kernel import link_dump, link_requests, rtnetlink
from kaon.host.kernel import netlink_socket as nl
from kaon.host.kernel.announcing import announce
from kaon.host.kernel.link_dump import LOOPBACK, Device
from kaon.host.kernel.namespaces import Namespaces
from kaon.host.plan.links import Announce, Change, Create, LinkStep, Put, Remove
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Link, Tap, Uplink, VethPair, Vxlan
from kaon.host.state.names import HOST, alias_of, is_tap
from kaon.host.state.namespaces import NAMESPACE_SYSCTLS, ROUTER_SYSCTLS, Namespace, Sysctl, bridge_sysctls, member_sysctls
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.routes import Route
from kaon.host.state.trouble import Trouble

_PROC = Path("/proc/sys/net")
_OUR_SPACES = ("qrouter-", "qdhcp-")
"""Namespaces of other names are not ours and are not looked into."""

_NO_NAMESPACE = frozenset({errno.EINVAL, errno.ENOENT})
"""Gone since it was listed, or of a kind that has no devices: not ours, and no reason not to look at the others."""

KEPT_SOCKETS = 256
"""Sockets of namespaces that are kept at most, the oldest go first: a process may have 1024 descriptors."""

_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL, errno.ENXIO})
_HOPELESS = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.ERANGE, errno.EAFNOSUPPORT})

_Entry = InterfaceAddress | Route | ForwardingEntry | Neighbour
_Seen = tuple[int, int, bool]
"""What an event is compared with: index, master, up."""


class NetlinkLinks:
    """Links of the host whose namespace the making thread is in. Use from that thread only."""

    def __init__(self, namespaces: Namespaces) -> None:
        """Open the sockets of the host's namespace."""
        self._namespaces = namespaces
        self._events = rtnetlink.LinkEvents()
        self._home = rtnetlink.RouteSocket()
        self._sockets: dict[str, tuple[int | None, rtnetlink.RouteSocket]] = {}
        self._indexes: dict[tuple[str, str], int] = {}
        self._seen: dict[str, _Seen] = {}

    def observe(self) -> Observed:
        """See `LinkDoor.observe`."""
        self._indexes.clear()
        names = self._namespaces.names()
        for name in self._sockets.keys() - names:
            self._forget(name)
        host = link_dump.devices(self._home)
        self._remember(HOST, host)
        self._seen = {found.name: (found.index, found.master, found.up) for found in host.values()}
        spaces, inner = self._look_into(names)
        links, held = _host_links(host, inner)
        ours = {link.name for link in links if not isinstance(link, Tap | Uplink)}
        foreign = {(HOST, found.name) for found in host.values() if found.name not in ours}
        for space, devices in inner.items():
            foreign |= {(space, found.name) for found in devices.values() if found.owner is None and found.index != LOOPBACK}
        return Observed(
            state=self._state(spaces, host, inner, links),
            devices=frozenset(found.name for found in host.values()),
            foreign_namespaces=names - {space.name for space in spaces},
            foreign_devices=frozenset(foreign),
            held=held,
        )

    def apply(self, steps: Sequence[LinkStep]) -> list[Trouble]:
        """See `LinkDoor.apply`. Entries of one namespace that follow each other go in one system call; so do deleted links."""
        troubles: list[Trouble] = []
        for batch, group in itertools.groupby(steps, key=_batch_of):
            taken = list(group)
            if isinstance(batch, str):
                troubles += self._take_entries(batch, taken)
                continue
            if batch is _Batch.DELETIONS and len(taken) > 1:
                self._delete_together(taken)
            for step in taken:
                try:
                    self._take(step)
                except OSError as error:
                    if not (isinstance(step, Remove) and error.errno in _GONE):
                        troubles.append(_trouble(step, error))
        return troubles

    def fileno(self) -> int:
        """See `LinkDoor.fileno`."""
        return self._events.fileno()

    def drain(self) -> frozenset[str]:
        """See `LinkDoor.drain`. Only what differs from what was observed or applied last is told."""
        events, lost = self._events.read()
        last: dict[str, _Seen | None] = {}
        for kind, body in events:
            if body[0] != 0:  # a bridge's words about its ports come here, too: struct ifinfomsg, family
                continue
            found = link_dump.device(body)
            last[found.name] = (found.index, found.master, found.up) if kind == rtnetlink.NEWLINK else None
        news = {name for name, seen in last.items() if self._seen.get(name) != seen}
        return frozenset(news | {""} if lost else news)

    def close(self) -> None:
        """See `LinkDoor.close`."""
        for name in tuple(self._sockets):
            self._forget(name)
        self._events.close()
        self._home.close()

    # -- looking ---------------------------------------------------------------------------------------------------

    def _look_into(self, names: frozenset[str]) -> tuple[set[Namespace], dict[str, dict[int, Device]]]:
        """Dump the devices of our namespaces; which are ours stands on their `lo`."""
        spaces = set()
        inner = {}
        for name in sorted(names):
            if not name.startswith(_OUR_SPACES):
                continue
            try:
                socket = self._socket(name)
            except OSError as error:
                if error.errno in _NO_NAMESPACE or isinstance(error, FileNotFoundError):
                    continue
                raise
            devices = link_dump.devices(socket)
            loopback = devices.get(LOOPBACK)
            if loopback is None or loopback.owner is None:
                self._forget(name)
                continue
            spaces.add(Namespace(name, up=loopback.up, owner=loopback.owner))
            inner[name] = devices
            self._remember(name, devices)
        return spaces, inner

    def _state(
        self, spaces: set[Namespace], host: dict[int, Device], inner: dict[str, dict[int, Device]], links: set[Link]
    ) -> LinkState:
        addresses: set[InterfaceAddress] = set()
        routes: set[Route] = set()
        for space, devices in inner.items():
            socket = self._socket(space)
            addresses |= link_dump.addresses(socket, space, devices)
            routes |= link_dump.routes(socket, space, devices)
        bridges = {index: found.name for index, found in host.items() if found.kind == "bridge" and found.owner is not None}
        tunnels = {index: found.name for index, found in host.items() if found.kind == "vxlan" and found.owner is not None}
        return LinkState(
            namespaces=frozenset(spaces),
            links=frozenset(links),
            addresses=frozenset(addresses),
            routes=frozenset(routes),
            neighbours=frozenset(link_dump.neighbours(self._home, bridges)) if bridges else frozenset(),
            forwarding=frozenset(link_dump.forwarding(self._home, tunnels)) if tunnels else frozenset(),
            sysctls=frozenset(self._switches(inner, host)),
        )

    def _switches(self, inner: dict[str, dict[int, Device]], host: dict[int, Device]) -> Iterator[Sysctl]:
        """Read the switches that are ever desired. A tap has one before it is ours to enslave."""
        for found in host.values():
            if found.owner is not None or is_tap(found.name):
                yield from _read(HOST, bridge_sysctls(found.name) if found.kind == "bridge" else member_sysctls(found.name))
        for space in inner:
            with self._namespaces.inside(space):
                switches = list(_read(space, [*NAMESPACE_SYSCTLS, *ROUTER_SYSCTLS]))
            yield from switches

    # -- doing -----------------------------------------------------------------------------------------------------

    def _take(self, step: LinkStep) -> None:
        match step:
            case Create(Namespace() as space):
                self._namespaces.create(space.name, lambda: _mark(space))
            case Create(Bridge() | Vxlan() | VethPair() as link):
                self._create(link)
            case Change(Namespace() as space):
                _ask(self._socket(space.name), _loopback_setting(space))
            case Change(what=Bridge() | Vxlan() | VethPair() | Tap() | Uplink() as link):
                self._change(link, step.found)
            case Put(Sysctl() as switch):
                with self._namespaces.inside(switch.namespace):
                    (_PROC / switch.key).write_text(switch.value)
            case Remove(Namespace() as space):
                self._forget(space.name)
                self._namespaces.delete(space.name)
            case Remove(Bridge() | Vxlan() | VethPair() | Tap() | Uplink() as link):
                self._remove(link)
            case Announce(address):
                self._announce(address)
            case _:
                raise TypeError(f"no such step: {step}")

    def _create(self, link: Bridge | Vxlan | VethPair) -> None:
        with self._namespaces.opened(link.namespace if isinstance(link, VethPair) else HOST) as descriptor:
            _ask(self._home, link_requests.creation(link, descriptor))
        alias = nl.text(link_requests.IFALIAS, alias_of(link.owner))
        self._indexes.pop((HOST, link.name), None)
        index = self._index(HOST, link.name)
        self._seen[link.name] = (index, 0, False)
        _ask(self._home, link_requests.setting(index, alias, nl.u32(link_requests.MTU, link.mtu)))
        if isinstance(link, VethPair):
            self._indexes.pop((link.namespace, link.peer), None)
            inner = self._index(link.namespace, link.peer)
            _ask(self._socket(link.namespace), link_requests.setting(inner, alias))

    def _change(self, link: Link, found: Link | Namespace | None) -> None:
        """Set what differs, in one request for each end."""
        index = self._index(HOST, link.name)
        master = 0
        words: list[bytes] = []
        if not isinstance(link, Bridge) and link.bridge is not None:
            master = self._index(HOST, link.bridge)
        if not isinstance(link, Bridge) and getattr(found, "bridge", None) != link.bridge:
            words.append(nl.u32(link_requests.MASTER, master))
        if not isinstance(link, Uplink) and getattr(found, "mtu", None) != link.mtu:
            words.append(nl.u32(link_requests.MTU, link.mtu))
        if isinstance(link, Bridge) and getattr(found, "mac", None) != link.mac:
            words.append(nl.attribute(link_requests.ADDRESS, link_requests.mac_bytes(link.mac)))
        if not isinstance(link, Tap | Uplink) and getattr(found, "owner", None) != link.owner:
            words.append(nl.text(link_requests.IFALIAS, alias_of(link.owner)))
        requests = [link_requests.setting(index, *words, up=link.up)]
        if isinstance(link, Bridge):
            requests.append(link_requests.bridge_setting(index, link))
        if isinstance(link, Vxlan) and master:
            requests.append(link_requests.tunnel_port_setting(index, suppress=link.suppress))
        self._seen[link.name] = (index, master, link.up)
        _ask(self._home, *requests)
        if isinstance(link, VethPair):
            self._change_inner(link, getattr(found, "mac", None))

    def _change_inner(self, pair: VethPair, mac: str | None) -> None:
        index = self._index(pair.namespace, pair.peer)
        words = (
            nl.attribute(link_requests.ADDRESS, link_requests.mac_bytes(pair.mac)),
            nl.u32(link_requests.MTU, pair.mtu),
            nl.text(link_requests.IFALIAS, alias_of(pair.owner)),
        )
        socket = self._socket(pair.namespace)
        _ask(socket, link_requests.setting(index, *words, up=pair.peer_up))
        if mac and mac != pair.mac:
            # Either may fail without harm: the one is gone or never was, the other is there.
            socket.ask(
                [
                    link_requests.link_local_address(mac, index, remove=True),
                    link_requests.link_local_address(pair.mac, index),
                ]
            )

    def _remove(self, link: Link) -> None:
        index = self._index(HOST, link.name)
        if isinstance(link, Tap | Uplink):
            _ask(self._home, link_requests.setting(index, nl.u32(link_requests.MASTER, 0)))
            self._seen[link.name] = (index, 0, self._seen.get(link.name, (0, 0, False))[2])
            return
        self._indexes.pop((HOST, link.name), None)
        self._seen.pop(link.name, None)
        if isinstance(link, VethPair):
            self._indexes.pop((link.namespace, link.peer), None)
        _ask(self._home, link_requests.deletion(index))

    def _delete_together(self, steps: list[LinkStep]) -> None:
        """Delete links as one group: each alone would wait for the kernel's readers. What stays is tried singly after."""
        dooming = []
        for step in steps:
            with suppress(OSError):
                dooming.append(link_requests.dooming(self._index(HOST, getattr(step.what, "name", ""))))
        if all(answer.number == 0 for answer in self._home.ask(dooming)):
            self._home.ask([link_requests.deletion_of_doomed()])

    def _announce(self, address: InterfaceAddress) -> None:
        index = self._index(address.namespace, address.device)
        body = self._socket(address.namespace).get(rtnetlink.GETLINK, link_requests.link_header(index))
        if body is None:
            raise OSError(errno.ENODEV, f"{address.device} is not there")
        mac = bytes.fromhex(link_dump.device(body).mac.replace(":", ""))
        with self._namespaces.inside(address.namespace):
            announce(address.device, mac, address.cidr.partition("/")[0])

    def _take_entries(self, space: str, steps: list[LinkStep]) -> list[Trouble]:
        """Send the requests of entries together; say which failed."""
        troubles: list[Trouble] = []
        asked: list[LinkStep] = []
        requests: list[nl.Request] = []
        for step in steps:
            try:
                requests.append(self._entry_request(space, step))
                asked.append(step)
            except OSError as error:
                if not (isinstance(step, Remove) and error.errno in _GONE):
                    troubles.append(_trouble(step, error))
        try:
            answers = self._socket(space).ask(requests)
        except OSError as error:
            return troubles + [_trouble(step, error) for step in asked if not isinstance(step, Remove)]
        for step, answer in zip(asked, answers, strict=True):
            if answer.number and not _fine(step, answer.number):
                troubles.append(_trouble(step, OSError(answer.number, str(answer))))
        return troubles

    def _entry_request(self, space: str, step: LinkStep) -> nl.Request:
        remove = isinstance(step, Remove)
        match step.what:
            case InterfaceAddress() as address:
                return link_requests.address(address, self._index(space, address.device), remove=remove)
            case Route() as route if remove:
                return link_requests.route_removal(route)
            case Route() as route:
                replaces = isinstance(step, Put) and step.replaces
                return link_requests.route(route, lambda device: self._index(space, device), replaces=replaces)
            case ForwardingEntry() as entry:
                return link_requests.forwarding(entry, self._index(space, entry.device), remove=remove)
            case Neighbour() as neighbour:
                return link_requests.neighbour(neighbour, self._index(space, neighbour.device), remove=remove)
            case other:
                raise TypeError(f"no such entry: {other}")

    # -- sockets and indexes ---------------------------------------------------------------------------------------

    def _socket(self, space: str) -> rtnetlink.RouteSocket:
        if space == HOST:
            return self._home
        identity = self._namespaces.identity(space)
        kept = self._sockets.get(space)
        if kept is not None and kept[0] == identity:
            return kept[1]
        self._forget(space)
        while len(self._sockets) >= KEPT_SOCKETS:
            self._sockets.pop(next(iter(self._sockets)))[1].close()
        socket = self._namespaces.run(space, rtnetlink.RouteSocket)
        self._sockets[space] = (identity, socket)
        return socket

    def _forget(self, space: str) -> None:
        kept = self._sockets.pop(space, None)
        if kept is not None:
            kept[1].close()
        for key in [key for key in self._indexes if key[0] == space]:
            del self._indexes[key]

    def _remember(self, space: str, devices: dict[int, Device]) -> None:
        for index, found in devices.items():
            self._indexes[(space, found.name)] = index

    def _index(self, space: str, name: str) -> int:
        index = self._indexes.get((space, name))
        if index is None:
            ask = link_requests.link_header() + nl.text(link_requests.IFNAME, name)
            body = self._socket(space).get(rtnetlink.GETLINK, ask)
            if body is None:
                raise OSError(errno.ENODEV, f"device {name} is not there")
            index = link_dump.device(body).index
            self._indexes[(space, name)] = index
        return index


def _host_links(host: dict[int, Device], inner: dict[str, dict[int, Device]]) -> tuple[set[Link], dict[str, str]]:
    """Make nouns of the host's devices: ours, and what is on our bridges. Beside them who is on a bridge of others."""
    inner_ends = {
        (found.peer, found.owner): (space, found)
        for space, devices in inner.items()
        for found in devices.values()
        if found.kind == "veth" and found.owner is not None
    }
    our_bridges = {index: found.name for index, found in host.items() if found.kind == "bridge" and found.owner is not None}
    links: set[Link] = set()
    held: dict[str, str] = {}
    for index, found in host.items():
        bridge = our_bridges.get(found.master)
        if found.owner is not None and found.kind == "bridge":
            links.add(link_dump.bridge(found))
        elif found.owner is not None and found.kind == "vxlan":
            links.add(link_dump.vxlan(found, bridge))
        elif found.owner is not None and found.kind == "veth":
            links.add(_pair(found, bridge, inner_ends.get((index, found.owner))))
        elif bridge is not None and is_tap(found.name):
            links.add(Tap(found.name, bridge, found.mtu, up=found.up))
        elif bridge is not None:
            links.add(Uplink(found.name, bridge, up=found.up))
        elif found.master:
            held[found.name] = host[found.master].name if found.master in host else f"device {found.master}"
    return links, held


def _pair(found: Device, bridge: str | None, inner: tuple[str, Device] | None) -> VethPair:
    """Join the two ends; an inner end that is not where we put them reads as nowhere, so that the pair is made anew."""
    space, end = inner if inner is not None else (HOST, None)
    return VethPair(
        name=found.name,
        bridge=bridge,
        namespace=space,
        peer=end.name if end else "",
        mac=end.mac if end else "",
        mtu=found.mtu if end is None or end.mtu == found.mtu else 0,
        up=found.up,
        peer_up=end.up if end else False,
        owner=found.owner or "",
    )


def _read(space: str, keys: Iterable[str]) -> Iterator[Sysctl]:
    """Read switches of the namespace that the thread is in; those that the kernel does not have are left out."""
    for key in keys:
        with suppress(OSError):
            yield Sysctl(space, key, (_PROC / key).read_text().strip())


def _mark(space: Namespace) -> None:
    """Mark the namespace that the thread is in as ours, and bring its `lo` up."""
    socket = rtnetlink.RouteSocket()
    try:
        _ask(socket, _loopback_setting(space))
    finally:
        socket.close()


def _loopback_setting(space: Namespace) -> nl.Request:
    alias = nl.text(link_requests.IFALIAS, alias_of(space.owner))
    return link_requests.setting(LOOPBACK, alias, up=space.up)


def _ask(socket: rtnetlink.RouteSocket, *requests: nl.Request) -> None:
    """Ask, and raise the first refusal as OSError."""
    for answer in socket.ask(requests):
        if answer.number:
            raise OSError(answer.number, str(answer))


class _Batch(Enum):
    """Steps that follow each other and are not entries of one namespace."""

    SINGLE = auto()
    DELETIONS = auto()


def _batch_of(step: LinkStep) -> str | _Batch:
    """Say what a step can be taken together with: for an entry, its namespace."""
    if not isinstance(step, Put | Remove):
        return _Batch.SINGLE
    match step.what:
        case InterfaceAddress() | Route():
            return step.what.namespace
        case ForwardingEntry() | Neighbour():
            return HOST
        case Bridge() | Vxlan() | VethPair():
            return _Batch.DELETIONS
        case _:
            return _Batch.SINGLE


def _fine(step: LinkStep, number: int) -> bool:
    if isinstance(step, Remove):
        return number in _GONE
    return number == errno.EEXIST and not isinstance(step.what, Route)


def _trouble(step: LinkStep, error: OSError) -> Trouble:
    verb = type(step).__name__.lower()
    what = type(step.what).__name__
    name = getattr(step.what, "name", None) or getattr(step.what, "device", None) or getattr(step.what, "destination", "")
    reason = f"{verb} {what} {name}: {error.strerror or error}"
    return Trouble(step.what.owner, reason, transient=error.errno not in _HOPELESS)
