"""A fake of the door to links, with the kernel's teeth.

Its own methods below "what others do" are for tests: a VM is plugged, a stranger makes a bridge, a device vanishes.

Teeth   a pair goes with its namespace; what stands in a link goes with it; a bridge frees its members, and forgets its
        neighbours when its MAC changes or it goes down; a name, a VNI or an inner end is held by one; an IPv6 address
        stands once on a device; a route needs its device up; a tunnel that leaves its bridge is forgotten by it
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_interface

from kaon.host.plan.links import Announce, Change, Create, LinkStep, Put, Remove
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Link, Made, Plugged, Tap, Uplink, VethPair, Vxlan
from kaon.host.state.names import HOST
from kaon.host.state.namespaces import Namespace, Sysctl
from kaon.host.state.network_state import LinkState, Observed
from kaon.host.state.routes import Route
from kaon.host.state.trouble import Trouble

_NOT_THERE = (errno.ENODEV, errno.ENOENT)


class FakeLinks:
    """One host in memory."""

    def __init__(self) -> None:
        self._spaces: dict[str, Namespace] = {}
        self._made: dict[str, Made] = {}
        self._others: dict[str, str | None] = {}
        self._plugged: dict[str, Plugged] = {}
        self._foreign_spaces: set[str] = set()
        self._addresses: set[InterfaceAddress] = set()
        self._routes: set[Route] = set()
        self._neighbours: set[Neighbour] = set()
        self._forwarding: set[ForwardingEntry] = set()
        self._sysctls: dict[tuple[str, str], str] = {}
        self._news: set[str] = set()
        self._readable, self._writable = os.pipe()
        self.announced: list[InterfaceAddress] = []
        self.steps: list[LinkStep] = []

    # -- the door --------------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        """See `LinkDoor.observe`."""
        return Observed(
            state=LinkState(
                namespaces=frozenset(self._spaces.values()),
                links=frozenset([*self._made.values(), *self._plugged.values()]),
                addresses=frozenset(self._addresses),
                routes=frozenset(self._routes),
                neighbours=frozenset(self._neighbours),
                forwarding=frozenset(self._forwarding),
                sysctls=frozenset(Sysctl(space, key, value) for (space, key), value in self._sysctls.items()),
            ),
            devices=frozenset([*self._made, *self._others]),
            foreign_namespaces=frozenset(self._foreign_spaces),
            foreign_devices=frozenset((HOST, name) for name in self._others),
            held={name: bridge for name, bridge in self._others.items() if bridge is not None},
        )

    def apply(self, steps: Sequence[LinkStep]) -> list[Trouble]:
        """See `LinkDoor.apply`."""
        troubles = []
        for step in steps:
            self.steps.append(step)
            try:
                self._take(step)
            except OSError as error:
                if not (isinstance(step, Remove) and error.errno in _NOT_THERE):
                    troubles.append(Trouble(step.what.owner, f"{step}: {error.strerror}"))
        return troubles

    def fileno(self) -> int:
        """See `LinkDoor.fileno`."""
        return self._readable

    def drain(self) -> frozenset[str]:
        """See `LinkDoor.drain`."""
        if self._news:
            os.read(self._readable, len(self._news))
        news, self._news = frozenset(self._news), set()
        return news

    def close(self) -> None:
        """See `LinkDoor.close`."""
        os.close(self._readable)
        os.close(self._writable)

    # -- what others do --------------------------------------------------------------------------------------------

    def plug(self, name: str, bridge: str | None = None) -> None:
        """Let someone else make a device, perhaps on a bridge of others."""
        self._others[name] = bridge
        self._tell(name)

    def unplug(self, name: str) -> None:
        """Let a device of others vanish."""
        self._others.pop(name, None)
        self._plugged.pop(name, None)
        self._tell(name)

    def strange_namespace(self, name: str) -> None:
        """Let someone else make a namespace."""
        self._foreign_spaces.add(name)

    def lose(self, name: str) -> None:
        """Let someone else delete a device of ours."""
        self._delete(self._made[name])
        self._tell(name)

    def _tell(self, name: str) -> None:
        if name not in self._news:
            self._news.add(name)
            os.write(self._writable, b"!")

    # -- the kernel ------------------------------------------------------------------------------------------------

    def _take(self, step: LinkStep) -> None:
        match step:
            case Create(what=Namespace()) | Change(what=Namespace()) | Remove(what=Namespace()):
                self._take_space(step)
            case Create(what=Bridge() | Vxlan() | VethPair() as link):
                self._create(link)
            case Change(what=Bridge() | Vxlan() | VethPair() | Tap() | Uplink() as link):
                self._change(link)
            case Remove(what=Tap() | Uplink() as link):
                _refuse_if(link.name not in self._others, errno.ENODEV)
                self._plugged.pop(link.name, None)
            case Remove(what=Bridge() | Vxlan() | VethPair() as link):
                _refuse_if(link.name not in self._made, errno.ENODEV)
                self._delete(self._made[link.name])
            case Put():
                self._put(step)
            case Remove():
                self._remove(step)
            case Announce(address):
                _refuse_if((address.namespace, address.device) not in self._up_ends(), errno.ENODEV)
                self.announced.append(address)

    def _take_space(self, step: LinkStep) -> None:
        space = step.what
        if not isinstance(space, Namespace):
            raise TypeError(f"no namespace: {space}")
        if isinstance(step, Create):
            _refuse_if(space.name in self._spaces or space.name in self._foreign_spaces, errno.EEXIST)
            self._spaces[space.name] = space
            return
        _refuse_if(space.name not in self._spaces, errno.ENOENT)
        if isinstance(step, Change):
            self._spaces[space.name] = space
        else:
            self._delete_space(space.name)

    def _create(self, link: Made) -> None:
        _refuse_if(link.name in self._made or link.name in self._others, errno.EEXIST)
        match link:
            case Bridge():
                self._made[link.name] = replace(link, up=False)
            case Vxlan():
                rivals = (other for other in self._made.values() if isinstance(other, Vxlan))
                _refuse_if((link.vni, link.port) in {(other.vni, other.port) for other in rivals}, errno.EEXIST)
                self._made[link.name] = replace(link, bridge=None, suppress=False, up=False)
            case VethPair():
                _refuse_if(link.namespace not in self._spaces, errno.ENOENT)
                _refuse_if((link.namespace, link.peer) in self._ends(), errno.EEXIST)
                self._made[link.name] = replace(link, bridge=None, up=False, peer_up=False)
        self._sysctls[HOST, f"ipv6/conf/{link.name}/disable_ipv6"] = "0"

    def _change(self, link: Link) -> None:
        _refuse_if(link.name not in self._made and link.name not in self._others, errno.ENODEV)
        if not isinstance(link, Bridge) and link.bridge is not None:
            _refuse_if(not isinstance(self._made.get(link.bridge), Bridge), errno.ENODEV)
        if isinstance(link, Tap | Uplink):
            _refuse_if(self._others.get(link.name) is not None, errno.EBUSY)
            self._plugged[link.name] = link
            return
        before = self._made[link.name]
        if isinstance(before, Bridge) and isinstance(link, Bridge) and (before.mac != link.mac or not link.up):
            self._neighbours = {entry for entry in self._neighbours if entry.device != link.name}
        if isinstance(before, Vxlan) and isinstance(link, Vxlan):
            if before.bridge != link.bridge:
                self._forwarding = {e for e in self._forwarding if e.device != link.name or e.remote is not None}
            link = replace(link, suppress=link.suppress and link.bridge is not None)
        self._made[link.name] = link

    def _delete(self, link: Made) -> None:
        del self._made[link.name]
        gone = {(HOST, link.name)} | ({(link.namespace, link.peer)} if isinstance(link, VethPair) else set())
        self._addresses = {entry for entry in self._addresses if (entry.namespace, entry.device) not in gone}
        self._routes = {e for e in self._routes if not any((e.namespace, hop.device) in gone for hop in e.hops)}
        self._neighbours = {entry for entry in self._neighbours if entry.device != link.name}
        self._forwarding = {entry for entry in self._forwarding if entry.device != link.name}
        self._sysctls = {at: value for at, value in self._sysctls.items() if at[0] != HOST or f"/{link.name}/" not in at[1]}
        if isinstance(link, Bridge):
            for member in [other for other in self._made.values() if not isinstance(other, Bridge)]:
                if member.bridge == link.name:
                    freed = replace(member, bridge=None)
                    self._made[member.name] = replace(freed, suppress=False) if isinstance(freed, Vxlan) else freed
            self._forwarding = {entry for entry in self._forwarding if entry.remote or self._on_a_bridge(entry.device)}
            self._plugged = {name: member for name, member in self._plugged.items() if member.bridge != link.name}

    def _on_a_bridge(self, tunnel: str) -> bool:
        link = self._made.get(tunnel)
        return isinstance(link, Vxlan) and link.bridge is not None

    def _delete_space(self, name: str) -> None:
        del self._spaces[name]
        for link in [link for link in self._made.values() if isinstance(link, VethPair) and link.namespace == name]:
            self._delete(link)
        self._addresses = {entry for entry in self._addresses if entry.namespace != name}
        self._routes = {entry for entry in self._routes if entry.namespace != name}
        self._sysctls = {at: value for at, value in self._sysctls.items() if at[0] != name}

    def _put(self, step: Put) -> None:
        match step.what:
            case Sysctl() as switch:
                _refuse_if(switch.namespace != HOST and switch.namespace not in self._spaces, errno.ENOENT)
                self._sysctls[switch.namespace, switch.key] = switch.value
            case InterfaceAddress() as address:
                _refuse_if((address.namespace, address.device) not in self._ends(), errno.ENODEV)
                self._refuse_second_v6(address)
                self._addresses.add(address)
            case Route() as route:
                up = self._up_ends()
                _refuse_if(any((route.namespace, hop.device) not in up for hop in route.hops), errno.ENETDOWN)
                same = {r for r in self._routes if (r.namespace, r.destination) == (route.namespace, route.destination)}
                _refuse_if(bool(same) and not step.replaces, errno.EEXIST)
                self._routes = (self._routes - same) | {route}
            case Neighbour() as neighbour:
                _refuse_if(neighbour.device not in self._made, errno.ENODEV)
                at = (neighbour.device, neighbour.ip_address)
                self._neighbours = {n for n in self._neighbours if (n.device, n.ip_address) != at} | {neighbour}
            case ForwardingEntry() as entry:
                _refuse_if(entry.device not in self._made, errno.ENODEV)
                _refuse_if(entry.remote is None and not self._on_a_bridge(entry.device), errno.EOPNOTSUPP)
                if entry.mac != FLOOD_MAC:
                    place = (entry.device, entry.mac, entry.remote is None)
                    self._forwarding = {e for e in self._forwarding if (e.device, e.mac, e.remote is None) != place}
                self._forwarding.add(entry)

    def _refuse_second_v6(self, address: InterfaceAddress) -> None:
        ip = ip_interface(address.cidr).ip
        same = {
            other
            for other in self._addresses - {address}
            if (other.namespace, other.device, ip_interface(other.cidr).ip) == (address.namespace, address.device, ip)
        }
        _refuse_if(":" in address.cidr and bool(same), errno.EEXIST)

    def _remove(self, step: Remove) -> None:
        match step.what:
            case InterfaceAddress() as address:
                _refuse_if(address not in self._addresses, errno.ENOENT)
                self._addresses.discard(address)
            case Route() as route:
                _refuse_if(route not in self._routes, errno.ENOENT)
                self._routes.discard(route)
            case Neighbour() as neighbour:
                _refuse_if(neighbour not in self._neighbours, errno.ENOENT)
                self._neighbours.discard(neighbour)
            case ForwardingEntry() as entry:
                _refuse_if(entry not in self._forwarding, errno.ENOENT)
                self._forwarding.discard(entry)

    def _ends(self) -> set[tuple[str, str]]:
        return {(link.namespace, link.peer) for link in self._made.values() if isinstance(link, VethPair)}

    def _up_ends(self) -> set[tuple[str, str]]:
        return {(link.namespace, link.peer) for link in self._made.values() if isinstance(link, VethPair) and link.peer_up}


def _refuse_if(wrong: bool, number: int) -> None:
    if wrong:
        raise OSError(number, os.strerror(number))
