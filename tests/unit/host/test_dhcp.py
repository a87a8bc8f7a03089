"""DHCP: what a network's server says to whom, and which change costs what."""

from dataclasses import replace

import msgspec
import pytest

from kaon.host.compile.subnets import DhcpSettings, compile_dhcp
from kaon.host.compile.view import View
from kaon.host.kernel.dnsmasq_fake import FakeDnsmasq
from kaon.host.plan.dhcp import ReloadServer, StartServer, StopServer, plan_dhcp
from kaon.host.state.dhcp import DhcpHost, DhcpRange, DhcpServer, DhcpState
from kaon.wire.entries import Entry
from kaon.wire.networks import Network
from kaon.wire.ports import DhcpOption, FixedIp, NetworkPort
from kaon.wire.subnets import HostRoute, ServedNetwork, Subnet

V4 = Subnet(id="four", ip_version=4, cidr="10.0.0.0/24", gateway_ip="10.0.0.1", dns_nameservers=("10.0.0.53",))
V6 = Subnet(id="six", ip_version=6, cidr="fd00::/64", gateway_ip="fd00::1", dns_nameservers=("fd00::53",))
MAC = "fa:16:3e:00:00:05"


def port(*fixed: tuple[str, str], device_owner: str = "compute:nova") -> NetworkPort:
    """Make a port with these (subnet, address)."""
    return NetworkPort(
        id="port",
        revision=3,
        mac_address=MAC,
        fixed_ips=tuple(FixedIp(subnet, address) for subnet, address in fixed),
        device_owner=device_owner,
    )


def view(*entries: Entry, leg: tuple[tuple[str, str], ...] = (("four", "10.0.0.2"), ("six", "fd00::2"))) -> View:
    """Make a host that serves one network."""
    fixed = tuple(FixedIp(subnet, address) for subnet, address in leg)
    served = ServedNetwork(network_id="net", port_id="leg")
    network = Network(id="net", network_type="vxlan", mtu=1450)
    dhcp = NetworkPort(id="leg", revision=1, mac_address="fa:16:3e:00:00:02", fixed_ips=fixed, device_owner="network:dhcp")
    return View("h", {"host:h": {served.key: served}, "network:net": {one.key: one for one in (network, dhcp, *entries)}})


def compiled(*entries: Entry, leg: tuple[tuple[str, str], ...] = (("four", "10.0.0.2"), ("six", "fd00::2"))) -> DhcpServer:
    """Compile the one server."""
    return compile_dhcp(view(*entries, leg=leg), DhcpSettings()).state.servers["net"]


def options(server: DhcpServer) -> dict[str, str]:
    """Map (tag and) name to value."""
    return {f"{option.tag} {option.name}".strip(): option.value for option in server.options}


def test_port_with_both_families_has_a_reservation_in_each() -> None:
    """One line for each IPv4 address, one for all IPv6 addresses."""
    server = compiled(V4, V6, port(("four", "10.0.0.5"), ("six", "fd00::5"), ("six", "fd00::6")))
    assert [host.line for host in server.hosts] == [
        f"{MAC},10.0.0.5,host-10-0-0-5",
        f"{MAC},[fd00::5],[fd00::6],host-10-0-0-5",
    ]
    assert [served.line for served in server.ranges] == [
        "set:subnet-four,10.0.0.0,static,255.255.255.0,86400s",
        "set:subnet-six,fd00::,static,64,86400s",
    ]


def test_options_say_router_name_servers_mtu_and_domain() -> None:
    """What the subnet says is what its clients hear."""
    assert options(compiled(V4, V6)) == {
        "option:domain-name": "openstacklocal",
        "option:mtu": "1450",
        "subnet-four option:dns-server": "10.0.0.53",
        "subnet-four option:router": "10.0.0.1",
        "subnet-six option6:dns-server": "[fd00::53]",
        "subnet-six option6:domain-search": "openstacklocal",
    }


