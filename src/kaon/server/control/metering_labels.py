"""Metering labels: create, show, index, delete."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.errors.metering import MeteringLabelNotFound
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import metering_labels, select
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make metering labels, all or none. Errors: PolicyNotAuthorized."""

    def work(tx: Transaction) -> list[Row]:
        made = []
        for body in bodies:
            policy.authorize(caller, "create_metering_label", body, body=body)
            row = {"name": "", "description": "", "shared": False, **body, "id": new_id(), "tenant_id": body["project_id"]}
            metering_labels.insert(tx, row)
            made.append(row)
        return made

    return following.write(core, work)


def show(core: Core, caller: Caller, label_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a metering label. Errors: MeteringLabelNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, label_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List metering labels. Errors: MeteringLabelNotFound (the marker)."""
    seeing = policy.visibility(caller, "metering_labels")
    try:
        return Page(*core.store.read(lambda tx: metering_labels.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise MeteringLabelNotFound(label_id=query.marker) from None


def delete(core: Core, caller: Caller, label_id: str, revision: int | None = None) -> None:
    """Delete a metering label with its rules; it has no revision. Errors: MeteringLabelNotFound, PolicyNotAuthorized."""
    del revision

    def work(tx: Transaction) -> None:
        policy.authorize(caller, "delete_metering_label", find(caller, tx, label_id))
        metering_labels.delete(tx, label_id)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, label_id: str) -> Row:
    """Find a metering label that the caller may see. Errors: MeteringLabelNotFound."""
    row = metering_labels.show(tx, label_id)
    if row is None or not policy.visible(caller, "metering_labels", row):
        raise MeteringLabelNotFound(label_id=label_id)
    return row
