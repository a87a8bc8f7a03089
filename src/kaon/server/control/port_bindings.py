"""Bindings of a port, the active one and those on hosts to which its server may be moved: five verbs, and activate.

A host with an inactive binding is told of the port and wires its device as soon as it is plugged there; all others keep sending
to the active one until the activation, which is one transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kaon.model.errors import BadRequest
from kaon.model.errors.port_bindings import (
    PortBindingAlreadyActive,
    PortBindingAlreadyExists,
    PortBindingError,
    PortBindingNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import binding, following, policy, ports
from kaon.server.control.core import Caller, Core, check_revision
from kaon.server.store import port_bindings
from kaon.server.store.engine import Transaction

ACTIVE = "ACTIVE"
INACTIVE = "INACTIVE"

_ON_PORT: Mapping[str, str] = {"host": "binding:host_id", "vnic_type": "binding:vnic_type", "profile": "binding:profile"}
"""Attribute of a binding that can be asked for -> where the port has the active one's."""


def create(core: Core, caller: Caller, port_id: str, bodies: Sequence[Body]) -> list[Row]:
    """Bind a port to a further host, or to its first.

    Errors  PortNotFound, BadRequest (no port of a server or a share), PolicyNotAuthorized, PortBindingAlreadyExists,
            PortBindingError.
    """

    def work(tx: Transaction) -> list[Row]:
        port, network = _find_port(caller, tx, port_id)
        made = []
        for body in bodies:
            policy.authorize(caller, "create_port_binding", port, network, body)
            _check_owner(port)
            wanted = {"host": body["host"], "vnic_type": body["vnic_type"], "profile": body.get("profile", {})}
            made.append(_create(core, tx, port, network, wanted))
        return made

    return following.write(core, work)


