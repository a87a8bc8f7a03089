"""Subnet pools over HTTP, and subnets that come from them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_client import Client

Refusals = tuple[tuple[dict[str, Any], tuple[int, str]], ...]


@pytest.fixture
def network(ann: Client) -> str:
    """The id of a network of p1."""
    return str(ann.make("network")["id"])


def _pool(client: Client, *prefixes: str, **more: Any) -> Any:
    return client.make("subnetpool", **{"name": "pool", "prefixes": prefixes or ("10.0.0.0/16",), **more})


def _subnet(client: Client, network: str, pool: Any, **more: Any) -> Any:
    given = {"network_id": network, "ip_version": pool["ip_version"], "subnetpool_id": pool["id"], **more}
    return client.make("subnet", **given)


def _refused(client: Client, network: str, pool: Any, **more: Any) -> tuple[int, str]:
    given = {"network_id": network, "ip_version": pool["ip_version"], "subnetpool_id": pool["id"], **more}
    return client.refused("POST", "subnets", json={"subnet": given})


def _network(client: Client) -> str:
    return str(client.make("network")["id"])


# ---- pools


def test_a_pool_as_it_is_made(ann: Client) -> None:
    """Prefixes are joined and in order; what nobody said has Neutron's defaults."""
    pool = _pool(ann, "10.0.1.0/24", "10.9.0.0/16", "10.0.0.0/24")
    assert pool.keys() == {
        *("id", "name", "project_id", "tenant_id", "prefixes", "default_quota", "ip_version", "is_default", "shared"),
        *("default_prefixlen", "min_prefixlen", "max_prefixlen", "description", "created_at", "updated_at", "revision_number"),
        *("address_scope_id", "tags"),
    }
    assert pool["prefixes"] == ["10.0.0.0/23", "10.9.0.0/16"]
    assert (pool["min_prefixlen"], pool["default_prefixlen"], pool["max_prefixlen"], pool["ip_version"]) == ("8", "8", "32", 4)
    assert (pool["default_quota"], pool["is_default"], pool["shared"], pool["project_id"]) == (None, False, False, "p1")
    assert ann.get(f"subnetpools/{pool['id']}")["subnetpool"] == pool
    assert ann.get("subnetpools", name="pool")["subnetpools"] == [pool]


def test_an_ipv6_pool(ann: Client) -> None:
    """/64 at least, and text is as good as a number."""
    pool = _pool(ann, "2001:DB8::/32", default_prefixlen="64", max_prefixlen=80)
    assert (pool["min_prefixlen"], pool["default_prefixlen"], pool["max_prefixlen"], pool["ip_version"]) == (
        "64",
        "64",
        "80",
        6,
    )
    assert pool["prefixes"] == ["2001:db8::/32"]


WRONG_POOLS: Refusals = (
    ({"name": " "}, (400, "HTTPBadRequest")),
    ({"prefixes": None}, (400, "HTTPBadRequest")),
    ({"prefixes": "10.0.0.0/8"}, (400, "HTTPBadRequest")),
    ({"prefixes": ["10.0.0.0"]}, (400, "HTTPBadRequest")),
    ({"prefixes": ["10.0.0.0/8", "10.0.0.0/8"]}, (400, "HTTPBadRequest")),
    ({"prefixes": [{"10.0.0.0/8": 1}]}, (400, "HTTPBadRequest")),
    ({"prefixes": []}, (400, "EmptySubnetPoolPrefixList")),
    ({"prefixes": ["10.0.0.0/8", "2001:db8::/32"]}, (400, "PrefixVersionMismatch")),
    ({"min_prefixlen": 33}, (400, "IllegalSubnetPoolPrefixBounds")),
    ({"max_prefixlen": 33}, (400, "IllegalSubnetPoolPrefixBounds")),
    ({"max_prefixlen": 10**30}, (400, "InvalidInput")),
    ({"min_prefixlen": 24, "max_prefixlen": 20}, (400, "IllegalSubnetPoolPrefixBounds")),
    ({"min_prefixlen": 24, "default_prefixlen": 20}, (400, "IllegalSubnetPoolPrefixBounds")),
    ({"max_prefixlen": 24, "default_prefixlen": 26}, (400, "IllegalSubnetPoolPrefixBounds")),
    ({"min_prefixlen": -1}, (400, "HTTPBadRequest")),
    ({"default_quota": -1}, (400, "HTTPBadRequest")),
    ({"default_quota": 10**30}, (400, "InvalidInput")),
    ({"default_quota": "many"}, (400, "InvalidInput")),
    ({"ip_version": 4}, (400, "HTTPBadRequest")),
    ({"address_scope_id": "nowhere"}, (400, "HTTPBadRequest")),
    ({"shared": True}, (403, "PolicyNotAuthorized")),
    ({"is_default": True}, (403, "PolicyNotAuthorized")),
)


