"""What a list request means."""

import pytest

from kaon.model.errors import BadRequest, HTTPBadRequest, InvalidInput, PolicyNotAuthorized, TenantIdProjectIdFilterConflict
from kaon.model.networks import NETWORK
from kaon.model.ports import PORT
from kaon.model.query import Query
from kaon.server.api.asked import Asked
from kaon.server.api.lists import asked_query, conditions, listed
from kaon.server.control.core import Caller, implied


def _asked(*query: tuple[str, str], path: str = "networks", if_match: str = "") -> Asked:
    return Asked(
        method="GET",
        raw_path=f"/v2.0/{path}",
        path=("v2.0", path),
        query=query,
        headers={"if-match": if_match} if if_match else {},
        body=b"",
        base="http://server:9696",
    )


ADMIN = Caller("root", "p", implied("admin"))
MEMBER = Caller("ann", "p", implied("member"))


def _ports(*query: tuple[str, str]) -> Query:
    return asked_query(PORT, _asked(*query, path="ports"), ADMIN, maximum=0)


def test_repeated_keys_are_alternatives() -> None:
    """The same key again widens, another key narrows."""
    query = _ports(("id", "a"), ("id", "b"), ("id", "a"), ("name", ""))
    assert query.filters == {"id": ("a", "b"), "name": ("",)}


def test_filter_values_are_converted() -> None:
    """Booleans, numbers and MAC addresses compare as what they are."""
    query = _ports(("admin_state_up", "0"), ("revision_number", "7"), ("mac_address", "FA-16-3E-00-00-01"), ("tenant_id", "p"))
    assert query.filters == {
        "admin_state_up": (False,),
        "revision_number": (7,),
        "mac_address": ("fa:16:3e:00:00:01",),
        "project_id": ("p",),
    }


def test_addresses_of_ports_have_sub_keys() -> None:
    """Known ones come as pairs; unknown ones are passed over."""
    query = _ports(("fixed_ips", "ip_address=10.0.0.5"), ("fixed_ips", "subnet_id=s"), ("fixed_ips", "colour=red"))
    assert query.filters == {"fixed_ips": (("ip_address", "10.0.0.5"), ("subnet_id", "s"))}
    assert _ports(("fixed_ips", "colour=red")).filters == {}


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (("colour", "red"), HTTPBadRequest),
        (("all_tenants", "1"), HTTPBadRequest),
        (("ip_address", "10.0.0.5"), HTTPBadRequest),
        (("created_at", "2026-01-01"), HTTPBadRequest),
        (("admin_state_up", "maybe"), InvalidInput),
        (("fixed_ips", "10.0.0.5"), InvalidInput),
        (("limit", "-1"), BadRequest),
        (("limit", "many"), BadRequest),
        (("sort_key", "name"), HTTPBadRequest),
    ],
)
def test_a_wrong_list_request_is_400(given: tuple[str, str], refusal: type[Exception]) -> None:
    """Unknown filters and wrong values are refused, never ignored."""
    with pytest.raises(refusal):
        _ports(given)


def test_sorting_needs_pairs_of_known_words() -> None:
    """A key that can be sorted by, and asc or desc exactly."""
    assert _ports(("sort_key", "name"), ("sort_dir", "desc"), ("sort_key", "tenant_id"), ("sort_dir", "asc")).sort == (
        ("name", False),
        ("project_id", True),
    )
    for wrong in ((("sort_key", "fixed_ips"), ("sort_dir", "asc")), (("sort_key", "name"), ("sort_dir", "ASC"))):
        with pytest.raises(HTTPBadRequest):
            _ports(*wrong)


def test_two_names_of_a_project_may_not_differ() -> None:
    """tenant_id and project_id are the same filter."""
    with pytest.raises(TenantIdProjectIdFilterConflict):
        _ports(("tenant_id", "a"), ("project_id", "b"))


def test_what_a_caller_may_not_see_does_not_narrow_its_lists() -> None:
    """Otherwise the answer would tell it."""
    query = _ports(("binding:host_id", "h"))
    assert conditions(PORT, query, ADMIN) == []
    with pytest.raises(PolicyNotAuthorized):
        conditions(PORT, query, MEMBER)


def test_the_longest_page_is_the_operators() -> None:
    """Zero and no limit mean as many as are given at most."""
    for given, limit in (("0", 10), ("5", 5), ("50", 10)):
        assert asked_query(NETWORK, _asked(("limit", given)), ADMIN, maximum=10).limit == limit
    assert asked_query(NETWORK, _asked(("limit", "0")), ADMIN, maximum=0).limit is None


def test_a_full_page_names_the_next_and_the_previous_one() -> None:
    """Links keep the query and point at the ends of the page."""
    asked = _asked(("name", "a b"), ("limit", "2"))
    rows = [{"id": "1"}, {"id": "2"}]
    document = listed(NETWORK, asked, Query(limit=2), rows, rows)
    assert document["networks_links"] == [
        {"rel": "next", "href": "http://server:9696/v2.0/networks?name=a+b&limit=2&marker=2"},
        {"rel": "previous", "href": "http://server:9696/v2.0/networks?name=a+b&limit=2&marker=1&page_reverse=True"},
    ]


def test_a_short_page_is_the_last_in_its_direction() -> None:
    """Forward it names no next one, backward no previous one; without a limit there are no links."""
    rows = [{"id": "1"}]
    forward = listed(NETWORK, _asked(), Query(limit=2), rows, rows)["networks_links"]
    backward = listed(NETWORK, _asked(), Query(limit=2, page_reverse=True), rows, rows)["networks_links"]
    assert [[link["rel"] for link in links] for links in (forward, backward)] == [["previous"], ["next"]]
    assert listed(NETWORK, _asked(), Query(), rows, rows) == {"networks": rows}


@pytest.mark.parametrize(
    ("header", "revision"), [("revision_number=7", 7), ('"abc"', None), ("", None), ("*", None), ('"revision_number=8"', 8)]
)
def test_if_match_may_demand_a_revision(header: str, revision: int | None) -> None:
    """Other tags demand nothing."""
    assert _asked(if_match=header).revision() == revision


def test_a_demanded_revision_is_a_number() -> None:
    """Anything else is 400."""
    with pytest.raises(BadRequest):
        _asked(if_match="revision_number=x").revision()
