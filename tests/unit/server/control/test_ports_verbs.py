"""Ports: addresses, groups, binding, what is refused, what it costs."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from kaon.model.errors import (
    AddressPairAndPortSecurityRequired,
    AllocationOnAutoAddressSubnet,
    DuplicateAddressPairInRequest,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
    MacAddressInUse,
    NetworkNotFound,
    OverQuota,
    PolicyNotAuthorized,
    PortBound,
    PortNotFound,
    PortSecurityAndIPRequiredForSecurityGroups,
    PortSecurityPortHasSecurityGroup,
    Refused,
    SecurityGroupNotFound,
    SubnetNotFound,
)
from kaon.model.query import Query
from kaon.server.control import networks, ports, security_groups, subnets
from kaon.server.control.core import Caller, Core
from kaon.server.store import tables as t

Row = dict[str, Any]
Make = Callable[..., Row]


@pytest.fixture
def network(core: Core, member: Caller) -> Row:
    """A network of project blue."""
    return networks.create(core, member, [{"project_id": "blue"}])[0]


@pytest.fixture
def subnet(core: Core, member: Caller, network: Row) -> Row:
    """Its subnet 10.0.0.0/24."""
    return _subnet(core, member, network, "10.0.0.0/24")


@pytest.fixture
def make(core: Core, member: Caller, network: Row, subnet: Row) -> Make:
    """Make a port of that network."""
    del subnet  # only has to be there
    return lambda **body: ports.create(core, member, [{"project_id": "blue", "network_id": network["id"], **body}])[0]


def _subnet(core: Core, caller: Caller, network: Row, cidr: str, **body: Any) -> Row:
    version = 6 if ":" in cidr else 4
    given = {"project_id": "blue", "network_id": network["id"], "cidr": cidr, "ip_version": version, **body}
    return subnets.create(core, caller, [given])[0]


def _host(core: Core, name: str, *physical_networks: str) -> None:
    values = {"name": name, "instance": "i", "tunnel_ip": "192.0.2.1", "heard_at": datetime(2026, 1, 1)}  # noqa: DTZ001 - as stored
    names = str(list(physical_networks)).replace("'", '"')
    core.store.write(lambda tx: tx.execute(sa.insert(t.hosts).values(values | {"physical_networks": names})))


def _addresses(port: Row) -> list[str]:
    return [fixed_ip["ip_address"] for fixed_ip in port["fixed_ips"]]


def _free(core: Core) -> list[tuple[str, str]]:
    c = t.free_addresses.c
    rows = core.store.read(lambda tx: tx.execute(sa.select(c.first, c.last).order_by(c.first)).all())
    return [(row.first[-2:], row.last[-2:]) for row in rows]


def _journal(core: Core) -> list[tuple[str, str]]:
    j = t.journal.c
    return [
        tuple(row) for row in core.store.read(lambda tx: tx.execute(sa.select(j.scope, j.entry_key).order_by(j.sequence)).all())
    ]


# ---- what a port is


def test_a_port_is_shown_as_it_was_answered(core: Core, member: Caller, make: Make) -> None:
    """Defaults: the first free address, the default group, unbound, DOWN."""
    made = make()
    assert made == ports.show(core, member, made["id"])
    assert (_addresses(made), made["status"], made["binding:vif_type"]) == (["10.0.0.2"], "DOWN", "unbound")
    assert made["mac_address"].startswith("fa:16:3e:")
    assert [group["name"] for group in security_groups.index(core, member, Query()).rows] == ["default"]
    assert len(made["security_groups"]) == 1


def test_a_default_port_costs_at_most_ten_statements(core: Core, make: Make) -> None:
    """Whatever is stored: the tenth port costs what the second did."""
    make()
    costs = []
    for _ in range(9):
        with core.store.counting() as statements:
            make()
        costs.append(len(statements))
    assert max(costs) <= 10, list(statements)
    assert len(set(costs)) == 1


@pytest.mark.parametrize("verbs", [networks, subnets, ports])
def test_a_list_costs_at_most_six_statements(core: Core, admin: Caller, network: Row, verbs: Any) -> None:
    """Short or long, with a marker or without."""
    for number in range(30):
        _subnet(core, admin, network, f"10.1.{number}.0/24")
    ports.create(core, admin, [{"project_id": "", "network_id": network["id"]}] * 520)
    marker = verbs.index(core, admin, Query(limit=1)).rows[0]["id"]
    queries = [Query(), Query(limit=5), Query(marker=marker, limit=1000, sort=(("name", False),)), Query(limit=510)]
    for query in queries:
        with core.store.counting() as statements:
            page = verbs.index(core, admin, query)
        assert len(statements) <= 6, list(statements)
    if verbs is ports:
        assert len(page.rows) == 510
        assert all(len(row["fixed_ips"]) == 1 for row in page.rows)


def test_nobody_gets_what_another_has(core: Core, member: Caller, network: Row, subnet: Row) -> None:
    """Fifty ports made at once by eight callers: fifty addresses, no error."""
    del subnet
    made: list[Row] = []
    failed: list[Exception] = []
    turns = iter(range(50))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(turns, None) is None:
                    return
            try:
                made.extend(ports.create(core, member, [{"project_id": "blue", "network_id": network["id"]}]))
            except Exception as error:  # noqa: BLE001 - the test says which
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len({address for port in made for address in _addresses(port)}) == 50
    assert len({port["mac_address"] for port in made}) == 50


# ---- addresses


def test_asked_for_and_given_back(core: Core, member: Caller, make: Make) -> None:
    """One address splits the range, the neighbours of a free one join."""
    asked = make(fixed_ips=[{"ip_address": "10.0.0.5"}])
    assert (_addresses(asked), _free(core)) == (["10.0.0.5"], [("02", "04"), ("06", "fe")])
    with pytest.raises(IpAddressAlreadyAllocated):
        make(fixed_ips=[{"ip_address": "10.0.0.5"}])
    assert _addresses(make()) == ["10.0.0.2"]
    ports.delete(core, member, asked["id"])
    assert _free(core) == [("03", "fe")]


def test_outside_the_pools(core: Core, member: Caller, make: Make) -> None:
    """An address outside the pools may be asked for once, and does not come back into them."""
    gateway = make(fixed_ips=[{"ip_address": "10.0.0.1"}])
    with pytest.raises(IpAddressAlreadyAllocated):
        make(fixed_ips=[{"ip_address": "10.0.0.1"}])
    ports.delete(core, member, gateway["id"])
    assert _free(core) == [("02", "fe")]


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        ({"ip_address": "10.0.1.5"}, InvalidIpForNetwork),
        ({"ip_address": "10.0.0.0"}, InvalidIpForNetwork),
        ({"ip_address": "10.0.0.255"}, InvalidIpForNetwork),
        ({"ip_address": "2001:db8::5"}, InvalidIpForNetwork),
        ({"subnet_id": "of nobody"}, SubnetNotFound),
    ],
)
def test_addresses_that_cannot_be(core: Core, member: Caller, make: Make, wish: dict[str, str], refusal: type[Refused]) -> None:
    """Refused, and nothing is left of the port."""
    with pytest.raises(refusal):
        make(fixed_ips=[wish])
    assert (ports.index(core, member, Query()).rows, _free(core)) == ([], [("02", "fe")])


def test_address_outside_the_named_subnet(make: Make, subnet: Row) -> None:
    """The subnet is named in the refusal."""
    with pytest.raises(InvalidIpForSubnet, match=r"10\.0\.0\.0/24"):
        make(fixed_ips=[{"subnet_id": subnet["id"], "ip_address": "10.0.1.5"}])


def test_none_is_a_choice(make: Make) -> None:
    """An empty list means no address."""
    assert make(fixed_ips=[])["fixed_ips"] == []


def test_exhausted(core: Core, member: Caller) -> None:
    """When no address is left a port cannot be, and one that is deleted makes room."""
    network = networks.create(core, member, [{"project_id": "blue"}])[0]
    _subnet(core, member, network, "10.0.0.0/30")
    body = {"project_id": "blue", "network_id": network["id"]}
    only = ports.create(core, member, [body])[0]
    with pytest.raises(IpAddressGenerationFailure):
        ports.create(core, member, [body])
    ports.delete(core, member, only["id"])
    assert _addresses(ports.create(core, member, [body])[0]) == ["10.0.0.2"]


def test_the_next_subnet_helps_out(core: Core, member: Caller) -> None:
    """A second subnet of the same family is used when the first is full."""
    network = networks.create(core, member, [{"project_id": "blue"}])[0]
    for cidr in ("10.0.0.0/30", "10.0.1.0/30"):
        _subnet(core, member, network, cidr)
    made = ports.create(core, member, [{"project_id": "blue", "network_id": network["id"]}] * 2)
    assert {"10.0.0.2", "10.0.1.2"} == {_addresses(port)[0] for port in made}


def test_one_of_each_family(core: Core, member: Caller, network: Row, make: Make) -> None:
    """With an IPv6 subnet beside it, a port has both."""
    _subnet(core, member, network, "2001:db8::/64", ipv6_address_mode="dhcpv6-stateful")
    assert _addresses(make()) == ["10.0.0.2", "2001:db8::1"]


def test_addresses_that_hosts_form(core: Core, member: Caller, network: Row, make: Make) -> None:
    """Under SLAAC the address follows from the MAC, for ports that are there already too, and takes nothing from pools."""
    there = make(mac_address="fa:16:3e:00:00:01")
    bare = make(fixed_ips=[])
    auto = _subnet(core, member, network, "2001:db8::/64", ipv6_address_mode="slaac")
    assert _addresses(ports.show(core, member, there["id"])) == ["10.0.0.2", "2001:db8::f816:3eff:fe00:1"]
    assert ports.show(core, member, bare["id"])["fixed_ips"] == []
    made = make(mac_address="fa:16:3e:00:00:02", fixed_ips=[{"ip_address": "10.0.0.9"}])
    assert _addresses(made) == ["10.0.0.9", "2001:db8::f816:3eff:fe00:2"]
    with pytest.raises(AllocationOnAutoAddressSubnet):
        make(fixed_ips=[{"ip_address": "2001:db8::9"}])
    ports.delete(core, member, made["id"])
    assert _free(core) == [("03", "fe")]
    subnets.delete(core, member, auto["id"])
    assert _addresses(ports.show(core, member, there["id"])) == ["10.0.0.2"]


def test_update_keeps_what_is_kept(core: Core, member: Caller, make: Make, subnet: Row) -> None:
    """PUT replaces the list; addresses in both are not touched, a subnet alone is met by what the port has there."""
    made = make(fixed_ips=[{"ip_address": "10.0.0.5"}, {"ip_address": "10.0.0.6"}])
    wish = [{"ip_address": "10.0.0.6", "subnet_id": subnet["id"]}, {"ip_address": "10.0.0.7"}]
    changed = ports.update(core, member, made["id"], {"fixed_ips": wish})
    assert _addresses(changed) == ["10.0.0.6", "10.0.0.7"]
    assert changed == ports.show(core, member, made["id"])
    assert _free(core) == [("02", "05"), ("08", "fe")]
    same = ports.update(core, member, made["id"], {"fixed_ips": [{"subnet_id": subnet["id"]}]})
    assert _addresses(same) == ["10.0.0.6"]
    assert ports.update(core, member, made["id"], {"fixed_ips": []})["fixed_ips"] == []
    assert _free(core) == [("02", "fe")]


def test_a_refused_update_changes_nothing(core: Core, member: Caller, make: Make) -> None:
    """An address that another port has is a conflict, and the port keeps what it had."""
    make(fixed_ips=[{"ip_address": "10.0.0.5"}])
    made = make()
    with pytest.raises(IpAddressAlreadyAllocated):
        ports.update(core, member, made["id"], {"name": "new", "fixed_ips": [{"ip_address": "10.0.0.5"}]})
    assert made == ports.show(core, member, made["id"])


# ---- MAC addresses


def test_a_mac_is_taken_once_per_network(core: Core, member: Caller, make: Make) -> None:
    """The same MAC on another network is fine."""
    mac = "fa:16:3e:12:34:56"
    make(mac_address=mac)
    with pytest.raises(MacAddressInUse):
        make(mac_address=mac)
    other = networks.create(core, member, [{"project_id": "blue"}])[0]
    make(network_id=other["id"], mac_address=mac)


def test_a_new_mac(core: Core, admin: Caller, network: Row, make: Make) -> None:
    """It may change while the port is unbound, and the formed address with it."""
    _host(core, "h1")
    _subnet(core, admin, network, "2001:db8::/64", ipv6_address_mode="slaac")
    made = make(mac_address="fa:16:3e:00:00:01")
    changed = ports.update(core, admin, made["id"], {"mac_address": "fa:16:3e:00:00:02"})
    assert _addresses(changed) == ["10.0.0.2", "2001:db8::f816:3eff:fe00:2"]
    assert changed == ports.show(core, admin, made["id"])
    ports.update(core, admin, made["id"], {"binding:host_id": "h1"})
    with pytest.raises(PortBound):
        ports.update(core, admin, made["id"], {"mac_address": "fa:16:3e:00:00:03"})


# ---- filtering


def test_no_groups(make: Make) -> None:
    """An empty list, port security off, and the network's own ports: none."""
    assert [
        make(security_groups=[])["security_groups"],
        make(port_security_enabled=False)["security_groups"],
        make(device_owner="network:dhcp")["security_groups"],
    ] == [[], [], []]


