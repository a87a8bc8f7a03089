"""What a back end is to the control plane: what it can do, what it refuses before a commit, what it does after one.

validate    inside the transaction, before anything is stored: raise a refusal that names the back end and the reason
bind        how a port is plugged on a host, or None when this host cannot have it
reconcile   after the commit: bring its own world in line. May be lost with the process and is repeated at start, so it
            must be harmless to repeat; a back end whose hosts pull what they need has nothing to do
start       hands it the sink for what became true: status comes back through it, or from the hosts' reports
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a back end can do; the API refuses the rest with the reason.

    network_types           provider types of networks
    tunnel_types            those of them that take a segmentation id from the server's ranges
    vnic_types              of ports
    ip_versions             of subnets
    ipv6_modes              of subnets
    security_groups         whether it filters
    gateway_outside_subnet  whether a gateway need not lie in its subnet
    overhead                network type -> bytes of an underlay packet that a network cannot use, per underlay IP version
    status_from             who says what became true: the hosts' agents, or the back end itself
    """

    network_types: frozenset[str]
    tunnel_types: frozenset[str]
    vnic_types: frozenset[str]
    ip_versions: frozenset[int]
    ipv6_modes: frozenset[str]
    security_groups: bool
    gateway_outside_subnet: bool
    overhead: Mapping[str, Mapping[int, int]]
    status_from: Literal["hosts", "backend"]


@dataclass(frozen=True)
class HostFacts:
    """What is known of a host. physical_networks: provider networks that it is wired to."""

    name: str
    physical_networks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Binding:
    """How a port is plugged: Nova's vif_type and the details it reads."""

    vif_type: str
    vif_details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """Something that was committed. kind: network, subnet, port, router, ...; gone: it was deleted."""

    kind: str
    id: str
    gone: bool = False


class StatusSink(Protocol):
    """Takes what a back end found to be true."""

    def realised(self, kind: str, identity: str, revision: int, *, up: bool, reason: str) -> None:
        """Say that a thing is in force at a revision, or is not and why."""


class Backend(Protocol):
    """One way to make networks real. See the module."""

    @property
    def name(self) -> str:
        """How networks name it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def start(self, sink: StatusSink) -> None:
        """Begin; tell the sink what becomes true."""

    def validate_network(self, network: Mapping[str, Any]) -> None:
        """Refuse a network (by wire names, segment chosen) that cannot be made. Errors: kaon.model.errors.Refused."""

    def validate_subnet(self, network: Mapping[str, Any], subnet: Mapping[str, Any]) -> None:
        """Refuse a subnet that cannot be served. Errors: kaon.model.errors.Refused."""

    def validate_port(self, network: Mapping[str, Any], port: Mapping[str, Any]) -> None:
        """Refuse a port that cannot be wired. Errors: kaon.model.errors.Refused."""

    def bind(self, network: Mapping[str, Any], port: Mapping[str, Any], host: HostFacts) -> Binding | None:
        """Choose how the port is plugged on the host; None when it cannot be."""

    def reconcile(self, changes: Collection[Change]) -> None:
        """Follow what was committed."""
