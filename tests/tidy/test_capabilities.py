"""The page docs/capabilities.md says of everything that the API takes who carries it out."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from kaon import model
from kaon.model import errors
from kaon.model.attributes import Resource
from kaon.model.catalogue import DECLARED

PAGE = (Path(__file__).parents[2] / "docs" / "capabilities.md").read_text()
NAMED = set(re.findall(r"`([^`]+)`", PAGE))
RESOURCES = {
    value.member: value
    for module in pkgutil.iter_modules(model.__path__)
    for value in vars(importlib.import_module(f"kaon.model.{module.name}")).values()
    if isinstance(value, Resource)
}
ERRORS = {
    name
    for module in (
        errors,
        *(importlib.import_module(f"{errors.__name__}.{one.name}") for one in pkgutil.iter_modules(errors.__path__)),
    )
    for name in vars(module)
}


@pytest.mark.parametrize("member", sorted(RESOURCES))
def test_every_attribute_that_can_be_set_is_accounted_for(member: str) -> None:
    """Whoever declares an attribute writes down who carries it out, or that it is refused."""
    settable = {attribute.name for attribute in RESOURCES[member].attributes if attribute.post or attribute.put}
    assert settable - NAMED == set(), "docs/capabilities.md does not say who carries this out"


def test_every_extension_is_accounted_for() -> None:
    """Nothing is advertised that the page does not know."""
    assert DECLARED.keys() - NAMED == set(), "docs/capabilities.md does not say who carries this out"


def test_the_errors_on_the_page_exist() -> None:
    """A type that the page names is one of ours."""
    named = set(re.findall(r"4\d\d `(\w+)`", PAGE))
    assert named - ERRORS == set()
    assert named
