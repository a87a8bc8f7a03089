"""The server is what /openapi.json says: requests made from the description are answered as it says, never with a 5xx."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import hypothesis
import pytest
import schemathesis
from api_client import Client
from hypothesis import strategies
from makers import MAKERS, Made, World
from makers_more import MORE
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kaon.model.catalogue import RESOURCES
from kaon.model.checks import schema_of
from kaon.server.api.routes import described
from kaon.server.control.core import Core

EXAMPLES: Final = 4
"""Requests of each operation."""

CHECKS: Final = (content_type_conformance, response_schema_conformance, status_code_conformance)

OPERATIONS: Final = {
    operation.label: operation
    for operation in (found.ok() for found in schemathesis.openapi.from_dict(dict(described())).get_all_operations())
}


@pytest.fixture
def database(sqlite_file: Path, tmp_path: Path) -> str:
    """SQLite alone: what an answer looks like does not hang on the database."""
    return f"sqlite:///{shutil.copy(sqlite_file, tmp_path / 'kaon.db')}"


def _made(world: World, path: str) -> Mapping[str, str]:
    """Ids for the names in a path, of things that exist."""
    words = [word for word in path.replace("-", "_").split("/") if word and not word.startswith("{")]
    found: dict[str, str] = {}
    for parent, collection in ((a, b) for a in ("", *words) for b in words):
        maker = (MAKERS | MORE).get((parent, collection))
        if maker is None or f"/{collection}".replace("_", "-") not in path:
            continue
        made: Made = maker(world)
        members = [resource.member for resource in RESOURCES if (resource.parent, resource.collection) == (parent, collection)]
        found[f"{members[0]}_id"] = made.id
        above = [resource.member for resource in RESOURCES if resource.collection == parent and not resource.parent]
        found |= {f"{member}_id": made.path.split("/")[-2] for member in above}
    return {name: identity for name, identity in found.items() if identity}


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_operation_answers_as_described(label: str, core: Core, admin: Client, nova: Client) -> None:
    """Whatever fits the description of a request: the answer fits, too, and is no failure of the server."""
    operation = OPERATIONS[label]
    existing = _made(World(core, admin, nova), operation.path)

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(), real=strategies.booleans())
    def ask(case: Any, real: bool) -> None:
        if real:
            case.path_parameters.update({name: value for name, value in existing.items() if name in case.path_parameters})
        answer = _answer(admin, case)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        case.validate_response(answer, checks=CHECKS)

    ask()


def _answer(client: Client, case: Any) -> httpx.Response:
    query = [
        (key, str(value))
        for key, given in (case.query or {}).items()
        for value in (given if isinstance(given, list) else [given])
    ]
    headers = {key: str(value) for key, value in (case.headers or {}).items()}
    content = json.dumps(case.body) if isinstance(case.body, (dict, list)) else None
    return client.ask(case.method, case.formatted_path, params=query, headers=headers, content=content)


def test_anybody_may_read_the_description(admin: Client) -> None:
    """Without authentication, like the versions."""
    answer = admin.ask("GET", "/openapi.json", auth=False)
    assert (200, "3.1.0") == (answer.status_code, answer.json()["openapi"])


def test_every_attribute_that_can_be_sent_is_described() -> None:
    """Whoever writes a check says what it keeps (`checks.keeps`)."""
    sent = {
        (resource.collection, attribute.name): schema_of(attribute.check)
        for resource in RESOURCES
        for attribute in resource.attributes
        if (attribute.post and "create" in resource.verbs) or (attribute.put and "update" in resource.verbs)
    }
    assert [] == [name for name, schema in sent.items() if not schema]
