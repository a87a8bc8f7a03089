"""RBAC policies over HTTP: who is given what, and what of it cannot be taken back."""

from typing import Any

import pytest
from api_client import Client

from kaon.lib.ids import new_id

SHARED, EXTERNAL = "access_as_shared", "access_as_external"
POLICY = "rbac-policies"


def _ask(client: Client, object_id: str, target: str, action: str = SHARED, kind: str = "network") -> Any:
    body = {"object_type": kind, "object_id": object_id, "target_tenant": target, "action": action}
    return client.ask("POST", f"/v2.0/{POLICY}", json={"rbac_policy": body})


def _give(client: Client, object_id: str, target: str, action: str = SHARED, kind: str = "network") -> Any:
    answer = _ask(client, object_id, target, action, kind)
    assert answer.status_code == 201, answer.text
    return answer.json()["rbac_policy"]


def _told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["NeutronError"]["type"]


def _take(client: Client, policy: Any) -> tuple[int, str]:
    answer = client.ask("DELETE", f"/v2.0/{POLICY}/{policy['id']}")
    return (204, "") if answer.status_code == 204 else _told(answer)


def _retarget(client: Client, policy: Any, target: str) -> Any:
    return client.ask("PUT", f"/v2.0/{POLICY}/{policy['id']}", json={"rbac_policy": {"target_tenant": target}})


def _sees(client: Client, network: str) -> bool:
    found = [one["id"] for one in client.get("networks", fields="id")["networks"]]
    shown = client.ask("GET", f"/v2.0/networks/{network}").status_code == 200
    assert shown == (network in found)
    return shown


@pytest.fixture
def network(ann: Client) -> str:
    """A network of p1 with a subnet."""
    made = ann.make("network")["id"]
    ann.make("subnet", network_id=made, ip_version=4, cidr="10.0.0.0/24", enable_dhcp=False)
    return str(made)


def test_a_policy_as_it_is_made(ann: Client, bob: Client, network: str) -> None:
    """Its maker sees and finds it; the target does not, but sees the network and its subnet."""
    assert not _sees(bob, network)
    policy = _give(ann, network, "p2")
    assert policy == {
        "id": policy["id"],
        "project_id": "p1",
        "tenant_id": "p1",
        "object_type": "network",
        "object_id": network,
        "target_tenant": "p2",
        "action": SHARED,
    }
    assert ann.get(f"{POLICY}/{policy['id']}")["rbac_policy"] == policy
    assert ann.get(POLICY, object_id=network, action=SHARED, target_tenant="p2")["rbac_policies"] == [policy]
    assert ann.get(POLICY, object_type="subnetpool")["rbac_policies"] == []
    assert bob.get(POLICY)["rbac_policies"] == []
    assert (404, "RbacPolicyNotFound") == bob.refused("GET", f"{POLICY}/{policy['id']}")
    assert _sees(bob, network)
    assert [one["network_id"] for one in bob.get("subnets", shared="True")["subnets"]] == [network]


def test_shared_is_what_it_is_to_who_asks(admin: Client, ann: Client, bob: Client, network: str) -> None:
    """Shown and filtered per project; who shares with another project, and an administrator, see it unshared."""
    _give(ann, network, "p2")
    shown = {client: client.get(f"networks/{network}")["network"]["shared"] for client in (ann, bob, admin)}
    assert list(shown.values()) == [False, True, False]
    for client, shared in shown.items():
        for wanted in (True, False):
            found = client.get("networks", shared=wanted)["networks"]
            assert ([network] if wanted is shared else []) == [one["id"] for one in found]
            assert len(found) == len(client.get("subnets", shared=wanted)["subnets"])


def test_the_target_makes_ports_and_joins_its_router(ann: Client, bob: Client, network: str) -> None:
    """What is shared is used like one's own; the subnet and the network stay the owner's."""
    _give(ann, network, "p2")
    port = bob.make("port", network_id=network)
    assert (403, "PolicyNotAuthorized") == bob.refused("PUT", f"networks/{network}", json={"network": {"name": "mine"}})
    ann.remove("port", port["id"])


