"""Which names of ports and floating IPs are published, and that exactly those are withdrawn."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from cloud import ADMIN, ANN, Cloud

from kaon.server.control import dns_records, floatingips, networks, ports, routers
from kaon.server.control.settings import ServerSettings
from kaon.server.store.tables import peers as t

SETTINGS = ServerSettings(vni_ranges=((1, 100),), vlan_ranges={"city": ((10, 20),)})


class Named(Cloud):
    """A cloud whose names are published; `told` empties the outbox."""

    def __init__(self, database: str, **settings: Any) -> None:
        super().__init__(database, **({"external_dns": True, "dns_domain": "cloud.example."} | settings))

    def told(self) -> list[str]:
        """List what is to be told since the last time."""
        with self.store.engine.begin() as connection:
            bodies = list(connection.execute(sa.select(t.outbox.c.body).order_by(t.outbox.c.id)).scalars())
            connection.execute(sa.delete(t.outbox))
        return [f"{one['do']} {one['name']} {one['project_id']} {' '.join(one['addresses'])}" for one in bodies]


@pytest.fixture
def dns(database: str) -> Iterator[Named]:
    """A cloud whose names are published."""
    empty = Named(database)
    yield empty
    empty.store.close()


def row(**changes: Any) -> dict[str, Any]:
    """Make what is known of one address of a port."""
    known = {"port_id": "p", "dns_name": "www", "dns_domain": "", "project_id": "mine", "address": "10.0.0.5"}
    known |= {"dns_publish_fixed_ip": False, "network_domain": "net.example.", "network_project": "its", "external": False}
    return known | {"network_type": "flat", "segmentation_id": None, "physical_network": "city"} | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "www.net.example. its"),
        ({"dns_domain": "own.example."}, "www.own.example. mine"),
        ({"network_domain": ""}, None),
        ({"dns_name": "www.net.example."}, "www.net.example. its"),
        ({"dns_name": "www.other.example."}, None),
        ({"external": True}, None),
        ({"external": True, "dns_publish_fixed_ip": True}, "www.net.example. its"),
        ({"network_type": "local"}, None),
        ({"network_type": "vxlan", "segmentation_id": 100}, None),
        ({"network_type": "vxlan", "segmentation_id": 101}, "www.net.example. its"),
        ({"network_type": "vxlan", "segmentation_id": 7, "dns_publish_fixed_ip": True}, "www.net.example. its"),
        ({"network_type": "vlan", "segmentation_id": 10}, None),
        ({"network_type": "vlan", "segmentation_id": 21}, "www.net.example. its"),
        ({"network_type": "vlan", "segmentation_id": 10, "physical_network": "town"}, "www.net.example. its"),
    ],
)
def test_which_ports_have_names_outside(changes: dict[str, Any], expected: str | None) -> None:
    """Those with a name and a domain, on networks of administrators or in subnets that say so."""
    found = [f"{record.name} {record.project_id}" for record in dns_records.of_ports([row(**changes)], SETTINGS)]
    assert ([expected] if expected else []) == found


def test_where_a_subnet_says_so_only_its_addresses_count() -> None:
    """The others of the port are not published."""
    rows = [row(dns_publish_fixed_ip=True), row(address="10.0.1.5")]
    assert ["10.0.0.5"] == [record.address for record in dns_records.of_ports(rows, SETTINGS)]


def test_the_life_of_a_name(dns: Named) -> None:
    """Published with the port, renamed, its network's domain changed, its address changed, withdrawn with the port."""
    network = dns.network(dns_domain="net.example.")
    dns.subnet(network, "10.0.0.0/24", dns_publish_fixed_ip=True)
    dns.port(network)
    assert [] == dns.told()
    port = dns.port(network, dns_name="www", fixed_ips=[{"ip_address": "10.0.0.5"}])
    assert ["publish www.net.example. p1 10.0.0.5"] == dns.told()
    ports.update(dns.core, ANN, port["id"], {"name": "x"})
    assert [] == dns.told()
    ports.update(dns.core, ANN, port["id"], {"dns_name": "ftp"})
    assert ["withdraw www.net.example. p1 10.0.0.5", "publish ftp.net.example. p1 10.0.0.5"] == dns.told()
    networks.update(dns.core, ANN, network["id"], {"dns_domain": "new.example."})
    assert [] == dns.told()  # as in Neutron: it counts for what changes later
    ports.update(dns.core, ANN, port["id"], {"fixed_ips": [{"ip_address": "10.0.0.6"}]})
    assert ["withdraw ftp.net.example. p1 10.0.0.5", "publish ftp.new.example. p1 10.0.0.6"] == dns.told()
    ports.delete(dns.core, ANN, port["id"])
    assert ["withdraw ftp.new.example. p1 10.0.0.6"] == dns.told()


def test_floating_ips_have_names_of_their_own_or_of_their_ports(dns: Named) -> None:
    """A name of its own stays whatever it leads to; a port's comes and goes with the port, and changes with it."""
    outside, network = dns.outside(), dns.network(dns_domain="net.example.")
    subnet = dns.subnet(network, "10.0.0.0/24")
    router = dns.router(outside=outside)
    routers.add_interface(dns.core, ANN, router["id"], {"subnet_id": subnet["id"]})
    port = dns.port(network, dns_name="www")
    assert [] == dns.told()
    own = dns.floatingip(outside, dns_name="own", dns_domain="example.org.")
    assert [f"publish own.example.org. p1 {own['floating_ip_address']}"] == dns.told()
    floatingips.update(dns.core, ANN, own["id"], {"description": "x"})
    assert [] == dns.told()
    floatingips.delete(dns.core, ANN, own["id"])
    assert [f"withdraw own.example.org. p1 {own['floating_ip_address']}"] == dns.told()
    lent = dns.floatingip(outside, port_id=port["id"])
    address = lent["floating_ip_address"]
    assert [f"publish www.net.example. p1 {address}"] == dns.told()
    ports.update(dns.core, ANN, port["id"], {"dns_name": "ftp"})
    assert [f"withdraw www.net.example. p1 {address}", f"publish ftp.net.example. p1 {address}"] == dns.told()
    ports.delete(dns.core, ANN, port["id"])
    assert [f"withdraw ftp.net.example. p1 {address}"] == dns.told()
    floatingips.delete(dns.core, ADMIN, lent["id"])
    assert [] == dns.told()


def test_it_costs_nothing_where_nobody_publishes(database: str) -> None:
    """Without an external service no statement more."""
    cloud = Named(database, external_dns=False)
    network = cloud.network(dns_domain="net.example.")
    cloud.subnet(network, "10.0.0.0/24", dns_publish_fixed_ip=True)
    with cloud.store.counting() as statements:
        cloud.port(network, dns_name="www")
    assert [] == [statement for statement in statements if "dns_records" in statement or "outbox" in statement]
    assert [] == cloud.told()
    cloud.store.close()