def test_a_wrong_pool_is_refused(ann: Client) -> None:
    """With Neutron's type and code; nothing is left behind."""
    for attributes, refusal in WRONG_POOLS:
        body = {"name": "pool", "prefixes": ["10.0.0.0/8"], **attributes}
        assert refusal == ann.refused("POST", "subnetpools", json={"subnetpool": body}), attributes
    assert ann.get("subnetpools")["subnetpools"] == []


def test_prefixes_only_grow(ann: Client, network: str) -> None:
    """A PUT must hold all that was there; what it adds can be handed out, and joins what is free."""
    pool = _pool(ann, "10.0.0.0/25", min_prefixlen=24, default_prefixlen=24)
    assert _refused(ann, network, pool) == (409, "SubnetAllocationError")
    path = f"subnetpools/{pool['id']}"
    refused = ann.refused("PUT", path, json={"subnetpool": {"prefixes": ["10.0.0.0/26"]}})
    assert refused == (400, "IllegalSubnetPoolPrefixUpdate")
    wrong = ann.refused("PUT", path, json={"subnetpool": {"prefixes": ["10.0.0.0/25", "2001:db8::/64"]}})
    assert wrong == (400, "PrefixVersionMismatch")
    assert ann.refused("PUT", path, json={"subnetpool": {"prefixes": []}}) == (400, "EmptySubnetPoolPrefixList")
    grown = ann.change("subnetpool", pool["id"], prefixes=["10.0.0.128/25", "10.0.0.0/25"])
    assert (grown["prefixes"], grown["revision_number"]) == (["10.0.0.0/24"], pool["revision_number"] + 1)
    assert _subnet(ann, network, pool)["cidr"] == "10.0.0.0/24"


def test_a_pool_can_be_changed(ann: Client) -> None:
    """Names and bounds; bounds still have to fit, and what changes nothing leaves the revision."""
    pool = _pool(ann, min_prefixlen=20)
    changed = ann.change("subnetpool", pool["id"], name="other", default_prefixlen=26, default_quota=512)
    assert (changed["name"], changed["default_prefixlen"], changed["default_quota"]) == ("other", "26", 512)
    assert ann.get(f"subnetpools/{pool['id']}")["subnetpool"] == changed
    refused = ann.refused("PUT", f"subnetpools/{pool['id']}", json={"subnetpool": {"min_prefixlen": 28}})
    assert refused == (400, "IllegalSubnetPoolPrefixBounds")
    assert ann.refused("PUT", f"subnetpools/{pool['id']}", json={"subnetpool": {"shared": True}})[0] == 400
    assert ann.change("subnetpool", pool["id"], name="other", prefixes=pool["prefixes"]) == changed


def test_one_default_for_each_ip_version(admin: Client) -> None:
    """A second one is refused, when made and when changed; who ceases to be it leaves the place."""
    first = _pool(admin, is_default=True)
    assert _pool(admin, "2001:db8::/32", is_default=True)["is_default"]
    body = {"name": "pool", "prefixes": ["10.9.0.0/16"], "is_default": True}
    assert admin.refused("POST", "subnetpools", json={"subnetpool": body}) == (400, "InvalidInput")
    second = _pool(admin, "10.9.0.0/16")
    refused = admin.refused("PUT", f"subnetpools/{second['id']}", json={"subnetpool": {"is_default": True}})
    assert refused == (400, "InvalidInput")
    admin.change("subnetpool", first["id"], is_default=False)
    assert admin.change("subnetpool", second["id"], is_default=True)["is_default"]
    assert [one["id"] for one in admin.get("subnetpools", is_default=True, ip_version=4)["subnetpools"]] == [second["id"]]