def test_a_shared_network_goes_back_when_nobody_uses_it(admin: Client, ann: Client, bob: Client, network: str) -> None:
    """A port holds the policy that lets it be, unless another policy does."""
    policy = _give(ann, network, "p2")
    port = bob.make("port", network_id=network)
    for refused in (_told(_retarget(ann, policy, "p3")), _take(ann, policy)):
        assert refused == (409, "RbacPolicyInUse")
    everybody = _give(admin, network, "*")
    assert _take(ann, policy) == (204, "")
    assert _take(admin, everybody) == (409, "RbacPolicyInUse")
    bob.remove("port", port["id"])
    assert _take(admin, everybody) == (204, "")
    assert not _sees(bob, network)


def test_a_policy_for_its_own_project_is_never_in_use(ann: Client, network: str) -> None:
    """The owner has the network anyway."""
    policy = _give(ann, network, "p1")
    ann.make("port", network_id=network)
    assert _retarget(ann, policy, "p2").json()["rbac_policy"] == {**policy, "target_tenant": "p2"}
    assert _take(ann, policy) == (204, "")


def test_wrong_policies_are_refused(admin: Client, ann: Client, bob: Client, network: str) -> None:
    """With Neutron's types and codes."""
    policy = _give(ann, network, "p2")
    pool = ann.make("subnetpool", name="pool", prefixes=["10.0.0.0/16"])["id"]
    assert (409, "DuplicateRbacPolicy") == _told(_ask(ann, network, "p2"))
    assert (400, "InvalidInput") == _told(_ask(bob, network, "p3")), "seen, and another project's"
    assert (404, "NetworkNotFound") == _told(_ask(ann, new_id(), "p2"))
    assert (404, "SubnetPoolNotFound") == _told(_ask(bob, pool, "p1", kind="subnetpool")), "not seen"
    assert (400, "InvalidActionForType") == _told(_ask(ann, pool, "p2", EXTERNAL, "subnetpool"))
    assert (400, "InvalidInput") == _told(_ask(ann, network, "p2", kind="router"))
    for wrong in (None, "", "1234" * 100):
        assert (400, "InvalidInput") == _told(_ask(ann, network, wrong)), wrong  # type: ignore[arg-type]  # it is wrong
    for action in (SHARED, EXTERNAL):
        assert (403, "PolicyNotAuthorized") == _told(_ask(ann, network, "*", action))
    assert (403, "PolicyNotAuthorized") == _told(_retarget(ann, policy, "*"))
    _give(admin, network, "p3")
    assert (409, "DuplicateRbacPolicy") == _told(_retarget(ann, policy, "p3"))


def test_shared_of_a_network_is_the_policy_for_everybody(admin: Client, ann: Client, bob: Client) -> None:
    """Setting it makes the policy, taking it back removes that one only."""
    network = admin.make("network", shared=True)["id"]
    (policy,) = admin.get(POLICY, object_id=network)["rbac_policies"]
    assert (policy["target_tenant"], policy["action"], policy["project_id"]) == ("*", SHARED, "admin-project")
    _give(admin, network, "p2")
    assert admin.change("network", network, shared=True)["revision_number"] == 2, "the policy for p2 raised it, this did not"
    assert admin.change("network", network, shared=False)["shared"] is False
    assert (_sees(ann, network), _sees(bob, network)) == (False, True)
    assert admin.change("network", network, shared=True)["shared"] is True
    admin.remove("network", network)
    assert admin.get(POLICY)["rbac_policies"] == []


