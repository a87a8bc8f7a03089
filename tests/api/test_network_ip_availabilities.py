"""How many addresses of networks are there and taken, over HTTP."""

from typing import Any

from api_client import Client

from kaon.lib.ids import new_id

PATH = "network-ip-availabilities"


def _shown(client: Client, network: str, **query: Any) -> Any:
    (found,) = client.get(PATH, network_id=network, **query)["network_ip_availabilities"]
    return found


def test_addresses_are_counted(admin: Client, ann: Client) -> None:
    """Per network and per subnet; what lies outside the pools is told apart."""
    network = ann.make("network", name="n")["id"]
    assert (_shown(admin, network)["total_ips"], _shown(admin, network)["used_ips"]) == (0, 0)
    four = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24", enable_dhcp=False, name="four")["id"]
    gateway = {"gateway_ip": "2001:db8::1"}
    ann.make("subnet", network_id=network, ip_version=6, cidr="2001:db8::/64", enable_dhcp=False, **gateway)
    for address in ("10.0.0.9", "10.0.0.1"):  # the gateway's is in no pool
        ann.make("port", network_id=network, fixed_ips=[{"subnet_id": four, "ip_address": address}])
    found = _shown(admin, network)
    assert found == {
        "network_id": network,
        "network_name": "n",
        "project_id": "p1",
        "tenant_id": "p1",
        "total_ips": 253 + 2**64 - 2,
        "used_ips": 2,
        "subnet_ip_availability": found["subnet_ip_availability"],
        "ip_availability_details": {
            "total_ips_in_subnet": 254 + 2**64,
            "total_ips_in_allocation_pool": 253 + 2**64 - 2,
            "used_ips_in_subnet": 2,
            "used_ips_in_allocation_pool": 1,
        },
    }
    assert admin.get(f"{PATH}/{network}")["network_ip_availability"] == found
    only = _shown(admin, network, ip_version=4)
    assert only["subnet_ip_availability"] == [
        {
            "subnet_id": four,
            "subnet_name": "four",
            "ip_version": 4,
            "cidr": "10.0.0.0/24",
            "total_ips": 253,
            "used_ips": 2,
            "ip_availability_details": {
                "total_ips_in_subnet": 254,
                "total_ips_in_allocation_pool": 253,
                "used_ips_in_subnet": 2,
                "used_ips_in_allocation_pool": 1,
            },
        }
    ]
    assert (only["total_ips"], only["used_ips"]) == (253, 2)


def test_pages_and_filters(admin: Client, ann: Client) -> None:
    """As of any list; members see nothing, what is not there is not found, and nothing can be written."""
    ids = sorted(ann.make("network", name=name)["id"] for name in ("a", "b", "c"))
    page = admin.get(PATH, limit=2, sort_key="network_id", sort_dir="asc")
    assert ids[:2] == [one["network_id"] for one in page["network_ip_availabilities"]]
    following = admin.ask("GET", page["network_ip_availabilities_links"][0]["href"]).json()
    assert ids[2:] == [one["network_id"] for one in following["network_ip_availabilities"]]
    assert ["b"] == [one["network_name"] for one in admin.get(PATH, network_name="b")["network_ip_availabilities"]]
    assert admin.get(PATH, ip_version=6)["network_ip_availabilities"] == []
    assert ann.get(PATH)["network_ip_availabilities"] == []
    assert (404, "NetworkNotFound") == ann.refused("GET", f"{PATH}/{ids[0]}")
    assert (404, "NetworkNotFound") == admin.refused("GET", f"{PATH}/{new_id()}")
    assert (405, "HTTPMethodNotAllowed") == admin.refused("DELETE", f"{PATH}/{ids[0]}")