def test_groups_that_are_not(core: Core, member: Caller, stranger: Caller, make: Make) -> None:
    """A missing group and a foreign one are the same."""
    networks.create(core, stranger, [{"project_id": "red"}])
    foreign = security_groups.index(core, stranger, Query()).rows[0]["id"]
    for group_id in ("none", foreign):
        with pytest.raises(SecurityGroupNotFound):
            make(security_groups=[group_id])
    made = make()
    with pytest.raises(SecurityGroupNotFound):
        ports.update(core, member, made["id"], {"security_groups": [foreign]})


def test_port_security_and_groups_go_together(core: Core, member: Caller, make: Make) -> None:
    """Groups need port security; it cannot be taken from under them."""
    made = make()
    with pytest.raises(PortSecurityAndIPRequiredForSecurityGroups):
        make(port_security_enabled=False, security_groups=made["security_groups"])
    with pytest.raises(PortSecurityPortHasSecurityGroup):
        ports.update(core, member, made["id"], {"port_security_enabled": False})
    off = ports.update(core, member, made["id"], {"port_security_enabled": False, "security_groups": []})
    assert (off["port_security_enabled"], off["security_groups"]) == (False, [])


def test_allowed_address_pairs(core: Core, member: Caller, make: Make) -> None:
    """A missing MAC is the port's; duplicates are refused, also those that only become such; port security is needed."""
    made = make(allowed_address_pairs=[{"ip_address": "10.0.0.100"}])
    assert made["allowed_address_pairs"] == [{"mac_address": made["mac_address"], "ip_address": "10.0.0.100"}]
    assert made == ports.show(core, member, made["id"])
    twice = [{"ip_address": "10.0.0.7"}, {"ip_address": "10.0.0.7", "mac_address": made["mac_address"]}]
    with pytest.raises(DuplicateAddressPairInRequest):
        ports.update(core, member, made["id"], {"allowed_address_pairs": twice})
    with pytest.raises(AddressPairAndPortSecurityRequired):
        make(port_security_enabled=False, allowed_address_pairs=[{"ip_address": "10.0.0.7"}])


