"""What a host knows, as compile reads it: the scopes it holds, with typed access. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from kaon.wire import scopes
from kaon.wire.address_groups import AddressPrefix
from kaon.wire.entries import Entry
from kaon.wire.floatingips import FloatingIp
from kaon.wire.networks import Endpoint, Network
from kaon.wire.ports import GroupMember, HostPort, NetworkPort, RouterPort
from kaon.wire.routers import HostedRouter, Router
from kaon.wire.security_groups import Rule, SecurityGroup
from kaon.wire.subnets import ServedNetwork, Subnet

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class NetworkView:
    """One network scope, sorted by kind of entry."""

    network: Network
    subnets: Mapping[str, Subnet]
    ports: Mapping[str, NetworkPort]
    endpoints: Mapping[str, Endpoint]


@dataclass(frozen=True, slots=True)
class GroupView:
    """The rules of one security group."""

    group: SecurityGroup
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RouterView:
    """One router scope, sorted by kind of entry."""

    router: Router
    legs: Mapping[str, RouterPort]
    floatingips: Mapping[str, FloatingIp]


@dataclass(frozen=True, slots=True)
class View:
    """Every scope that the host holds: name -> key -> entry. Missing scopes read as None, never as empty.

    What is held never changes in place, so a network is sorted once, however many ports ask for it.
    """

    host: str
    scopes: Mapping[str, Mapping[str, Entry]]
    _networks: dict[str, NetworkView | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def _own(self, kind: type[E]) -> Iterator[E]:
        for entry in self.scopes.get(scopes.host(self.host), {}).values():
            if isinstance(entry, kind):
                yield entry

    def ports(self) -> dict[str, HostPort]:
        """Map port id to each port bound to this host."""
        return {port.id: port for port in self._own(HostPort)}

    def served_networks(self) -> dict[str, ServedNetwork]:
        """Map network id to each network that this host serves with DHCP."""
        return {served.network_id: served for served in self._own(ServedNetwork)}

    def hosted_routers(self) -> tuple[str, ...]:
        """List the ids of the routers that this host forwards for, sorted."""
        return tuple(sorted(hosted.router_id for hosted in self._own(HostedRouter)))

    def network(self, network_id: str) -> NetworkView | None:
        """Give a network, or None while its scope is not held."""
        if network_id not in self._networks:
            self._networks[network_id] = self._sort_network(network_id)
        return self._networks[network_id]

    def _sort_network(self, network_id: str) -> NetworkView | None:
        entries = self.scopes.get(scopes.network(network_id))
        if entries is None:
            return None
        network = entries.get("network")
        if not isinstance(network, Network):
            return None
        return NetworkView(
            network=network,
            subnets={entry.id: entry for entry in entries.values() if isinstance(entry, Subnet)},
            ports={entry.id: entry for entry in entries.values() if isinstance(entry, NetworkPort)},
            endpoints={entry.host: entry for entry in entries.values() if isinstance(entry, Endpoint)},
        )

    def group(self, group_id: str) -> GroupView | None:
        """Give a security group, or None while its scope is not held."""
        entries = self.scopes.get(scopes.group(group_id))
        if entries is None:
            return None
        group = entries.get("group")
        if not isinstance(group, SecurityGroup):
            return None
        rules = sorted((entry for entry in entries.values() if isinstance(entry, Rule)), key=lambda rule: rule.id)
        return GroupView(group=group, rules=tuple(rules))

    def members(self, group_id: str) -> tuple[GroupMember | AddressPrefix, ...] | None:
        """List the members of a security group or an address group, or None while that scope is not held."""
        entries = self.scopes.get(scopes.members(group_id))
        if entries is None:
            return None
        return tuple(entry for entry in entries.values() if isinstance(entry, GroupMember | AddressPrefix))

    def router(self, router_id: str) -> RouterView | None:
        """Give a router, or None while its scope is not held."""
        entries = self.scopes.get(scopes.router(router_id))
        if entries is None:
            return None
        router = entries.get("router")
        if not isinstance(router, Router):
            return None
        return RouterView(
            router=router,
            legs={entry.port_id: entry for entry in entries.values() if isinstance(entry, RouterPort)},
            floatingips={entry.id: entry for entry in entries.values() if isinstance(entry, FloatingIp)},
        )


def needed_scopes(view: View) -> frozenset[str]:
    """Say which scopes a host must hold, as far as the held ones tell: a fixpoint is reached when all are held.

    The host's own scope names ports, served networks and hosted routers; ports name networks and groups; rules name the
    groups whose members count; routers name the networks of their legs.
    """
    needed = {scopes.host(view.host)}
    for port in view.ports().values():
        needed.add(scopes.network(port.network_id))
        needed.update(scopes.group(group_id) for group_id in port.security_groups)
    needed.update(scopes.network(network_id) for network_id in view.served_networks())
    for router_id in view.hosted_routers():
        needed.add(scopes.router(router_id))
        router = view.router(router_id)
        if router is not None:
            needed.update(scopes.network(leg.network_id) for leg in router.legs.values())
    for scope in tuple(needed):
        kind, identity = scopes.parse(scope)
        group = view.group(identity) if kind is scopes.Kind.GROUP else None
        if group is not None:
            needed.update(scopes.members(rule.remote_group_id) for rule in group.rules if rule.remote_group_id)
    return frozenset(needed)
