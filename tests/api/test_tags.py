"""Tags over HTTP: paths below every tagged resource, filters of lists, limits, and who may do what."""

from typing import Any

import pytest
from api_client import Client

MEMBERS = ("network", "subnet", "port", "router", "floatingip", "security_group")
NOBODY = "00000000-0000-4000-8000-000000000000"


def _collection(member: str) -> str:
    """As Neutron spells it in paths."""
    return f"{member.replace('_', '-')}s"


def _make(member: str, ann: Client, admin: Client, name: str = "") -> Any:
    """One resource of ann's."""
    if member in ("subnet", "port"):
        network = ann.make("network")
        own = {"cidr": "10.0.0.0/24", "ip_version": 4} if member == "subnet" else {}
        return ann.make(member, network_id=network["id"], name=name, **own)
    if member == "floatingip":
        found = admin.get("networks", **{"router:external": True})["networks"]
        outside = found[0] if found else admin.make("network", **{"router:external": True})
        if not found:
            admin.make("subnet", network_id=outside["id"], cidr="203.0.113.0/24", ip_version=4)
        return ann.make(member, floating_network_id=outside["id"], description=name)
    answer = ann.ask("POST", f"/v2.0/{_collection(member)}", json={member: {"name": name}})
    assert answer.status_code == 201, answer.text
    return answer.json()[member]


def _status(client: Client, method: str, path: str, **options: Any) -> int:
    return client.ask(method, f"/v2.0/{path}", **options).status_code


@pytest.mark.parametrize("member", MEMBERS)
def test_tags_of_every_kind_of_resource(ann: Client, admin: Client, member: str) -> None:
    """They are replaced, added, asked for and removed, all and one by one, with Neutron's codes."""
    made = _make(member, ann, admin)
    path = f"{_collection(member)}/{made['id']}"
    tags = f"{path}/tags"
    assert ([], {"tags": []}) == (made["tags"], ann.get(tags))

    answer = ann.ask("PUT", f"/v2.0/{tags}", json={"tags": ["red", "blue"]})
    assert (answer.status_code, sorted(answer.json()["tags"])) == (200, ["blue", "red"])
    answer = ann.ask("POST", f"/v2.0/{tags}", json={"tags": ["green", "red"]})
    assert (answer.status_code, sorted(answer.json()["tags"])) == (200, ["green", "red"])
    assert ann.get(tags) == {"tags": ["blue", "green", "red"]}
    assert ann.get(path)[member]["tags"] == ["blue", "green", "red"]

    answer = ann.ask("PUT", f"/v2.0/{tags}/black.or.white")
    assert (answer.status_code, answer.content) == (201, b"")
    assert _status(ann, "PUT", f"{tags}/red") == 201
    assert _status(ann, "GET", f"{tags}/red") == 204
    assert ann.refused("GET", f"{tags}/pink") == (404, "TagNotFound")
    assert _status(ann, "DELETE", f"{tags}/red") == 204
    assert ann.refused("DELETE", f"{tags}/red") == (404, "TagNotFound")
    assert ann.get(tags) == {"tags": ["black.or.white", "blue", "green"]}

    assert _status(ann, "PUT", tags, json={"tags": ["yellow"]}) == 200
    assert ann.get(tags) == {"tags": ["yellow"]}
    assert _status(ann, "DELETE", tags) == 204
    assert ann.get(tags) == {"tags": []}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_change_of_tags_is_a_change_of_the_resource(ann: Client, admin: Client, member: str) -> None:
    """Its revision moves when its tags do, and only then."""
    path = f"{_collection(member)}/{_make(member, ann, admin)['id']}"
    revision = lambda: ann.get(path)[member]["revision_number"]  # noqa: E731  # a word
    for method, below, body in (
        ("PUT", "", {"tags": ["a", "b"]}),
        ("POST", "", {"tags": ["b", "c"]}),
        ("PUT", "/d", None),
        ("DELETE", "/d", None),
        ("DELETE", "", None),
    ):
        before = revision()
        assert _status(ann, method, f"{path}/tags{below}", json=body) < 300
        assert revision() == before + 1
    before = revision()
    assert _status(ann, "PUT", f"{path}/tags", json={"tags": []}) == 200
    assert _status(ann, "DELETE", f"{path}/tags") == 204
    assert before == revision()


