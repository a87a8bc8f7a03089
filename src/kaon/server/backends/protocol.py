"""What a back end is to the control plane: what it can do, what it refuses before a commit, what it does after one.

validate    inside the transaction, before anything is stored: raise a refusal that names the back end and the reason
bind        how a port is plugged on a host, or None when this host cannot have it
reconcile   after the commit: bring its own world in line. Every back end hears of every change and picks its own. May be
            lost with the process, so it must be harmless to repeat; a back end whose hosts pull what they need has
            nothing to do
start       once in each server, before any host is served: take the sink, and bring its own world in line with what is
            stored. Status comes back through the sink only
reported    what an agent said of its host; only a back end whose status comes from hosts hears it
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from kaon.wire.messages import Realised


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a back end can do; the API refuses the rest with the reason.

    network_types           provider types of networks
    tunnel_types            those of them that take a segmentation id from the server's ranges
    vnic_types              of ports that it can bind; others are taken and fail to bind
    ip_versions             of subnets
    ipv6_ra_modes           of subnets: modes in which routers announce the subnet to its hosts
    ipv6_address_modes      of subnets: ways in which hosts come by their addresses
    dhcp_shortest_prefix    IP version -> length of the shortest prefix with DHCP
    security_groups         whether it filters
    routers                 whether it forwards between subnets
    floatingip_versions     IP versions of floating IPs; both of its addresses are of the same
    gateway_outside_subnet  whether a gateway need not lie in its subnet
    overhead                network type -> bytes of an underlay packet that a network cannot use, per underlay IP version
    status_from             who says what became true: the hosts' agents, or the back end itself
    qos_rules               kinds of QoS rules that it carries out
    """

    network_types: frozenset[str]
    tunnel_types: frozenset[str]
    vnic_types: frozenset[str]
    ip_versions: frozenset[int]
    ipv6_ra_modes: frozenset[str]
    ipv6_address_modes: frozenset[str]
    dhcp_shortest_prefix: Mapping[int, int]
    security_groups: bool
    routers: bool
    floatingip_versions: frozenset[int]
    gateway_outside_subnet: bool
    overhead: Mapping[str, Mapping[int, int]]
    status_from: Literal["hosts", "backend"]
    qos_rules: frozenset[str]


@dataclass(frozen=True)
class HostFacts:
    """What is known of a host.

    physical_networks  provider networks that it is wired to
    tunnels            whether tunnels can end there
    """

    name: str
    physical_networks: frozenset[str] = frozenset()
    tunnels: bool = True


@dataclass(frozen=True)
class Binding:
    """How a port is plugged: Nova's vif_type and the details it reads."""

    vif_type: str
    vif_details: Mapping[str, Any] = field(default_factory=dict)


Kind = Literal["network", "subnet", "port", "router", "router_port", "floatingip", "security_group", "security_group_rule"]


@dataclass(frozen=True, order=True)
class Change:
    """Something that came, changed or went with a commit. What it now is, is read: only the newest state counts.

    id  of the resource; of a router_port (a leg of a router) the port's
    """

    kind: Kind
    id: str


class StatusSink(Protocol):
    """Takes what a back end found to be true."""

    def realised(self, host: str, things: Sequence[Realised], applied: Mapping[str, int]) -> None:
        """Store what is in force on a host, or is not and why; each the latest value of its thing. May raise an outage.

        applied  scope -> revision that the whole host agrees with; empty when hosts are not asked
        """


class Backend(Protocol):
    """One way to make networks real. See the module.

    Every resource is given by wire names, as it will be stored. Errors of all `validate_`: kaon.model.errors.Refused.
    """

    @property
    def name(self) -> str:
        """How networks name it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def start(self, sink: StatusSink) -> None:
        """Begin; tell the sink what becomes true. May be called again: the later sink counts."""

    def reported(self, host: str, things: Sequence[Realised], applied: Mapping[str, int]) -> None:
        """Take what the agent of an authenticated host says, and give to the sink what follows from it."""

    def validate_network(self, network: Mapping[str, Any]) -> None:
        """Refuse a network that cannot be made. Its segment may be chosen (other values absent) or final."""

    def validate_subnet(self, network: Mapping[str, Any], subnet: Mapping[str, Any]) -> None:
        """Refuse a subnet that cannot be served."""

    def validate_port(self, network: Mapping[str, Any], port: Mapping[str, Any]) -> None:
        """Refuse a port that cannot be wired."""

    def validate_router(self, router: Mapping[str, Any]) -> None:
        """Refuse a router that cannot be."""

    def validate_router_port(self, router: Mapping[str, Any], subnets: Sequence[Mapping[str, Any]]) -> None:
        """Refuse a leg of a router on these subnets (with their `cidr`) of one network."""

    def validate_floatingip(self, floatingip: Mapping[str, Any]) -> None:
        """Refuse a floating IP that cannot be translated."""

    def bind(self, network: Mapping[str, Any], port: Mapping[str, Any], host: HostFacts) -> Binding | None:
        """Choose how the port is plugged on the host; None when it cannot be."""

    def reconcile(self, changes: Collection[Change]) -> None:
        """Follow what was committed."""
