"""How fast any server of the Neutron v2.0 API answers: the same operations against each, and two results side by side.

    python -m bench.api measure --url http://127.0.0.1:9696 --token TOKEN --project PROJECT --out here.json
    python -m bench.api compare there.json here.json

The token is an administrator's of that project, whose quotas are lifted; `OS_TOKEN` does instead. What is made is deleted.
A request is timed from its first byte out to its last byte in, over one connection that is kept; JSON is read outside of it.
The standard library only, so that it runs where the server does.
"""

import argparse
import http.client
import itertools
import json
import multiprocessing
import os
import statistics
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

QUOTAS = ("network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule")
CLIENTS = 8
BULK = 50
OK = range(200, 300)
IDLE_S = 2.0
"""A connection that was not used for longer is opened anew; servers close them after a few seconds."""


class Server:
    """One connection to a server. `ms` is how long its last request took."""

    def __init__(self, url: str, token: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)
        self._headers = {"X-Auth-Token": token, "Accept": "application/json", "Content-Type": "application/json"}
        self._asked_at = time.monotonic()
        self.ms = 0.0

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask, and give the document of the answer. Errors: RuntimeError when it is a refusal."""
        sent = None if body is None else json.dumps(body)
        if time.monotonic() - self._asked_at > IDLE_S:
            self._line.close()  # the server may just be closing it
        began = time.perf_counter()
        self._line.request(method, path, sent, self._headers)
        answer = self._line.getresponse()
        got = answer.read()
        self.ms = (time.perf_counter() - began) * 1000
        self._asked_at = time.monotonic()
        if answer.status not in OK:
            raise RuntimeError(f"{method} {path}: {answer.status} {got[:300]!r}")
        return json.loads(got) if got else None


class World:
    """What a measurement makes, and takes away again in the opposite order."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._made = ExitStack()
        self._prefixes = itertools.count(1)

    def make(self, collection: str, member: str, **attributes: Any) -> Any:
        """Make a resource; give it as the server shows it."""
        made = self.server.ask("POST", f"/v2.0/{collection}", {member: attributes})[member]
        self.remember(collection, made["id"])
        return made

    def remember(self, collection: str, identity: str) -> None:
        """Have a resource deleted at the end."""
        self._made.callback(self.server.ask, "DELETE", f"/v2.0/{collection}/{identity}")

    def network(self, **attributes: Any) -> tuple[str, str]:
        """Make a network with a subnet of 4094 addresses; give their ids."""
        network = self.make("networks", "network", name="bench", **attributes)["id"]
        number = next(self._prefixes) * 16
        cidr = f"10.{number // 256}.{number % 256}.0/20"
        return network, self.make("subnets", "subnet", network_id=network, ip_version=4, cidr=cidr)["id"]

    def fill(self, network: str, count: int) -> list[str]:
        """Make so many ports on a network, in bulk; give their ids."""
        found: list[str] = []
        while len(found) < count:
            wanted = [{"network_id": network, "name": "bench"}] * min(BULK, count - len(found))
            found += [port["id"] for port in self.server.ask("POST", "/v2.0/ports", {"ports": wanted})["ports"]]
        for identity in found:
            self.remember("ports", identity)
        return found

    def join(self, router: str, subnet: str) -> None:
        """Join a router to a subnet."""
        self.server.ask("PUT", f"/v2.0/routers/{router}/add_router_interface", {"subnet_id": subnet})
        self._made.callback(
            lambda: self.server.ask("PUT", f"/v2.0/routers/{router}/remove_router_interface", {"subnet_id": subnet})
        )

    def clean(self) -> None:
        """Take everything away."""
        self._made.close()


Figures = dict[str, dict[str, float]]


def _times(world: World, count: int, work: Callable[[int], object]) -> dict[str, float]:
    """Do something that ends with one request, so many times. Figures in milliseconds."""
    times = []
    for number in range(count):
        work(number)
        times.append(world.server.ms)
    times.sort()
    return {"p50_ms": statistics.median(times), "p99_ms": times[int(0.99 * (len(times) - 1))], "count": count}


