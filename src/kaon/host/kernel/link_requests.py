"""Nouns of links as rtnetlink requests. Bytes only: what is asked, not when.

Ours are marked from their first moment: `GROUP` goes with the creation itself, the alias in a second request. A device
with our group and no alias is one whose making was cut short; it is ours, and owned by nobody.

Sources: linux/if_link.h, linux/neighbour.h, linux/rtnetlink.h, linux/if_addr.h.
"""

import struct
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_interface, ip_network
from socket import AF_INET, AF_INET6, AF_UNSPEC

from kaon.host.kernel import netlink_socket as nl
from kaon.host.kernel import rtnetlink as rt
from kaon.host.state.addresses import InterfaceAddress
from kaon.host.state.forwarding import FLOOD_MAC, ForwardingEntry, Neighbour
from kaon.host.state.links import Bridge, Made, VethPair, Vxlan
from kaon.host.state.routes import ROUTE_PROTOCOL, Hop, Route

GROUP = 0x4B414F4E
"""Link group of everything that we make: the letters KAON."""

DOOMED = 0x4B414F21
"""Link group of what goes next: the kernel deletes a group in the time that it takes for one link."""

IFF_UP = 1
ADDRESS, IFNAME, MTU, LINK, MASTER, LINKINFO, IFALIAS, IFGROUP, NET_NS_FD, EXT_MASK = 1, 3, 4, 5, 10, 18, 20, 27, 28, 29
INFO_KIND, INFO_DATA, INFO_SLAVE_KIND, INFO_SLAVE_DATA = 1, 2, 4, 5
VETH_PEER = 1
BR_FORWARD_DELAY, BR_MCAST_SNOOPING, BR_NF_CALL_IPTABLES, BR_NF_CALL_IP6TABLES = 1, 23, 36, 37
VXLAN_ID, VXLAN_LOCAL, VXLAN_LEARNING, VXLAN_PORT, VXLAN_LOCAL6 = 1, 4, 7, 15, 17
BRPORT_LEARNING, BRPORT_NEIGH_SUPPRESS = 8, 32
TICKS_PER_SECOND = 100
"""USER_HZ: in which bridges count their times."""

IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_FLAGS, IFA_PROTOCOL = 1, 2, 4, 8, 11
KERNEL_LINK_LOCAL = 3
"""IFAPROT_KERNEL_LL: an address that comes with the device."""
_IFA_F_NODAD = 0x02
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_TABLE = 1, 4, 5, 9, 15
MAIN_TABLE = 254
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_NOWHERE = 0, 253, 255
UNICAST = 1
NDA_DST, NDA_LLADDR, NDA_MASTER = 1, 2, 9
NTF_SELF, NTF_MASTER = 2, 4
NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT = 0x02, 0x40, 0x80

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_HOP = struct.Struct("=HBBi")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")

IndexOf = Callable[[str], int]
"""Finds a device's index in the namespace in question; raises ProcessLookupError when it is not there."""


def mac_bytes(mac: str) -> bytes:
    """Give the six bytes of a MAC."""
    return bytes.fromhex(mac.replace(":", ""))


