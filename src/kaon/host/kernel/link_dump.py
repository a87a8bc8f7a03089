"""What the kernel tells about links, read into our nouns."""

import struct
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network
from socket import AF_INET, AF_INET6, AF_UNSPEC

from kaon.host.kernel import link_requests as words
from kaon.host.kernel import netlink_socket as nl
from kaon.host.kernel import rtnetlink as rt
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Vxlan
from kaon.host.state.names import owner_of
from kaon.host.state.routes import ROUTE_PROTOCOL, Hop, Route

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_HOP = struct.Struct("=HBBi")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_SKIP_STATISTICS = 8

LOOPBACK = 1
"""Index of `lo` in every namespace."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device as dumped; numbers are those of its own namespace.

    owner  who it is for when it is ours, "" when its making was cut short, None when it is others'
    peer   index of what it is linked to: a veth's other end
    """

    index: int
    name: str
    up: bool
    mtu: int
    mac: str
    master: int
    peer: int
    kind: str
    owner: str | None
    data: dict[int, bytes] = field(default_factory=dict)
    port: dict[int, bytes] = field(default_factory=dict)


def device(body: bytes) -> Device:
    """Read a link message, from struct ifinfomsg on."""
    _, _, index, flags, _ = _LINK.unpack_from(body)
    found = nl.attributes(body, _LINK.size)
    info = nl.attributes(found.get(words.LINKINFO, b""))
    alias = nl.string(found.get(words.IFALIAS, b""))
    owner = owner_of(alias)
    if not alias and nl.number(found.get(words.IFGROUP, b"")) in (words.GROUP, words.DOOMED):
        owner = ""
    slave_kind = nl.string(info.get(words.INFO_SLAVE_KIND, b""))
    return Device(
        index=index,
        name=nl.string(found.get(words.IFNAME, b"")),
        up=bool(flags & words.IFF_UP),
        mtu=nl.number(found.get(words.MTU, b"")),
        mac=found.get(words.ADDRESS, b"").hex(":"),
        master=nl.number(found.get(words.MASTER, b"")),
        peer=nl.number(found.get(words.LINK, b"")),
        kind=nl.string(info.get(words.INFO_KIND, b"")),
        owner=owner,
        data=nl.attributes(info.get(words.INFO_DATA, b"")),
        port=nl.attributes(info.get(words.INFO_SLAVE_DATA, b"")) if slave_kind == "bridge" else {},
    )


def devices(socket: rt.RouteSocket) -> dict[int, Device]:
    """Dump the devices of a namespace, by index."""
    body = words.link_header() + nl.u32(words.EXT_MASK, _SKIP_STATISTICS)
    return {found.index: found for found in map(device, socket.dump(rt.GETLINK, body))}


def bridge(found: Device) -> Bridge:
    """Read a bridge of ours."""
    data = found.data
    filtered = bool(nl.number(data.get(words.BR_NF_CALL_IPTABLES, b"")))
    return Bridge(
        name=found.name,
        mac=found.mac,
        mtu=found.mtu,
        filtered=filtered and bool(nl.number(data.get(words.BR_NF_CALL_IP6TABLES, b""))),
        forward_delay_s=nl.number(data.get(words.BR_FORWARD_DELAY, b"")) // words.TICKS_PER_SECOND,
        multicast_snooping=bool(nl.number(data.get(words.BR_MCAST_SNOOPING, b""))),
        up=found.up,
        owner=found.owner or "",
    )


def vxlan(found: Device, master: str | None) -> Vxlan:
    """Read a tunnel device of ours; `master` is the bridge it is on."""
    data = found.data
    local = data.get(words.VXLAN_LOCAL) or data.get(words.VXLAN_LOCAL6) or bytes(4)
    quiet = found.port.get(words.BRPORT_LEARNING) == b"\0" and found.port.get(words.BRPORT_NEIGH_SUPPRESS) == b"\1"
    return Vxlan(
        name=found.name,
        vni=nl.number(data.get(words.VXLAN_ID, b"")),
        local=str(ip_address(local)),
        mtu=found.mtu,
        bridge=master,
        port=int.from_bytes(data.get(words.VXLAN_PORT, b""), "big"),
        learning=bool(nl.number(data.get(words.VXLAN_LEARNING, b""))),
        suppress=quiet,
        up=found.up,
        owner=found.owner or "",
    )


