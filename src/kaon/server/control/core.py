"""What every verb is handed: the store, the back ends, the settings, the time, and who asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kaon.lib.clock import Clock, utc_now
from kaon.model.errors import RevisionNumberConstraintFailed
from kaon.model.query import Query, Row
from kaon.server.store.engine import Store

DEFAULT_QUOTAS: Mapping[str, int] = {
    "network": 100,
    "subnet": 100,
    "subnetpool": -1,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "router_route": 30,
    "rbac_policy": 10,
    "security_group": 10,
    "security_group_rule": 100,
    "trunk": -1,
}
"""Neutron's defaults; -1 is unlimited."""


@dataclass(frozen=True)
class ServerSettings:
    """What an operator decides about the control plane.

    base_mac                 generated MAC addresses begin with it (its zero octets at the end are random)
    vni_ranges               inclusive ranges of VXLAN network identifiers
    flat_networks            names of physical networks that flat networks may use; "*" allows any
    tenant_network_types     tried in order for a network whose type is not given
    underlay_mtu             bytes; networks get what remains of it
    overlay_ip_version       of the underlay's addresses: tunnels over IPv6 need 20 bytes more
    quotas                   limit by resource for projects without their own; -1 unlimited; empty: no quota is kept
    max_dns_nameservers      per subnet
    max_subnet_host_routes   per subnet
    max_allowed_address_pair per port
    max_routes               per router
    dhcp_agents_per_network  hosts that serve a network
    agent_down_time_s        an agent not heard of for so long is dead
    default_backend          name of the back end for networks that do not choose
    page_limit               largest page of a list; 0: no limit
    """

    base_mac: str = "fa:16:3e:00:00:00"
    vni_ranges: Sequence[tuple[int, int]] = ((1, 16777215),)
    flat_networks: Sequence[str] = ("*",)
    tenant_network_types: Sequence[str] = ("vxlan",)
    underlay_mtu: int = 1500
    overlay_ip_version: int = 4
    quotas: Mapping[str, int] = field(default_factory=lambda: DEFAULT_QUOTAS)
    max_dns_nameservers: int = 5
    max_subnet_host_routes: int = 20
    max_allowed_address_pair: int = 10
    max_routes: int = 30
    dhcp_agents_per_network: int = 1
    agent_down_time_s: float = 75.0
    default_backend: str = "linux"
    page_limit: int = 0


@dataclass(frozen=True)
class Caller:
    """Who asks, as authentication found.

    project_id  the project that the caller acts in
    is_admin    may do everything, for every project
    request_id  of the HTTP request, for logs
    """

    user_id: str
    project_id: str
    roles: frozenset[str] = frozenset()
    is_admin: bool = False
    request_id: str = ""


@dataclass(frozen=True)
class Core:
    """The control plane. backends: by name, see `server.backends.protocol.Backend`."""

    store: Store
    backends: Mapping[str, Any]
    settings: ServerSettings = field(default_factory=ServerSettings)
    clock: Clock = utc_now


def check_revision(row: Row, revision: int | None) -> None:
    """Refuse when the caller looked at another revision than the present one. Errors: RevisionNumberConstraintFailed."""
    if revision is not None and row["revision_number"] != revision:
        raise RevisionNumberConstraintFailed(expected=revision, current=row["revision_number"])


def bounded(core: Core, query: Query) -> Query:
    """Give the query with the largest page that the settings allow."""
    most = core.settings.page_limit
    return replace(query, limit=min(query.limit or most, most)) if most else query