@pytest.mark.parametrize("member", MEMBERS)
def test_lists_are_narrowed_by_tags(ann: Client, admin: Client, member: str) -> None:
    """All of them, one of them, not all, none; a comma and repetition are the same."""
    label = "description" if member == "floatingip" else "name"
    for name, tags in {"one": ["red"], "two": ["red", "blue"], "three": ["red", "blue", "green"], "four": ["green"]}.items():
        path = f"{_collection(member)}/{_make(member, ann, admin, name)['id']}/tags"
        assert _status(ann, "PUT", path, json={"tags": tags}) == 200
    _make(member, ann, admin, "five")

    def found(**query: Any) -> list[str]:
        query = {key.replace("_", "-"): value for key, value in query.items()}
        rows = ann.get(_collection(member), **query)[f"{member}s"]
        names = {row[label] for row in rows}
        return [name for name in ("one", "two", "three", "four", "five") if name in names]

    assert found(tags="red") == ["one", "two", "three"]
    assert found(tags="red,blue") == found(tags=["red", "blue"]) == ["two", "three"]
    assert found(tags=["blue,red", "green"]) == ["three"]
    assert found(tags_any="blue") == ["two", "three"]
    assert found(tags_any="blue,green") == found(tags_any=["blue", "green"]) == ["two", "three", "four"]
    assert found(not_tags="red") == ["four", "five"]
    assert found(not_tags="red,blue") == found(not_tags=["red", "blue"]) == ["one", "four", "five"]
    assert found(not_tags_any="blue") == ["one", "four", "five"]
    assert found(not_tags_any="red,blue") == found(not_tags_any=["blue", "red"]) == ["four", "five"]
    assert found(tags="red", not_tags="blue") == ["one"]
    assert found(tags="pink") == []


def test_ports_can_be_made_with_tags(ann: Client) -> None:
    """One by one and in bulk; nothing else can, and nothing is tagged by PUT of itself."""
    network = ann.make("network")
    port = ann.make("port", network_id=network["id"], tags=["b", "a"])
    assert port["tags"] == ["a", "b"]
    assert port == ann.get(f"ports/{port['id']}")["port"]
    bodies = [{"network_id": network["id"], "tags": ["a"]}, {"network_id": network["id"]}]
    answer = ann.ask("POST", "/v2.0/ports", json={"ports": bodies})
    assert [made["tags"] for made in answer.json()["ports"]] == [["a"], []]
    assert ann.refused("POST", "networks", json={"network": {"tags": ["a"]}}) == (400, "HTTPBadRequest")
    for member, made in (("port", port), ("network", network)):
        refused = ann.refused("PUT", f"{member}s/{made['id']}", json={member: {"tags": []}})
        assert refused == (400, "HTTPBadRequest")


@pytest.mark.parametrize(
    "tags", [None, "a", {"a": 1}, [1], [None], ["a", "a"], ["x" * 256], ["a\x00"], [f"t{number}" for number in range(51)]]
)
def test_wrong_tags_are_refused(ann: Client, tags: Any) -> None:
    """400, and nothing is changed: neither a list of different strings of at most 255 characters, or more than fifty."""
    network = ann.make("network")
    path = f"networks/{network['id']}/tags"
    expected = (400, "BadRequest" if isinstance(tags, list) and len(tags) > 50 else "InvalidInput")
    for method in ("PUT", "POST"):
        assert ann.refused(method, path, json={"tags": tags}) == expected
    assert ann.refused("POST", "ports", json={"port": {"network_id": network["id"], "tags": tags}}) == (400, "HTTPBadRequest")
    assert ann.get(f"networks/{network['id']}")["network"] == network


def test_a_body_without_tags_is_refused(ann: Client) -> None:
    """400, as for a body that is no JSON at all; and a tag of 256 characters in the path."""
    path = f"networks/{ann.make('network')['id']}/tags"
    assert ann.refused("PUT", path, json={"network": {}}) == (400, "InvalidInput")
    assert ann.refused("POST", path, content=b"red") == (400, "HTTPBadRequest")
    assert ann.refused("PUT", f"{path}/{'x' * 256}") == (400, "InvalidInput")