def test_who_sees_and_changes_pools(admin: Client, ann: Client, bob: Client, eve: Client) -> None:
    """One's own; shared ones are seen by all and changed by their owner."""
    pool, shared = _pool(ann), _pool(admin, shared=True)
    path = f"subnetpools/{pool['id']}"
    assert bob.refused("GET", path) == (404, "SubnetPoolNotFound")
    assert bob.refused("PUT", path, json={"subnetpool": {"name": "mine"}}) == (404, "SubnetPoolNotFound")
    assert [one["id"] for one in bob.get("subnetpools")["subnetpools"]] == [shared["id"]]
    for action in ("add_prefixes", "remove_prefixes"):
        refused = bob.refused("PUT", f"subnetpools/{shared['id']}/{action}", json={"prefixes": ["10.1.0.0/16"]})
        assert refused == (403, "PolicyNotAuthorized")
    assert bob.refused("DELETE", f"subnetpools/{shared['id']}") == (403, "PolicyNotAuthorized")
    assert eve.get(path)["subnetpool"]["id"] == pool["id"]
    assert eve.refused("PUT", path, json={"subnetpool": {"name": "x"}}) == (403, "PolicyNotAuthorized")
    assert eve.refused("POST", "subnetpools", json={"subnetpool": {"name": "x", "prefixes": ["10.0.0.0/8"]}})[0] == 403
    assert bob.ask("GET", "/v2.0/subnetpools/extra/one").status_code == 404


def test_tags_of_pools(ann: Client) -> None:
    """They are shown, found by, and move the revision."""
    pool = _pool(ann)
    _pool(ann, "10.9.0.0/16")
    assert ann.ask("PUT", f"/v2.0/subnetpools/{pool['id']}/tags", json={"tags": ["red", "blue"]}).status_code == 200
    (found,) = ann.get("subnetpools", tags="red")["subnetpools"]
    assert (found["id"], found["tags"], found["revision_number"]) == (pool["id"], ["blue", "red"], 2)


def test_the_quota_of_pools(admin: Client, ann: Client) -> None:
    """`subnetpool` counts them."""
    admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"subnetpool": 1}})
    pool = _pool(ann)
    body = {"subnetpool": {"name": "pool", "prefixes": ["10.0.0.0/8"]}}
    assert ann.refused("POST", "subnetpools", json=body) == (409, "OverQuota")
    ann.remove("subnetpool", pool["id"])
    assert _pool(ann)["id"] != pool["id"]


def test_a_pool_in_use_stays(ann: Client, network: str) -> None:
    """400, as Neutron says, while a subnet is from it."""
    pool = _pool(ann, default_prefixlen=24)
    subnet = _subnet(ann, network, pool)
    assert ann.refused("DELETE", f"subnetpools/{pool['id']}") == (400, "SubnetPoolDeleteError")
    ann.remove("subnet", subnet["id"])
    ann.remove("subnetpool", pool["id"])
    assert ann.refused("GET", f"subnetpools/{pool['id']}") == (404, "SubnetPoolNotFound")


def test_prefixes_one_by_one(ann: Client, network: str) -> None:
    """Added ones can be handed out, removed ones cannot; what a subnet has stays."""
    pool = _pool(ann, "10.0.0.0/24", default_prefixlen=25)
    path = f"/v2.0/subnetpools/{pool['id']}"
    added = ann.ask("PUT", f"{path}/add_prefixes", json={"prefixes": ["10.0.1.0/24", "10.5.0.0/24"]})
    assert (added.status_code, added.json()) == (200, {"prefixes": ["10.0.0.0/23", "10.5.0.0/24"]})
    assert _subnet(ann, network, pool)["cidr"] == "10.5.0.0/25"
    for body in ({"prefixes": ["10.5.0.64/26"]}, {"prefixes": ["10.0.0.0/8"]}):
        refused = ann.refused("PUT", f"subnetpools/{pool['id']}/remove_prefixes", json=body)
        assert refused == (400, "IllegalSubnetPoolPrefixUpdate")
    removed = ann.ask("PUT", f"{path}/remove_prefixes", json={"prefixes": ["10.0.0.128/25", "192.0.2.0/24", "10.5.0.128/25"]})
    assert removed.json() == {"prefixes": ["10.0.0.0/25", "10.0.1.0/24", "10.5.0.0/25"]}
    assert ann.get(f"subnetpools/{pool['id']}")["subnetpool"]["prefixes"] == removed.json()["prefixes"]
    assert [_subnet(ann, network, pool)["cidr"] for _ in range(3)] == ["10.0.0.0/25", "10.0.1.0/25", "10.0.1.128/25"]
    assert _refused(ann, network, pool) == (409, "SubnetAllocationError")
    for body in ({}, {"prefixes": []}, {"prefixes": "10.0.0.0/8"}, {"prefixes": ["nonsense"]}):
        assert ann.refused("PUT", f"subnetpools/{pool['id']}/add_prefixes", json=body) == (400, "HTTPBadRequest")


