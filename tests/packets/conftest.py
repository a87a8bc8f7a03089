"""A whole lab for each module here: server, agents, hosts, the openstack client. Built once, removed at the end."""

import os
from collections.abc import Iterator

import pytest

from kaon.lab import cloud, rig
from kaon.lab.api import Api, api_of
from kaon.lab.cloud import Cloud
from kaon.lab.topology import Lab


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Two computes, a network node, a controller with the server, the outside; agents run."""
    word = request.module.__name__.rpartition("_")[2]
    with rig.running(f"t{os.getpid()}-{word}") as made:
        yield made


@pytest.fixture(scope="module")
def tenants(lab: Lab) -> Iterator[Cloud]:
    """Clients of the admin, of red and of blue; all agents alive; the external network made."""
    with cloud.clients(lab, rig.access(lab)) as made:
        cloud.wait_agents(made)
        cloud.make_public(made)
        yield made


@pytest.fixture(scope="module")
def red(tenants: Cloud) -> Api:
    """Project red by plain HTTP."""
    return api_of(rig.access(tenants.lab), "red")


@pytest.fixture(scope="module")
def admin(tenants: Cloud) -> Api:
    """The admin by plain HTTP."""
    return api_of(rig.access(tenants.lab), "admin")
