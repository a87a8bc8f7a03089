"""Topologies that are made by themselves: a project asks for its network, and has one that leads outside."""

from typing import Final

from kaon.model.attributes import Attribute, Resource
from kaon.model.extensions import Extension

DRY_RUN: Final = "dry-run"
"""In place of a field's name: only tell whether it could be made."""

AUTO_ALLOCATED_TOPOLOGY: Final = Resource(
    collection="auto_allocated_topology",
    member="auto_allocated_topology",
    verbs=frozenset({"show", "delete"}),
    attributes=(
        Attribute(name="id", alias="auto-allocated-topology"),
        Attribute(name="project_id", alias="auto-allocated-topology"),
        Attribute(name="tenant_id", alias="auto-allocated-topology"),
    ),
)
"""Named by the project in paths; `id` is its network. There is no list, and so the collection has the name of its path."""

EXTENSIONS: Final = (
    Extension(
        "auto-allocated-topology",
        "Auto Allocated Topology Services",
        "2016-01-01T00:00:00-00:00",
        "A project is given a network that leads outside.",
    ),
)