def test_the_limit_counts_what_is_there(ann: Client) -> None:
    """With fifty tags none can be added, but those that are there may be named, and removed."""
    path = f"networks/{ann.make('network')['id']}/tags"
    fifty = [f"t{number}" for number in range(50)]
    assert _status(ann, "PUT", path, json={"tags": fifty}) == 200
    assert ann.refused("PUT", f"{path}/more") == (400, "BadRequest")
    assert ann.refused("POST", path, json={"tags": ["more"]}) == (400, "BadRequest")
    assert _status(ann, "PUT", f"{path}/t0") == 201
    assert _status(ann, "DELETE", f"{path}/t0") == 204
    assert _status(ann, "PUT", f"{path}/more") == 201


def test_tags_are_any_text(ann: Client) -> None:
    """Case, blanks at the end, slashes and every alphabet tell tags apart."""
    path = f"networks/{ann.make('network')['id']}/tags"
    words = ["Red", "red", "red ", "röd", "赤", "a/b", "50%", "x" * 255]
    assert _status(ann, "PUT", path, json={"tags": words}) == 200
    assert ann.get(path) == {"tags": sorted(words)}
    for word in ("a%2Fb", "r%C3%B6d", "50%25", "red%20"):
        assert _status(ann, "GET", f"{path}/{word}") == 204
        assert _status(ann, "DELETE", f"{path}/{word}") == 204
    assert ann.get(path) == {"tags": sorted(["Red", "red", "赤", "x" * 255])}
    assert len(ann.get("networks", tags="RED")["networks"]) == 0


def test_others_do_not_see_them(ann: Client, bob: Client) -> None:
    """What is not there and what the caller may not see are the same."""
    for identity in (ann.make("network")["id"], NOBODY):
        path = f"networks/{identity}/tags"
        for method, below in (("GET", ""), ("PUT", ""), ("POST", ""), ("DELETE", ""), ("PUT", "/a"), ("DELETE", "/a")):
            assert bob.refused(method, f"{path}{below}", json={"tags": ["a"]}) == (404, "TagResourceNotFound")
        assert bob.refused("GET", f"{path}/a") == (404, "TagResourceNotFound")


def test_who_sees_may_not_tag(admin: Client, ann: Client, eve: Client) -> None:
    """Everybody sees the tags of a shared network, a reader those of its project; only the owner and an admin change them."""
    shared, own = admin.make("network", shared=True), ann.make("network")
    assert _status(admin, "PUT", f"networks/{own['id']}/tags/a") == 201
    assert _status(admin, "PUT", f"networks/{shared['id']}/tags/a") == 201
    for client, network in ((ann, shared), (eve, own)):
        path = f"networks/{network['id']}/tags"
        assert client.get(path) == {"tags": ["a"]}
        for method, below in (("PUT", ""), ("POST", ""), ("DELETE", ""), ("PUT", "/a"), ("DELETE", "/a")):
            assert client.refused(method, f"{path}{below}", json={"tags": ["b"]}) == (403, "PolicyNotAuthorized")
    assert _status(ann, "DELETE", f"networks/{own['id']}/tags/a") == 204


def test_a_stale_revision_is_412(ann: Client) -> None:
    """If-Match guards tags as it guards their resource."""
    network = ann.make("network")
    path = f"networks/{network['id']}/tags"
    headers = {"If-Match": f"revision_number={network['revision_number']}"}
    assert _status(ann, "PUT", f"{path}/a", headers=headers) == 201
    assert ann.refused("DELETE", path, headers=headers) == (412, "RevisionNumberConstraintFailed")


def test_both_spellings_of_a_collection(ann: Client) -> None:
    """Dashes and underscores."""
    group = ann.get("security-groups")["security_groups"][0]
    assert _status(ann, "PUT", f"security_groups/{group['id']}/tags/a") == 201
    assert ann.get(f"security-groups/{group['id']}/tags.json") == {"tags": ["a"]}


def test_what_has_no_tags(ann: Client, admin: Client) -> None:
    """Rules of groups have none; other methods are not allowed."""
    rule = ann.get("security-groups")["security_groups"][0]["security_group_rules"][0]
    assert "tags" not in rule
    assert _status(ann, "GET", f"security-group-rules/{rule['id']}/tags") == 404
    path = f"networks/{ann.make('network')['id']}/tags"
    assert ann.refused("POST", f"{path}/a", json={"tags": ["a"]}) == (405, "HTTPMethodNotAllowed")
    aliases = {extension["alias"] for extension in admin.get("extensions")["extensions"]}
    assert {"standard-attr-tag", "tag-creation", "tag-ports-during-bulk-creation"} <= aliases
