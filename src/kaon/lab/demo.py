"""The demo: two projects with the same addresses, on two computes and a network node; then the proof, in packets.

    red    red-a 10.0.0.0/24 ── router ── public ── outside       blue   blue-a 10.0.0.0/24
             red-1 compute1      │                                          blue-1 compute1
             red-2 compute2      └── red-b 10.0.1.0/24                      blue-2 compute2
                                       red-3 compute2

red-1 and blue-1 have the same address, red-2 and blue-2 too. Every check names who must answer, so that the wrong VM at the
right address fails it. For a while there is red-x too, on red-a at compute2, in a security group of its own.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kaon.lab import cloud as tenants
from kaon.lab import nodes, probes, vms
from kaon.lab.cloud import Cloud, Guest
from kaon.lab.processes import LabError
from kaon.lab.topology import ECHO_PORT, INTERNET

NOBODY = "—"
STRANGER = "red-x"
"""A VM of another security group than its neighbours', and that group."""

_CHECKS_AT_ONCE = 4
_PRESENCE_LIMIT_S, _ABSENCE_LIMIT_S = 10.0, 3.0


@dataclass(frozen=True)
class Check:
    """Who answers when `source` dials `target`. expected and seen: a name, or NOBODY."""

    source: str
    target: str
    how: str
    expected: str
    seen: str

    @property
    def holds(self) -> bool:
        """Whether it came as expected."""
        return self.expected == self.seen


@dataclass(frozen=True)
class Shown:
    """What the demo built and saw.

    networks  (project, name, CIDR, note) for the picture
    leases    of each guest, in their order: expected is the address the API shows, seen the leased one
    groups    what security groups of one network let through
    checks    what passes the router
    """

    guests: tuple[Guest, ...]
    networks: tuple[tuple[str, str, str, str], ...]
    floating_ip: str
    gateway_ip: str
    leases: tuple[Check, ...]
    matrix: tuple[Check, ...]
    groups: tuple[Check, ...]
    checks: tuple[Check, ...]

    @property
    def every(self) -> tuple[Check, ...]:
        """All checks of all kinds."""
        return (*self.leases, *self.matrix, *self.groups, *self.checks)

    @property
    def holds(self) -> bool:
        """Whether everything came as expected."""
        return all(check.holds for check in self.every)


def _answer(pid: int, address: str, port: int = 80) -> str:
    return tenants.who_answers(pid, address, port) or NOBODY


def _seen(look: Callable[[], str], expected: str) -> str:
    """What is seen, once what is expected had time to come.

    An absence has less time to come, since it is what was before or follows a removal, and must be seen again right after it
    came: one unanswered dial may be a lost packet.
    """
    if expected != NOBODY:
        return str(tenants.comes_true(look, expected, _PRESENCE_LIMIT_S))
    seen = str(tenants.comes_true(look, NOBODY, _ABSENCE_LIMIT_S))
    return look() if seen == NOBODY else seen


def _together(*checks: Callable[[], Check]) -> list[Check]:
    """Make checks at the same time: an absence takes seconds."""
    with ThreadPoolExecutor(_CHECKS_AT_ONCE) as pool:
        return list(pool.map(lambda check: check(), checks))


def build_red(cloud: Cloud) -> tuple[Guest, ...]:
    """Project red: two networks, a router with a way out, three VMs."""
    red = cloud.clients["red"]
    first = tenants.make_network(cloud, "red", "red-a", "10.0.0.0/24")
    second = tenants.make_network(cloud, "red", "red-b", "10.0.1.0/24")
    red.run("router create red-router")
    red.run("router add subnet red-router", first.subnet_id)
    red.run("router add subnet red-router", second.subnet_id)
    red.run("router set --external-gateway", tenants.PUBLIC, "red-router")
    return (
        tenants.launch(cloud, first, "compute1", "red-1", "--fixed-ip", "ip-address=10.0.0.11"),
        tenants.launch(cloud, first, "compute2", "red-2", "--fixed-ip", "ip-address=10.0.0.12"),
        tenants.launch(cloud, second, "compute2", "red-3"),
    )


