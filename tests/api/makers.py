"""One of each resource, for tests that go over all of them. Who adds a resource adds how to make one here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api_client import Client

from kaon.server.control import hosts
from kaon.server.control.core import Core
from kaon.wire.messages import Hello, Role

OWNER = "p1"
"""The project of everything that is made."""


@dataclass(frozen=True)
class Made:
    """Something that exists.

    path    of its collection, below /v2.0
    id      that stands after it in the path; empty: the API cannot make one
    body    of a POST that would make another one like it
    change  of a PUT
    owner   the project that it is of; empty: of none
    """

    path: str
    id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=lambda: {"name": "changed"})
    owner: str = OWNER


@dataclass(frozen=True)
class World:
    """Makes things for project p1, as an administrator and a service."""

    core: Core
    admin: Client
    nova: Client

    def host(self, name: str) -> None:
        """Let a host introduce itself."""
        hello = Hello(wire_version=1, host=name, instance="1", roles=(Role.L2,), tunnel_ip="192.0.2.1")
        hosts.hello(self.core, hello)

    def post(self, path: str, member: str, body: Mapping[str, Any], *, by: Client | None = None) -> Any:
        """The row that a POST made."""
        answer = (by or self.admin).ask("POST", f"/v2.0/{path}", json={member: body})
        assert answer.status_code == 201, answer.text
        return answer.json()[member]

    def made(self, path: str, member: str, body: Mapping[str, Any], change: Mapping[str, Any] | None = None) -> Made:
        """A thing of the project, made by a POST."""
        row = self.post(path, member, body)
        return Made(path, row["id"], body, change or {"name": "changed"})

    def network(self, **body: Any) -> str:
        """The id of a network of the project."""
        return str(self.post("networks", "network", {"project_id": OWNER, **body})["id"])

    def subnet(self, network_id: str, cidr: str = "10.0.0.0/24") -> str:
        """The id of a subnet of it."""
        return str(self.post("subnets", "subnet", _subnet(network_id, cidr))["id"])

    def port(self) -> str:
        """The id of a port on a network of its own."""
        network_id = self.network()
        self.subnet(network_id)
        return str(self.post("ports", "port", {"project_id": OWNER, "network_id": network_id})["id"])

    def outside(self) -> str:
        """The id of an external network, of the administrator's project."""
        network_id = self.post("networks", "network", {"router:external": True})["id"]
        self.post("subnets", "subnet", {"network_id": network_id, "ip_version": 4, "cidr": "203.0.113.0/24"})
        return str(network_id)

    def group(self) -> str:
        """The id of a security group."""
        return str(self.post("security-groups", "security_group", {"project_id": OWNER, "name": "g"})["id"])


def _subnet(network_id: str, cidr: str) -> dict[str, Any]:
    return {"project_id": OWNER, "network_id": network_id, "ip_version": 4, "cidr": cidr}


def _network(world: World) -> Made:
    return world.made("networks", "network", {"project_id": OWNER, "name": "n"})


def _subnet_made(world: World) -> Made:
    network_id = world.network()
    made = world.made("subnets", "subnet", _subnet(network_id, "10.1.0.0/24"))
    return Made(made.path, made.id, _subnet(network_id, "10.2.0.0/24"))


def _subnetpool(world: World) -> Made:
    body = {"project_id": OWNER, "name": "pool", "prefixes": ["10.9.0.0/16"], "default_prefixlen": 24}
    return world.made("subnetpools", "subnetpool", body)


def _port(world: World) -> Made:
    network_id = world.network()
    return world.made("ports", "port", {"project_id": OWNER, "network_id": network_id})


def _security_group(world: World) -> Made:
    return world.made("security-groups", "security_group", {"project_id": OWNER, "name": "g"})


def _security_group_rule(world: World) -> Made:
    rule = {"project_id": OWNER, "security_group_id": world.group(), "direction": "ingress", "protocol": "tcp"}
    made = world.made("security-group-rules", "security_group_rule", rule)
    return Made(made.path, made.id, rule | {"protocol": "udp"}, {"description": "changed"})


def _router(world: World) -> Made:
    return world.made("routers", "router", {"project_id": OWNER, "name": "r"})


def _floatingip(world: World) -> Made:
    body = {"project_id": OWNER, "floating_network_id": world.outside()}
    return world.made("floatingips", "floatingip", body, {"description": "changed"})


def _agent(world: World) -> Made:
    world.host("h1")
    return Made("agents", world.admin.get("agents")["agents"][0]["id"], change={"admin_state_up": False}, owner="")


MAKERS: dict[tuple[str, str], Callable[[World], Made]] = {
    ("", "networks"): _network,
    ("", "subnets"): _subnet_made,
    ("", "subnetpools"): _subnetpool,
    ("", "ports"): _port,
    ("", "security_groups"): _security_group,
    ("", "security_group_rules"): _security_group_rule,
    ("", "routers"): _router,
    ("", "floatingips"): _floatingip,
    ("", "agents"): _agent,
}
"""(collection of the parent, collection) -> what makes one of project p1."""