def test_subnet_without_gateway_has_no_router() -> None:
    """An empty option keeps dnsmasq from naming itself."""
    import msgspec  # noqa: PLC0415 - only here

    server = compiled(msgspec.structs.replace(V4, gateway_ip=None, dns_nameservers=()))
    assert options(server)["subnet-four option:router"] == ""
    assert options(server)["subnet-four option:dns-server"] == ""


def test_host_routes_bring_the_default_route_with_them() -> None:
    """Clients that read classless routes read nothing else (RFC 3442)."""
    import msgspec  # noqa: PLC0415 - only here

    routes = (HostRoute(destination="10.9.0.0/16", nexthop="10.0.0.9"),)
    found = options(compiled(msgspec.structs.replace(V4, host_routes=routes)))
    assert found["subnet-four option:classless-static-route"] == "10.9.0.0/16,10.0.0.9,0.0.0.0/0,10.0.0.1"
    assert found["subnet-four 249"] == found["subnet-four option:classless-static-route"]


@pytest.mark.parametrize(
    ("ra_mode", "address_mode", "served", "addresses"),
    [
        (None, None, True, True),
        ("dhcpv6-stateful", "dhcpv6-stateful", True, True),
        ("dhcpv6-stateless", "dhcpv6-stateless", True, False),
        ("slaac", "slaac", False, False),
        ("slaac", None, False, False),
        (None, "slaac", False, False),
    ],
)
def test_modes_of_ipv6(ra_mode: str | None, address_mode: str | None, *, served: bool, addresses: bool) -> None:
    """The modes of a subnet say whether DHCPv6 answers, and whether it gives addresses."""
    subnet = Subnet(id="six", ip_version=6, cidr="fd00::/64", ipv6_ra_mode=ra_mode, ipv6_address_mode=address_mode)
    result = compile_dhcp(view(subnet, port(("six", "fd00::5")), leg=(("six", "fd00::2"),)), DhcpSettings())
    server = result.state.servers.get("net")
    assert (server is not None) == served
    if server is not None:
        assert [host.addresses for host in server.hosts] == [("fd00::5",) if addresses else ()]


def test_subnet_without_dhcp_is_not_served() -> None:
    """When no subnet wants DHCP there is no server at all."""
    subnet = Subnet(id="four", ip_version=4, cidr="10.0.0.0/24", enable_dhcp=False)
    assert compile_dhcp(view(subnet, port(("four", "10.0.0.5"))), DhcpSettings()).state.servers == {}


def test_own_ports_are_not_served() -> None:
    """Legs of routers and DHCP servers get their addresses from the host."""
    assert compiled(V4, port(("four", "10.0.0.1"), device_owner="network:router_interface")).hosts == ()


def test_missing_scope_waits() -> None:
    """A network that is to be served and is not held is named, not guessed."""
    served = ServedNetwork(network_id="net", port_id="leg")
    result = compile_dhcp(View("h", {"host:h": {served.key: served}}), DhcpSettings())
    assert [waiting.owner for waiting in result.waiting] == ["dhcp/net"]


ONE = DhcpServer(
    "net", "qdhcp-net", (DhcpRange("t", "10.0.0.0", "255.255.255.0", 60),), (DhcpHost(MAC, ("10.0.0.5",)),), owner="dhcp/net"
)
WANTED = DhcpState({"net": ONE})


def steps(desired: DhcpState, actual: DhcpState) -> list[type]:
    """Name the kinds of steps."""
    return [type(step) for step in plan_dhcp(desired, actual).steps]


def test_each_change_costs_what_it_must() -> None:
    """Reservations are reloaded; ranges, a namespace made anew and a dead process need a start."""
    assert steps(WANTED, DhcpState()) == [StartServer]
    assert steps(WANTED, WANTED) == []
    assert steps(WANTED, DhcpState({"net": replace(ONE, hosts=())})) == [ReloadServer]
    assert steps(WANTED, DhcpState({"net": replace(ONE, ranges=())})) == [StartServer]
    assert steps(WANTED, DhcpState({"net": replace(ONE, namespace="")})) == [StartServer]
    assert steps(WANTED, DhcpState({"net": replace(ONE, alive=False)})) == [StartServer]
    assert steps(DhcpState(), WANTED) == [StopServer]


