"""Local IPs: the five verbs. One that is made on a network gets a port of its own there, which goes with it."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.errors import BadRequest, PortNotFound
from kaon.model.errors.local_ips import (
    LocalIPInUse,
    LocalIPNoIP,
    LocalIPNoRequestedIP,
    LocalIPNotFound,
    LocalIPPortOrNetworkRequired,
    LocalIPRequestedIPNotFound,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, networks, policy, ports
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import local_ips, rows, select
from kaon.server.store.engine import Transaction

OWNER = "network:local_ip"


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make local IPs, all or none.

    Errors  PolicyNotAuthorized, LocalIPPortOrNetworkRequired, BadRequest (no such port), NetworkNotFound, those of `address_of`
            and of making a port.
    """
    return following.write(core, lambda tx: [_create(core, tx, caller, body) for body in bodies])


def show(core: Core, caller: Caller, local_ip_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a local IP. Errors: LocalIPNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, local_ip_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List local IPs. Errors: LocalIPNotFound (the marker)."""
    seeing = policy.visibility(caller, "local_ips")
    try:
        return Page(*core.store.read(lambda tx: local_ips.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise LocalIPNotFound(id=query.marker) from None


def update(core: Core, caller: Caller, local_ip_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a local IP. Errors: LocalIPNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, local_ip_id)
        policy.authorize(caller, "update_local_ip", row, body=changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        local_ips.update(tx, local_ip_id, changed)
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, local_ip_id: str, revision: int | None = None) -> None:
    """Delete a local IP. Errors: LocalIPNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, LocalIPInUse."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, local_ip_id)
        policy.authorize(caller, "delete_local_ip", row)
        check_revision(row, revision)
        local_ips.hold(tx, local_ip_id)
        if local_ips.associations(tx, local_ip_id):
            raise LocalIPInUse(id=local_ip_id)
        local_ips.delete(tx, local_ip_id)
        port = ports.find_any(tx, row["local_port_id"])
        if port["device_owner"] == OWNER and port["device_id"] == local_ip_id:
            ports.remove(core, tx, port)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, local_ip_id: str) -> Row:
    """Find a local IP that the caller may see. Errors: LocalIPNotFound."""
    row = local_ips.show(tx, local_ip_id)
    if row is None or not policy.visible(caller, "local_ips", row):
        raise LocalIPNotFound(id=local_ip_id)
    return row


def address_of(port: Row, wanted: str | None) -> str:
    """Find the address of a port that is meant: the one that is named, or its only one.

    Errors  LocalIPNoIP, LocalIPRequestedIPNotFound, LocalIPNoRequestedIP.
    """
    has = [str(fixed_ip["ip_address"]) for fixed_ip in port["fixed_ips"]]
    if not has:
        raise LocalIPNoIP(port_id=port["id"])
    if wanted is None and len(has) > 1:
        raise LocalIPNoRequestedIP(port_id=port["id"])
    if wanted is not None and wanted not in has:
        raise LocalIPRequestedIPNotFound(port_id=port["id"], ip=wanted)
    return wanted or has[0]


def _create(core: Core, tx: Transaction, caller: Caller, body: Body) -> Row:
    policy.authorize(caller, "create_local_ip", body, body=body)
    identity = new_id()
    port, wanted = _port(core, tx, caller, identity, body)
    given = {"name": "", "description": "", "ip_mode": "translate", **body}
    row = given | rows.fresh(identity, body["project_id"], tx.now)
    row |= {"local_port_id": port["id"], "network_id": port["network_id"]}
    row["local_ip_address"] = address_of(port, wanted)
    local_ips.insert(tx, row)
    return row


def _port(core: Core, tx: Transaction, caller: Caller, identity: str, body: Body) -> tuple[Row, str | None]:
    """Find the port whose address it is to be, or make one; and which of its addresses, if that is said."""
    wanted = body.get("local_ip_address")
    if "local_port_id" in body:
        try:
            return ports.find(caller, tx, body["local_port_id"])[0], wanted
        except PortNotFound:
            raise BadRequest(reason=f"Bad local_ip request: Port {body['local_port_id']} not found.") from None
    if "network_id" not in body:
        raise LocalIPPortOrNetworkRequired
    network = networks.find(caller, tx, body["network_id"])
    own = {"project_id": body["project_id"], "network_id": network["id"], "device_owner": OWNER, "device_id": identity}
    port = ports.add(core, tx, own | ({"fixed_ips": [{"ip_address": wanted}]} if wanted else {}))
    v4 = [one["ip_address"] for one in port["fixed_ips"] if ":" not in one["ip_address"]]
    if not v4:
        raise BadRequest(reason=f"Bad local_ip request: network {network['id']} has no IPv4 subnet.")
    return port, v4[0]
