"""Subnets: defaults, refusals, pools."""

from collections.abc import Callable
from typing import Any

import pytest

from kaon.model.errors import (
    BadRequest,
    DNSNameServersExhausted,
    GatewayConflictWithAllocationPools,
    HostRoutesExhausted,
    InvalidAllocationPool,
    InvalidInput,
    IpAddressGenerationFailure,
    NetworkNotFound,
    OutOfBoundsAllocationPool,
    OverlappingAllocationPools,
    PolicyNotAuthorized,
    Refused,
    SubnetInUse,
    SubnetNotFound,
)
from kaon.model.query import Query
from kaon.server.control import networks, ports, subnets
from kaon.server.control.core import Caller, Core

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def network(core: Core, member: Caller) -> dict[str, Any]:
    """A network of project blue."""
    return networks.create(core, member, [{"project_id": "blue"}])[0]


@pytest.fixture
def make(core: Core, member: Caller, network: dict[str, Any]) -> Make:
    """Make a subnet of that network."""

    def make_one(cidr: str, **body: Any) -> dict[str, Any]:
        version = 6 if ":" in cidr else 4
        given = {"project_id": "blue", "network_id": network["id"], "cidr": cidr, "ip_version": version, **body}
        return subnets.create(core, member, [given])[0]

    return make_one


def _addresses(core: Core, caller: Caller, network: dict[str, Any], count: int) -> list[str]:
    made = ports.create(core, caller, [{"project_id": "blue", "network_id": network["id"]}] * count)
    return [port["fixed_ips"][0]["ip_address"] for port in made]


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        ("10.0.0.0/24", ("10.0.0.1", "10.0.0.2", "10.0.0.254")),
        ("10.0.0.0/30", ("10.0.0.1", "10.0.0.2", "10.0.0.2")),
        ("2001:db8::/64", ("2001:db8::", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff")),
    ],
)
def test_defaults(core: Core, member: Caller, make: Make, cidr: str, expected: tuple[str, str, str]) -> None:
    """The gateway is the first address, the pool all the others."""
    made = make(cidr)
    (pool,) = made["allocation_pools"]
    assert expected == (made["gateway_ip"], pool["start"], pool["end"])
    assert made == subnets.show(core, member, made["id"])


def test_the_pool_goes_around_the_gateway(make: Make) -> None:
    """A gateway amid the subnet leaves two pools; none leaves all."""
    amid = make("10.0.0.0/29", gateway_ip="10.0.0.3")
    assert amid["allocation_pools"] == [{"start": "10.0.0.1", "end": "10.0.0.2"}, {"start": "10.0.0.4", "end": "10.0.0.6"}]
    without = make("10.0.1.0/29", gateway_ip=None)
    assert without["allocation_pools"] == [{"start": "10.0.1.1", "end": "10.0.1.6"}]


