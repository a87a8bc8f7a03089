"""Subnet pools: what happens to what is free of them, statement by statement."""

from typing import Any

import sqlalchemy as sa

from kaon.model.query import Query
from kaon.server.control import address_scopes, networks, scope_reading, subnetpools, subnets
from kaon.server.control.core import Caller, Core
from kaon.server.store import tables
from kaon.wire import scopes
from kaon.wire.messages import Delta
from kaon.wire.subnets import Subnet


def _pool(core: Core, caller: Caller, *prefixes: str, **more: Any) -> dict[str, Any]:
    body = {"project_id": caller.project_id, "name": "pool", "prefixes": list(prefixes), **more}
    return subnetpools.create(core, caller, [body])[0]


def _subnet(core: Core, caller: Caller, pool: dict[str, Any], **more: Any) -> dict[str, Any]:
    network = networks.create(core, caller, [{"project_id": caller.project_id}])[0]
    body = {"project_id": caller.project_id, "network_id": network["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
    return subnets.create(core, caller, [{**body, **more}])[0]


def _cost(core: Core, caller: Caller, pool: dict[str, Any]) -> int:
    network = networks.create(core, caller, [{"project_id": caller.project_id}])[0]
    body = {"project_id": caller.project_id, "network_id": network["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
    with core.store.counting() as statements:
        subnets.create(core, caller, [body])
    return len(statements)


def test_a_full_pool_costs_no_more_than_an_empty_one(core: Core, member: Caller) -> None:
    """What subnets have is not looked at to find what is free."""
    pool = _pool(core, member, "10.0.0.0/16", default_prefixlen=28)
    first = _cost(core, member, pool)
    for _ in range(12):
        _subnet(core, member, pool)
    assert _cost(core, member, pool) <= first


def test_free_is_what_nobody_has(core: Core, member: Caller) -> None:
    """As few rows as can be: one of each length between the pool's and the subnet's, and one again when it returns."""
    pool = _pool(core, member, "10.0.0.0/24", default_prefixlen=28)
    free = sa.select(tables.free_prefixes.c.length).order_by(tables.free_prefixes.c.length)
    subnet = _subnet(core, member, pool)
    assert core.store.read(lambda tx: tx.execute(free).scalars().all()) == [25, 26, 27, 28]
    subnets.delete(core, member, subnet["id"])
    assert core.store.read(lambda tx: tx.execute(free).scalars().all()) == [24]


def test_hosts_hear_of_a_pool_that_changes_its_address_scope(core: Core, member: Caller) -> None:
    """The subnets from it tell their scope anew; whatever else a pool changes is no business of hosts."""
    scope = address_scopes.create(core, member, [{"project_id": member.project_id, "name": "s", "ip_version": 4}])[0]
    pool = _pool(core, member, "10.0.0.0/16", default_prefixlen=28)
    subnet = _subnet(core, member, pool)
    name = scopes.network(subnet["network_id"])
    before = core.store.read(lambda tx: scope_reading.read_scope(tx, name))
    subnetpools.update(core, member, pool["id"], {"name": "other"})
    assert before == core.store.read(lambda tx: scope_reading.read_scope(tx, name))
    subnetpools.update(core, member, pool["id"], {"address_scope_id": scope["id"]})
    assert before is not None
    delta = core.store.read(lambda tx: scope_reading.read_changes(tx, name, before[0]))
    assert isinstance(delta, Delta)
    assert [(entry.id, entry.address_scope_id) for entry in delta.entries if isinstance(entry, Subnet)] == [
        (subnet["id"], scope["id"])
    ]


def test_a_list_of_pools_takes_few_statements(core: Core, member: Caller) -> None:
    """However many there are, and however many prefixes they have."""
    for number in range(5):
        _pool(core, member, f"10.{number}.0.0/16", "192.0.2.0/24")
    with core.store.counting() as statements:
        page = subnetpools.index(core, member, Query(sort=(("is_default", True), ("default_quota", False))))
    assert [one["prefixes"][-1] for one in page.rows] == ["192.0.2.0/24"] * 5
    assert len(statements) <= 3
