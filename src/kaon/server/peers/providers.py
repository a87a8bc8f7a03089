"""A resource provider as Placement should have it. Pure: what it is made of stands in `control.resource_providers`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Provider:
    """One resource provider.

    parent       id of the provider that it is part of; "": none, or see `root`
    root         name of the compute node that it is part of, whose provider Nova makes; "": none
    inventories  resource class -> total, reserved, ...
    traits       all of them
    hosts        of the host aggregate that it shares its resources with; None: it has no aggregate
    """

    id: str
    name: str
    parent: str = ""
    root: str = ""
    inventories: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    hosts: tuple[str, ...] | None = None

    def digest(self, salt: str) -> str:
        """Give what differs whenever the provider, or the salt, does."""
        return hashlib.sha256(f"{salt}{json.dumps(asdict(self), sort_keys=True)}".encode()).hexdigest()