# ---- binding


def test_binding(core: Core, admin: Caller, make: Make) -> None:
    """A known host gives a tap, an unknown one `binding_failed` without a refusal, none unbinds."""
    _host(core, "h1")
    made = make()
    bound = ports.update(core, admin, made["id"], {"binding:host_id": "h1"})
    assert (bound["binding:vif_type"], bound["binding:vif_details"]["port_filter"]) == ("tap", True)
    assert bound == ports.show(core, admin, made["id"])
    assert ports.update(core, admin, made["id"], {"binding:host_id": "h9"})["binding:vif_type"] == "binding_failed"
    gone = ports.update(core, admin, made["id"], {"binding:host_id": ""})
    assert (gone["binding:vif_type"], gone["binding:vif_details"]) == ("unbound", {})


def test_a_host_without_the_physical_network_fails(core: Core, admin: Caller) -> None:
    """Flat networks need hosts that are wired to them."""
    _host(core, "h1")
    _host(core, "h2", "outside")
    flat = {"project_id": "staff", "provider:network_type": "flat", "provider:physical_network": "outside"}
    network = networks.create(core, admin, [flat])[0]
    made = [
        ports.create(core, admin, [{"project_id": "staff", "network_id": network["id"], "binding:host_id": host}])[0]
        for host in ("h1", "h2")
    ]
    assert [port["binding:vif_type"] for port in made] == ["binding_failed", "tap"]


