"""Address groups over HTTP, alone and in rules."""

from typing import Any

import pytest
from api_client import Client

PATH = "address-groups"


def _group(client: Client, *prefixes: str, **attributes: Any) -> Any:
    answer = client.ask("POST", f"/v2.0/{PATH}", json={"address_group": {"addresses": prefixes, **attributes}})
    assert answer.status_code == 201, answer.text
    return answer.json()["address_group"]


def _put(client: Client, group: Any, action: str, *prefixes: str) -> Any:
    answer = client.ask("PUT", f"/v2.0/{PATH}/{group['id']}/{action}", json={"addresses": prefixes})
    assert answer.status_code == 200, answer.text
    return answer.json()["address_group"]


def _share(admin: Client, object_type: str, identity: str, target: str) -> Any:
    policy = {"object_type": object_type, "object_id": identity, "action": "access_as_shared", "target_tenant": target}
    answer = admin.ask("POST", "/v2.0/rbac-policies", json={"rbac_policy": policy})
    assert answer.status_code == 201, answer.text
    return answer.json()["rbac_policy"]


def test_prefixes_are_kept_once_and_without_host_bits(ann: Client) -> None:
    """As Neutron shows them, in the group and in the list."""
    group = _group(ann, "10.10.10.3/32", "192.168.0.10/24", "192.168.0.0/24", "2001:db8::f00/64", name="offices")
    assert group.keys() == {
        *("id", "name", "project_id", "tenant_id", "addresses", "description"),
        *("created_at", "updated_at", "revision_number"),
    }
    assert group["addresses"] == ["10.10.10.3/32", "192.168.0.0/24", "2001:db8::/64"]
    assert ann.get(f"{PATH}/{group['id']}")["address_group"] == group
    assert ann.get(PATH, name="offices")["address_groups"] == [group]
    named = ann.ask("PUT", f"/v2.0/{PATH}/{group['id']}", json={"address_group": {"description": "ours"}}).json()
    assert named["address_group"] | {"updated_at": ""} == group | {
        "description": "ours",
        "revision_number": 2,
        "updated_at": "",
    }
    assert ann.ask("DELETE", f"/v2.0/{PATH}/{group['id']}").status_code == 204
    assert ann.refused("GET", f"{PATH}/{group['id']}") == (404, "AddressGroupNotFound")


def test_addresses_come_and_go(ann: Client) -> None:
    """One by one or several; an address alone is its own prefix; each change is a revision."""
    group = _group(ann)
    assert group["addresses"] == []
    assert _put(ann, group, "add_addresses", "10.0.0.0/8", "192.0.2.1")["addresses"] == ["10.0.0.0/8", "192.0.2.1/32"]
    left = _put(ann, group, "remove_addresses", "10.0.0.7/8")
    assert (left["addresses"], left["revision_number"]) == (["192.0.2.1/32"], 3)
    assert ann.get(f"{PATH}/{group['id']}")["address_group"] == left


@pytest.mark.parametrize(
    ("action", "body", "refusal"),
    [
        ("add_addresses", {"addresses": ["10.0.0.0/24"]}, (400, "AddressesAlreadyExist")),
        ("remove_addresses", {"addresses": ["10.0.1.0/24"]}, (404, "AddressesNotFound")),
        ("add_addresses", {"addresses": ["this is bad"]}, (400, "InvalidInput")),
        ("add_addresses", {"addresses": [7]}, (400, "InvalidInput")),
        ("add_addresses", {"addresses": "10.0.0.0/24"}, (400, "HTTPBadRequest")),
        ("remove_addresses", {}, (400, "HTTPBadRequest")),
    ],
)
def test_wrong_changes_change_nothing(ann: Client, action: str, body: Any, refusal: tuple[int, str]) -> None:
    """Neither the addresses nor the revision."""
    group = _group(ann, "10.0.0.0/24")
    assert ann.refused("PUT", f"{PATH}/{group['id']}/{action}", json=body) == refusal
    assert ann.get(f"{PATH}/{group['id']}")["address_group"] == group