def test_taking_in_a_network(ann: Client, admin: Client, network: str) -> None:
    """Its subnets are from the pool then, and their prefixes belong to it."""
    ann.make("subnet", network_id=network, ip_version=6, cidr="2001:db8::/64")
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.1.0.0/24")
    pool = _pool(ann, "10.0.0.0/24", default_prefixlen=24)
    path = f"/v2.0/subnetpools/{pool['id']}/onboard_network_subnets"
    taken = ann.ask("PUT", path, json={"network_id": network})
    assert (taken.status_code, taken.json()) == (200, [{"id": subnet["id"], "cidr": "10.1.0.0/24"}])
    assert ann.get("subnets", subnetpool_id=pool["id"])["subnets"][0]["id"] == subnet["id"]
    assert ann.get(f"subnetpools/{pool['id']}")["subnetpool"]["prefixes"] == ["10.0.0.0/24", "10.1.0.0/24"]
    again = ann.refused("PUT", path.removeprefix("/v2.0/"), json={"network_id": network})
    assert again == (400, "IllegalSubnetPoolUpdate")
    assert _subnet(ann, network, pool)["cidr"] == "10.0.0.0/24"
    assert _refused(ann, network, pool) == (409, "SubnetAllocationError")
    other = _pool(ann, "10.1.0.0/16")
    ann.ask("PUT", f"/v2.0/subnetpools/{other['id']}/onboard_network_subnets", json={"network_id": network})
    assert len(ann.get("subnets", subnetpool_id=other["id"])["subnets"]) == 2
    ann.remove("subnetpool", pool["id"])
    assert ann.refused("PUT", f"subnetpools/{other['id']}/onboard_network_subnets", json={}) == (400, "HTTPBadRequest")
    foreign = admin.make("network", shared=True)["id"]
    refused = ann.refused("PUT", f"subnetpools/{other['id']}/onboard_network_subnets", json={"network_id": foreign})
    assert refused == (403, "NotAuthorized")


def test_what_others_have_of_a_pool_cannot_be_taken_in(ann: Client, network: str) -> None:
    """A network whose subnet overlaps one that is from the pool stays as it is."""
    pool = _pool(ann, "10.0.0.0/24", default_prefixlen=25)
    _subnet(ann, _network(ann), pool)
    subnet = ann.make("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/26")
    refused = ann.refused("PUT", f"subnetpools/{pool['id']}/onboard_network_subnets", json={"network_id": network})
    assert refused == (400, "IllegalSubnetPoolUpdate")
    assert ann.get(f"subnets/{subnet['id']}")["subnet"]["subnetpool_id"] is None


# ---- subnets