def test_what_hosts_are_told(core: Core, admin: Caller, network: Row, make: Make) -> None:
    """A port's network, its groups' members and its host are touched; a move touches both hosts."""
    _host(core, "h1")
    _host(core, "h2")
    made = make()
    members = f"members:{made['security_groups'][0]}"
    port, net = f"port/{made['id']}", f"network:{network['id']}"
    seen = len(_journal(core))
    assert {(net, port), (members, port)} == set(_journal(core)[-2:])
    ports.update(core, admin, made["id"], {"binding:host_id": "h1"})
    assert {(net, port), (net, "host/h1"), (members, port), ("host:h1", port)} == set(_journal(core)[seen:])
    seen = len(_journal(core))
    ports.update(core, admin, made["id"], {"binding:host_id": "h2"})
    moved = {(net, port), (net, "host/h1"), (net, "host/h2"), (members, port), ("host:h1", port), ("host:h2", port)}
    assert moved == set(_journal(core)[seen:])
    followed = core.store.read(
        lambda tx: {tuple(row) for row in tx.execute(sa.select(t.followers.c.host, t.followers.c.scope))}
    )
    group = f"group:{made['security_groups'][0]}"
    assert {("h2", "host:h2"), ("h2", net), ("h2", group), ("h2", members)} <= followed
    assert not {scope for host, scope in followed if host == "h1"} & {net, group, members}
    ports.delete(core, admin, made["id"])
    left = core.store.read(lambda tx: {tuple(row) for row in tx.execute(sa.select(t.followers.c.host, t.followers.c.scope))})
    assert not {scope for _, scope in left} & {net, group, members}


