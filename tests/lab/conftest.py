"""A lab of its own for each module here, without server and agents: the rig itself is under test."""

import os
from collections.abc import Iterator

import pytest

from kaon.lab import nodes
from kaon.lab.topology import Lab, classic


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Two computes, a controller, a network node and the outside, wired."""
    made = Lab(f"t{os.getpid()}-{abs(hash(request.module.__name__)) % 10_000}")
    try:
        nodes.start_wires(made)
        for spec in classic():
            nodes.start_host(made, spec)
        nodes.start_outside(made)
        yield made
    finally:
        nodes.remove(made)
