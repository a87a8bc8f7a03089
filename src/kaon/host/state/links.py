"""Links: what we make (bridges, tunnels, veth pairs) and what others make and we only enslave (taps, uplinks).

    VM tap --.                        .-- qr-... [qrouter-...]        veth pair: host end tap..., inner end in the namespace
    VM tap --+-- brq<network> --+-- tap...
                     |          '-- tap... --- ns-... [qdhcp-...]
                     +-- vxlan-<vni>          (vxlan networks)
                     '-- eth1                 (flat networks: the mapped interface)

All host ends live in the host's own namespace. `bridge` is None where an actual link is enslaved to none.
"""

from dataclasses import dataclass, field

VXLAN_PORT = 4789
"""IANA's port (RFC 7348)."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge of a network.

    filtered            frames of the bridge pass the inet hooks of nftables (nf_call_iptables and _ip6tables)
    forward_delay_s     0, so that a new member forwards at once
    multicast_snooping  off: without a querier it would starve groups
    """

    name: str
    mac: str
    mtu: int
    filtered: bool = True
    forward_delay_s: int = 0
    multicast_snooping: bool = False
    up: bool = True
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Vxlan:
    """The tunnel device of a network. It learns nothing: where things are comes from the server.

    local     our end of the tunnels, IPv4 or IPv6 text
    suppress  the bridge answers ARP and ND for what it knows, instead of flooding them into the tunnels
    """

    name: str
    vni: int
    local: str
    mtu: int
    bridge: str | None
    port: int = VXLAN_PORT
    learning: bool = False
    suppress: bool = True
    up: bool = True
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class VethPair:
    """A leg of ours into a namespace: `name` in the host, enslaved to `bridge`; `peer` with its MAC in `namespace`."""

    name: str
    bridge: str | None
    namespace: str
    peer: str
    mac: str
    mtu: int
    up: bool = True
    peer_up: bool = True
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Tap:
    """A port's device that someone else made. Only its enslavement to our bridge is ours; MTU and up follow while it is."""

    name: str
    bridge: str
    mtu: int
    up: bool = True
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Uplink:
    """A physical interface that carries a flat network. Only its enslavement and being up are ours."""

    name: str
    bridge: str
    up: bool = True
    owner: str = field(default="", compare=False)


Made = Bridge | Vxlan | VethPair
"""Links that we make and delete."""

Plugged = Tap | Uplink
"""Links that we only enslave and release."""

Link = Made | Plugged