# ---- who may


def test_strangers(core: Core, stranger: Caller, network: Row, make: Make) -> None:
    """A foreign network is not there for ports; nor are foreign ports."""
    made = make()
    with pytest.raises(NetworkNotFound):
        ports.create(core, stranger, [{"project_id": "red", "network_id": network["id"]}])
    with pytest.raises(PortNotFound):
        ports.show(core, stranger, made["id"])
    assert ports.index(core, stranger, Query()).rows == []


def test_external_networks_take_no_ports_of_members(core: Core, admin: Caller, stranger: Caller) -> None:
    """They are seen, so it is 403."""
    made = networks.create(core, admin, [{"project_id": "staff", "router:external": True}])[0]
    with pytest.raises(PolicyNotAuthorized):
        ports.create(core, stranger, [{"project_id": "red", "network_id": made["id"]}])


def test_network_owners_see_ports_of_others(core: Core, member: Caller, stranger: Caller, admin: Caller) -> None:
    """On a shared network its owner sees all ports, the others their own."""
    made = networks.create(core, admin, [{"project_id": "blue", "shared": True}])[0]
    theirs, own = (
        ports.create(core, caller, [{"project_id": caller.project_id, "network_id": made["id"]}])[0]["id"]
        for caller in (stranger, member)
    )
    assert {theirs, own} == {row["id"] for row in ports.index(core, member, Query()).rows}
    assert {theirs} == {row["id"] for row in ports.index(core, stranger, Query()).rows}


