"""Many clients at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from api_client import Client


def test_fifty_ports_at_once_get_fifty_addresses(app: Any, ann: Client) -> None:
    """Eight clients, one network: no error, no address twice."""
    network = ann.make("network")["id"]
    ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24")
    with ThreadPoolExecutor(8) as clients:
        ports = list(clients.map(lambda _: Client(app, "ann").make("port", network_id=network), range(50)))
    assert len({port["fixed_ips"][0]["ip_address"] for port in ports}) == 50


def test_one_default_group_for_many_first_requests(app: Any, ann: Client) -> None:
    """Eight who are the first at once find the same default group."""
    with ThreadPoolExecutor(8) as clients:
        seen = list(clients.map(lambda _: Client(app, "ann").get("security-groups")["security_groups"], range(8)))
    assert len({group["id"] for groups in seen for group in groups}) == 1
    assert len(ann.get("security-groups")["security_groups"]) == 1
