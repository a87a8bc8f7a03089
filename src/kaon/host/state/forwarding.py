"""Where remote ports are: entries of tunnels, and neighbours that bridges answer for. All in the host's namespace."""

from dataclasses import dataclass, field

FLOOD_MAC = "00:00:00:00:00:00"
"""In a VXLAN device: where frames for unknown, broadcast and multicast addresses go."""


@dataclass(frozen=True, slots=True)
class ForwardingEntry:
    """A static entry of a VXLAN device.

    remote  address of the tunnel's other end; None: the entry of the bridge that says "behind this device"
    A flood MAC has an entry for each remote, any other MAC has one remote.
    """

    device: str
    mac: str
    remote: str | None
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A permanent neighbour on a bridge: what the bridge answers instead of asking through the tunnels."""

    device: str
    ip_address: str
    mac: str
    owner: str = field(default="", compare=False)
