"""Network segment ranges: create, show, index, update, delete. Those that come from the configuration are shown only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kaon.lib.ids import new_id
from kaon.model.errors import BadRequest
from kaon.model.errors.segments import (
    NetworkSegmentRangeDefaultReadOnly,
    NetworkSegmentRangeNetTypeNotSupported,
    NetworkSegmentRangeNotFound,
    NetworkSegmentRangeOverlaps,
    NetworkSegmentRangeReferencedByProject,
    NetworkTunnelRangeError,
    NetworkVlanRangeError,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import following, policy, segment_types
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import network_segment_ranges as ranges
from kaon.server.store import rows, segments, select, tags
from kaon.server.store.engine import Transaction

MOST_SHOWN: Final = 20_000
"""Free ids that `available` names, the lowest: a default range has sixteen million."""


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make ranges, all or none.

    Errors  NetworkSegmentRangeNetTypeNotSupported, NetworkTunnelRangeError, NetworkVlanRangeError, NetworkSegmentRangeOverlaps.
    """
    return following.write(core, lambda tx: [_create(core, caller, tx, body) for body in bodies])


def show(core: Core, caller: Caller, range_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a range. Errors: NetworkSegmentRangeNotFound, also when the caller may not see it."""
    return core.store.read(lambda tx: _counted(tx, find(caller, tx, range_id), fields))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List ranges; nobody but administrators sees any."""
    seeing = policy.visibility(caller, "network_segment_ranges")

    def work(tx: Transaction) -> Page:
        found, more = ranges.index(tx, bounded(core, query), seeing)
        return Page(_all_counted(tx, found, query.fields), more)

    try:
        return core.store.read(work)
    except select.MarkerNotFound:
        raise NetworkSegmentRangeNotFound(range_id=query.marker) from None


def update(core: Core, caller: Caller, range_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a range.

    Errors  NetworkSegmentRangeDefaultReadOnly; NetworkSegmentRangeReferencedByProject when an id that a network has would lie
            outside; those of `create`.
    """

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, range_id)
        policy.authorize(caller, "update_network_segment_range", row, body=changes)
        check_revision(row, revision)
        if row["default"]:
            raise NetworkSegmentRangeDefaultReadOnly(range_id=range_id)
        segment_types.hold(tx, row["network_type"], row["physical_network"])
        wanted = row | changes
        used = [number for number, _ in _used(tx, row)]
        if used and not wanted["minimum"] <= used[0] <= used[-1] <= wanted["maximum"]:
            raise NetworkSegmentRangeReferencedByProject(range_id=range_id)
        _check(tx, wanted)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if changed:
            changed |= rows.raised(row, tx.now)
            ranges.update(tx, range_id, changed)
        segment_types.lay_out(tx, row["network_type"], row["physical_network"])
        return _counted(tx, row | changed, None)

    return following.write(core, work)


def delete(core: Core, caller: Caller, range_id: str, revision: int | None = None) -> None:
    """Delete a range. Errors: NetworkSegmentRangeDefaultReadOnly, NetworkSegmentRangeReferencedByProject."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, range_id)
        policy.authorize(caller, "delete_network_segment_range", row)
        check_revision(row, revision)
        if row["default"]:
            raise NetworkSegmentRangeDefaultReadOnly(range_id=range_id)
        segment_types.hold(tx, row["network_type"], row["physical_network"])
        if _used(tx, row):
            raise NetworkSegmentRangeReferencedByProject(range_id=range_id)
        ranges.delete(tx, range_id)
        segment_types.lay_out(tx, row["network_type"], row["physical_network"])

    following.write(core, work)


def find(caller: Caller, tx: Transaction, range_id: str) -> Row:
    """Find a range that the caller may see, without what is used and free. Errors: NetworkSegmentRangeNotFound."""
    row = ranges.show(tx, range_id)
    if row is None or not policy.visible(caller, "network_segment_ranges", row):
        raise NetworkSegmentRangeNotFound(range_id=range_id)
    return row


def stamp(tx: Transaction, row: Row) -> None:
    """Raise the revision of a range because something that belongs to it changed."""
    ranges.update(tx, row["id"], rows.raised(row, tx.now))


def _create(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_network_segment_range", body, body=body)
    kind: str = body.get("network_type", "")
    if kind not in segment_types.HIGHEST or kind not in core.settings.type_drivers:
        raise NetworkSegmentRangeNetTypeNotSupported(type=kind)
    if not body["shared"] and not body["project_id"]:
        raise BadRequest(reason="A range that is not shared needs a project_id")
    physical: str = body.get("physical_network", "") if kind == segment_types.VLAN else ""
    if kind == segment_types.VLAN and not physical:
        raise BadRequest(reason=f"physical_network is needed for ranges of {kind} networks")
    project_id = "" if body["shared"] else body["project_id"]
    named = {key: body.get(key, "") for key in ("name", "description")}
    row = rows.fresh(new_id(), project_id, tx.now) | named | {key: body[key] for key in ("shared", "minimum", "maximum")}
    row |= {"default": False, "network_type": kind, "physical_network": physical, "tags": body.get("tags", [])}
    segment_types.hold(tx, kind, physical)
    _check(tx, row)
    ranges.insert(tx, row)
    tags.add(tx, "network_segment_ranges", row["id"], row["tags"])
    segment_types.lay_out(tx, kind, physical)
    return _counted(tx, row | {"project_id": project_id or None}, None)


def _check(tx: Transaction, row: Row) -> None:
    kind, low, high = row["network_type"], row["minimum"], row["maximum"]
    most = segment_types.HIGHEST[kind]
    error = "the first is above the last" if low > high else f"ids of {kind} networks go to {most}" if high > most else ""
    if error and kind == segment_types.VLAN:
        raise NetworkVlanRangeError(vlan_range=f"{low}:{high}", error=error)
    if error:
        raise NetworkTunnelRangeError(tunnel_range=f"{low}:{high}", error=error)
    overlapping = [
        one["id"]
        for one in ranges.of_type(tx, kind)
        if not one["default"] and one["id"] != row["id"] and one["physical_network"] == row["physical_network"]
        if one["minimum"] <= high and low <= one["maximum"]
    ]
    if overlapping:
        raise NetworkSegmentRangeOverlaps(range_id=", ".join(overlapping))


def _used(tx: Transaction, row: Row) -> list[tuple[int, str]]:
    return segments.in_use(tx, row["network_type"], row["physical_network"], row["minimum"], row["maximum"])


def _counted(tx: Transaction, row: Row, fields: frozenset[str] | None) -> Row:
    return _all_counted(tx, [row], fields)[0]


def _all_counted(tx: Transaction, found: Sequence[Row], fields: frozenset[str] | None) -> list[Row]:
    """Add what is used and what is free to ranges."""
    if not found or (fields is not None and not fields & {"used", "available"}):
        return list(found)
    used, free = segments.used_and_free(tx, {_key(row) for row in found})
    return [
        row
        | {
            "used": {
                str(one["segmentation_id"]): one["project_id"] for one in used if _key(one) == _key(row) and _has(row, one)
            },
            "available": _numbers(row, [one for one in free if _key(one) == _key(row)]),
        }
        for row in found
    ]


def _key(row: Mapping[Any, Any]) -> tuple[str, str]:
    return row["network_type"], row["physical_network"]


def _has(row: Row, one: Mapping[Any, Any]) -> bool:
    return bool(row["minimum"] <= one["segmentation_id"] <= row["maximum"])


def _numbers(row: Row, free: Sequence[Mapping[Any, Any]]) -> list[int]:
    """List the free ids of a range, as many as are shown."""
    found: list[int] = []
    for one in free:
        first, last = max(one["first"], row["minimum"]), min(one["last"], row["maximum"])
        found.extend(range(first, min(last, first + MOST_SHOWN - len(found) - 1) + 1))
    return found
