"""Whatever is sent: an answer, never a failure of the server, and a refusal leaves nothing behind. On every database.

Requests are made of the catalogue. They go straight to the router of paths: what HTTP itself refuses is `test_protocol`'s.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa
from api_client import Client
from makers import MAKERS, OWNER, Made, World
from makers_more import MORE

from kaon.model.attributes import Attribute, Resource
from kaon.model.catalogue import RESOURCES
from kaon.model.checks import Check, Unfit, schema_of
from kaon.model.errors import Refused
from kaon.server.api import routes
from kaon.server.api.asked import Asked
from kaon.server.api.faults import fault
from kaon.server.control.core import Caller, Core, implied
from kaon.server.store import tables

EVERY: Final = MAKERS | MORE

NOBODY: Final = "00000000-0000-4000-8000-000000000000"

WORDS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[31m\r\n",
    "\ud800",
    "ünïcødé ✓",
    "😀" * 64,
    "x" * 256,
    "x" * 9000,
    "'; DROP TABLE ports; --",
    "%_%",
    "..",
    "*",
    "null",
    "NaN",
    "-1",
    "1e400",
    "٣",
    "9" * 12,
    "9" * 40,
    "9" * 5000,
    NOBODY,
    "10.0.0.0/24",
    "::/0",
    "0.0.0.0",  # noqa: S104  # nothing listens there
    "fa:16:3e:00:00:01",
)
"""Text that is wrong nearly everywhere, and right somewhere."""

NUMBERS: Final = (0, -1, 1, 255, 4095, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30, -(2**63) - 1, 1.5, 1e308)

DEEP: Final = json.loads("[" * 500 + "]" * 500)

VALUES: Final = (None, True, *NUMBERS, *WORDS, [], {}, [None], [[]], [{}], {"a": 1}, [NOBODY, NOBODY], ["\x00"], DEEP)

MOST: Final = 8
"""Values that a check lets through and that are then sent; they are chosen evenly."""


def _shaped(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Values that have the right shape, and something wrong inside."""
    if "items" in schema:
        yield from ([inner] for inner in (*_shaped(schema["items"]), *WORDS, *NUMBERS))
    for name in schema.get("properties", {}):
        yield from ({name: value} for value in VALUES)
    if "properties" in schema:
        yield from (dict.fromkeys(schema["properties"], value) for value in VALUES)