def build_blue(cloud: Cloud) -> tuple[Guest, ...]:
    """Project blue: the same addresses, no router."""
    network = tenants.make_network(cloud, "blue", "blue-a", "10.0.0.0/24")
    return (
        tenants.launch(cloud, network, "compute1", "blue-1", "--fixed-ip", "ip-address=10.0.0.11"),
        tenants.launch(cloud, network, "compute2", "blue-2", "--fixed-ip", "ip-address=10.0.0.12"),
    )


def lease_checks(cloud: Cloud, guests: Sequence[Guest]) -> tuple[Check, ...]:
    """The address that each VM leased is the one that the API shows for its port."""

    def one(guest: Guest) -> Check:
        shown = cloud.clients[guest.project].run("port show", guest.port_id)
        return Check(guest.name, guest.network.name, "leased", tenants.address_of(shown), vms.address(guest.vm) or NOBODY)

    return tuple(one(guest) for guest in guests)


def matrix(guests: Sequence[Guest]) -> tuple[Check, ...]:
    """Every VM dials every other at its address: all of one project answer, nobody of the other does."""

    def one(pair: tuple[Guest, Guest]) -> Check:
        source, target = pair
        wanted = target.name if source.project == target.project else NOBODY

        def look() -> str:
            who = _answer(source.vm.pid, target.address)
            # Somebody of one's own project at the same address is not the one dialled.
            return who if who == target.name or source.project == target.project else NOBODY

        return Check(source.name, target.name, "tcp 80", wanted, _seen(look, wanted))

    pairs = [(source, target) for source in guests for target in guests if source is not target]
    with ThreadPoolExecutor(_CHECKS_AT_ONCE) as pool:
        return tuple(pool.map(one, pairs))


def group_checks(cloud: Cloud, target: Guest) -> tuple[Check, ...]:
    """A neighbour outside the target's group: not let in, then on one port by a rule, and cut off when the rule is removed.

    The neighbour and its group are gone afterwards.
    """
    client = cloud.clients[target.project]
    client.run("security group create", STRANGER)
    stranger = tenants.launch(cloud, target.network, "compute2", STRANGER, "--security-group", STRANGER)
    pid = stranger.vm.pid

    def dial(how: str, port: int, expected: str) -> Check:
        """Who answers the stranger at the target's address as it is now."""
        return Check(STRANGER, target.name, how, expected, _seen(lambda: _answer(pid, target.address, port), expected))

    def ping(how: str) -> Check:
        """Whether the target answers the stranger's pings, which it never should."""
        seen = _seen(lambda: target.name if probes.ping(pid, target.address).received else NOBODY, NOBODY)
        return Check(STRANGER, target.name, how, NOBODY, seen)

    found = _together(lambda: dial("tcp 80, no rule lets it in", 80, NOBODY), lambda: ping("ping, no rule lets it in"))
    options = f"--ingress --protocol tcp --dst-port 80 --remote-group {STRANGER}"
    rule = client.run(f"security group rule create {options} default")
    found.append(dial("tcp 80, a rule opens it", 80, target.name))
    found += _together(lambda: dial("tcp 22, still closed", 22, NOBODY), lambda: ping("ping, still closed"))
    with probes.tcp_flow(pid, target.address, 80, interval_s=0.05) as flow:  # echoed once at least
        client.run("security group rule delete", rule["id"])
        found.append(dial("tcp 80, rule removed", 80, NOBODY))
        report = flow.report()
    # It sends when the last word was echoed, so one word too many means that silence came while it was still open.
    silent = report.sent == report.echoed + 1 and not report.error
    cut = NOBODY if silent else report.error or target.name
    found.append(Check(STRANGER, target.name, "established flow, rule removed", NOBODY, cut))
    tenants.remove(cloud, stranger)
    client.run("security group delete", STRANGER)
    return tuple(found)