def show(core: Core, caller: Caller, port_id: str, host: str, fields: frozenset[str] | None = None) -> Row:
    """Find the binding of a port on a host. Errors: PortNotFound, BadRequest, PortBindingNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(caller, tx, port_id, host)[2])


def index(core: Core, caller: Caller, port_id: str, query: Query) -> Page:
    """List the bindings of a port, by host. Errors: PortNotFound, BadRequest, PortBindingNotFound (the marker)."""

    def work(tx: Transaction) -> list[Row]:
        port, network = _find_port(caller, tx, port_id)
        _check_owner(port)
        return [row for row in _all(tx, port) if policy.visible(caller, "bindings", row, network)]

    found = [
        row for row in core.store.read(work) if all(row[key] in values for key, values in query.filters.items() if key in row)
    ]
    if query.page_reverse:
        found.reverse()
    if query.marker is not None:
        at = next((at for at, row in enumerate(found) if row["host"] == query.marker), None)
        if at is None:
            raise PortBindingNotFound(port_id=port_id, host=query.marker)
        found = found[at + 1 :]
    page = found[: query.limit]
    return Page(page[::-1] if query.page_reverse else page, len(found) > len(page))


def update(  # noqa: PLR0913, PLR0917  # the verb of a resource below another one
    core: Core, caller: Caller, port_id: str, host: str, changes: Body, revision: int | None = None
) -> Row:
    """Change how, or where, a port is bound.

    Errors  as `show`, PolicyNotAuthorized, PortBindingAlreadyExists, PortBindingError.
    """

    def work(tx: Transaction) -> Row:
        port, network, row = _find(caller, tx, port_id, host)
        # Neutron has no rule of its own for this.
        policy.authorize(caller, "create_port_binding", port, network, changes)
        check_revision(port, revision)
        wanted = {key: changes[key] if key in changes else row[key] for key in _ON_PORT}
        if wanted["host"] != host:
            _check_no_other(tx, port, wanted["host"])
        if row["status"] == ACTIVE:
            return _bind_port(core, tx, port, wanted)
        port_bindings.delete(tx, port_id, host)
        prepared = _prepare(core, tx, port, network, wanted)
        ports.rebind(tx, port, {host, wanted["host"]})
        return prepared

    return following.write(core, work)


def delete(core: Core, caller: Caller, port_id: str, host: str, revision: int | None = None) -> None:
    """Take a port from a host; without its active binding it is unbound. Errors: as `show`, PolicyNotAuthorized."""

    def work(tx: Transaction) -> None:
        port, network, row = _find(caller, tx, port_id, host)
        policy.authorize(caller, "delete_port_binding", port, network)
        check_revision(port, revision)
        if row["status"] == ACTIVE:
            ports.alter(core, tx, port, {"binding:host_id": ""})
        else:
            port_bindings.delete(tx, port_id, host)
            ports.rebind(tx, port, {host})

    following.write(core, work)


def activate(core: Core, caller: Caller, port_id: str, host: str, body: Body) -> Row:
    """Make the binding on a host the active one; the one that was is kept, inactive and not wired.

    Errors  as `show`, PolicyNotAuthorized, PortBindingAlreadyActive, PortBindingError.
    """
    del body  # nothing is asked for

    def work(tx: Transaction) -> Row:
        port, network, row = _find(caller, tx, port_id, host)
        policy.authorize(caller, "activate", port, network)
        if row["status"] == ACTIVE:
            raise PortBindingAlreadyActive(port_id=port_id, host=host)
        before = _active(port)
        port_bindings.delete(tx, port_id, host)
        if before["host"]:
            port_bindings.insert(tx, port_id, before | {"vif_type": binding.UNBOUND, "vif_details": {}})
        return _bind_port(core, tx, port, row)

    return following.write(core, work)


def _find_port(caller: Caller, tx: Transaction, port_id: str) -> tuple[Row, Row]:
    port, ground = ports.find(caller, tx, port_id)
    return port, ground[0]


def _find(caller: Caller, tx: Transaction, port_id: str, host: str) -> tuple[Row, Row, Row]:
    """Find a port, its network and its binding on a host, if the caller may see it."""
    port, network = _find_port(caller, tx, port_id)
    _check_owner(port)
    for row in _all(tx, port):
        if row["host"] == host and policy.visible(caller, "bindings", row, network):
            return port, network, row
    raise PortBindingNotFound(port_id=port_id, host=host)


def _check_owner(port: Row) -> None:
    if not binding.is_movable(port):
        raise BadRequest(reason=f"Bad port request: only ports of servers and shares have several bindings, not {port['id']}.")


def _check_no_other(tx: Transaction, port: Row, host: str) -> None:
    if any(row["host"] == host for row in _all(tx, port)):
        raise PortBindingAlreadyExists(port_id=port["id"], host=host)


def _create(core: Core, tx: Transaction, port: Row, network: Row, wanted: Row) -> Row:
    _check_no_other(tx, port, wanted["host"])
    if not port["binding:host_id"]:
        return _bind_port(core, tx, port, wanted)
    row = _prepare(core, tx, port, network, wanted)
    ports.rebind(tx, port, {wanted["host"]})
    return row


def _bind_port(core: Core, tx: Transaction, port: Row, wanted: Row) -> Row:
    """Make it the active binding. Errors: PortBindingError."""
    after = ports.alter(core, tx, port, {there: wanted[key] for key, there in _ON_PORT.items()})
    if after["binding:vif_type"] in binding.NOT_WIRED:
        raise PortBindingError(port_id=port["id"], host=wanted["host"])
    return _shown(after, _active(after), ACTIVE)


def _prepare(core: Core, tx: Transaction, port: Row, network: Row, wanted: Row) -> Row:
    """Store an inactive binding. Errors: PortBindingError."""
    bound = binding.bind(core, tx, network, port | {there: wanted[key] for key, there in _ON_PORT.items()})
    if bound["binding:vif_type"] in binding.NOT_WIRED:
        raise PortBindingError(port_id=port["id"], host=wanted["host"])
    row = wanted | {"vif_type": bound["binding:vif_type"], "vif_details": bound["binding:vif_details"]}
    port_bindings.insert(tx, port["id"], row)
    return _shown(port, row, INACTIVE)


def _all(tx: Transaction, port: Row) -> list[Row]:
    found = [_shown(port, row, INACTIVE) for row in port_bindings.of_port(tx, port["id"])]
    active = [_shown(port, _active(port), ACTIVE)] if port["binding:host_id"] else []
    return sorted((*active, *found), key=lambda row: str(row["host"]))


def _active(port: Row) -> Row:
    return {key: port[there] for key, there in _ON_PORT.items()} | {
        "vif_type": port["binding:vif_type"],
        "vif_details": port["binding:vif_details"],
    }


def _shown(port: Row, row: Mapping[str, Any], status: str) -> Row:
    """Give a binding as the API shows it; Nova reads in the profile whether the device is trusted."""
    trusted = {"trusted": port["trusted"]} if port["trusted"] is not None else {}
    owner = {key: port[key] for key in ("project_id", "tenant_id")}
    return {**row, "profile": {**row["profile"], **trusted}, "status": status, **owner}
