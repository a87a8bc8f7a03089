"""Conntrack helpers of routers: the five verbs. A helper changes its router, whose revision moves."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.conntrack_helpers import SHOWN, check
from kaon.model.errors import BadRequest
from kaon.model.errors.gateways import ConntrackHelperNotFound
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, router_legs
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import conntrack_helpers, routers, rows, select
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def create(core: Core, caller: Caller, router_id: str, bodies: Sequence[Body]) -> list[Row]:
    """Add helpers to a router, all or none.

    Errors  RouterNotFound, PolicyNotAuthorized, ConntrackHelperNotAllowed, InvalidProtocolForHelper, BadRequest (it is there).
    """

    def work(tx: Transaction) -> list[Row]:
        router = router_legs.find(caller, tx, router_id)
        made = []
        for body in bodies:
            policy.authorize(caller, "create_router_conntrack_helper", body, router, body)
            row = {**body, "id": new_id(), "router_id": router_id}
            _check(tx, row)
            conntrack_helpers.insert(tx, row)
            made.append(row)
        _changed(tx, router)
        return made

    return following.write(core, work)


def show(core: Core, caller: Caller, router_id: str, helper_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a helper. Errors: RouterNotFound, ConntrackHelperNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, router_id, helper_id)[0])


def index(core: Core, caller: Caller, router_id: str, query: Query) -> Page:
    """List the helpers of a router. Errors: RouterNotFound, ConntrackHelperNotFound (the marker)."""

    def work(tx: Transaction) -> Page:
        router = router_legs.find(caller, tx, router_id)
        if not policy.visible(caller, "conntrack_helpers", {}, router):
            return Page([])
        everything = policy.Visibility(everything=True, project_id="")
        return Page(*conntrack_helpers.index(tx, router_id, bounded(core, query), everything))

    try:
        return core.store.read(work)
    except select.MarkerNotFound:
        raise ConntrackHelperNotFound(id=query.marker) from None


def update(  # noqa: PLR0913, PLR0917  # the shape of the verb
    core: Core, caller: Caller, router_id: str, helper_id: str, changes: Body, revision: int | None = None
) -> Row:
    """Change a helper. Errors: as `create`, ConntrackHelperNotFound, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> Row:
        row, router = _find(caller, tx, router_id, helper_id)
        policy.authorize(caller, "update_router_conntrack_helper", row, router, changes)
        check_revision(router, revision)
        after = row | changes
        if after == row:
            return row
        _check(tx, after)
        conntrack_helpers.update(tx, helper_id, changes)
        _changed(tx, router)
        return after

    return following.write(core, work)


def delete(core: Core, caller: Caller, router_id: str, helper_id: str, revision: int | None = None) -> None:
    """Remove a helper. Errors: RouterNotFound, ConntrackHelperNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> None:
        row, router = _find(caller, tx, router_id, helper_id)
        policy.authorize(caller, "delete_router_conntrack_helper", row, router)
        check_revision(router, revision)
        conntrack_helpers.delete(tx, helper_id)
        _changed(tx, router)

    following.write(core, work)


def _find(caller: Caller, tx: Transaction, router_id: str, helper_id: str) -> tuple[Row, Row]:
    """Find a helper that the caller may see, and its router."""
    router = router_legs.find(caller, tx, router_id)
    row = next((one for one in conntrack_helpers.of_router(tx, router_id) if one["id"] == helper_id), None)
    if row is None or not policy.visible(caller, "conntrack_helpers", row, router):
        raise ConntrackHelperNotFound(id=helper_id)
    return row, router


def _check(tx: Transaction, row: Row) -> None:
    check(row)
    for other in conntrack_helpers.of_router(tx, row["router_id"]):
        if other["id"] != row["id"] and all(other[name] == row[name] for name in SHOWN):
            raise BadRequest(reason=f"Bad conntrack_helper request: helper {other['id']} is the same.")


def _changed(tx: Transaction, router: Row) -> None:
    """Raise the router's revision, and have it show the helpers that it has now."""
    there = conntrack_helpers.of_router(tx, router["id"])
    routers.set_helpers(tx, router["id"], [{name: one[name] for name in SHOWN} for one in there])
    routers.update(tx, router["id"], rows.raised(router, tx.now))
    tx.touch(scopes.router(router["id"]), "router")