def released(desired: DhcpServer, actual: DhcpServer) -> tuple[str, ...]:
    """Name what is given back in a reload, or nothing when there is none."""
    plan = plan_dhcp(DhcpState({"net": desired}), DhcpState({"net": actual}))
    return tuple(address for step in plan.steps if isinstance(step, ReloadServer) for address in step.release)


def test_lease_of_another_is_given_back() -> None:
    """A lease stands against a reservation of its address for somebody else; a holder's own lease is no reason."""
    assert released(ONE, replace(ONE, leases={"10.0.0.5": "fa:16:3e:00:00:99"})) == ("10.0.0.5",)
    assert steps(WANTED, DhcpState({"net": replace(ONE, leases={"10.0.0.5": MAC})})) == []


def test_lease_without_a_reservation_is_given_back() -> None:
    """The port has gone, and its lease does not linger."""
    assert released(replace(ONE, hosts=()), replace(ONE, leases={"10.0.0.5": MAC})) == ("10.0.0.5",)


def test_holder_of_an_ipv6_lease_is_whom_the_address_was_reserved_for() -> None:
    """A DUID names nobody: the hosts file as it was tells whose the lease is."""
    six = replace(ONE, hosts=(DhcpHost(MAC, ("fd00::5",)),))
    held = replace(six, leases={"fd00::5": "00:03:ab"})
    assert released(six, replace(held, written=six.hosts)) == ()
    other = (DhcpHost("fa:16:3e:00:00:99", ("fd00::5",)),)
    assert released(six, replace(held, hosts=other, written=other)) == ("fd00::5",)


def test_start_forgets_what_is_given_back() -> None:
    """A process that has gone is started without the stale leases, and with the others."""
    gone = replace(ONE, alive=False, hosts=(), leases={"10.0.0.5": MAC, "10.0.0.6": MAC})
    (step,) = plan_dhcp(WANTED, DhcpState({"net": gone})).steps
    assert isinstance(step, StartServer)
    assert step.release == ("10.0.0.6",)


def test_fake_needs_the_namespace() -> None:
    """As the real door does, the fake refuses to start where there is no namespace."""
    door = FakeDnsmasq(lambda _: False)
    assert [trouble.owner for trouble in door.apply(plan_dhcp(WANTED, door.observe()))] == ["dhcp/net"]


@pytest.mark.parametrize(
    ("dns_name", "hostname"),
    [("db", "db"), ("db.test.org.", "db"), ("", "host-10-0-0-5"), ("10m", "host-10-0-0-5"), ("infinite", "host-10-0-0-5")],
)
def test_a_port_with_a_name_is_called_so(dns_name: str, hostname: str) -> None:
    """But for words that dnsmasq takes for something else."""
    server = compiled(V4, msgspec.structs.replace(port(("four", "10.0.0.5")), dns_name=dns_name))
    assert [host.hostname for host in server.hosts] == [hostname]


def test_options_of_a_port_stand_behind_those_of_its_subnet() -> None:
    """Under a tag that only its own reservations set; a name has dnsmasq's prefix, a number of DHCPv4 has none."""
    given = (DhcpOption("router", "10.0.0.9"), DhcpOption("67", "pxelinux.0"), DhcpOption("23", "fd00::9", 6))
    server = compiled(V4, V6, msgspec.structs.replace(port(("four", "10.0.0.5"), ("six", "fd00::5")), dhcp_options=given))
    assert [host.line.split(",")[:2] for host in server.hosts] == [[MAC, "set:port-port"]] * 2
    assert [option.line for option in server.options[-3:]] == [
        "tag:port-port,67,pxelinux.0",
        "tag:port-port,option6:23,fd00::9",
        "tag:port-port,option:router,10.0.0.9",
    ]