def _parted(check: Check, values: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """The values that a check lets through, and those that it refuses."""
    through: list[Any] = []
    refused: list[Any] = []
    for value in values:
        try:
            check(value)
        except (Unfit, Refused):
            refused.append(value)
        else:
            through.append(value)
    return through, refused


def _wrong(attribute: Attribute) -> list[Any]:
    """What is sent for the attribute: some of what its check lets through, and one value that it refuses."""
    through, refused = _parted(attribute.check, (*VALUES, *_shaped(schema_of(attribute.check))))
    return [*through[:: len(through) // MOST + 1], *refused[:1]]


def _named(resource: Resource) -> str:
    return f"{resource.parent}-{resource.collection}".strip("-")


@pytest.mark.parametrize("resource", RESOURCES, ids=_named)
def test_every_check_answers_whatever_is_sent(resource: Resource) -> None:
    """A value is kept or refused; nothing else comes out of a check, or of a filter's."""
    for attribute in resource.attributes:
        assert any(_parted(attribute.check, (*VALUES, *_shaped(schema_of(attribute.check)))))
        assert attribute.filter is None or any(_parted(attribute.filter, WORDS))


class Door:
    """Asks without HTTP between, as an administrator who is a service as well."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._caller = Caller("root", OWNER, implied("admin", "service"))
        counts = [sa.select(sa.func.count()).select_from(table).scalar_subquery() for table in tables.metadata.sorted_tables]
        self._counting = sa.select(*counts)
        self._before: tuple[int, ...] = ()

    def count(self) -> tuple[int, ...]:
        """Rows of every table."""
        with self._core.store.engine.connect() as connection:
            return tuple(connection.execute(self._counting).one())

    def ask(self, method: str, path: str, document: Any = None, *query: tuple[str, str]) -> Any:
        """The document of an answer; None: it was refused. A failure of the server fails the test, with its cause."""
        body = b"" if document is None else json.dumps(document).encode()
        whole = f"/v2.0/{path}"
        asked = Asked(method, whole, tuple(word for word in whole.split("/") if word), query, {}, body, "http://kaon")
        try:
            answer = routes.answer(self._core, self._caller, asked)
        except Exception as error:
            # Some refusals are 500 as Neutron has it; they are refusals all the same.
            if fault(error)[0] >= 500 and not isinstance(error, Refused):
                raise AssertionError(f"{method} {path[:200]} {str(query)[:500]} {body[:500]!r}") from error
            return None
        return answer.document or {}

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Requests that are all refused, so that nothing is made."""
        before = self.count()
        yield
        assert before == self.count()

    def refused_or_done(self, method: str, path: str, document: Any) -> Any:
        """As `ask`; a refusal has made nothing."""
        self._before = self._before or self.count()
        answer = self.ask(method, path, document)
        if answer is None:
            assert self._before == self.count(), (method, path, document)
        else:
            self._before = ()
        return answer


@pytest.fixture
def door(core: Core) -> Door:
    """Asks this core."""
    return Door(core)


@pytest.fixture
def world(core: Core, admin: Client, nova: Client) -> World:
    """Makes one of each resource."""
    return World(core, admin, nova)


@pytest.mark.parametrize("resource", RESOURCES, ids=_named)
def test_a_wrong_attribute_makes_nothing(resource: Resource, door: Door, world: World) -> None:
    """POST and PUT with one attribute that is not as it should be."""
    made = EVERY[resource.parent, resource.collection](world)
    for attribute in resource.attributes:
        values = _wrong(attribute)
        for value in values if attribute.post and "create" in resource.verbs else ():
            body = {resource.member: {**made.body, attribute.name: value}}
            answer = door.refused_or_done("POST", made.path, body)
            if answer is not None:
                door.ask("DELETE", f"{made.path}/{answer[resource.member].get(resource.key, made.id)}")
        for value in values if attribute.put and "update" in resource.verbs else ():
            door.refused_or_done("PUT", f"{made.path}/{made.id}", {resource.member: {attribute.name: value}})


@pytest.mark.parametrize("resource", [one for one in RESOURCES if "index" in one.verbs], ids=_named)
def test_a_wrong_question_is_answered(resource: Resource, door: Door, world: World) -> None:
    """Filters, sort keys, markers, limits, fields. What a filter lets through is asked for at once, and empty alone."""
    made = EVERY[resource.parent, resource.collection](world)

    def ask(*query: tuple[str, str]) -> Any:
        return door.ask("GET", made.path, None, *query)

    for name, check in resource.filters.items():
        through, refused = _parted(check, WORDS)
        kept = [word for word in through if word and "\x00" not in word and word != "\ud800"]
        ask(*((name, word) for word in kept))
        for word in ("", "\x00", *refused[:1]):
            ask((name, word))
    for word in WORDS:
        ask(("limit", word))
        ask(("limit", "1"), ("marker", word))
        ask(("fields", word), ("page_reverse", word))
        ask(("sort_key", word), ("sort_dir", word))
    for key in sorted(resource.sort_keys):
        assert ask(("sort_key", key), ("sort_dir", "desc"), ("limit", "1")) is not None, key
    assert ask(("nothing", "x")) is None


@pytest.mark.parametrize("resource", RESOURCES, ids=_named)
def test_a_wrong_id_is_answered(resource: Resource, door: Door, world: World) -> None:
    """In every place of a path."""
    made = EVERY[resource.parent, resource.collection](world)
    with door.watched():
        for word in WORDS:
            one = f"{made.path}/{word.replace('/', '') or 'x'}"
            door.ask("GET", one)
            door.ask("GET", f"{one}/tags")
            door.ask("PUT", f"{one}/tags/x")
            door.ask("PUT", one, {resource.member: dict(made.change)})
            door.ask("DELETE", one)
            if resource.parent:
                door.ask("GET", f"{made.path.replace(made.path.split('/')[-2], word or 'x')}/{made.id}")
    if resource.tagged:
        for word in WORDS:
            door.refused_or_done("PUT", f"{made.path}/{made.id}/tags/{word}", {"tags": [word]})
            door.refused_or_done("DELETE", f"{made.path}/{made.id}/tags/{word or 'x'}", None)


BODIES: Final = (
    ("quotas/{}", "quota", ("network", "force", "nothing")),
    ("routers/{}/add_router_interface", "", ("subnet_id", "port_id")),
    ("routers/{}/add_extraroutes", "router", ("routes",)),
    ("subnetpools/{}/add_prefixes", "", ("prefixes",)),
    ("subnetpools/{}/onboard_network_subnets", "", ("network_id",)),
    ("address-groups/{}/add_addresses", "", ("addresses",)),
    ("trunks/{}/add_subports", "", ("sub_ports",)),
    ("networks/{}/tags", "", ("tags",)),
    ("agents/{}/dhcp-networks", "", ("network_id",)),
    ("agents/{}/l3-routers", "", ("router_id",)),
)
"""Path, envelope and keys of bodies that are no resource."""


@pytest.mark.parametrize(("path", "envelope", "keys"), BODIES, ids=[path for path, _, _ in BODIES])
def test_a_wrong_body_of_an_action_changes_nothing(
    door: Door, world: World, path: str, envelope: str, keys: tuple[str, ...]
) -> None:
    """Values of every kind, and sub-ports with such values inside."""
    collection = path.split("/", maxsplit=1)[0].replace("-", "_")
    made = Made("quotas", OWNER) if collection == "quotas" else EVERY["", collection](world)
    inner = [{"port_id": NOBODY, "segmentation_type": value, "segmentation_id": value} for value in VALUES]
    lists = [[one] for one in (*inner, *WORDS)]
    method = "POST" if path.startswith("agents") else "PUT"
    for body in (*VALUES, *({key: value} for key in keys for value in (*VALUES, *lists))):
        door.refused_or_done(method, path.format(made.id), {envelope: body} if envelope else body)