MANY_ROUTES = [{"destination": f"192.0.{number}.0/24", "nexthop": "10.0.0.9"} for number in range(21)]
POOL = {"start": "10.0.0.10", "end": "10.0.0.20"}


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (("10.0.0.0/24", {"ip_version": 6}), BadRequest),
        (("0.0.0.0/0", {}), InvalidInput),
        (("224.0.0.0/24", {}), InvalidInput),
        (("127.0.0.0/24", {}), InvalidInput),
        (("10.0.0.0/31", {}), InvalidInput),
        (("10.0.0.0/24", {"gateway_ip": "10.0.1.1"}), InvalidInput),
        (("10.0.0.0/24", {"gateway_ip": "10.0.0.0"}), InvalidInput),
        (("10.0.0.0/24", {"gateway_ip": "10.0.0.255"}), InvalidInput),
        (("10.0.0.0/24", {"gateway_ip": "2001:db8::1"}), InvalidInput),
        (("10.0.0.0/24", {"gateway_ip": "10.0.0.15", "allocation_pools": [POOL]}), GatewayConflictWithAllocationPools),
        (("10.0.0.0/24", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.2"}]}), InvalidAllocationPool),
        (("10.0.0.0/24", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.1.2"}]}), OutOfBoundsAllocationPool),
        (("10.0.0.0/24", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.255"}]}), OutOfBoundsAllocationPool),
        (("10.0.0.0/24", {"allocation_pools": [POOL, {"start": "10.0.0.20", "end": "10.0.0.30"}]}), OverlappingAllocationPools),
        (("10.0.0.0/24", {"dns_nameservers": [f"192.0.2.{number}" for number in range(6)]}), DNSNameServersExhausted),
        (
            (
                "10.0.0.0/24",
                {"host_routes": [{"destination": f"192.0.{number}.0/24", "nexthop": "10.0.0.9"} for number in range(21)]},
            ),
            HostRoutesExhausted,
        ),
        (("10.0.0.0/24", {"host_routes": [{"destination": "2001:db8::/64", "nexthop": "10.0.0.9"}]}), InvalidInput),
        (("10.0.0.0/24", {"ipv6_ra_mode": "slaac"}), InvalidInput),
        (("2001:db8::/64", {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "dhcpv6-stateful"}), InvalidInput),
        (("2001:db8::/64", {"ipv6_ra_mode": "slaac", "enable_dhcp": False}), InvalidInput),
        (("2001:db8::/80", {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}), InvalidInput),
    ],
)
def test_what_cannot_be_is_refused(
    core: Core, member: Caller, make: Make, asked: tuple[str, dict[str, Any]], refusal: type[Refused]
) -> None:
    """Nothing of a refused subnet remains."""
    cidr, body = asked
    with pytest.raises(refusal):
        make(cidr, **body)
    assert subnets.index(core, member, Query()).rows == []


def test_subnets_of_a_network_do_not_overlap(core: Core, member: Caller, make: Make) -> None:
    """On one network they must differ; two networks may have the same addresses."""
    make("10.0.0.0/24")
    with pytest.raises(InvalidInput, match="overlaps"):
        make("10.0.0.128/25")
    other = networks.create(core, member, [{"project_id": "blue"}])[0]
    make("10.0.0.0/24", network_id=other["id"])


def test_only_owners_make_subnets(core: Core, member: Caller, stranger: Caller, network: dict[str, Any]) -> None:
    """A foreign network is 403, one that is not there 404, a foreign subnet is not found."""
    body = {"project_id": "red", "network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4}
    with pytest.raises(PolicyNotAuthorized):
        subnets.create(core, stranger, [body])
    with pytest.raises(NetworkNotFound):
        subnets.create(core, stranger, [body | {"network_id": "none"}])
    made = subnets.create(core, member, [body | {"project_id": "blue"}])[0]
    with pytest.raises(SubnetNotFound):
        subnets.show(core, stranger, made["id"])


def test_moving_the_gateway(core: Core, member: Caller, make: Make) -> None:
    """Into a pool it cannot go; outside of them it can; it can be taken away."""
    made = make("10.0.0.0/24", allocation_pools=[POOL])
    with pytest.raises(GatewayConflictWithAllocationPools):
        subnets.update(core, member, made["id"], {"gateway_ip": "10.0.0.12"})
    assert subnets.update(core, member, made["id"], {"gateway_ip": "10.0.0.9"})["gateway_ip"] == "10.0.0.9"
    assert subnets.update(core, member, made["id"], {"gateway_ip": None})["gateway_ip"] is None


def test_changing_pools_keeps_what_ports_have(core: Core, member: Caller, network: dict[str, Any], make: Make) -> None:
    """Addresses of ports are not handed out again from a new pool, nor given back into one that lacks them."""
    made = make("10.0.0.0/24")
    assert _addresses(core, member, network, 2) == ["10.0.0.2", "10.0.0.3"]
    pool = [{"start": "10.0.0.3", "end": "10.0.0.5"}]
    changed = subnets.update(core, member, made["id"], {"allocation_pools": pool})
    assert changed["allocation_pools"] == pool
    assert changed == subnets.show(core, member, made["id"])
    for port in ports.index(core, member, Query()).rows:
        if port["fixed_ips"][0]["ip_address"] == "10.0.0.2":
            ports.delete(core, member, port["id"])
    assert _addresses(core, member, network, 2) == ["10.0.0.4", "10.0.0.5"]
    with pytest.raises(IpAddressGenerationFailure):
        _addresses(core, member, network, 1)


def test_lists_are_replaced_and_the_network_moves(core: Core, member: Caller, network: dict[str, Any], make: Make) -> None:
    """DNS servers keep their order; the network's revision rises with each change of its subnets."""
    made = make("10.0.0.0/24", dns_nameservers=["192.0.2.9", "192.0.2.1"])
    before = networks.show(core, member, network["id"])["revision_number"]
    route = {"destination": "198.51.100.0/24", "nexthop": "10.0.0.9"}
    subnets.update(core, member, made["id"], {"dns_nameservers": ["192.0.2.2"], "host_routes": [route]})
    shown = subnets.show(core, member, made["id"])
    assert (["192.0.2.2"], [route]) == (shown["dns_nameservers"], shown["host_routes"])
    assert networks.show(core, member, network["id"])["revision_number"] == before + 1


def test_a_subnet_with_addresses_of_ports_stays(core: Core, member: Caller, network: dict[str, Any], make: Make) -> None:
    """Once its ports are gone it goes."""
    made = make("10.0.0.0/24")
    _addresses(core, member, network, 1)
    with pytest.raises(SubnetInUse):
        subnets.delete(core, member, made["id"])
    ports.delete(core, member, ports.index(core, member, Query()).rows[0]["id"])
    subnets.delete(core, member, made["id"])
    assert networks.show(core, member, network["id"])["subnets"] == []
