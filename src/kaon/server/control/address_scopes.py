"""Address scopes: create, show, index, update, delete; and which subnet pools may be in one."""

from collections.abc import Sequence
from ipaddress import ip_network

from kaon.lib.ids import new_id
from kaon.model.errors import IllegalSubnetPoolUpdate
from kaon.model.errors.sharing import (
    AddressScopeInUse,
    AddressScopeNotFound,
    AddressScopePrefixConflict,
    AddressScopeUpdateError,
    IllegalSubnetPoolAssociationToAddressScope,
    IllegalSubnetPoolIpVersionAssociationToAddressScope,
    NetworkAddressScopeAffinityError,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, rbac
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import address_scopes, rows, select
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make address scopes, all or none."""

    def work(tx: Transaction) -> list[Row]:
        return [_create(core, caller, tx, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, scope_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find an address scope. Errors: AddressScopeNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, scope_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List address scopes."""
    seeing = policy.visibility(caller, "address_scopes")
    try:
        return Page(*core.store.read(lambda tx: address_scopes.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise AddressScopeNotFound(address_scope_id=query.marker) from None


def update(core: Core, caller: Caller, scope_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change an address scope. Errors: AddressScopeUpdateError for one that is shared and should no longer be."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, scope_id)
        policy.authorize(caller, "update_address_scope", row, row, changes)
        check_revision(row, revision)
        if row["shared"] and changes.get("shared") is False:
            raise AddressScopeUpdateError(address_scope_id=scope_id, reason="a shared address scope stays shared")
        if changes.get("shared"):
            rbac.share_with_all(core, tx, "address_scope", row)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        address_scopes.update(tx, scope_id, changed)
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, scope_id: str, revision: int | None = None) -> None:
    """Delete an address scope. Errors: AddressScopeInUse while subnet pools are in it."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, scope_id)
        policy.authorize(caller, "delete_address_scope", row, row)
        check_revision(row, revision)
        if address_scopes.in_use(tx, scope_id):
            raise AddressScopeInUse(address_scope_id=scope_id)
        address_scopes.delete(tx, scope_id)
        rbac.forget(tx, "address_scope", scope_id)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, scope_id: str) -> Row:
    """Find an address scope that the caller may see. Errors: AddressScopeNotFound."""
    row = address_scopes.show(tx, scope_id, caller.project_id)
    if row is None or not policy.visible(caller, "address_scopes", row, row):
        raise AddressScopeNotFound(address_scope_id=scope_id)
    return row


def check_pool_changeable(caller: Caller, tx: Transaction, pool: Row) -> None:
    """Refuse to change a subnet pool that is in the address scope of somebody else. Errors: IllegalSubnetPoolUpdate."""
    scope_id = pool["address_scope_id"]
    if scope_id is None or caller.is_admin:
        return
    if find(caller, tx, scope_id)["project_id"] != caller.project_id:
        raise IllegalSubnetPoolUpdate(reason=f"it is in address scope {scope_id}, which is of another project")


def check_pool(caller: Caller, tx: Transaction, pool: Row, before: Row | None) -> None:
    """Refuse a subnet pool, as it will be, that does not fit into its address scope. before: None when it is new.

    Errors  AddressScopeNotFound, AddressScopePrefixConflict, IllegalSubnetPoolAssociationToAddressScope,
            IllegalSubnetPoolIpVersionAssociationToAddressScope, NetworkAddressScopeAffinityError.
    """
    scope_id = pool["address_scope_id"]
    moved = before is not None and before["address_scope_id"] != scope_id
    if moved and address_scopes.torn(tx, pool["id"], pool["ip_version"]):
        raise NetworkAddressScopeAffinityError
    if scope_id is None or (before is not None and not moved and before["prefixes"] == pool["prefixes"]):
        return
    address_scopes.hold(tx, scope_id)
    scope = find(caller, tx, scope_id)
    facts = {"subnetpool_id": pool.get("id", "that is new"), "address_scope_id": scope_id}
    if not caller.is_admin and not scope["shared"] and scope["project_id"] != caller.project_id:
        raise IllegalSubnetPoolAssociationToAddressScope(**facts)
    version = scope["ip_version"]
    if pool["ip_version"] != version:
        raise IllegalSubnetPoolIpVersionAssociationToAddressScope(**facts, ip_version=version)
    mine = [ip_network(prefix) for prefix in pool["prefixes"]]
    others = address_scopes.prefixes_in(tx, scope_id, pool.get("id", ""), version)
    if any(one.overlaps(other) for one in mine for other in others):
        raise AddressScopePrefixConflict


def _create(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_address_scope", body, body, body)
    row = {"name": "", "shared": False, **body, **rows.fresh(new_id(), body["project_id"], tx.now)}
    address_scopes.insert(tx, row)
    if row["shared"]:
        rbac.publish(core, tx, "address_scope", row)
    return row