def test_a_network_is_external_for_some(admin: Client, ann: Client, bob: Client) -> None:
    """The first policy makes the network external, the last one that goes ends it; only targets see and use it."""
    network = admin.make("network")["id"]
    admin.make("subnet", network_id=network, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    policy = _give(admin, network, "p2", EXTERNAL)
    assert admin.get(f"networks/{network}")["network"]["router:external"] is True
    assert (_sees(ann, network), _sees(bob, network)) == (False, True)
    floating = {"floatingip": {"floating_network_id": network}}
    assert (404, "NetworkNotFound") == ann.refused("POST", "floatingips", json=floating)
    router = bob.make("router", external_gateway_info={"network_id": network})
    assert _take(admin, policy) == (409, "RbacPolicyInUse")
    everybody = _give(admin, network, "*", EXTERNAL)
    assert _take(admin, policy) == (204, "")
    assert [one["network_id"] for one in ann.get("floatingip-pools")["floatingip_pools"]] == [network]
    assert _retarget(admin, everybody, "p2").status_code == 200, "the only project that uses it keeps it"
    assert ann.get("floatingip-pools")["floatingip_pools"] == []
    bob.remove("router", router["id"])
    assert _take(admin, everybody) == (204, "")
    assert admin.get(f"networks/{network}")["network"]["router:external"] is False


def test_external_of_a_network_is_the_policy_for_everybody(admin: Client, ann: Client) -> None:
    """Made and removed with the attribute; the default external network keeps it."""
    network = admin.make("network", **{"router:external": True, "is_default": True})["id"]
    assert _sees(ann, network)
    (policy,) = admin.get(POLICY, object_id=network, action=EXTERNAL)["rbac_policies"]
    assert _take(admin, policy) == (409, "RbacPolicyInUse")
    changed = admin.change("network", network, **{"router:external": False})
    assert (changed["router:external"], changed["is_default"]) == (False, False)
    assert admin.get(POLICY)["rbac_policies"] == []
    admin.change("network", network, **{"router:external": True})
    assert _sees(ann, network)


def test_one_default_external_network(admin: Client, ann: Client) -> None:
    """Only an external network can be it, only one, and only an administrator says so."""
    external = {"router:external": True, "is_default": True}
    network = admin.make("network", **external)["id"]
    second = {"network": external}
    assert (409, "DefaultExternalNetworkExists") == admin.refused("POST", "networks", json=second)
    assert (400, "InvalidInput") == admin.refused("POST", "networks", json={"network": {"is_default": True}})
    assert (403, "PolicyNotAuthorized") == ann.refused("POST", "networks", json={"network": {"is_default": True}})
    assert [network] == [one["id"] for one in admin.get("networks", is_default=True)["networks"]]
    assert admin.change("network", network, description="kept")["is_default"] is True


def test_subnet_pools_are_shared_too(ann: Client, bob: Client) -> None:
    """A subnet of the target holds the policy."""
    pool = ann.make("subnetpool", name="pool", prefixes=["10.0.0.0/16"], default_prefixlen=24)["id"]
    policy = _give(ann, pool, "p2", kind="subnetpool")
    assert bob.get(f"subnetpools/{pool}")["subnetpool"]["shared"] is True
    assert [pool] == [one["id"] for one in bob.get("subnetpools", shared=True)["subnetpools"]]
    subnet = bob.make("subnet", network_id=bob.make("network")["id"], ip_version=4, subnetpool_id=pool)
    assert _take(ann, policy) == (409, "RbacPolicyInUse")
    bob.remove("subnet", subnet["id"])
    assert _take(ann, policy) == (204, "")
    assert (404, "SubnetPoolNotFound") == bob.refused("GET", f"subnetpools/{pool}")


def test_policies_count(admin: Client, ann: Client) -> None:
    """Those that follow from attributes count, too, but no limit holds them up."""

    def used() -> int:
        return int(admin.get("quotas/p1/details")["quota"]["rbac_policy"]["used"])

    admin.ask("PUT", "/v2.0/quotas/p1", json={"quota": {"rbac_policy": 1}})
    network = ann.make("network")["id"]
    policy = _give(ann, network, "p2")
    assert (409, "OverQuota") == _told(_ask(ann, network, "p3"))
    admin.change("network", network, shared=True)
    assert used() == 2
    assert _take(ann, policy) == (204, "")
    assert used() == 1
    ann.remove("network", network)
    assert used() == 0
