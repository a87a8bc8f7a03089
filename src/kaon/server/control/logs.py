"""Logs of what is let through and what is dropped: create, show, index, update, delete."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model import errors
from kaon.model.errors.logs import (
    EventsDisabled,
    InvalidLogResourceType,
    InvalidResourceConstraint,
    LogResourceNotFound,
    ResourceIdNotSpecified,
    ResourceNotFound,
    RouterGatewayNotSet,
    RouterNotEnabledSnat,
    TargetResourceNotFound,
)
from kaon.model.logs import ALL, SNAT, TYPES
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, ports, routers, security_groups
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import logs, rows, select
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make logs, all or none.

    Errors  PolicyNotAuthorized, InvalidLogResourceType, ResourceNotFound, TargetResourceNotFound, InvalidResourceConstraint,
            and for routers ResourceIdNotSpecified, EventsDisabled, RouterNotEnabledSnat, RouterGatewayNotSet.
    """

    def work(tx: Transaction) -> list[Row]:
        return [_create(tx, caller, body) for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, log_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a log. Errors: LogResourceNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(tx, caller, log_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List logs. Errors: LogResourceNotFound (the marker)."""
    seeing = policy.visibility(caller, "logs")
    try:
        return Page(*core.store.read(lambda tx: logs.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise LogResourceNotFound(log_id=query.marker) from None


def update(core: Core, caller: Caller, log_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a log. Errors: LogResourceNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> Row:
        row = _find(tx, caller, log_id)
        policy.authorize(caller, "update_log", row, body=changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        logs.update(tx, log_id, changed)
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, log_id: str, revision: int | None = None) -> None:
    """Delete a log. Errors: LogResourceNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> None:
        row = _find(tx, caller, log_id)
        policy.authorize(caller, "delete_log", row)
        check_revision(row, revision)
        logs.delete(tx, log_id)

    following.write(core, work)


def _find(tx: Transaction, caller: Caller, log_id: str) -> Row:
    row = logs.show(tx, log_id)
    if row is None or not policy.visible(caller, "logs", row):
        raise LogResourceNotFound(log_id=log_id)
    return row


def _create(tx: Transaction, caller: Caller, body: Body) -> Row:
    policy.authorize(caller, "create_log", body, body=body)
    if body["resource_type"] not in TYPES:
        raise InvalidLogResourceType(resource_type=body["resource_type"])
    check = _check_router if body["resource_type"] == SNAT else _check_group
    check(tx, caller, body)
    row = {**body, **rows.fresh(new_id(), body["project_id"], tx.now)}
    logs.insert(tx, row)
    return row


def _check_group(tx: Transaction, caller: Caller, body: Body) -> None:
    """Refuse a group, or a port, that the caller may not know of, and a port that is not in the group."""
    group_id, port_id = body["resource_id"], body["target_id"]
    if group_id is not None:
        try:
            security_groups.visible(tx, caller, group_id, with_rules=False)
        except errors.SecurityGroupNotFound:
            raise ResourceNotFound(resource_id=group_id) from None
    if port_id is None:
        return
    try:
        port, _ = ports.find(caller, tx, port_id)
    except errors.PortNotFound:
        raise TargetResourceNotFound(target_id=port_id) from None
    if group_id is not None and group_id not in port["security_groups"]:
        raise _unrelated(body)


def _check_router(tx: Transaction, caller: Caller, body: Body) -> None:
    """Refuse a router that the caller may not know of or that translates nothing; it has no events to choose from."""
    router_id = body["resource_id"]
    if router_id is None:
        raise ResourceIdNotSpecified(resource_type=SNAT)
    if body["event"] != ALL:
        raise EventsDisabled(events=body["event"], resource_type=SNAT)
    if body["target_id"] is not None:
        raise _unrelated(body)
    try:
        router = routers.find(caller, tx, router_id)
    except errors.RouterNotFound:
        raise ResourceNotFound(resource_id=router_id) from None
    gateway = router["external_gateway_info"]
    if gateway is None:
        raise RouterGatewayNotSet(resource_id=router_id)
    if not gateway["enable_snat"]:
        raise RouterNotEnabledSnat(resource_id=router_id)


def _unrelated(body: Body) -> InvalidResourceConstraint:
    return InvalidResourceConstraint(
        resource=body["resource_type"],
        resource_id=body["resource_id"],
        target_resource="port",
        target_id=body["target_id"],
    )
