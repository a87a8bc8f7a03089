"""Subnet pools: create, show, index, update, delete; adding and removing prefixes; taking in the subnets of a network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from kaon.lib.addresses import Prefix
from kaon.lib.ids import new_id
from kaon.lib.prefixes import bits, compact, covers, without
from kaon.model.errors import (
    EmptySubnetPoolPrefixList,
    IllegalSubnetPoolPrefixBounds,
    IllegalSubnetPoolPrefixUpdate,
    IllegalSubnetPoolUpdate,
    InvalidInput,
    NotAuthorized,
    PrefixVersionMismatch,
    SubnetPoolDeleteError,
    SubnetPoolNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import address_scopes, following, networks, policy, prefixes, quota_usage, rbac
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import free_prefixes, rows, scope_rows, select, subnetpools, subnets
from kaon.server.store import networks as network_rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

_DEFAULT_MINIMUM = {4: 8, 6: 64}
"""IP version -> `min_prefixlen` when nobody says."""


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make subnet pools, all or none."""

    def work(tx: Transaction) -> list[Row]:
        for project_id, count in Counter(body["project_id"] for body in bodies).items():
            quota_usage.reserve(tx, project_id, "subnetpool", count, core.settings)
        return [_shown(_create(core, caller, tx, body)) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, pool_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a subnet pool. Errors: SubnetPoolNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return _shown(core.store.read(lambda tx: prefixes.find_pool(caller, tx, pool_id)))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List subnet pools."""
    seeing = policy.visibility(caller, "subnetpools")
    try:
        found, has_more = core.store.read(lambda tx: subnetpools.index(tx, bounded(core, query), seeing))
    except select.MarkerNotFound:
        raise SubnetPoolNotFound(subnetpool_id=query.marker) from None
    return Page([_shown(row) for row in found], has_more)


def update(core: Core, caller: Caller, pool_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a subnet pool. Prefixes may only be added: those there must lie in the new ones."""

    def work(tx: Transaction) -> Row:
        row = _own(caller, tx, pool_id, "update_subnetpool", changes)
        check_revision(row, revision)
        return _shown(_change(caller, tx, row, changes))

    return following.write(core, work)


def delete(core: Core, caller: Caller, pool_id: str, revision: int | None = None) -> None:
    """Delete a subnet pool. Errors: SubnetPoolDeleteError while subnets are from it."""

    def work(tx: Transaction) -> None:
        row = _own(caller, tx, pool_id, "delete_subnetpool")
        check_revision(row, revision)
        if subnetpools.in_use(tx, pool_id):
            raise SubnetPoolDeleteError(subnetpool_id=pool_id, reason="it has existing allocations")
        quota_usage.release(tx, row["project_id"], "subnetpool", 1)
        subnetpools.delete(tx, pool_id)
        rbac.forget(tx, "subnetpool", pool_id)

    following.write(core, work)


def add_prefixes(core: Core, caller: Caller, pool_id: str, body: Body) -> Row:
    """Add prefixes to a pool and give all that it then has. Errors: PrefixVersionMismatch."""

    def work(tx: Transaction) -> Row:
        row = _own(caller, tx, pool_id, "add_prefixes")
        return {"prefixes": _change(caller, tx, row, {"prefixes": [*row["prefixes"], *body["prefixes"]]})["prefixes"]}

    return following.write(core, work)


def remove_prefixes(core: Core, caller: Caller, pool_id: str, body: Body) -> Row:
    """Take prefixes from a pool and give those that are left; what it does not have it need not lose.

    Errors  IllegalSubnetPoolPrefixUpdate when a subnet has a part of them.
    """

    def work(tx: Transaction) -> Row:
        row = _own(caller, tx, pool_id, "remove_prefixes")
        address_scopes.check_pool_changeable(caller, tx, row)
        had = _networks(row["prefixes"])
        left = without(had, _networks(body["prefixes"]))
        for gone in without(had, left):
            if not free_prefixes.take(tx, pool_id, gone):
                raise IllegalSubnetPoolPrefixUpdate(msg="a subnet has a part of what is to be removed")
        return {"prefixes": _store(tx, row, {"prefixes": _texts(left)})["prefixes"]}

    return following.write(core, work)


def onboard_network_subnets(core: Core, caller: Caller, pool_id: str, body: Body) -> list[Row]:
    """Take the subnets of a network into a pool, their prefixes too; give the id and cidr of each.

    They leave the pool that they are from, if any.

    Errors  NetworkNotFound, NotAuthorized for a network of another project, IllegalSubnetPoolUpdate when the pool has given
            a part of their prefixes away.
    """

    def work(tx: Transaction) -> list[Row]:
        row = _own(caller, tx, pool_id, "onboard_network_subnets")
        network = networks.find(caller, tx, body["network_id"])
        if not caller.is_admin and network["project_id"] != caller.project_id:
            raise NotAuthorized
        found = [one for one in subnets.of_network(tx, network["id"]) if one["ip_version"] == row["ip_version"]]
        for subnet in found:
            if subnet["subnetpool_id"] == pool_id:
                raise IllegalSubnetPoolUpdate(reason=f"subnet {subnet['id']} ({subnet['cidr']}) is from it already")
        prefixes.give_back(tx, found)
        if found:
            row = _change(caller, tx, row, {"prefixes": [*row["prefixes"], *(one["cidr"] for one in found)]})
        for subnet in found:
            if not free_prefixes.take(tx, pool_id, ip_network(subnet["cidr"])):
                raise IllegalSubnetPoolUpdate(
                    reason=f"subnet {subnet['id']} ({subnet['cidr']}) overlaps what others have of it"
                )
            prefixes.check_quota(tx, row, subnet["project_id"], [ip_network(subnet["cidr"])])
            subnets.update(tx, subnet["id"], {"subnetpool_id": pool_id, **rows.raised(dict(subnet), tx.now)})
            tx.touch(scopes.network(network["id"]), f"subnet/{subnet['id']}")
        if found:
            network_rows.bump(tx, network["id"])
        return [{"id": one["id"], "cidr": one["cidr"]} for one in found]

    return following.write(core, work)


def _shown(row: Row) -> Row:
    """Give a pool as the API does: lengths as text, as clients of Neutron are used to."""
    return row | {name: str(row[name]) for name in ("min_prefixlen", "default_prefixlen", "max_prefixlen")}


def _own(caller: Caller, tx: Transaction, pool_id: str, action: str, body: Body | None = None) -> Row:
    """Find a pool that the caller may see and change."""
    row = prefixes.find_pool(caller, tx, pool_id)
    policy.authorize(caller, action, row, row, body)
    return row


def _create(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_subnetpool", body, body, body)
    given = {**_DEFAULTS, **body}
    row = _checked(tx, given, None)
    address_scopes.check_pool(caller, tx, row, None)
    row |= rows.fresh(new_id(), body["project_id"], tx.now)
    subnetpools.insert(tx, row)
    if row["shared"]:
        rbac.publish(core, tx, "subnetpool", row)
    free_prefixes.lay_out(tx, row["id"], _networks(row["prefixes"]))
    return row


_DEFAULTS: Mapping[str, Any] = {
    "description": "",
    "default_quota": None,
    "is_default": False,
    "shared": False,
    "address_scope_id": None,
    "tags": [],
}


def _change(caller: Caller, tx: Transaction, row: Row, changes: Body) -> Row:
    """Store what a caller wants changed, and make what was added free."""
    address_scopes.check_pool_changeable(caller, tx, row)
    wanted = _checked(tx, row | changes, row)
    address_scopes.check_pool(caller, tx, wanted, row)
    changed = {key: wanted[key] for key in changes if row[key] != wanted[key]}
    if not changed:
        return row
    if "prefixes" in changed:
        had, has = _networks(row["prefixes"]), _networks(wanted["prefixes"])
        if not covers(has, had):
            raise IllegalSubnetPoolPrefixUpdate(msg="existing prefixes must be a subset of the new prefixes")
        for added in without(has, had):
            free_prefixes.give_back(tx, row["id"], added)
    return _store(tx, row, changed)


def _store(tx: Transaction, row: Row, changed: Body) -> Row:
    changed = {key: value for key, value in changed.items() if row[key] != value}
    if not changed:
        return row
    if "address_scope_id" in changed:  # routers translate, and let through, by the scopes of their networks
        for subnet in scope_rows.from_subnetpool(tx, row["id"]):
            tx.touch(scopes.network(subnet["network_id"]), f"subnet/{subnet['id']}")
    changed |= rows.raised(row, tx.now)
    subnetpools.update(tx, row, changed)
    return row | changed


def _checked(tx: Transaction, row: Row, before: Row | None) -> Row:
    """Give the pool as it will be stored, or refuse it. before: None when it is new."""
    if not row["prefixes"]:
        raise EmptySubnetPoolPrefixList
    given = _networks(row["prefixes"])
    versions = {prefix.version for prefix in given}
    if len(versions) > 1 or (before is not None and versions != {before["ip_version"]}):
        raise PrefixVersionMismatch
    (version,) = versions
    if row["is_default"] and not (before and before["is_default"]) and subnetpools.default_of(tx, version) is not None:
        raise InvalidInput(error_message=f"there is a default subnet pool for IPv{version}, and there can be one only")
    return row | {"ip_version": version, "prefixes": _texts(compact(given))} | _lengths(row, version)


def _lengths(row: Row, version: int) -> dict[str, int]:
    """Give the bounds of a pool, with defaults. Errors: IllegalSubnetPoolPrefixBounds."""
    lowest = row.get("min_prefixlen", _DEFAULT_MINIMUM[version])
    highest = row.get("max_prefixlen", bits(version))
    lengths = {"min_prefixlen": lowest, "max_prefixlen": highest, "default_prefixlen": row.get("default_prefixlen", lowest)}
    bounds = {**lengths, "ip_version_max": bits(version)}
    for lower, upper in (
        ("min_prefixlen", "max_prefixlen"),
        ("max_prefixlen", "ip_version_max"),
        ("min_prefixlen", "default_prefixlen"),
        ("default_prefixlen", "max_prefixlen"),
    ):
        if bounds[lower] > bounds[upper]:
            raise IllegalSubnetPoolPrefixBounds(
                prefix_type=lower, prefixlen=bounds[lower], base_prefix_type=upper, base_prefixlen=bounds[upper]
            )
    return lengths


def _networks(texts: Sequence[str]) -> list[Prefix]:
    return [ip_network(text) for text in texts]


def _texts(given: Sequence[Prefix]) -> list[str]:
    return [str(prefix) for prefix in given]
