"""Ports that a local IP stands for: create, show, index, delete."""

from collections.abc import Sequence

from kaon.model.errors import BadRequest, Conflict, PortNotFound
from kaon.model.errors.local_ips import LocalIPAssociationNotFound
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, local_ips, policy, ports
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import local_ips as store
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, local_ip_id: str, bodies: Sequence[Body]) -> list[Row]:
    """Have a local IP stand for ports, all or none.

    Errors  LocalIPNotFound, PolicyNotAuthorized, BadRequest (no such port), those of `local_ips.address_of`, Conflict: it does.
    """

    def work(tx: Transaction) -> list[Row]:
        above = local_ips.find(caller, tx, local_ip_id)
        made = []
        for body in bodies:
            policy.authorize(caller, "create_local_ip_port_association", body, above, body)
            port_id = body["fixed_port_id"]
            try:
                port, _ = ports.find(caller, tx, port_id)
            except PortNotFound:
                raise BadRequest(reason=f"Bad local_ip_port_association request: Port {port_id} not found.") from None
            if any(one["fixed_port_id"] == port_id for one in store.associations(tx, local_ip_id)):
                raise Conflict(reason=f"Local IP {local_ip_id} stands for port {port_id} already")
            store.associate(tx, local_ip_id, port_id, local_ips.address_of(port, body.get("fixed_ip")))
            made.append(_find(caller, tx, local_ip_id, port_id)[0])
        return made

    return following.write(core, work)


def show(core: Core, caller: Caller, local_ip_id: str, port_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a port that a local IP stands for. Errors: LocalIPNotFound, LocalIPAssociationNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, local_ip_id, port_id)[0])


def index(core: Core, caller: Caller, local_ip_id: str, query: Query) -> Page:
    """List the ports that a local IP stands for. Errors: LocalIPNotFound."""

    def work(tx: Transaction) -> list[Row]:
        above = local_ips.find(caller, tx, local_ip_id)
        seen = policy.visible(caller, "port_associations", {}, above)
        return store.associations(tx, local_ip_id) if seen else []

    found = [row for row in core.store.read(work) if all(row[name] in wanted for name, wanted in query.filters.items())]
    for name, ascending in reversed(query.sort):
        found.sort(key=lambda row: str(row[name]), reverse=not ascending)
    limit = bounded(core, query).limit
    return Page(found[:limit], has_more=limit is not None and len(found) > limit)


def delete(core: Core, caller: Caller, local_ip_id: str, port_id: str, revision: int | None = None) -> None:
    """Have a local IP stand for a port no longer. Errors: LocalIPNotFound, LocalIPAssociationNotFound, PolicyNotAuthorized."""

    def work(tx: Transaction) -> None:
        row, above = _find(caller, tx, local_ip_id, port_id)
        policy.authorize(caller, "delete_local_ip_port_association", row, above)
        check_revision(above, revision)
        store.dissociate(tx, local_ip_id, port_id)

    following.write(core, work)


def _find(caller: Caller, tx: Transaction, local_ip_id: str, port_id: str) -> tuple[Row, Row]:
    above = local_ips.find(caller, tx, local_ip_id)
    for row in store.associations(tx, local_ip_id):
        if row["fixed_port_id"] == port_id and policy.visible(caller, "port_associations", row, above):
            return row, above
    raise LocalIPAssociationNotFound(local_ip_id=local_ip_id, port_id=port_id)
