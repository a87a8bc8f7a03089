"""Address scopes over HTTP, and the subnet pools in them."""

from typing import Any

from api_client import Client

from kaon.lib.ids import new_id


def _scope(client: Client, version: int = 4, **more: Any) -> Any:
    answer = client.ask("POST", "/v2.0/address-scopes", json={"address_scope": {"ip_version": version, **more}})
    assert answer.status_code == 201, answer.text
    return answer.json()["address_scope"]


def _pool(client: Client, scope: str | None, *prefixes: str) -> Any:
    return client.make("subnetpool", name="pool", prefixes=prefixes, address_scope_id=scope, default_prefixlen=24)


def _refused_pool(client: Client, scope: str, *prefixes: str) -> tuple[int, str]:
    body = {"name": "pool", "prefixes": prefixes, "address_scope_id": scope}
    return client.refused("POST", "subnetpools", json={"subnetpool": body})


def _refused_change(client: Client, path: str, **changes: Any) -> tuple[int, str]:
    return client.refused("PUT", path, json={path.split("/", maxsplit=1)[0][:-1].replace("-", "_"): changes})


def test_a_scope_as_it_is_made(admin: Client, ann: Client, bob: Client) -> None:
    """It is its project's; an administrator shares it, and that stays."""
    scope = _scope(ann, name="mine")
    assert scope == {
        "id": scope["id"],
        "name": "mine",
        "project_id": "p1",
        "tenant_id": "p1",
        "shared": False,
        "ip_version": 4,
    }
    path = f"address-scopes/{scope['id']}"
    assert ann.get(path)["address_scope"] == scope
    assert ann.get("address-scopes", name="mine", ip_version=4)["address_scopes"] == [scope]
    assert ann.get("address-scopes", shared=True)["address_scopes"] == []
    assert (404, "AddressScopeNotFound") == bob.refused("GET", path)
    for value in (True, False):
        assert (403, "PolicyNotAuthorized") == _refused_change(ann, path, shared=value)
    assert (403, "PolicyNotAuthorized") == ann.refused(
        "POST", "address-scopes", json={"address_scope": {"ip_version": 4, "shared": True}}
    )
    changed = admin.ask("PUT", f"/v2.0/{path}", json={"address_scope": {"shared": True, "name": "ours"}})
    assert changed.json()["address_scope"] == {**scope, "name": "ours", "shared": True}
    assert bob.get(path)["address_scope"]["shared"] is True
    assert (400, "AddressScopeUpdateError") == _refused_change(admin, path, shared=False)
    assert ann.ask("DELETE", f"/v2.0/{path}").status_code == 204
    assert (404, "AddressScopeNotFound") == ann.refused("DELETE", path)


def test_pools_of_a_scope_do_not_overlap(ann: Client, bob: Client) -> None:
    """Neither when they join nor when they grow; the scope stays while they are in it."""
    scope, other, six = (_scope(ann, version)["id"] for version in (4, 4, 6))
    pool = _pool(ann, scope, "10.0.0.0/16")["id"]
    assert (409, "AddressScopePrefixConflict") == _refused_pool(ann, scope, "10.0.3.0/24")
    assert (400, "IllegalSubnetPoolIpVersionAssociationToAddressScope") == _refused_pool(ann, six, "10.1.0.0/16")
    assert (404, "AddressScopeNotFound") == _refused_pool(ann, new_id(), "10.1.0.0/16")
    assert (404, "AddressScopeNotFound") == _refused_pool(bob, scope, "10.1.0.0/16")
    second = _pool(ann, scope, "10.1.0.0/16")["id"]
    grown = ["10.1.0.0/16", "10.0.7.0/24"]
    assert (409, "AddressScopePrefixConflict") == _refused_change(ann, f"subnetpools/{second}", prefixes=grown)
    assert ann.change("subnetpool", second, address_scope_id=other)["address_scope_id"] == other
    assert (409, "AddressScopeInUse") == ann.refused("DELETE", f"address-scopes/{scope}")
    assert ann.change("subnetpool", pool, address_scope_id=None)["address_scope_id"] is None
    assert ann.ask("DELETE", f"/v2.0/address-scopes/{scope}").status_code == 204


def test_a_network_is_in_one_scope(ann: Client) -> None:
    """It shows that of its subnets' pools; pools of one scope may be mixed, others not, and may then not leave it."""
    scope, other = _scope(ann)["id"], _scope(ann)["id"]
    first, second = _pool(ann, scope, "10.0.0.0/16")["id"], _pool(ann, scope, "10.1.0.0/16")["id"]
    stranger = _pool(ann, other, "10.2.0.0/16")["id"]
    network = ann.make("network")
    assert (network["ipv4_address_scope"], network["ipv6_address_scope"]) == (None, None)
    for pool in (first, second):
        ann.make("subnet", network_id=network["id"], ip_version=4, subnetpool_id=pool)
    found = ann.get(f"networks/{network['id']}")["network"]
    assert (found["ipv4_address_scope"], found["ipv6_address_scope"]) == (scope, None)
    wanted = {"network_id": network["id"], "ip_version": 4}
    refused = {
        ann.refused("POST", "subnets", json={"subnet": wanted | more})
        for more in ({"subnetpool_id": stranger}, {"cidr": "10.9.0.0/24"})
    }
    assert refused == {(400, "NetworkAddressScopeAffinityError"), (400, "NetworkSubnetPoolAffinityError")}
    for leaving in (None, other):
        change = _refused_change(ann, f"subnetpools/{first}", address_scope_id=leaving)
        assert change == (400, "NetworkAddressScopeAffinityError")


def test_pools_in_a_scope_of_others(admin: Client, ann: Client, bob: Client) -> None:
    """A shared scope is joined, but its owner's rule about changes holds; a pool is shared with those who have the scope."""
    scope = _scope(admin)["id"]

    def give(client: Client, kind: str, object_id: str, target: str) -> Any:
        body = {"object_type": kind, "object_id": object_id, "target_tenant": target, "action": "access_as_shared"}
        return client.ask("POST", "/v2.0/rbac-policies", json={"rbac_policy": body})

    policy = give(admin, "address_scope", scope, "p1").json()["rbac_policy"]
    pool = _pool(ann, scope, "10.0.0.0/16")["id"]
    assert (400, "IllegalSubnetPoolUpdate") == _refused_change(ann, f"subnetpools/{pool}", name="other")
    assert give(ann, "subnetpool", pool, "p2").json()["NeutronError"]["type"] == "RbacPolicyInitError"
    assert (409, "RbacPolicyInUse") == admin.refused("DELETE", f"rbac-policies/{policy['id']}")
    give(admin, "address_scope", scope, "p2")
    assert give(ann, "subnetpool", pool, "p2").status_code == 201
    assert bob.get(f"subnetpools/{pool}")["subnetpool"]["address_scope_id"] == scope
