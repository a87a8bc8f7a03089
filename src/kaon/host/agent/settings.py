"""What an agent is told at its start, whole and checked. Where it comes from (files, options) is `cmd`'s business."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kaon.host.agent.loop import LoopSettings
from kaon.host.compile.facts import HostFacts
from kaon.host.compile.subnets import DhcpSettings
from kaon.host.state.links import VXLAN_PORT
from kaon.wire.messages import Role


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """One agent.

    host        its name, which its key must belong to
    tunnel_ip   where its tunnels end
    physical    provider network -> interface
    state_path  what survives a reboot of the host
    run_path    what goes with it
    netns_path  where namespaces have their names
    availability_zone  of the host
    resources   what its devices carry, for Placement: option `resource_provider_...` -> its text
    """

    host: str
    roles: tuple[Role, ...]
    state_path: Path
    run_path: Path
    tunnel_ip: str | None = None
    physical: Mapping[str, str] = field(default_factory=dict)
    vxlan_port: int = VXLAN_PORT
    netns_path: Path = Path("/run/netns")
    availability_zone: str = "nova"
    resources: Mapping[str, str] = field(default_factory=dict)
    dhcp: DhcpSettings = field(default_factory=DhcpSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    @property
    def facts(self) -> HostFacts:
        """Say what compile has to know of the host; which devices there are is looked at."""
        return HostFacts(self.host, self.tunnel_ip, dict(self.physical), vxlan_port=self.vxlan_port)

    @property
    def saved(self) -> Path:
        """Name the file of the last complete picture."""
        return self.state_path / "agent" / "picture"

    @property
    def settled(self) -> Path:
        """Name the file that is there once this boot of the host has seen an agent's work."""
        return self.run_path / "agent" / "settled"

    @property
    def lock(self) -> Path:
        """Name the file whose lock the one agent of the host holds."""
        return self.run_path / "agent" / "lock"
