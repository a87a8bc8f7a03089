"""Tags: what they cost, whom they go with, what hosts hear of them, and several who tag at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from cloud import ADMIN, ANN, Cloud, wired

from kaon.model.errors import BadRequest
from kaon.model.query import Query, Row
from kaon.server.control import floatingips, networks, ports, routers, security_groups, subnets, tags
from kaon.server.control.tags import Target
from kaon.server.store import tags as tag_rows
from kaon.wire import scopes

VERBS = {
    "networks": networks,
    "subnets": subnets,
    "ports": ports,
    "routers": routers,
    "floatingips": floatingips,
    "security_groups": security_groups,
}


def _make(cloud: Cloud, collection: str) -> list[Row]:
    """Three resources of ANN's, all tagged."""
    network = cloud.network()
    match collection:
        case "networks":
            made = [network, cloud.network(), cloud.network()]
        case "subnets":
            made = [cloud.subnet(network, f"10.0.{number}.0/24") for number in range(3)]
        case "ports":
            made = [cloud.port(network) for _ in range(3)]
        case "routers":
            made = [cloud.router() for _ in range(3)]
        case "floatingips":
            outside = cloud.outside()
            made = [cloud.floatingip(outside) for _ in range(3)]
        case _:
            made = security_groups.create(cloud.core, ANN, [{"project_id": "p1", "name": name} for name in "abc"])
    for row in made:
        tags.replace(cloud.core, ANN, Target(collection, row["id"]), ["blue", "red"])
    return made


def _stored(cloud: Cloud, collection: str) -> int:
    counted = sa.select(sa.func.count()).select_from(tag_rows.TABLES[collection])
    return int(cloud.store.read(lambda tx: tx.execute(counted).scalar_one()))


@pytest.mark.parametrize("collection", VERBS)
def test_tags_cost_one_statement_and_go_with_their_resource(cloud: Cloud, collection: str) -> None:
    """A list reads them in one statement, and takes six at most; nothing is left of them when the resource is deleted."""
    verbs: Any = VERBS[collection]
    made = _make(cloud, collection)
    filters = {"tags": ("red,blue",), "not-tags-any": ("pink",)}
    first = verbs.index(cloud.core, ANN, Query(filters=filters, limit=1)).rows[0]
    query = Query(filters=filters, marker=first["id"], limit=5)
    with cloud.store.counting() as statements:
        page = verbs.index(cloud.core, ANN, query)
    assert [["blue", "red"]] * 2 == [row["tags"] for row in page.rows]
    asked = [
        re.sub(r"EXISTS \([^()]*\)", "", text).split("WHERE")[0] for text in statements
    ]  # that only says whether there are any
    assert sum(f"FROM {tag_rows.TABLES[collection].name}" in text for text in asked) == 1
    assert len(statements) <= 6, list(statements)
    assert _stored(cloud, collection) == 6
    for row in made:
        verbs.delete(cloud.core, ANN, row["id"])
    assert _stored(cloud, collection) == 0


def test_a_subnet_that_goes_with_its_network_takes_its_tags_along(cloud: Cloud) -> None:
    """Nothing is left of them."""
    made = _make(cloud, "subnets")
    networks.delete(cloud.core, ANN, made[0]["network_id"])
    assert _stored(cloud, "subnets") == 0


def test_a_tagged_port_still_becomes_active(cloud: Cloud) -> None:
    """Its host is told the revision that the tags made, for what it says of an older one does not count."""
    cloud.hello("h1")
    port = cloud.port(cloud.network(), ADMIN, host="h1", tags=["red"], project_id="p1")
    tags.add_one(cloud.core, ANN, Target("ports", port["id"]), "blue")
    tagged = cloud.show_port(port)
    assert (["blue", "red"], port["revision_number"] + 1) == (tagged["tags"], tagged["revision_number"])
    told: Any = cloud.host_scope("h1")[f"port/{port['id']}"]
    assert told.revision == tagged["revision_number"]
    cloud.report("h1", wired(tagged))
    assert cloud.show_port(port)["status"] == "ACTIVE"


@pytest.mark.parametrize("collection", VERBS)
def test_tags_stamp_their_resource(cloud: Cloud, collection: str) -> None:
    """The time of the change is told, too."""
    row = _make(cloud, collection)[0]
    verbs: Any = VERBS[collection]
    before = verbs.show(cloud.core, ANN, row["id"])
    cloud.pass_time(60)
    tags.delete(cloud.core, ANN, Target(collection, row["id"]), "red")
    after = verbs.show(cloud.core, ANN, row["id"])
    assert after["updated_at"] > before["updated_at"]
    assert {**before, **{key: after[key] for key in ("updated_at", "revision_number", "tags")}} == after
    assert (before["revision_number"] + 1, ["blue"]) == (after["revision_number"], after["tags"])


def test_a_router_tells_its_revision(cloud: Cloud) -> None:
    """What is told of a router is what is stored, tags or not."""
    router = cloud.router()
    tags.add(cloud.core, ANN, Target("routers", router["id"]), ["a", "b"])
    told: Any = cloud.read(scopes.router(router["id"]))["router"]
    assert told.revision == router["revision_number"] + 1


def test_several_tag_at_once(cloud: Cloud) -> None:
    """No tag is lost, none is there twice, and there are never more than fifty."""
    target = Target("networks", cloud.network()["id"])
    tags.replace(cloud.core, ANN, target, [f"t{number:02}" for number in range(45)])

    def add(number: int) -> bool:
        try:
            tags.add_one(cloud.core, ANN, target, f"u{number % 8}")
        except BadRequest:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(add, range(16)))
    has = tags.index(cloud.core, ANN, target)
    assert len(has) == len(set(has)) == 50
    assert {f"u{number % 8}" for number, was in enumerate(added) if was} == {tag for tag in has if tag.startswith("u")}
