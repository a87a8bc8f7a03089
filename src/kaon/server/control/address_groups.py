"""Address groups: create, show, index, update, delete; adding and removing addresses."""

from collections.abc import Callable, Sequence

from kaon.lib.ids import new_id
from kaon.model.address_groups import ADDRESS_GROUP
from kaon.model.errors.address_groups import (
    AddressesAlreadyExist,
    AddressesNotFound,
    AddressGroupInUse,
    AddressGroupNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, rbac
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import address_groups, rows, select
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make groups, all or none. Errors: PolicyNotAuthorized."""

    def work(tx: Transaction) -> list[Row]:
        return [_create(tx, caller, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, group_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a group. Errors: AddressGroupNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, group_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List groups. Errors: AddressGroupNotFound (the marker)."""
    seeing = policy.visibility(caller, "address_groups")
    try:
        return Page(*core.store.read(lambda tx: address_groups.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise AddressGroupNotFound(address_group_id=query.marker) from None


def update(core: Core, caller: Caller, group_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a group. Errors: AddressGroupNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> Row:
        row = _own(caller, tx, group_id, "update_address_group", changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        address_groups.update(tx, group_id, changed)
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, group_id: str, revision: int | None = None) -> None:
    """Delete a group. Errors: AddressGroupNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, AddressGroupInUse."""

    def work(tx: Transaction) -> None:
        row = _own(caller, tx, group_id, "delete_address_group")
        check_revision(row, revision)
        if address_groups.in_use(tx, group_id):
            raise AddressGroupInUse(address_group_id=group_id)
        address_groups.delete(tx, group_id)
        rbac.forget(tx, address_groups.OBJECT_TYPE, group_id)
        tx.close_scope(scopes.members(group_id))

    following.write(core, work)


def add_addresses(core: Core, caller: Caller, group_id: str, body: Body) -> Row:
    """Add prefixes to a group and give it. Errors: AddressGroupNotFound, PolicyNotAuthorized, AddressesAlreadyExist."""

    def more(has: frozenset[str], given: frozenset[str]) -> frozenset[str]:
        if has & given:
            raise AddressesAlreadyExist(addresses=", ".join(sorted(has & given)), address_group_id=group_id)
        return has | given

    return _change_addresses(core, caller, group_id, "add_addresses", lambda has: more(has, frozenset(body["addresses"])))


def remove_addresses(core: Core, caller: Caller, group_id: str, body: Body) -> Row:
    """Take prefixes from a group and give it. Errors: AddressGroupNotFound, PolicyNotAuthorized, AddressesNotFound."""

    def fewer(has: frozenset[str], given: frozenset[str]) -> frozenset[str]:
        if given - has:
            raise AddressesNotFound(addresses=", ".join(sorted(given - has)), address_group_id=group_id)
        return has - given

    return _change_addresses(core, caller, group_id, "remove_addresses", lambda has: fewer(has, frozenset(body["addresses"])))


def find(caller: Caller, tx: Transaction, group_id: str) -> Row:
    """Find a group that the caller may know of. Errors: AddressGroupNotFound."""
    row = address_groups.show(tx, group_id, caller.project_id)
    if row is None or not policy.visible(caller, "address_groups", row):
        raise AddressGroupNotFound(address_group_id=group_id)
    return row


def _own(caller: Caller, tx: Transaction, group_id: str, action: str, body: Body | None = None) -> Row:
    """Find a group that the caller may change. To whom it is only shared it is not there, as in Neutron."""
    row = find(caller, tx, group_id)
    if not policy.visible(caller, "address_groups", row | {"shared": False}):
        raise AddressGroupNotFound(address_group_id=group_id)
    policy.authorize(caller, action, row, body=body)
    return row


def _create(tx: Transaction, caller: Caller, body: Body) -> Row:
    policy.authorize(caller, "create_address_group", body, body=body)
    given: Row = {"name": "", "description": "", "addresses": []} | body
    row: Row = given | rows.fresh(new_id(), body["project_id"], tx.now) | {"shared": False}
    address_groups.insert(tx, row)
    tx.open_scope(scopes.members(row["id"]))
    return row


def _change_addresses(
    core: Core, caller: Caller, group_id: str, action: str, choose: Callable[[frozenset[str]], frozenset[str]]
) -> Row:
    """Give a group the addresses that `choose` makes of those that it has; the answer's document."""

    def work(tx: Transaction) -> Row:
        row = _own(caller, tx, group_id, action)
        has = frozenset(row["addresses"])
        wanted = choose(has)
        if wanted == has:
            return row
        stamps = rows.raised(row, tx.now)
        address_groups.update(tx, group_id, stamps)  # first: who changes the same group waits here, holding nothing
        address_groups.remove_addresses(tx, group_id, has - wanted)
        address_groups.add_addresses(tx, group_id, wanted - has)
        tx.touch(scopes.members(group_id), *(f"prefix/{prefix}" for prefix in sorted(wanted ^ has)))
        return row | stamps | {"addresses": sorted(wanted)}

    row = following.write(core, work)
    return {ADDRESS_GROUP.member: {one.name: row[one.name] for one in ADDRESS_GROUP.attributes if one.name in row}}
