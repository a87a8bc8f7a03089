"""Trunks: create, show, index, update, delete; sub-ports that join and leave."""

from collections.abc import Sequence

from kaon.lib.ids import new_id
from kaon.model.errors import InvalidInput, PortInUse, PortNotFound
from kaon.model.errors.trunks import (
    DuplicateSubPort,
    ParentPortInUse,
    SubPortMtuGreaterThanTrunkPortMtu,
    SubPortNotFound,
    TrunkDisabled,
    TrunkInErrorState,
    TrunkNotFound,
    TrunkPortInUse,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.model.trunks import INHERIT, LAST_VLAN, VLAN
from kaon.server.control import following, policy, port_scopes, ports, quota_usage
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import rows, select, trunks
from kaon.server.store.engine import Transaction
from kaon.server.store.select import RowMap

DOWN = "DOWN"
"""Hosts do not tag yet, so no trunk is more than wanted."""

ERROR = "ERROR"


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make trunks, all or none.

    Errors  PortNotFound, ParentPortInUse, TrunkPortInUse, those of `add_subports`, OverQuota, PolicyNotAuthorized.
    """
    return following.write(core, lambda tx: [_create(core, tx, caller, body) for body in bodies])


def show(core: Core, caller: Caller, trunk_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a trunk. Errors: TrunkNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, trunk_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List trunks. Errors: TrunkNotFound (the marker)."""
    seeing = policy.visibility(caller, "trunks")
    try:
        return Page(*core.store.read(lambda tx: trunks.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise TrunkNotFound(trunk_id=query.marker) from None


def update(core: Core, caller: Caller, trunk_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a trunk; its sub-ports have actions of their own."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, trunk_id)
        policy.authorize(caller, "update_trunk", row, body=changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        return _store(tx, row, changed) if changed else row

    return following.write(core, work)


def delete(core: Core, caller: Caller, trunk_id: str, revision: int | None = None) -> None:
    """Delete a trunk; its ports stay. Errors: TrunkNotFound, TrunkDisabled."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, trunk_id)
        policy.authorize(caller, "delete_trunk", row)
        check_revision(row, revision)
        _check_enabled(row)
        trunks.delete(tx, trunk_id)
        ports.become_parent(tx, row["port_id"], None)
        quota_usage.release(tx, row["project_id"], "trunk", 1)

    following.write(core, work)


def add_subports(core: Core, caller: Caller, trunk_id: str, body: Body) -> Row:
    """Let ports join a trunk, all or none; the trunk comes back.

    Errors  TrunkNotFound, TrunkDisabled, TrunkInErrorState, PortNotFound, PortInUse, ParentPortInUse, TrunkPortInUse,
            DuplicateSubPort, SubPortMtuGreaterThanTrunkPortMtu, InvalidInput.
    """

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, trunk_id)
        policy.authorize(caller, "add_subports", row)
        _check_enabled(row)
        joining = _checked(row, body["sub_ports"], _standing(tx, caller, row, body["sub_ports"]))
        if row["status"] == ERROR:
            raise TrunkInErrorState(trunk_id=trunk_id)
        trunks.join(tx, trunk_id, joining)
        return _moved(tx, row, [*row["sub_ports"], *joining])

    return following.write(core, work)


def remove_subports(core: Core, caller: Caller, trunk_id: str, body: Body) -> Row:
    """Let ports leave a trunk, all or none; the trunk comes back. Errors: TrunkNotFound, TrunkDisabled, SubPortNotFound."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, trunk_id)
        policy.authorize(caller, "remove_subports", row)
        _check_enabled(row)
        leaving = [one["port_id"] for one in body["sub_ports"]]
        joined = {one["port_id"] for one in row["sub_ports"]}
        for port_id in leaving:
            if port_id not in joined:
                raise SubPortNotFound(trunk_id=trunk_id, port_id=port_id)
        trunks.leave(tx, trunk_id, leaving)
        return _moved(tx, row, [one for one in row["sub_ports"] if one["port_id"] not in leaving])

    return following.write(core, work)


def get_subports(core: Core, caller: Caller, trunk_id: str) -> Row:
    """List the sub-ports of a trunk. Errors: TrunkNotFound."""
    row = show(core, caller, trunk_id)
    policy.authorize(caller, "get_subports", row)
    return {"sub_ports": row["sub_ports"]}


def stamp(tx: Transaction, row: Row) -> None:
    """Raise the revision of a trunk (as `find` gave it) because something that belongs to it changed."""
    _store(tx, row, {})


def find(caller: Caller, tx: Transaction, trunk_id: str) -> Row:
    """Find a trunk that the caller may see. Errors: TrunkNotFound."""
    row = trunks.show(tx, trunk_id)
    if row is None or not policy.visible(caller, "trunks", row):
        raise TrunkNotFound(trunk_id=trunk_id)
    return row


def _create(core: Core, tx: Transaction, caller: Caller, body: Body) -> Row:
    policy.authorize(caller, "create_trunk", body, body=body)
    row = {"name": "", "description": "", "admin_state_up": True, "tags": [], "sub_ports": [], **body, "status": DOWN}
    row |= rows.fresh(new_id(), body["project_id"], tx.now)
    wanted = row.pop("sub_ports")
    row["sub_ports"] = []
    standing = _standing(tx, caller, row, wanted)
    _check_free(standing[row["port_id"]])
    joining = _checked(row, wanted, standing)
    quota_usage.reserve(tx, row["project_id"], "trunk", 1, core.settings)
    trunks.insert(tx, row)
    trunks.join(tx, row["id"], joining)
    ports.become_parent(tx, row["port_id"], row["id"])
    return row | {"sub_ports": _ordered(joining)}


def _standing(tx: Transaction, caller: Caller, row: Row, wanted: Sequence[Row]) -> dict[str, RowMap]:
    """Read of the parent and of the ports that are to join what decides. Errors: PortNotFound, also for what is not seen."""
    asked = [row["port_id"], *(one["port_id"] for one in wanted)]
    trunks.hold(tx, asked)
    found = trunks.standing(tx, asked)
    for port_id in asked:
        port = found.get(port_id)
        parent = {"project_id": port["network_owner"]} if port is not None else None
        if port is None or not policy.visible(caller, "ports", dict(port), parent):
            raise PortNotFound(port_id=port_id)
    return dict(found)


def _checked(row: Row, wanted: Sequence[Row], standing: dict[str, RowMap]) -> list[Row]:
    """Give sub-ports as they will be stored, or refuse them. row: the trunk with the `sub_ports` that it has."""
    parent = standing[row["port_id"]]
    taken = {(one["segmentation_type"], one["segmentation_id"]) for one in row["sub_ports"]}
    joining = []
    for one in wanted:
        port = standing[one["port_id"]]
        if port["id"] == parent["id"]:
            raise ParentPortInUse(port_id=port["id"])
        if port["mtu"] > parent["mtu"]:
            raise SubPortMtuGreaterThanTrunkPortMtu(
                port_id=port["id"], port_mtu=port["mtu"], trunk_id=row["id"], trunk_mtu=parent["mtu"]
            )
        kind, number = one["segmentation_type"], one.get("segmentation_id")
        if kind == INHERIT:
            kind, number = port["network_type"], port["segmentation_id"]
        if kind != VLAN:
            raise InvalidInput(error_message=f"segmentation_type {kind} of sub-port {port['id']} is not {VLAN}")
        if number is None or not 0 < number <= LAST_VLAN:
            raise InvalidInput(error_message=f"segmentation_id {number} of sub-port {port['id']} is not 1 to {LAST_VLAN}")
        _check_free(port)
        if port["device_id"]:
            raise PortInUse(port_id=port["id"], net_id=port["network_id"], device_id=port["device_id"])
        if (kind, number) in taken:
            raise DuplicateSubPort(trunk_id=row["id"], segmentation_type=kind, segmentation_id=number)
        taken.add((kind, number))
        joining.append({"port_id": port["id"], "segmentation_type": kind, "segmentation_id": number})
    return joining


def _check_free(port: RowMap) -> None:
    if port["sub_port_of"] is not None:
        raise TrunkPortInUse(port_id=port["id"])
    if port["parent_of"] is not None:
        raise ParentPortInUse(port_id=port["id"])


def _check_enabled(row: Row) -> None:
    if not row["admin_state_up"]:
        raise TrunkDisabled(trunk_id=row["id"])


def _moved(tx: Transaction, row: Row, left: Sequence[Row]) -> Row:
    """Store that a trunk's sub-ports have changed: it is to be wired anew."""
    return _store(tx, row, {"status": DOWN}) | {"sub_ports": _ordered(left)}


def _store(tx: Transaction, row: Row, changed: Row) -> Row:
    changed |= rows.raised(row, tx.now)
    trunks.update(tx, row["id"], changed)
    port_scopes.touch_trunk(tx, row["id"], ports.find_any(tx, row["port_id"]))
    return row | changed


def _ordered(sub_ports: Sequence[Row]) -> list[Row]:
    return sorted(sub_ports, key=lambda one: (one["segmentation_type"], one["segmentation_id"]))
