"""Networks of several segments: what hosts are told, who serves which segment, and what may be placed where."""

from cloud import ADMIN, Cloud

from kaon.model.query import Query, Row
from kaon.server.control import ports, segments
from kaon.wire import scopes
from kaon.wire.messages import Role
from kaon.wire.networks import Network, Segment


def _flat(*names: str) -> list[dict[str, str]]:
    return [{"provider:network_type": "flat", "provider:physical_network": name} for name in names]


def _racks(cloud: Cloud, *names: str) -> tuple[Row, list[Row]]:
    network = cloud.network(ADMIN, segments=_flat(*names))
    there = segments.index(cloud.core, ADMIN, Query(filters={"network_id": (network["id"],)})).rows
    by_name = {one["physical_network"]: one["id"] for one in there}
    made = [cloud.subnet(network, f"10.0.{at}.0/24", ADMIN, segment_id=by_name[name]) for at, name in enumerate(names, start=1)]
    return network, made


def _servers(cloud: Cloud, network: Row) -> dict[str, list[str]]:
    query = Query(filters={"network_id": (network["id"],), "device_owner": ("network:dhcp",)})
    found = ports.index(cloud.core, ADMIN, query).rows
    return {one["binding:host_id"]: [at["subnet_id"] for at in one["fixed_ips"]] for one in found}


def test_hosts_are_told_all_segments(cloud: Cloud) -> None:
    """In their order; a network with a single one is told as ever."""
    network = cloud.network(ADMIN, segments=_flat("p1", "p2"))
    told = cloud.read(scopes.network(network["id"]))["network"]
    assert isinstance(told, Network)
    assert told.segments == tuple(Segment(network_type="flat", physical_network=name) for name in ("p1", "p2"))
    (_, second) = segments.index(
        cloud.core, ADMIN, Query(filters={"network_id": (network["id"],)}, sort=(("physical_network", True),))
    ).rows
    segments.delete(cloud.core, ADMIN, second["id"])
    told = cloud.read(scopes.network(network["id"]))["network"]
    assert isinstance(told, Network)
    assert (told.network_type, told.physical_network, told.segments) == ("flat", "p1", ())


def test_each_segment_has_its_dhcp_server(cloud: Cloud) -> None:
    """As many as are asked for on each; a segment that no host is on waits for one."""
    cloud.hello("h1", Role.L2, Role.DHCP, wires=("p1",))
    network, (one, two) = _racks(cloud, "p1", "p2")
    assert _servers(cloud, network) == {"h1": [one["id"]]}
    cloud.hello("h3", Role.L2, Role.DHCP, wires=("p3",))
    cloud.hello("h2", Role.L2, Role.DHCP, wires=("p2",))
    assert _servers(cloud, network) == {"h1": [one["id"]], "h2": [two["id"]]}
    cloud.hello("h4", Role.L2, Role.DHCP, wires=("p2", "p1"))
    assert _servers(cloud, network) == {"h1": [one["id"]], "h2": [two["id"]]}


def test_ports_that_form_their_addresses_do_so_where_they_are(cloud: Cloud) -> None:
    """A new subnet concerns the ports on its segment only."""
    for number in (1, 2):
        cloud.hello(f"h{number}", wires=(f"p{number}",))
    network, (one, _) = _racks(cloud, "p1", "p2")
    near, far = cloud.port(network, ADMIN, host="h1"), cloud.port(network, ADMIN, host="h2")
    modes = {"ipv6_address_mode": "slaac", "segment_id": one["segment_id"], "enable_dhcp": True}
    cloud.subnet(network, "2001:db8::/64", ADMIN, **modes)
    assert [len(cloud.show_port(port)["fixed_ips"]) for port in (near, far)] == [2, 1]
