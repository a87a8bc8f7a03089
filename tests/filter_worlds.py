"""Small worlds for tests of packet filters: entries of scopes, and a host that compiles, plans and applies them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kaon.host.compile.filters import compile_filters
from kaon.host.compile.security_groups import CompiledFilters
from kaon.host.compile.view import View
from kaon.host.kernel.filters import FilterDoor
from kaon.host.plan.filters import FilterPlan, plan_filters
from kaon.host.state.names import router_namespace
from kaon.host.state.trouble import Trouble
from kaon.wire import scopes
from kaon.wire.entries import Entry
from kaon.wire.floatingips import FloatingIp, Forward
from kaon.wire.networks import Network
from kaon.wire.ports import AddressPair, FixedIp, GroupMember, HostPort, NetworkPort, RouterPort
from kaon.wire.routers import HostedRouter, Router
from kaon.wire.security_groups import Rule, SecurityGroup

_NUMBERS = count(1)

START = """add table inet kaon
add chain inet kaon one
add chain inet kaon two
add map inet kaon to { type mark : verdict; }
add set inet kaon grp_1_v4 { type ipv4_addr; flags interval; }
add ct helper inet kaon help_ftp { type "ftp" protocol tcp; }
add rule inet kaon one ip saddr @grp_1_v4 accept
add rule inet kaon one ct state new tcp dport 21 ct helper set "help_ftp"
add element inet kaon to { 1 : goto two }
add element inet kaon grp_1_v4 { 10.0.0.0/24 }
"""
"""A small ruleset."""

REFUSED = (
    "delete table inet nosuch",
    "add rule inet kaon nosuch accept",
    "add rule inet kaon one jump nosuch",
    'add rule inet kaon one ct state new tcp dport 21 ct helper set "nosuch"',
    "delete ct helper inet kaon help_ftp",
    "add rule inet kaon one ip saddr @grp_2_v4 accept",
    "add element inet kaon to { 2 : goto nosuch }",
    "add element inet kaon to { 1 : goto one }",
    "add element inet kaon grp_1_v4 { 10.0.0.7 }",
    "delete element inet kaon grp_1_v4 { 10.0.0.7 }",
    "delete chain inet kaon two",
    "delete set inet kaon grp_1_v4",
)
"""What neither the kernel nor the fake takes after it."""


def new_id() -> str:
    """Make an id that no other has, in its first characters already: devices are named after them."""
    return str(uuid.UUID(int=next(_NUMBERS) << 96 | 7))


def make_port(network: str, number: int, groups: Iterable[str] = (), **more: object) -> HostPort:
    """Make a port 10.0.0.<number>, fd00::<number> of a network, with a MAC that tells the number."""
    given: dict[str, object] = {
        "id": new_id(),
        "revision": 1,
        "network_id": network,
        "mac_address": f"fa:16:3e:00:00:{number:02x}",
        "fixed_ips": (FixedIp("s4", f"10.0.0.{number}"), FixedIp("s6", f"fd00::{number:x}")),
        "security_groups": tuple(groups),
        "device_owner": "compute:nova",
    }
    return HostPort(**(given | more))  # type: ignore[arg-type]  # the caller names fields as they are


def make_rule(direction: str = "ingress", ethertype: str = "IPv4", protocol: str | None = None, **more: object) -> Rule:
    """Make a rule; `port` stands for both ends of a range."""
    port = more.pop("port", None)
    if port is not None:
        more |= {"port_range_min": port, "port_range_max": port}
    return Rule(id=new_id(), direction=direction, ethertype=ethertype, protocol=protocol, **more)  # type: ignore[arg-type]  # as above


def anywhere() -> tuple[Rule, Rule]:
    """Let everything out, in both families: what a new group has."""
    return make_rule("egress", "IPv4"), make_rule("egress", "IPv6")


@dataclass(slots=True)
class World:
    """One host's scopes, to be changed by a test.

    namespaces  router namespaces of ours that are still there, whoever is hosted
    """

    host: str = "h1"
    namespaces: frozenset[str] = frozenset()
    scopes: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def put(self, scope: str, *entries: Entry) -> None:
        """Add entries to a scope, or replace them."""
        self.scopes.setdefault(scope, {}).update({entry.key: entry for entry in entries})

    def drop(self, scope: str, *entries: Entry) -> None:
        """Take entries away."""
        for entry in entries:
            self.scopes[scope].pop(entry.key, None)

    def bind(self, *ports: HostPort) -> None:
        """Bind ports to the host, with their networks."""
        self.put(scopes.host(self.host), *ports)
        for port in ports:
            self.put(scopes.network(port.network_id), Network(id=port.network_id, network_type="vxlan", mtu=1450))

    def unbind(self, *ports: HostPort) -> None:
        """Take ports from the host."""
        self.drop(scopes.host(self.host), *ports)

    def group(self, *rules: Rule, group_id: str | None = None, stateful: bool = True) -> str:
        """Make a security group with exactly these rules, or change one."""
        group_id = group_id or new_id()
        self.scopes[scopes.group(group_id)] = {}
        self.put(scopes.group(group_id), SecurityGroup(id=group_id, stateful=stateful), *rules)
        self.scopes.setdefault(scopes.members(group_id), {})
        return group_id

    def members(self, group_id: str, *ports: HostPort) -> None:
        """Make exactly these ports the members of a group."""
        self.scopes[scopes.members(group_id)] = {}
        for port in ports:
            addresses = tuple(ip.ip_address for ip in port.fixed_ips)
            self.put(scopes.members(group_id), GroupMember(port_id=port.id, addresses=addresses))

    def router(self, router_id: str, gateway: tuple[str, str, str], legs: Iterable[tuple[str, str, str]], **more: Any) -> None:
        """Host a router. Legs are (port id, network id, IPv4 address)."""
        self.put(scopes.host(self.host), HostedRouter(router_id=router_id))
        self.put(scopes.router(router_id), Router(id=router_id, revision=1, **more))
        for owner, (port_id, network_id, address) in (
            ("network:router_gateway", gateway),
            *(("network:router_interface", leg) for leg in legs),
        ):
            fixed = (FixedIp("s", address),)
            self.put(scopes.router(router_id), RouterPort(port_id=port_id, network_id=network_id, device_owner=owner))
            self.put(
                scopes.network(network_id),
                Network(id=network_id, network_type="vxlan", mtu=1450),
                NetworkPort(id=port_id, revision=1, mac_address="fa:16:3e:ff:00:01", fixed_ips=fixed, device_owner=owner),
            )

    def view(self) -> View:
        """Give what compile reads."""
        return View(self.host, {name: dict(entries) for name, entries in self.scopes.items()})


def floating(address: str, fixed: str) -> FloatingIp:
    """Make a floating IP."""
    return FloatingIp(
        id=new_id(),
        revision=1,
        floating_network_id=new_id(),
        floating_ip_address=address,
        fixed_ip_address=fixed,
        port_id=new_id(),
    )


def forwarding(address: str, *ways: tuple[str, int, int, str, int, int]) -> FloatingIp:
    """Make a floating IP that forwards ports: (protocol, first and last outside, address inside, first and last there)."""
    names = ("protocol", "external_first", "external_last", "internal_ip_address", "internal_first", "internal_last")
    forwards = tuple(Forward(**dict(zip(names, way, strict=True))) for way in ways)
    return FloatingIp(id=new_id(), revision=1, floating_network_id=new_id(), floating_ip_address=address, forwards=forwards)


def pair(address: str, mac: str = "") -> AddressPair:
    """Make an allowed address pair."""
    return AddressPair(mac_address=mac, ip_address=address)


def look(world: World, door: FilterDoor, attached: frozenset[str] = frozenset()) -> tuple[CompiledFilters, FilterPlan]:
    """Observe, compile and plan."""
    view = world.view()
    hosted = (router_namespace(router) for router in view.hosted_routers())
    actual = door.observe({*hosted, *world.namespaces})
    compiled = compile_filters(view, actual, attached)
    return compiled, plan_filters(compiled.state, actual)


def settle(world: World, door: FilterDoor, attached: frozenset[str] = frozenset()) -> FilterPlan:
    """Observe, compile, plan and apply, as the agent does; afterwards there is nothing more to do."""
    _, plan = look(world, door, attached)
    troubles: list[Trouble] = door.apply(plan)
    assert troubles == []
    _, again = look(world, door, attached)
    assert ([one.text for one in again.transactions], again.endings, again.policy_changed) == ([], (), False)
    return plan
