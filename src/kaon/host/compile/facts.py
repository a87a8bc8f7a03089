"""What compile has to know about the host itself, beside the scopes it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaon.host.state.links import VXLAN_PORT
from kaon.host.state.network_state import LinkState
from kaon.host.state.trouble import Waiting


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The host as settings and observation tell it.

    tunnel_ip  where our tunnels end, IPv4 or IPv6; None: no overlay here
    physical   provider network -> interface
    devices    names of all devices now present in the host's namespace (`Observed.devices`)
    """

    host: str
    tunnel_ip: str | None = None
    physical: Mapping[str, str] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()
    vxlan_port: int = VXLAN_PORT


@dataclass(frozen=True, slots=True)
class CompiledLinks:
    """The desired links of a host, and what had to be left out and why (a scope not held, a device not plugged)."""

    state: LinkState
    waiting: tuple[Waiting, ...] = ()
