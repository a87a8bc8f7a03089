"""Service profiles: create, show, index, update, delete."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.errors.flavors import (
    ServiceProfileDriverNotFound,
    ServiceProfileEmpty,
    ServiceProfileInUse,
    ServiceProfileNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.model.service_providers import BY_DRIVER
from kaon.server.control import following, policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import select, service_profiles
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make profiles, all or none. Errors: PolicyNotAuthorized, ServiceProfileEmpty, ServiceProfileDriverNotFound."""

    def work(tx: Transaction) -> list[Row]:
        made = []
        for body in bodies:
            policy.authorize(caller, "create_service_profile", body, body=body)
            row: Row = {"description": "", "driver": "", "metainfo": "", "enabled": True} | body | {"id": new_id()}
            _check(row)
            service_profiles.insert(tx, row)
            made.append(row)
        return made

    return following.write(core, work)


def show(core: Core, caller: Caller, profile_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a profile. Errors: ServiceProfileNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, profile_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List profiles."""
    seeing = policy.visibility(caller, "service_profiles")
    try:
        return Page(*core.store.read(lambda tx: service_profiles.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise ServiceProfileNotFound(sp_id=query.marker) from None


def update(core: Core, caller: Caller, profile_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a profile; it has no revision that a caller could demand.

    Errors  those of `create`, ServiceProfileNotFound, ServiceProfileInUse while a flavor has it.
    """
    del revision

    def work(tx: Transaction) -> Row:
        row = _find(caller, tx, profile_id)
        policy.authorize(caller, "update_service_profile", row, body=changes)
        service_profiles.hold(tx, profile_id)
        if service_profiles.in_use(tx, profile_id):
            raise ServiceProfileInUse(sp_id=profile_id)
        after = row | changes
        if after != row:
            _check(after)
            service_profiles.update(tx, profile_id, changes)
        return after

    return following.write(core, work)


def delete(core: Core, caller: Caller, profile_id: str, revision: int | None = None) -> None:
    """Delete a profile. Errors: ServiceProfileNotFound, PolicyNotAuthorized, ServiceProfileInUse while a flavor has it."""
    del revision

    def work(tx: Transaction) -> None:
        policy.authorize(caller, "delete_service_profile", _find(caller, tx, profile_id))
        if service_profiles.in_use(tx, profile_id):
            raise ServiceProfileInUse(sp_id=profile_id)
        service_profiles.delete(tx, profile_id)

    following.write(core, work)


def _find(caller: Caller, tx: Transaction, profile_id: str) -> Row:
    row = service_profiles.show(tx, profile_id)
    if row is None or not policy.visible(caller, "service_profiles", row):
        raise ServiceProfileNotFound(sp_id=profile_id)
    return row


def _check(row: Row) -> None:
    """Refuse a profile that says nothing, or a driver that nobody has."""
    if row["driver"] and row["driver"] not in BY_DRIVER:
        raise ServiceProfileDriverNotFound(driver=row["driver"])
    if not row["driver"] and not row["metainfo"]:
        raise ServiceProfileEmpty(error_message="a service profile needs a driver or metainfo")