def router_checks(guests: Sequence[Guest], gateway_ip: str) -> tuple[Check, ...]:
    """What leaves by the router is seen by the router's address; a project without a router gets nowhere."""
    by_name = {guest.name: guest.vm.pid for guest in guests}

    def outside_sees(pid: int) -> str:
        return tenants.asks(pid, INTERNET, ECHO_PORT).seen_as or NOBODY

    snat = _seen(lambda: outside_sees(by_name["red-2"]), gateway_ip)
    none = _seen(lambda: outside_sees(by_name["blue-1"]), NOBODY)
    return (
        Check("red-2", INTERNET, "SNAT: seen as", gateway_ip, snat),
        Check("blue-1", INTERNET, "no router", NOBODY, none),
    )


def floating_checks(cloud: Cloud, guest: Guest) -> tuple[str, tuple[Check, ...]]:
    """A floating IP: closed by the default group, opened for one port by a rule, gone when it is removed; then given again."""
    client = cloud.clients[guest.project]
    outside = nodes.node(cloud.lab, "outside").pid
    made = client.run("floating ip create --port", guest.port_id, tenants.PUBLIC)
    address = str(made["floating_ip_address"])

    def check(how: str, port: int, expected: str) -> Check:
        """What the outside sees at the floating IP as it is now."""
        return Check("outside", address, how, expected, _seen(lambda: _answer(outside, address, port), expected))

    found = [
        Check(
            guest.name,
            INTERNET,
            "floating IP: seen as",
            address,
            _seen(lambda: tenants.asks(guest.vm.pid, INTERNET, ECHO_PORT).seen_as or NOBODY, address),
        ),
        check("tcp 80, default group", 80, NOBODY),
    ]
    client.run("security group rule create --ingress --protocol tcp --dst-port 80 default")
    found += [check("tcp 80, rule opens it", 80, guest.name), check("tcp 22, still closed", 22, NOBODY)]
    client.run("floating ip delete", made["id"])
    found.append(check("tcp 80, floating IP removed", 80, NOBODY))
    # Given back, so that the demo stays up complete. A tenant may not choose the address; the next free one may be another.
    again = client.run("floating ip create --port", guest.port_id, tenants.PUBLIC)
    address = str(again["floating_ip_address"])
    found.append(check("tcp 80, floating IP given again", 80, guest.name))
    return address, tuple(found)


def gateway_address(cloud: Cloud, router: str) -> str:
    """The address a router leaves by. LabError when the API shows none."""
    shown: dict[str, Any] = cloud.admin.run("router show -c external_gateway_info", router)
    fixed = (shown["external_gateway_info"] or {}).get("external_fixed_ips") or []
    if not fixed:
        raise LabError(f"router {router} has no gateway address")
    return str(fixed[0]["ip_address"])


def show(cloud: Cloud, say: Callable[[str], None]) -> Shown:
    """Build it all and check it all; `say` is told each step. LabError when something cannot be made."""
    say("agents report in")
    tenants.wait_agents(cloud)
    say("the external network")
    tenants.make_public(cloud)
    say("projects red and blue: networks, router, ports, VMs")
    with ThreadPoolExecutor(2) as pool:
        red, blue = pool.submit(build_red, cloud), pool.submit(build_blue, cloud)
        guests = (*red.result(), *blue.result())
    leases = lease_checks(cloud, guests)
    say("who reaches whom")
    seen = matrix(guests)
    say("a neighbour of another security group")
    by_group = group_checks(cloud, guests[0])
    say("the router, SNAT, floating IP, security group")
    gateway_ip = gateway_address(cloud, "red-router")
    by_router = router_checks(guests, gateway_ip)
    address, by_address = floating_checks(cloud, guests[0])
    return Shown(
        guests=guests,
        networks=(
            ("red", "red-a", "10.0.0.0/24", "router red-router"),
            ("red", "red-b", "10.0.1.0/24", "router red-router"),
            ("blue", "blue-a", "10.0.0.0/24", "no router"),
            ("admin", tenants.PUBLIC, "203.0.113.0/24", "external, flat on network1's eth1"),
        ),
        floating_ip=address,
        gateway_ip=gateway_ip,
        leases=leases,
        matrix=seen,
        groups=by_group,
        checks=(*by_router, *by_address),
    )