def test_wrong_groups_are_400(ann: Client) -> None:
    """Addresses without a length among them, as in Neutron."""
    for wrong in (["10.20.30.40"], ["nowhere/8"], "10.0.0.0/8"):
        assert ann.refused("POST", PATH, json={"address_group": {"addresses": wrong}}) == (400, "HTTPBadRequest")
    group = _group(ann)["id"]
    body = {"address_group": {"addresses": ["10.0.0.0/8"]}}
    assert ann.refused("PUT", f"{PATH}/{group}", json=body) == (400, "HTTPBadRequest")


def test_a_rule_names_an_address_group(ann: Client, bob: Client) -> None:
    """Which then stays; the same rule is the same; it names one remote only, and none of others' groups."""
    addresses = _group(ann, "10.0.0.0/8")["id"]
    group = ann.make("security_group", name="g")["id"]
    wish = {"security_group_id": group, "direction": "ingress", "remote_address_group_id": addresses}
    rule = ann.make("security_group_rule", **wish)
    assert (rule["remote_address_group_id"], rule["remote_group_id"]) == (addresses, None)
    found = ann.get("security-group-rules", remote_address_group_id=addresses)["security_group_rules"]
    assert found == [rule]
    assert ann.refused("DELETE", f"{PATH}/{addresses}") == (409, "AddressGroupInUse")

    def refused(client: Client = ann, **more: Any) -> tuple[int, str]:
        return client.refused("POST", "security-group-rules", json={"security_group_rule": wish | more})

    assert refused() == (409, "SecurityGroupRuleExists")
    assert refused(remote_group_id=group) == (400, "SecurityGroupMultipleRemoteEntites")
    assert refused(remote_ip_prefix="10.0.0.0/8") == (400, "SecurityGroupMultipleRemoteEntites")
    foreign = bob.make("security_group", name="b")["id"]
    assert refused(bob, security_group_id=foreign) == (404, "AddressGroupNotFound")
    ann.remove("security_group_rule", rule["id"])
    assert ann.ask("DELETE", f"/v2.0/{PATH}/{addresses}").status_code == 204


def test_others_see_a_group_when_it_is_shared(admin: Client, ann: Client, bob: Client) -> None:
    """They may then name it in rules, but it is not there for changes."""
    group = _group(ann, "10.0.0.0/8")
    path = f"{PATH}/{group['id']}"
    assert bob.refused("GET", path) == (404, "AddressGroupNotFound")
    policy = _share(admin, "address_group", group["id"], "p2")
    assert bob.get(path)["address_group"] == group
    assert bob.get(PATH)["address_groups"] == [group]
    assert bob.refused("PUT", path, json={"address_group": {"name": "mine"}}) == (404, "AddressGroupNotFound")
    assert bob.refused("PUT", f"{path}/add_addresses", json={"addresses": []}) == (404, "AddressGroupNotFound")
    assert bob.refused("DELETE", path) == (404, "AddressGroupNotFound")
    foreign = bob.make("security_group", name="b")["id"]
    wish = {"security_group_id": foreign, "direction": "ingress", "remote_address_group_id": group["id"]}
    rule = bob.make("security_group_rule", **wish)
    assert admin.refused("DELETE", f"rbac-policies/{policy['id']}") == (409, "RbacPolicyInUse")
    bob.remove("security_group_rule", rule["id"])
    assert admin.ask("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status_code == 204


def test_a_reader_reads(ann: Client, eve: Client) -> None:
    """But makes and changes nothing."""
    group = _group(ann, "10.0.0.0/8")
    assert eve.get(PATH)["address_groups"] == [group]
    forbidden = (403, "PolicyNotAuthorized")
    assert eve.refused("POST", PATH, json={"address_group": {}}) == forbidden
    assert eve.refused("PUT", f"{PATH}/{group['id']}", json={"address_group": {"name": "x"}}) == forbidden
    assert eve.refused("PUT", f"{PATH}/{group['id']}/add_addresses", json={"addresses": ["::/0"]}) == forbidden
    assert eve.refused("DELETE", f"{PATH}/{group['id']}") == forbidden