def test_a_subnet_from_a_pool(ann: Client, network: str) -> None:
    """The lowest of the default length, with gateway and pool as if its cidr had been given."""
    pool = _pool(ann, default_prefixlen=24)
    subnet = _subnet(ann, network, pool)
    assert (subnet["cidr"], subnet["gateway_ip"], subnet["subnetpool_id"]) == ("10.0.0.0/24", "10.0.0.1", pool["id"])
    assert subnet["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert ann.get(f"subnets/{subnet['id']}")["subnet"] == subnet
    assert not {"prefixlen", "use_default_subnetpool"} & subnet.keys()
    assert ann.make("port", network_id=network)["fixed_ips"][0]["ip_address"] == "10.0.0.2"


def test_the_tightest_prefix_is_cut(ann: Client, network: str) -> None:
    """By length, by cidr, by gateway; large prefixes are kept whole as long as small ones do."""
    pool = _pool(ann, default_prefixlen=24)
    assert _subnet(ann, network, pool, prefixlen=26)["cidr"] == "10.0.0.0/26"
    assert _subnet(ann, network, pool, prefixlen="26")["cidr"] == "10.0.0.64/26"
    assert _subnet(ann, network, pool, cidr="10.0.9.0/24")["cidr"] == "10.0.9.0/24"
    around = _subnet(ann, network, pool, gateway_ip="10.0.20.9", prefixlen=25)
    assert (around["cidr"], around["gateway_ip"]) == ("10.0.20.0/25", "10.0.20.9")
    assert _subnet(ann, network, pool, prefixlen=25)["cidr"] == "10.0.0.128/25"
    assert _subnet(ann, network, pool, prefixlen=24, gateway_ip=None)["gateway_ip"] is None


def test_an_ipv6_subnet_from_a_pool(ann: Client, network: str) -> None:
    """/64 after /64."""
    pool = _pool(ann, "2001:db8::/56")
    cidrs = [_subnet(ann, network, pool, ipv6_address_mode="slaac")["cidr"] for _ in range(2)]
    assert cidrs == ["2001:db8::/64", "2001:db8:0:1::/64"]


def test_prefixes_return_to_their_pool(ann: Client, network: str) -> None:
    """When the subnet goes, and when its network goes with it."""
    pool = _pool(ann, "10.0.0.0/24", default_prefixlen=25)
    first, _ = _subnet(ann, network, pool), _subnet(ann, network, pool)
    assert _refused(ann, network, pool) == (409, "SubnetAllocationError")
    ann.remove("subnet", first["id"])
    assert _subnet(ann, network, pool)["cidr"] == "10.0.0.0/25"
    ann.remove("network", network)
    assert _subnet(ann, _network(ann), pool, prefixlen=24)["cidr"] == "10.0.0.0/24"


WRONG_SUBNETS: Refusals = (
    ({"prefixlen": 29}, (400, "MaxPrefixSubnetAllocationError")),
    ({"prefixlen": 10**30}, (400, "InvalidInput")),
    ({"prefixlen": 19}, (400, "MinPrefixSubnetAllocationError")),
    ({"cidr": "10.0.0.0/16"}, (400, "MinPrefixSubnetAllocationError")),
    ({"cidr": "10.0.0.0/30"}, (400, "MaxPrefixSubnetAllocationError")),
    ({"cidr": "192.0.2.0/24"}, (409, "SubnetAllocationError")),
    ({"cidr": "10.0.0.0/24"}, (409, "SubnetAllocationError")),
    ({"cidr": "10.0.0.0/23"}, (409, "SubnetAllocationError")),
    ({"cidr": "2001:db8::/64"}, (400, "InvalidInput")),
    ({"cidr": "10.0.1.0/24", "prefixlen": 24}, (400, "BadRequest")),
    ({"gateway_ip": "2001:db8::1"}, (400, "InvalidInput")),
    ({"gateway_ip": "10.0.1.1", "prefixlen": 10**30}, (400, "InvalidInput")),
    ({"prefixlen": -1}, (400, "HTTPBadRequest")),
    ({"prefixlen": None}, (400, "InvalidInput")),
    ({"ip_version": 6}, (400, "BadRequest")),
    ({"use_default_subnetpool": True}, (400, "BadRequest")),
    ({"allocation_pools": [{"start": "10.0.1.2", "end": "10.0.1.9"}]}, (400, "BadRequest")),
    ({"subnetpool_id": "11111111-2222-3333-4444-555555555555"}, (404, "SubnetPoolNotFound")),
    ({"subnetpool_id": "prefix_delegation"}, (400, "HTTPBadRequest")),
    ({"subnetpool_id": None}, (400, "BadRequest")),
    ({"subnetpool_id": None, "cidr": "192.0.2.0/24"}, (400, "NetworkSubnetPoolAffinityError")),
)


def test_a_wrong_subnet_takes_nothing(ann: Client, network: str) -> None:
    """With Neutron's type and code (but for SubnetAllocationError, a 500 there); the pool has what it had."""
    pool = _pool(ann, min_prefixlen=20, default_prefixlen=24, max_prefixlen=28)
    _subnet(ann, network, pool)
    for attributes, refusal in WRONG_SUBNETS:
        assert refusal == _refused(ann, network, pool, **attributes), attributes
    assert _subnet(ann, network, pool)["cidr"] == "10.0.1.0/24"


def test_a_network_has_one_pool_for_each_ip_version(ann: Client, network: str) -> None:
    """A second pool is refused; one of the other version, or none, is not."""
    pool, other = _pool(ann, default_prefixlen=24), _pool(ann, "10.9.0.0/16", default_prefixlen=24)
    _subnet(ann, network, pool)
    assert _refused(ann, network, other) == (400, "NetworkSubnetPoolAffinityError")
    ann.make("subnet", network_id=network, ip_version=6, cidr="2001:db8::/64")
    assert _refused(ann, network, _pool(ann, "2001:db8:1::/48")) == (400, "NetworkSubnetPoolAffinityError")


def test_the_default_pool(admin: Client, ann: Client, network: str) -> None:
    """Of the subnet's IP version, if there is one that the caller sees."""
    wanted = {"network_id": network, "ip_version": 4, "use_default_subnetpool": True}
    assert ann.refused("POST", "subnets", json={"subnet": wanted}) == (400, "BadRequest")
    pool = _pool(admin, shared=True, is_default=True, default_prefixlen=26)
    subnet = ann.make("subnet", **wanted)
    assert (subnet["cidr"], subnet["subnetpool_id"]) == ("10.0.0.0/26", pool["id"])
    assert ann.refused("POST", "subnets", json={"subnet": wanted | {"ip_version": 6}}) == (400, "BadRequest")


def test_a_hidden_default_pool_is_none(admin: Client, ann: Client, network: str) -> None:
    """Nor can a pool of others be named."""
    pool = _pool(admin, is_default=True, default_prefixlen=26)
    wanted = {"network_id": network, "ip_version": 4, "use_default_subnetpool": True}
    assert ann.refused("POST", "subnets", json={"subnet": wanted}) == (400, "BadRequest")
    assert _refused(ann, network, pool) == (404, "SubnetPoolNotFound")


def test_what_each_project_may_have(admin: Client, ann: Client, bob: Client, network: str) -> None:
    """IPv4 addresses: so many of them, each project for itself, and again when they return."""
    pool = _pool(admin, shared=True, default_prefixlen=26, default_quota=128)
    first, _ = _subnet(ann, network, pool), _subnet(ann, network, pool)
    assert _refused(ann, network, pool, prefixlen=32, enable_dhcp=False) == (409, "SubnetPoolQuotaExceeded")
    assert _refused(ann, network, pool, cidr="10.0.7.0/26") == (409, "SubnetPoolQuotaExceeded")
    _subnet(bob, _network(bob), pool, prefixlen=25)
    ann.remove("subnet", first["id"])
    assert _subnet(ann, network, pool)["cidr"] == first["cidr"]
    many = {"network_id": _network(bob), "ip_version": 4, "subnetpool_id": pool["id"]}
    assert bob.refused("POST", "subnets", json={"subnets": [many, many]}) == (409, "SubnetPoolQuotaExceeded")


def test_a_quota_of_ipv6_counts_64s(ann: Client, network: str) -> None:
    """Longer prefixes count for their part."""
    pool = _pool(ann, "2001:db8::/32", default_quota=1, default_prefixlen=65, max_prefixlen=65)
    assert [_subnet(ann, network, pool)["cidr"] for _ in range(2)] == ["2001:db8::/65", "2001:db8:0:0:8000::/65"]
    assert _refused(ann, network, pool) == (409, "SubnetPoolQuotaExceeded")


def test_many_at_once_get_different_prefixes(app: Any, ann: Client) -> None:
    """Forty subnets by eight clients from one pool, on one network and on their own; then all go at once."""
    pool, network = _pool(ann, "10.0.0.0/20", default_prefixlen=24 + 2), _network(ann)

    def make(number: int) -> Any:
        client = Client(app, "ann")
        return _subnet(client, network if number % 2 else _network(client), pool)

    with ThreadPoolExecutor(8) as clients:
        made = list(clients.map(make, range(40)))
        assert len({one["cidr"] for one in made}) == 40
        list(clients.map(lambda one: Client(app, "ann").remove("subnet", one["id"]), made))
    assert _subnet(ann, network, pool, prefixlen=20)["cidr"] == "10.0.0.0/20"


def test_one_default_among_many_at_once(app: Any, admin: Client) -> None:
    """Eight who would each make the default pool: one does."""

    def make(_number: int) -> int:
        body = {"name": "pool", "prefixes": ["10.0.0.0/16"], "is_default": True}
        return Client(app, "root").ask("POST", "/v2.0/subnetpools", json={"subnetpool": body}).status_code

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(make, range(8))) == [201] + [400] * 7
    assert len(admin.get("subnetpools")["subnetpools"]) == 1