def addresses(socket: rt.RouteSocket, namespace: str, found: dict[int, Device]) -> set[InterfaceAddress]:
    """Dump the addresses on our devices of a namespace, all but the link-local ones that the kernel makes from a MAC."""
    seen = set()
    for body in socket.dump(rt.GETADDR, _ADDRESS.pack(AF_UNSPEC, 0, 0, 0, 0)):
        _, length, _, _, index = _ADDRESS.unpack_from(body)
        attributes = nl.attributes(body, _ADDRESS.size)
        raw = attributes.get(words.IFA_LOCAL) or attributes.get(words.IFA_ADDRESS)
        on = found.get(index)
        if raw is None or on is None or on.owner is None or index == LOOPBACK:
            continue
        ip = ip_address(raw)
        if nl.number(attributes.get(words.IFA_PROTOCOL, b"")) == words.KERNEL_LINK_LOCAL or ip == words.link_local(on.mac):
            continue
        seen.add(InterfaceAddress(namespace, on.name, str(ip_interface(f"{ip}/{length}"))))
    return seen


def routes(socket: rt.RouteSocket, namespace: str, found: dict[int, Device]) -> set[Route]:
    """Dump our routes of a namespace's main table."""
    seen = set()
    for family in (AF_INET, AF_INET6):
        for body in socket.dump(rt.GETROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
            route = _route(body, namespace, found)
            if route is not None:
                seen.add(route)
    return seen


def _route(body: bytes, namespace: str, found: dict[int, Device]) -> Route | None:
    family, length, _, _, table, protocol, _, kind, _ = _ROUTE.unpack_from(body)
    if (table, protocol, kind) != (words.MAIN_TABLE, ROUTE_PROTOCOL, words.UNICAST):
        return None
    attributes = nl.attributes(body, _ROUTE.size)
    raw = attributes.get(words.RTA_DST) or bytes(4 if family == AF_INET else 16)
    hops = [
        Hop(found[index].name, None if gateway is None else str(ip_address(gateway)))
        for index, gateway in _hops(attributes)
        if index in found
    ]
    destination = str(ip_network((raw, length)))
    return Route(namespace, destination, tuple(sorted(hops, key=lambda hop: (hop.device, hop.gateway or ""))))


def _hops(attributes: dict[int, bytes]) -> list[tuple[int, bytes | None]]:
    several = attributes.get(words.RTA_MULTIPATH)
    if several is None:
        return [(nl.number(attributes.get(words.RTA_OIF, b"")), attributes.get(words.RTA_GATEWAY))]
    hops: list[tuple[int, bytes | None]] = []
    offset = 0
    while offset + _HOP.size <= len(several):
        length, _, _, index = _HOP.unpack_from(several, offset)
        inner = nl.attributes(several[: offset + length], offset + _HOP.size)
        hops.append((index, inner.get(words.RTA_GATEWAY)))
        offset += (max(length, _HOP.size) + 3) & ~3
    return hops


def neighbours(socket: rt.RouteSocket, bridges: dict[int, str]) -> set[Neighbour]:
    """Dump the permanent neighbours on our bridges (index -> name)."""
    seen = set()
    for family in (AF_INET, AF_INET6):
        for body in socket.dump(rt.GETNEIGH, _NEIGHBOUR.pack(family, 0, 0, 0, 0)):
            _, index, state, _, _ = _NEIGHBOUR.unpack_from(body)
            if index not in bridges or not state & words.NUD_PERMANENT:
                continue
            attributes = nl.attributes(body, _NEIGHBOUR.size)
            ip = str(ip_address(attributes[words.NDA_DST]))
            seen.add(Neighbour(bridges[index], ip, attributes.get(words.NDA_LLADDR, b"").hex(":")))
    return seen


def forwarding(socket: rt.RouteSocket, tunnels: dict[int, str]) -> set[ForwardingEntry]:
    """Dump the entries of our tunnels (index -> name): their own, and those of the bridges they are on.

    A tunnel's own MAC stands in its bridge as a local, permanent entry; that one is the kernel's.
    """
    seen = set()
    for body in socket.dump(rt.GETNEIGH, _NEIGHBOUR.pack(rt.AF_BRIDGE, 0, 0, 0, 0)):
        _, index, state, flags, _ = _NEIGHBOUR.unpack_from(body)
        if index not in tunnels:
            continue
        attributes = nl.attributes(body, _NEIGHBOUR.size)
        mac = attributes.get(words.NDA_LLADDR, b"").hex(":")
        remote = attributes.get(words.NDA_DST)
        if words.NDA_MASTER in attributes and not state & words.NUD_PERMANENT:
            seen.add(ForwardingEntry(tunnels[index], mac, None))
        elif flags & words.NTF_SELF and remote is not None:
            seen.add(ForwardingEntry(tunnels[index], mac, str(ip_address(remote))))
    return seen