def link_header(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    """Start a link message: struct ifinfomsg."""
    return _LINK.pack(AF_UNSPEC, 0, index, flags, change)


def creation(link: Made, namespace_descriptor: int = -1) -> nl.Request:
    """Ask for a new link; `namespace_descriptor` is where a pair's inner end goes. Fails when the name is taken.

    A bridge follows the smallest MTU of its members until its own is changed to a value that it did not have (br_change_mtu),
    so it starts with another than it shall have.
    """
    mtu = link.mtu - 1 if isinstance(link, Bridge) else link.mtu
    own = [nl.text(IFNAME, link.name), nl.u32(MTU, mtu), nl.u32(IFGROUP, GROUP)]
    match link:
        case Bridge():
            own.append(nl.attribute(ADDRESS, mac_bytes(link.mac)))
            info = _info("bridge", _bridge_data(link))
        case Vxlan():
            info = _info("vxlan", _vxlan_data(link))
        case VethPair():
            peer = (
                link_header()
                + nl.text(IFNAME, link.peer)
                + nl.u32(MTU, link.mtu)
                + nl.attribute(ADDRESS, mac_bytes(link.mac))
                + nl.u32(IFGROUP, GROUP)
                + nl.u32(NET_NS_FD, namespace_descriptor)
            )
            info = _info("veth", nl.attribute(VETH_PEER | 0x8000, peer))
    return nl.Request(rt.NEWLINK, nl.CREATE | nl.EXCL, link_header() + b"".join(own) + info)


def setting(index: int, *attributes: bytes, up: bool | None = None) -> nl.Request:
    """Ask to change a link; `up` None leaves that alone."""
    flags = IFF_UP if up else 0
    change = 0 if up is None else IFF_UP
    return nl.Request(rt.NEWLINK, 0, link_header(index, flags, change) + b"".join(attributes))


def bridge_setting(index: int, bridge: Bridge) -> nl.Request:
    """Ask to change how a bridge works."""
    return setting(index, _info("bridge", _bridge_data(bridge)))


def tunnel_port_setting(index: int, *, suppress: bool) -> nl.Request:
    """Ask that a bridge does not learn behind a tunnel, and answers for what it knows instead of flooding there."""
    data = nl.u8(BRPORT_LEARNING, 0) + nl.u8(BRPORT_NEIGH_SUPPRESS, int(suppress))
    info = nl.nest(LINKINFO, nl.text(INFO_SLAVE_KIND, "bridge"), nl.nest(INFO_SLAVE_DATA, data))
    return setting(index, info)


def deletion(index: int) -> nl.Request:
    """Ask to delete a link."""
    return nl.Request(rt.DELLINK, 0, link_header(index))


def dooming(index: int) -> nl.Request:
    """Ask to put a link into the group that goes next."""
    return setting(index, nl.u32(IFGROUP, DOOMED))


def deletion_of_doomed() -> nl.Request:
    """Ask to delete the group that goes next."""
    return nl.Request(rt.DELLINK, 0, link_header() + nl.u32(IFGROUP, DOOMED))


def address(noun: InterfaceAddress, index: int, *, remove: bool = False) -> nl.Request:
    """Ask for an address, or its removal. IPv6 ones are in use at once, without a search for duplicates."""
    interface = ip_interface(noun.cidr)
    family, flags = (AF_INET, 0) if interface.version == 4 else (AF_INET6, _IFA_F_NODAD)  # noqa: PLR2004 - IPv4
    body = _ADDRESS.pack(family, interface.network.prefixlen, flags, _SCOPE_UNIVERSE, index)
    body += nl.attribute(IFA_LOCAL, interface.ip.packed) + nl.attribute(IFA_ADDRESS, interface.ip.packed)
    if family == AF_INET and interface.network.prefixlen < 31:  # noqa: PLR2004 - RFC 3021: no broadcast in a /31
        body += nl.attribute(IFA_BROADCAST, interface.network.broadcast_address.packed)
    if remove:
        return nl.Request(rt.DELADDR, 0, body)
    return nl.Request(rt.NEWADDR, nl.CREATE | nl.EXCL, body)


def link_local(mac: str) -> IPv6Address:
    """Derive the address that the kernel gives a device by itself (RFC 4291, appendix A)."""
    raw = bytearray(mac_bytes(mac))
    raw[0] ^= 0x02
    return IPv6Address(b"\xfe\x80" + bytes(6) + bytes(raw[:3]) + b"\xff\xfe" + bytes(raw[3:6]))


def link_local_address(mac: str, index: int, *, remove: bool = False) -> nl.Request:
    """Ask for what the kernel makes when a device comes up, and does not make anew when its MAC changes later."""
    body = _ADDRESS.pack(AF_INET6, 64, _IFA_F_NODAD, _SCOPE_LINK, index)
    body += nl.attribute(IFA_ADDRESS, link_local(mac).packed) + nl.u8(IFA_PROTOCOL, KERNEL_LINK_LOCAL)
    if remove:
        return nl.Request(rt.DELADDR, 0, body)
    return nl.Request(rt.NEWADDR, nl.CREATE | nl.EXCL, body)


def route(noun: Route, index_of: IndexOf, *, replaces: bool = False) -> nl.Request:
    """Ask for a route; without `replaces` it fails where anybody's route has the destination."""
    scope = _SCOPE_UNIVERSE if any(hop.gateway for hop in noun.hops) else _SCOPE_LINK
    flags = nl.CREATE | (nl.REPLACE if replaces else nl.EXCL)
    return nl.Request(rt.NEWROUTE, flags, _route_body(noun, scope) + _onward(noun.hops, index_of))


def route_removal(noun: Route) -> nl.Request:
    """Ask to remove our route to a destination, whatever its hops."""
    return nl.Request(rt.DELROUTE, 0, _route_body(noun, _SCOPE_NOWHERE))


def forwarding(noun: ForwardingEntry, index: int, *, remove: bool = False) -> nl.Request:
    """Ask for a static forwarding entry. Flood entries are appended: each remote is one more."""
    flags = NTF_MASTER if noun.remote is None else NTF_SELF
    body = _NEIGHBOUR.pack(rt.AF_BRIDGE, index, NUD_NOARP | NUD_REACHABLE, flags, 0)
    body += nl.attribute(NDA_LLADDR, mac_bytes(noun.mac))
    if noun.remote is not None:
        body += nl.attribute(NDA_DST, ip_address(noun.remote).packed)
    if remove:
        return nl.Request(rt.DELNEIGH, 0, body)
    how = nl.APPEND if noun.mac == FLOOD_MAC else nl.REPLACE
    return nl.Request(rt.NEWNEIGH, nl.CREATE | how, body)


def neighbour(noun: Neighbour, index: int, *, remove: bool = False) -> nl.Request:
    """Ask for a permanent neighbour."""
    ip = ip_address(noun.ip_address)
    body = _NEIGHBOUR.pack(AF_INET if ip.version == 4 else AF_INET6, index, NUD_PERMANENT, 0, 0)  # noqa: PLR2004 - IPv4
    body += nl.attribute(NDA_DST, ip.packed) + nl.attribute(NDA_LLADDR, mac_bytes(noun.mac))
    if remove:
        return nl.Request(rt.DELNEIGH, 0, body)
    return nl.Request(rt.NEWNEIGH, nl.CREATE | nl.REPLACE, body)


def _info(kind: str, data: bytes) -> bytes:
    return nl.nest(LINKINFO, nl.text(INFO_KIND, kind), nl.nest(INFO_DATA, data))


def _bridge_data(bridge: Bridge) -> bytes:
    return b"".join(
        (
            nl.u32(BR_FORWARD_DELAY, bridge.forward_delay_s * TICKS_PER_SECOND),
            nl.u8(BR_MCAST_SNOOPING, int(bridge.multicast_snooping)),
            nl.u8(BR_NF_CALL_IPTABLES, int(bridge.filtered)),
            nl.u8(BR_NF_CALL_IP6TABLES, int(bridge.filtered)),
        )
    )


def _vxlan_data(tunnel: Vxlan) -> bytes:
    local = ip_address(tunnel.local)
    return b"".join(
        (
            nl.u32(VXLAN_ID, tunnel.vni),
            nl.attribute(VXLAN_LOCAL if local.version == 4 else VXLAN_LOCAL6, local.packed),  # noqa: PLR2004 - IPv4
            nl.u8(VXLAN_LEARNING, int(tunnel.learning)),
            nl.attribute(VXLAN_PORT, struct.pack(">H", tunnel.port)),
        )
    )


def _route_body(noun: Route, scope: int) -> bytes:
    prefix = ip_network(noun.destination)
    family = AF_INET if prefix.version == 4 else AF_INET6  # noqa: PLR2004 - IPv4
    body = _ROUTE.pack(family, prefix.prefixlen, 0, 0, MAIN_TABLE, ROUTE_PROTOCOL, scope, UNICAST, 0)
    return body + (nl.attribute(RTA_DST, prefix.network_address.packed) if prefix.prefixlen else b"")


def _onward(hops: tuple[Hop, ...], index_of: IndexOf) -> bytes:
    if len(hops) == 1:
        return _gateway(hops[0]) + nl.u32(RTA_OIF, index_of(hops[0].device))
    framed = b""
    for hop in hops:
        gateway = _gateway(hop)
        framed += _HOP.pack(_HOP.size + len(gateway), 0, 0, index_of(hop.device)) + gateway
    return nl.attribute(RTA_MULTIPATH, framed)


def _gateway(hop: Hop) -> bytes:
    return b"" if hop.gateway is None else nl.attribute(RTA_GATEWAY, ip_address(hop.gateway).packed)
