"""What HTTP says, whatever the resource."""

import re

import pytest
from api_client import Client


def test_anybody_may_ask_for_versions(admin: Client) -> None:
    """One version, with an absolute link, without authentication."""
    answer = admin.ask("GET", "/", auth=False)
    link = {"rel": "self", "href": "http://kaon:9696/v2.0/"}
    assert answer.json() == {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}


def test_links_follow_the_proxy(admin: Client) -> None:
    """A client that came by https gets https links."""
    answer = admin.ask("GET", "/", auth=False, headers={"X-Forwarded-Proto": "https"})
    assert answer.json()["versions"][0]["links"][0]["href"] == "https://kaon:9696/v2.0/"


def test_the_rest_is_for_known_users(admin: Client) -> None:
    """401 with a challenge."""
    answer = admin.ask("GET", "/v2.0/networks", auth=False)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_core_collections_are_listed(admin: Client) -> None:
    """`GET /v2.0/`."""
    assert {item["collection"] for item in admin.get("")["resources"]} == {"networks", "subnets", "subnetpools", "ports"}


def test_extensions_can_be_listed_and_shown(admin: Client) -> None:
    """By alias; an unknown alias is 404, and so is any other method."""
    items = admin.get("extensions")["extensions"]
    assert all(item.keys() == {"alias", "name", "description", "updated", "links"} for item in items)
    assert {"router", "security-group", "quotas", "project-id"} <= {item["alias"] for item in items}
    assert admin.get("extensions/router")["extension"]["alias"] == "router"
    assert admin.ask("GET", "/v2.0/extensions/dragons").status_code == 404
    assert admin.ask("DELETE", "/v2.0/extensions/router").status_code == 404


def test_every_answer_names_its_request(admin: Client) -> None:
    """Also a refusal."""
    for path in ("/", "/v2.0/networks", "/v2.0/nothing"):
        assert re.fullmatch(r"req-[0-9a-f-]{36}", admin.ask("GET", path).headers["X-Openstack-Request-Id"])


@pytest.mark.parametrize("path", ["security-groups", "security_groups", "security-groups.json", "security_groups/"])
def test_a_collection_has_many_spellings(admin: Client, path: str) -> None:
    """Dashes, underscores, a suffix, a slash at the end."""
    assert "security_groups" in admin.get(path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "networks/a/b", 404),
        ("GET", "networks/no-such-network", 404),
        ("PATCH", "networks", 405),
        ("HEAD", "networks", 405),
        ("PUT", "networks", 405),
        ("POST", "networks/x", 405),
        ("PUT", "security-group-rules/x", 405),
        ("POST", "quotas", 501),
        ("POST", "agents", 400),
    ],
)
def test_what_does_not_exist(admin: Client, method: str, path: str, status: int) -> None:
    """Unknown paths are 404, unknown methods 405, verbs that Neutron never had 501."""
    answer = admin.ask(method, f"/v2.0/{path}")
    assert answer.status_code == status
    if method == "HEAD":
        assert answer.content == b""


def test_a_path_may_have_any_character(admin: Client) -> None:
    """A newline, a NUL: nothing has such a name, and the answer is one of ours."""
    for character in ("%0A", "%00", "%F0%9F%98%80"):
        assert admin.refused("GET", f"networks/a{character}b")[0] == 404


def test_only_json_is_spoken(admin: Client) -> None:
    """Another Accept is 406."""
    assert admin.refused("GET", "networks", headers={"Accept": "application/xml"}) == (406, "HTTPNotAcceptable")
    assert admin.ask("GET", "/v2.0/networks", headers={"Accept": "text/html, */*;q=0.1"}).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"network": []}',
        b'{"port": {}}',
        b'{"network": {"name": "\\ud800"}}',
    ],
)
def test_a_malformed_body_is_400(admin: Client, content: bytes) -> None:
    """Not JSON, not an object, the wrong envelope, what no text holds."""
    assert admin.refused("POST", "networks", content=content) == (400, "HTTPBadRequest")
    assert admin.get("networks")["networks"] == []


def test_a_body_over_the_limit_is_413(admin: Client) -> None:
    """Whether its length is announced or not."""
    refused = (413, "HTTPRequestEntityTooLarge")
    assert admin.refused("POST", "networks", content=b" " * 10_001) == refused
    assert admin.refused("POST", "networks", json={"network": {"name": "x" * 20_000}}) == refused


def test_a_delete_has_no_body(ann: Client) -> None:
    """With one it is 400, and nothing is deleted."""
    network = ann.make("network")
    assert ann.refused("DELETE", f"networks/{network['id']}", content=b"{}")[0] == 400
    assert ann.get(f"networks/{network['id']}")["network"] == network
