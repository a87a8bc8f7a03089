"""Laws of scopes: deltas add up to the snapshot, and who follows what is exactly what hosts need."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kaon.host.compile.view import View, needed_scopes
from kaon.model.errors import Refused
from kaon.model.query import Body, Query
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import (
    external_gateways,
    floatingips,
    hosts,
    networks,
    port_forwardings,
    ports,
    routers,
    scheduling,
    scope_reading,
    security_group_rules,
    security_groups,
    subnets,
)
from kaon.server.control.core import Caller, Core, implied
from kaon.server.store import followers
from kaon.server.store import tables as t
from kaon.server.store.engine import Store
from kaon.wire import scopes
from kaon.wire.entries import Entry
from kaon.wire.messages import Delta, Hello, Role, Snapshot

ADMIN = Caller(user_id="root", project_id="p", roles=implied("admin"))
HOSTS = ("h0", "h1", "h2", "")


class World:
    """A control plane and someone who holds every scope at the revision of his last look."""

    def __init__(self, path: Path) -> None:
        store = Store(f"sqlite:///{path}/kaon.db", clock=lambda: datetime(2026, 1, 1))  # noqa: DTZ001  # the tables keep UTC without zone
        store.upgrade()
        self.core = Core(store, {"linux": LinuxBackend()})
        self.held: dict[str, tuple[int, dict[str, Entry]]] = {}
        self._edits = 0
        for at in range(3):
            self.hello(at, at, 0)

    def change(self, verb: str, first: int, second: int, third: int) -> None:
        """Do one thing; what is refused is left undone."""
        self._edits += 1
        edit: Callable[[int, int, int], object] = getattr(self, verb)
        try:
            edit(first, second, third)
        except (Refused, IndexError):
            return

    def _ids(self, module: ModuleType, at: int, **filters: str | bool) -> str:
        rows = module.index(self.core, ADMIN, Query(filters={key: (value,) for key, value in filters.items()})).rows
        return str(sorted(rows, key=lambda row: row["id"])[at % len(rows)]["id"]) if rows else _missing()

    def _external(self, at: int) -> str:
        return self._ids(networks, at, **{"router:external": True})

    def hello(self, at: int, end: int, _: int) -> None:
        """Let a host say where its tunnels end."""
        for host in {HOSTS[at % 3], "h0"}:
            roles = (Role.L2, Role.L3, Role.DHCP) if host == "h0" else (Role.L2,)
            hosts.hello(self.core, Hello(wire_version=1, host=host, instance="1", roles=roles, tunnel_ip=f"192.0.2.{end + 1}"))
        scheduling.schedule_pending(self.core)

    def make_network(self, _: int, __: int, ___: int) -> None:
        """Make an internal network with two subnets."""
        self._network({}, f"10.{self._edits}.0.0/24", f"2001:db8:{self._edits}::/64")

    def make_external(self, _: int, __: int, ___: int) -> None:
        """Make an external network."""
        self._network({"router:external": True}, f"172.16.{self._edits}.0/24")

    def _network(self, body: Body, *cidrs: str) -> None:
        network_id = networks.create(self.core, ADMIN, [{"project_id": "p", **body}])[0]["id"]
        for cidr in cidrs:
            version = 6 if ":" in cidr else 4
            given = {"network_id": network_id, "cidr": cidr, "ip_version": version, "enable_dhcp": not body}
            subnets.create(self.core, ADMIN, [{"project_id": "p", **given}])

    def delete_network(self, at: int, _: int, __: int) -> None:
        """Delete a network, if nothing is on it."""
        networks.delete(self.core, ADMIN, self._ids(networks, at))

    def switch_dhcp(self, at: int, on: int, _: int) -> None:
        """Switch the DHCP of a subnet."""
        subnets.update(self.core, ADMIN, self._ids(subnets, at), {"enable_dhcp": bool(on % 2)})

    def delete_subnet(self, at: int, _: int, __: int) -> None:
        """Delete a subnet, if nothing is on it."""
        subnets.delete(self.core, ADMIN, self._ids(subnets, at))

    def make_port(self, at: int, host: int, group: int) -> None:
        """Make a port, on a host or on none, in a group or in the default one."""
        body: Body = {"project_id": "p", "network_id": self._ids(networks, at), "binding:host_id": HOSTS[host % 4]}
        if group % 2:
            body["security_groups"] = [self._ids(security_groups, group)]
        ports.create(self.core, ADMIN, [body])

    def move_port(self, at: int, host: int, _: int) -> None:
        """Bind a port elsewhere or nowhere."""
        ports.update(self.core, ADMIN, self._ids(ports, at), {"binding:host_id": HOSTS[host % 4]})

    def regroup_port(self, at: int, group: int, none: int) -> None:
        """Put a port into another group, or into none."""
        chosen = [] if none % 3 == 0 else [self._ids(security_groups, group)]
        ports.update(self.core, ADMIN, self._ids(ports, at), {"security_groups": chosen})

    def delete_port(self, at: int, _: int, __: int) -> None:
        """Delete a port."""
        ports.delete(self.core, ADMIN, self._ids(ports, at))

    def make_group(self, _: int, __: int, ___: int) -> None:
        """Make a security group."""
        security_groups.create(self.core, ADMIN, [{"project_id": "p", "name": "g"}])

    def delete_group(self, at: int, _: int, __: int) -> None:
        """Delete a security group, if no port is in it."""
        security_groups.delete(self.core, ADMIN, self._ids(security_groups, at))

    def make_rule(self, at: int, remote: int, port: int) -> None:
        """Let a group in from another one."""
        body: Body = {"project_id": "p", "security_group_id": self._ids(security_groups, at), "direction": "ingress"}
        body |= {"ethertype": "IPv4", "protocol": "tcp", "port_range_min": 1, "port_range_max": port + 1}
        security_group_rules.create(
            self.core, ADMIN, [body | {"remote_group_id": self._ids(security_groups, remote) if remote % 3 else None}]
        )

    def delete_rule(self, at: int, _: int, __: int) -> None:
        """Delete a rule."""
        security_group_rules.delete(self.core, ADMIN, self._ids(security_group_rules, at))

    def make_router(self, outside: int, _: int, __: int) -> None:
        """Make a router, perhaps with a gateway."""
        gateway = {"network_id": self._external(outside)} if outside % 3 else None
        routers.create(self.core, ADMIN, [{"project_id": "p", "external_gateway_info": gateway}])

    def join(self, at: int, subnet: int, _: int) -> None:
        """Join a router to a subnet."""
        routers.add_interface(self.core, ADMIN, self._ids(routers, at), {"subnet_id": self._ids(subnets, subnet)})

    def part(self, at: int, subnet: int, _: int) -> None:
        """Take a router from a subnet."""
        router_id = self._ids(routers, at)
        leg = self._ids(ports, subnet, device_id=router_id, device_owner="network:router_interface")
        routers.remove_interface(self.core, ADMIN, router_id, {"port_id": leg})

    def clear_gateway(self, at: int, _: int, __: int) -> None:
        """Let a router lead nowhere."""
        routers.update(self.core, ADMIN, self._ids(routers, at), {"external_gateway_info": None})

    def delete_router(self, at: int, _: int, __: int) -> None:
        """Delete a router, if nothing is joined by it."""
        routers.delete(self.core, ADMIN, self._ids(routers, at))

    def make_floatingip(self, at: int, port: int, _: int) -> None:
        """Make a floating IP that leads to a port, if it can."""
        vm = self._ids(ports, port, device_owner="") if port % 4 else None
        body = {"project_id": "p", "floating_network_id": self._external(at), "port_id": vm}
        floatingips.create(self.core, ADMIN, [body])

    def let_go(self, at: int, _: int, __: int) -> None:
        """Let a floating IP lead nowhere."""
        floatingips.update(self.core, ADMIN, self._ids(floatingips, at), {"port_id": None})

    def delete_floatingip(self, at: int, _: int, __: int) -> None:
        """Delete a floating IP."""
        floatingips.delete(self.core, ADMIN, self._ids(floatingips, at))

    def forward(self, at: int, port: int, number: int) -> None:
        """Forward a port of a floating IP that leads nowhere, if there is one."""
        inside = self._ids(ports, port, device_owner="")
        vm = ports.show(self.core, ADMIN, inside)
        body = {"internal_port_id": inside, "internal_ip_address": vm["fixed_ips"][0]["ip_address"], "protocol": "tcp"}
        numbers = {"external_port": number + 1, "internal_port": number + 1}
        port_forwardings.create(self.core, ADMIN, self._ids(floatingips, at), [body | numbers])

    def forward_no_more(self, at: int, which: int, _: int) -> None:
        """Forward one port less."""
        floatingip_id = self._ids(floatingips, at)
        there = floatingips.show(self.core, ADMIN, floatingip_id)["port_forwardings"]
        port_forwardings.delete(self.core, ADMIN, floatingip_id, there[which % len(there) if there else 0]["id"])

    def add_gateway(self, at: int, outside: int, _: int) -> None:
        """Give a router one more gateway."""
        body = {"external_gateways": [{"network_id": self._external(outside)}]}
        external_gateways.add(self.core, ADMIN, self._ids(routers, at), body)

    def turn_gateways(self, at: int, first: int, left: int) -> None:
        """Have another gateway of a router be the first one, perhaps without the others."""
        router_id = self._ids(routers, at)
        has = routers.show(self.core, ADMIN, router_id)["external_gateways"]
        turned = (has[first % 3 :] + has[: first % 3])[: left + 1]
        wishes = [{key: one[key] for key in ("network_id", "external_fixed_ips")} for one in turned]
        external_gateways.update(self.core, ADMIN, router_id, {"external_gateways": wishes})

    def begin(self) -> None:
        """Join a network to the outside by a router, with a VM on it that has a floating IP."""
        self._network({}, "10.0.0.0/24")
        self._network({"router:external": True}, "172.16.0.0/24")
        self.make_group(0, 0, 0)
        self.make_router(1, 0, 0)
        (inside,) = networks.index(self.core, ADMIN, Query(filters={"router:external": (False,)})).rows
        router_id = self._ids(routers, 0)
        routers.add_interface(self.core, ADMIN, router_id, {"subnet_id": inside["subnets"][0]})
        ports.create(self.core, ADMIN, [{"project_id": "p", "network_id": inside["id"], "binding:host_id": "h1"}])
        self.make_floatingip(0, 1, 0)
        self.make_floatingip(0, 0, 0)

    # ---- the laws

    def look(self, chosen: int | None = None) -> None:
        """Catch up with every scope (or every third), and compare with what it then is."""
        names = self.core.store.read(lambda tx: list(tx.execute(sa.select(t.scopes.c.name)).scalars()))
        for at, name in enumerate(sorted(names)):
            if chosen is None or at % 3 == chosen % 3:
                self._catch_up(name)
        for name in self.held.keys() - set(names):
            del self.held[name]

    def _catch_up(self, name: str) -> None:
        revision, entries = self.held.get(name, (0, {}))
        message = self.core.store.read(lambda tx: scope_reading.read_changes(tx, name, revision))
        if isinstance(message, Snapshot):
            revision, entries = message.revision, {entry.key: entry for entry in message.entries}
        elif isinstance(message, Delta):
            assert revision == message.from_revision
            assert not set(message.gone) & {entry.key for entry in message.entries}
            kept = {key: entry for key, entry in entries.items() if key not in message.gone}
            revision, entries = message.to_revision, kept | {entry.key: entry for entry in message.entries}
        else:
            assert message is None
        assert self._read(name) == (revision, entries), name
        self.held[name] = (revision, entries)

    def check_followers(self) -> None:
        """Compare what each host follows with what it would ask for, holding all that it follows."""
        for host in HOSTS[:3]:
            followed = set(self.core.store.read(lambda tx, host=host: followers.followed(tx, host)))  # type: ignore[misc]  # the default binds the loop's value
            held = {name: self._read(name)[1] for name in followed}
            assert (followed or {scopes.host(host)}) == needed_scopes(View(host=host, scopes=held)), host

    def _read(self, name: str) -> tuple[int, dict[str, Entry]]:
        found = self.core.store.read(lambda tx: scope_reading.read_scope(tx, name))
        assert found is not None, name
        return found


def _missing() -> str:
    raise IndexError("there is none yet")


_VERBS = [
    verb for verb in vars(World) if not verb.startswith("_") and verb not in {"change", "begin", "look", "check_followers"}
]
_OFTEN = ["make_port", "make_rule", "make_rule", "regroup_port", "join", "forward", "add_gateway"]
"""What others build on."""

_EDITS = st.lists(
    st.tuples(st.sampled_from([*_VERBS, *_OFTEN]), *[st.integers(0, 11)] * 3),
    min_size=10,
    max_size=40,
)


# Not shrunk: each example makes a database of its own, and its edits are short enough to read.
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(edits=_EDITS, laziness=st.integers(1, 7))
def test_deltas_add_up_and_followers_are_exact(edits: list[tuple[str, int, int, int]], laziness: int) -> None:
    """Whatever is done in whatever order: held state plus delta is the state, and every host follows just what it needs."""
    with tempfile.TemporaryDirectory() as path:
        world = World(Path(path))
        world.begin()
        for number, (verb, first, second, third) in enumerate(edits):
            world.change(verb, first, second, third)
            world.check_followers()
            if number % laziness == 0:
                world.look(number)
        world.look()
        world.core.store.close()
