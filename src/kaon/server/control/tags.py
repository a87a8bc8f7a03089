"""Tags: the verbs on the tags of one resource, for every collection that has them.

A change of tags is a change of its resource: revision and `updated_at` move, and a revision that the caller demands is checked.
Giving a resource a tag that it has changes nothing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from kaon.model.errors import NotFound, TagNotFound, TagResourceNotFound
from kaon.model.query import Row
from kaon.model.tags import check_number
from kaon.server.control import (
    floatingips,
    following,
    network_segment_ranges,
    networks,
    policy,
    ports,
    prefixes,
    qos_policies,
    routers,
    security_groups,
    subnets,
    trunks,
)
from kaon.server.control.core import Caller, Core, check_revision
from kaon.server.store import networks as network_rows
from kaon.server.store import routers as router_rows
from kaon.server.store import rows, tags
from kaon.server.store import security_groups as group_rows
from kaon.server.store import subnetpools as pool_rows
from kaon.server.store import subnets as subnet_rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


@dataclass(frozen=True)
class Target:
    """The resource whose tags are meant.

    revision  that it must have to be changed; None: any
    """

    collection: str
    identity: str
    revision: int | None = None


@dataclass(frozen=True)
class _Tagged:
    """How a collection has tags.

    member  its singular, in the names of actions
    find    the resource with its `tags`, if the caller may see it; raises NotFound
    stamp   stores its next revision, and tells the hosts that are told its revision
    """

    member: str
    find: Callable[[Caller, Transaction, str], Row]
    stamp: Callable[[Transaction, Row], object]


def _stamp_router(tx: Transaction, row: Row) -> None:
    router_rows.update(tx, row["id"], rows.raised(row, tx.now))
    tx.touch(scopes.router(row["id"]), "router")


def _on(row: Row, network: Row) -> Row:
    """A row that tells the rules whose its network is: its owner tags what is on it."""
    return row | {"network:project_id": network["project_id"]}


def _find_port(caller: Caller, tx: Transaction, port_id: str) -> Row:
    row, ground = ports.find(caller, tx, port_id)
    return _on(row, ground[0])


def _find_group(caller: Caller, tx: Transaction, group_id: str) -> Row:
    return security_groups.visible(tx, caller, group_id, with_rules=False)


_TAGGED: Final[Mapping[str, _Tagged]] = {
    "networks": _Tagged("network", networks.find, lambda tx, row: network_rows.update(tx, row["id"], rows.raised(row, tx.now))),
    "subnets": _Tagged(
        "subnet",
        lambda caller, tx, identity: _on(*subnets.find(caller, tx, identity)),
        lambda tx, row: subnet_rows.update(tx, row["id"], rows.raised(row, tx.now)),
    ),
    "subnetpools": _Tagged(
        "subnetpool", prefixes.find_pool, lambda tx, row: pool_rows.update(tx, row, rows.raised(row, tx.now))
    ),
    "ports": _Tagged("port", _find_port, ports.stamp),
    "routers": _Tagged("router", routers.find, _stamp_router),
    "floatingips": _Tagged("floatingip", floatingips.find, floatingips.stamp),
    "trunks": _Tagged("trunk", trunks.find, trunks.stamp),
    "security_groups": _Tagged(
        "security_group", _find_group, lambda tx, row: group_rows.update(tx, row["id"], rows.raised(row, tx.now))
    ),
    "network_segment_ranges": _Tagged("network_segment_range", network_segment_ranges.find, network_segment_ranges.stamp),
    "policies": _Tagged("policy", qos_policies.find, qos_policies.stamp),
}


def index(core: Core, caller: Caller, target: Target) -> list[str]:
    """List the tags of a resource, sorted. Errors: TagResourceNotFound, also when the caller may not see it."""
    has: list[str] = core.store.read(lambda tx: _find(caller, tx, target))["tags"]
    return has


def show(core: Core, caller: Caller, target: Target, tag: str) -> None:
    """Make sure that a resource has a tag. Errors: TagResourceNotFound, TagNotFound."""
    if tag not in index(core, caller, target):
        raise TagNotFound(tag=tag)


def replace(core: Core, caller: Caller, target: Target, wanted: Collection[str]) -> list[str]:
    """Leave a resource these tags only, and give them.

    Errors  TagResourceNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, BadRequest (too many).
    """
    return _change(core, caller, "update", target, lambda _has: frozenset(wanted))


def add(core: Core, caller: Caller, target: Target, more: Collection[str]) -> list[str]:
    """Give a resource these tags besides those that it has; tell all. Errors: as `replace`."""
    return _change(core, caller, "create", target, lambda has: has.union(more))


def add_one(core: Core, caller: Caller, target: Target, tag: str) -> list[str]:
    """Give a resource this tag besides those that it has; tell all. Errors: as `replace`."""
    return _change(core, caller, "update", target, lambda has: has | {tag})


def clear(core: Core, caller: Caller, target: Target) -> None:
    """Take all tags from a resource. Errors: as `replace`, but there are never too many."""
    _change(core, caller, "delete", target, lambda _has: frozenset())


def delete(core: Core, caller: Caller, target: Target, tag: str) -> None:
    """Take this tag from a resource. Errors: as `clear`, and TagNotFound."""

    def without(has: frozenset[str]) -> frozenset[str]:
        if tag not in has:
            raise TagNotFound(tag=tag)
        return has - {tag}

    _change(core, caller, "delete", target, without)


def _find(caller: Caller, tx: Transaction, target: Target) -> Row:
    try:
        return _TAGGED[target.collection].find(caller, tx, target.identity)
    except NotFound:
        raise TagResourceNotFound(resource=target.collection, resource_id=target.identity) from None


def _change(
    core: Core, caller: Caller, verb: str, target: Target, choose: Callable[[frozenset[str]], frozenset[str]]
) -> list[str]:
    """Give a resource the tags that `choose` makes of those that it has; tell them, sorted. verb: of the action's name."""
    collection, identity = target.collection, target.identity
    tagged = _TAGGED[collection]

    def work(tx: Transaction) -> list[str]:
        row = _find(caller, tx, target)
        policy.authorize(caller, f"{verb}_{tagged.member}:tags", row)
        check_revision(row, target.revision)
        has = frozenset(row["tags"])
        wanted = choose(has)
        if wanted - has:
            check_number(len(wanted))
        if wanted != has:
            tagged.stamp(tx, row)  # first: who changes the same resource waits here, holding nothing
            tags.remove(tx, collection, identity, has - wanted)
            tags.add(tx, collection, identity, wanted - has)
        return sorted(wanted)

    return following.write(core, work)
