"""Bodies and answers derived from declarations."""

import ast
import string
from pathlib import Path
from typing import Any

import pytest

import kaon
from kaon.model import errors
from kaon.model.agents import AGENT
from kaon.model.attributes import Resource, create_body, update_body
from kaon.model.catalogue import DECLARED
from kaon.model.errors import HTTPBadRequest, InvalidInput, PolicyNotAuthorized, Refused
from kaon.model.floatingips import FLOATINGIP
from kaon.model.networks import NETWORK
from kaon.model.ports import PORT
from kaon.model.quotas import update_body as quota_body
from kaon.model.routers import ROUTER
from kaon.model.security_group_rules import SECURITY_GROUP_RULE
from kaon.model.security_groups import SECURITY_GROUP
from kaon.model.subnets import SUBNET

RESOURCES = (NETWORK, SUBNET, PORT, SECURITY_GROUP, SECURITY_GROUP_RULE, ROUTER, FLOATINGIP, AGENT)
ID = "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"


def test_an_empty_network_gets_its_defaults() -> None:
    """What is not given has Neutron's default, or stays absent where that is not specified."""
    expected = {
        "name": "",
        "project_id": "p",
        "admin_state_up": True,
        "shared": False,
        "router:external": False,
        "port_security_enabled": True,
        "description": "",
        "availability_zone_hints": [],
        "dns_domain": "",
        "is_default": False,
        "qos_policy_id": None,
        "ha": False,
    }
    assert expected == create_body(NETWORK, {"project_id": "p"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "ACTIVE"}, "status"),
        ({"id": ID}, "id"),
        ({"name": 5}, "name"),
        ({"tenant_id": "p"}, "tenant_id"),
    ],
)
def test_a_wrong_attribute_is_named(given: dict[str, Any], words: str) -> None:
    """The refusal says which attribute is unknown, read-only or wrong."""
    with pytest.raises(HTTPBadRequest, match=words):
        create_body(NETWORK, given)


def test_what_must_be_given_is_named() -> None:
    """A port without a network is refused by the name of what is missing."""
    with pytest.raises(HTTPBadRequest, match="network_id"):
        create_body(PORT, {})


def test_an_update_holds_only_what_was_given() -> None:
    """Defaults are for creation."""
    assert update_body(PORT, {"admin_state_up": "false"}) == {"admin_state_up": False}
    assert update_body(PORT, {}) == {}


@pytest.mark.parametrize("given", [{"network_id": ID}, {"project_id": "p"}, {"tenant_id": "p"}, {"revision_number": 1}])
def test_what_is_fixed_at_creation_cannot_be_updated(given: dict[str, Any]) -> None:
    """Attributes without PUT are refused by name."""
    with pytest.raises(HTTPBadRequest, match="read-only"):
        update_body(PORT, given)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.collection)
def test_no_attribute_comes_without_its_extension(resource: Resource) -> None:
    """What an attribute's alias promises is advertised."""
    assert [attribute.name for attribute in resource.attributes if attribute.alias not in DECLARED] == []


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.collection)
def test_attributes_have_different_names(resource: Resource) -> None:
    """None is declared twice."""
    assert len(resource.attributes) == len(resource.by_name)


def test_a_quota_is_a_number_from_minus_one() -> None:
    """Known resources only; text, less than -1 and unknown ones are 400. Only a literal true forces."""
    assert quota_body({"network": "-1", "force": True}) == {"network": -1, "force": True}
    assert quota_body({"network": "-1", "force": "true"}) == {"network": -1}
    for wrong in ({"network": -2}, {"dragons": 1}):
        with pytest.raises(HTTPBadRequest):
            quota_body(wrong)
    with pytest.raises(InvalidInput):
        quota_body({"network": "many"})


def test_a_refusal_says_what_happened() -> None:
    """The message is made of the facts."""
    assert errors.NetworkNotFound(net_id="n1").message == "Network n1 could not be found."
    assert "create_network:shared" in PolicyNotAuthorized(action="create_network:shared").message


def _raised() -> list[tuple[str, str, set[str]]]:
    """Where, which refusal, with which facts: every call in the source that makes one."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Refused)}
    found = []
    for path in Path(kaon.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                facts = {keyword.arg for keyword in node.keywords if keyword.arg}
                if name in kinds and len(facts) == len(node.keywords):
                    found.append((f"{path.name}:{node.lineno}", name, facts))
    return found


def test_whoever_refuses_gives_the_facts_of_the_message() -> None:
    """No refusal in the source forgets a fact that its message needs: that would be a 500."""
    calls = _raised()
    assert calls
    needs = {
        name: {field for _, field, _, _ in string.Formatter().parse(getattr(errors, name).template) if field}
        for _, name, _ in calls
    }
    assert [f"{where} {name} lacks {needs[name] - facts}" for where, name, facts in calls if needs[name] - facts] == []