def test_bulk_counts_together(core: Core, member: Caller, network: Row, subnet: Row) -> None:
    """A bulk beyond the quota makes nothing, and takes no address."""
    del subnet
    small = replace(core, settings=replace(core.settings, quotas={"port": 2}))
    with pytest.raises(OverQuota):
        ports.create(small, member, [{"project_id": "blue", "network_id": network["id"]}] * 3)
    assert (ports.index(core, member, Query()).rows, _free(core)) == ([], [("02", "fe")])


# ---- lists


def _names(rows: Sequence[Row]) -> list[str]:
    return [row["name"] for row in rows]


def test_pages_there_and_back(core: Core, member: Caller, make: Make) -> None:
    """Forward and backward pages cover the list once, whatever repeats in the sort key."""
    for number in range(7):
        make(name=f"p{number % 3}")
    sort = (("name", False),)
    whole = ports.index(core, member, Query(sort=sort)).rows
    assert sorted(_names(whole), reverse=True) == _names(whole)
    forward: list[Row] = []
    marker = None
    while True:
        page = ports.index(core, member, Query(sort=sort, limit=2, marker=marker))
        forward += page.rows
        if not page.has_more:
            break
        marker = page.rows[-1]["id"]
    assert whole == forward
    back = ports.index(core, member, Query(sort=sort, limit=3, marker=whole[5]["id"], page_reverse=True))
    assert (whole[2:5], True) == (back.rows, back.has_more)
    first = ports.index(core, member, Query(sort=sort, limit=3, marker=whole[2]["id"], page_reverse=True))
    assert (whole[:2], False) == (first.rows, first.has_more)


def test_an_unknown_marker_is_not_found(core: Core, member: Caller) -> None:
    """It is named as the resource it should have been."""
    with pytest.raises(PortNotFound):
        ports.index(core, member, Query(marker="none", limit=1))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": ("a", "b")}, {"a", "b"}),
        ({"name": ("a", "b"), "device_id": ("vm",)}, {"b"}),
        ({"device_id": ("",)}, {"a", "c"}),
        ({"fixed_ips": (("ip_address", "10.0.0.5"),)}, {"a"}),
        ({"fixed_ips": (("ip_address", "10.0.0.5"), ("ip_address", "10.0.0.16"))}, {"a", "b"}),
        ({"fixed_ips": (("ip_address_substr", "0.0.1"),)}, {"b"}),
        ({"fixed_ips": (("ip_address_substr", "%"),)}, set()),
        ({"fixed_ips": (("subnet_id", "none"), ("ip_address", "10.0.0.5"))}, set()),
        ({"fixed_ips": (("other", "x"),)}, {"a", "b", "c"}),
        ({"admin_state_up": (False,)}, {"c"}),
        ({"tenant_id": ("blue",), "status": ("DOWN",)}, {"a", "b", "c"}),
        ({"security_groups": ("none",)}, set()),
    ],
)
def test_filters(core: Core, member: Caller, make: Make, filters: Any, expected: set[str]) -> None:
    """Values of one attribute are alternatives, attributes add up."""
    make(name="a", fixed_ips=[{"ip_address": "10.0.0.5"}])
    make(name="b", fixed_ips=[{"ip_address": "10.0.0.16"}], device_id="vm")
    make(name="c", fixed_ips=[], admin_state_up=False)
    assert expected == set(_names(ports.index(core, member, Query(filters=filters)).rows))