def latencies(world: World, count: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure one request after the other: ports, then routers, floating IPs and rules."""
    ask = world.server.ask
    network, subnet = world.network()
    made: list[str] = []

    def port(_number: int) -> None:
        made.append(world.make("ports", "port", network_id=network, name="bench")["id"])

    yield "create port", _times(world, count, port)
    yield "show port", _times(world, count, lambda at: ask("GET", f"/v2.0/ports/{made[at]}"))
    yield "rename port", _times(world, count, lambda at: ask("PUT", f"/v2.0/ports/{made[at]}", {"port": {"name": f"{at}"}}))
    crowd, _ = world.network()
    yield "create 50 ports at once", _times(world, 10, lambda _: world.fill(crowd, BULK))
    few = max(10, count // 4)
    routers = [world.make("routers", "router", name="bench")["id"] for _ in range(few)]
    subnets = [world.network()[1] for _ in range(few)]
    yield "add router interface", _times(world, few, lambda at: world.join(routers[at], subnets[at]))
    outside, _ = world.network(**{"router:external": True})
    edge = world.make("routers", "router", name="bench", external_gateway_info={"network_id": outside})["id"]
    world.join(edge, subnet)
    floating: list[str] = []

    def floatingip(_number: int) -> None:
        floating.append(world.make("floatingips", "floatingip", floating_network_id=outside)["id"])

    yield "create floating IP", _times(world, few, floatingip)
    yield (
        "associate floating IP",
        _times(world, few, lambda at: ask("PUT", f"/v2.0/floatingips/{floating[at]}", {"floatingip": {"port_id": made[at]}})),
    )
    group = world.make("security-groups", "security_group", name="bench")["id"]

    def rule(at: int) -> None:
        of = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
        ask(
            "POST",
            "/v2.0/security-group-rules",
            {"security_group_rule": of | {"port_range_min": at + 1, "port_range_max": at + 1}},
        )

    yield "create security group rule", _times(world, few, rule)


def lists(world: World, ports: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Measure lists of 50, of 1000 and of everything, with so many ports stored."""
    for _ in range(-(-ports // 1000)):
        world.fill(world.network()[0], min(1000, ports))
    for limit, count in ((50, 40), (1000, 10)):
        yield f"list {limit} ports", _times(world, count, lambda _, n=limit: world.server.ask("GET", f"/v2.0/ports?limit={n}"))  # type: ignore[misc]  # the default binds the loop's value
    yield f"list all of {ports} ports", _times(world, 5, lambda _: world.server.ask("GET", "/v2.0/ports"))


def _make_ports(url: str, token: str, network: str, count: int) -> None:
    server = Server(url, token)
    for _ in range(count):
        server.ask("POST", "/v2.0/ports", {"port": {"network_id": network, "name": "bench"}})


def throughput(world: World, url: str, token: str, count: int) -> dict[str, float]:
    """Measure ports made per second by several clients at once, each on a network of its own."""
    networks = [world.network()[0] for _ in range(CLIENTS)]
    clients = [multiprocessing.Process(target=_make_ports, args=(url, token, network, count)) for network in networks]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - began
    for network in networks:
        for port in world.server.ask("GET", f"/v2.0/ports?network_id={network}&name=bench&fields=id")["ports"]:
            world.remember("ports", port["id"])
    if any(client.exitcode for client in clients):
        raise RuntimeError("a client was refused")
    return {"per_s": CLIENTS * count / seconds, "count": CLIENTS * count}


def memory(pid: int) -> float:
    """Sum up what a process and all below it have in memory, in MiB; what several share counts once (PSS)."""
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            total += int(line.split()[1])
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return total / 1024 + sum(memory(int(child)) for child in below)


@contextmanager
def _world(url: str, token: str, project: str) -> Iterator[World]:
    world = World(Server(url, token))
    world.server.ask("PUT", f"/v2.0/quotas/{project}", {"quota": dict.fromkeys(QUOTAS, -1)})
    try:
        yield world
    finally:
        world.clean()


def measure(asked: argparse.Namespace) -> Figures:
    """Measure everything; print each figure as it is there."""
    figures: Figures = {}
    with _world(asked.url, asked.token, asked.project) as world:
        for what, figure in itertools.chain(latencies(world, asked.count), lists(world, asked.ports)):
            figures[what] = figure
            sys.stdout.write(f"{what:<30} p50 {figure['p50_ms']:9.2f} ms   p99 {figure['p99_ms']:9.2f} ms\n")
        figures["create ports, 8 clients"] = throughput(world, asked.url, asked.token, asked.count)
        sys.stdout.write(f"{'create ports, 8 clients':<30} {figures['create ports, 8 clients']['per_s']:13.1f} per second\n")
        if asked.pid:
            figures["memory"] = {"pss_mib": memory(asked.pid)}
            sys.stdout.write(f"{'memory of all processes':<30} {figures['memory']['pss_mib']:13.1f} MiB\n")
    return figures


def compare(first: Figures, second: Figures) -> None:
    """Print two results, and how many times better the second is."""
    for what in first.keys() & second.keys():
        for unit, better in (("p50_ms", 1), ("per_s", -1), ("pss_mib", 1)):
            if unit in first[what]:
                ratio = (first[what][unit] / second[what][unit]) ** better
                sys.stdout.write(f"{what:<30} {first[what][unit]:11.2f} {second[what][unit]:11.2f} {unit:<7} {ratio:8.1f}\n")


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure")
    one.add_argument("--url", required=True, help="of the server, without /v2.0")
    one.add_argument("--token", default=os.environ.get("OS_TOKEN", ""))
    one.add_argument("--project", required=True, help="id of the token's project")
    one.add_argument("--count", type=int, default=100, help="samples of the quick operations")
    one.add_argument("--ports", type=int, default=5000, help="ports to store before lists are measured")
    one.add_argument(
        "--pid", type=int, default=0, help="the server's first process: its memory is measured, and of those below"
    )
    one.add_argument("--out", type=Path)
    two = commands.add_parser("compare")
    two.add_argument("results", type=Path, nargs=2)
    asked = parser.parse_args()
    if asked.command == "compare":
        compare(*(json.loads(file.read_text(encoding="utf-8")) for file in asked.results))
        return 0
    figures = measure(asked)
    if asked.out:
        asked.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
