"""Segments: create, show, index, update, delete; and which of them a new network gets (`choose`).

Every network begins with at least one. With several it is a routed or a patched network: a host is on the first of them that it
reaches (`placement`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kaon.lib.ids import new_id
from kaon.model.errors import InvalidInput, NetworkNotFound, NoNetworkAvailable
from kaon.model.errors.segments import (
    SegmentInUse,
    SegmentNotFound,
    SegmentsContainDuplicateEntry,
    SegmentsSetInConjunctionWithProviders,
    VlanQinqDriverError,
    VlanTransparencyDriverError,
)
from kaon.model.query import Body, Page, Query, Row
from kaon.model.segments import PROVIDER
from kaon.server.backends.protocol import Backend
from kaon.server.control import following, placement, policy, segment_types
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.control.segment_types import Segment
from kaon.server.store import networks, rows, segments, select
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

# ---- verbs


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Add a segment to a network. Errors: NetworkNotFound, InvalidInput, and those of `segment_types.take`."""
    return following.write(core, lambda tx: [_create(core, caller, tx, body) for body in bodies])


def show(core: Core, caller: Caller, segment_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a segment. Errors: SegmentNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, segment_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List segments; nobody but administrators sees any."""
    seeing = policy.visibility(caller, "segments")
    try:
        return Page(*core.store.read(lambda tx: segments.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise SegmentNotFound(segment_id=query.marker) from None


def update(core: Core, caller: Caller, segment_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change the name or description of a segment."""

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, segment_id)
        policy.authorize(caller, "update_segment", row, body=changes)
        check_revision(row, revision)
        changed = {key: value for key, value in changes.items() if row[key] != value}
        if not changed:
            return row
        changed |= rows.raised(row, tx.now)
        # A segment without a name is shown with none; the table keeps an empty one.
        segments.update(tx, segment_id, {key: "" if value is None else value for key, value in changed.items()})
        return row | changed

    return following.write(core, work)


def delete(core: Core, caller: Caller, segment_id: str, revision: int | None = None) -> None:
    """Take a segment from its network. Errors: SegmentInUse while subnets are on it or ports are bound to it."""

    def work(tx: Transaction) -> None:
        row = find(caller, tx, segment_id)
        policy.authorize(caller, "delete_segment", row)
        check_revision(row, revision)
        network_id = row["network_id"]
        networks.lock(tx, network_id)
        there = segments.subnets_on(tx, segment_id)
        if there:
            raise SegmentInUse(segment_id=segment_id, reason=f"subnets are on it: {', '.join(there)}")
        bound = placement.bound_to(core, tx, network_id, segment_id)
        if bound:
            raise SegmentInUse(segment_id=segment_id, reason=f"{len(bound)} ports are bound to it")
        segments.delete(tx, segment_id)
        segment_types.give_back(tx, [row])
        _network_changed(tx, network_id)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, segment_id: str) -> Row:
    """Find a segment that the caller may see. Errors: SegmentNotFound."""
    row = segments.show(tx, segment_id)
    if row is None or not policy.visible(caller, "segments", row):
        raise SegmentNotFound(segment_id=segment_id)
    return row


# ---- of networks


def choose(core: Core, tx: Transaction, body: Mapping[str, Any]) -> list[Segment]:
    """Take the segments for a new network, as its provider attributes or `segments` ask.

    Errors  SegmentsSetInConjunctionWithProviders, SegmentsContainDuplicateEntry, InvalidInput, NoNetworkAvailable, and those of
            `segment_types.take`.
    """
    named, asked = any(body.get(key) is not None for key in PROVIDER), body.get("segments")
    if named and asked:
        raise SegmentsSetInConjunctionWithProviders
    if not named and not asked:
        return [_any(core, tx, body)]
    wanted = [segment_types.checked(core, tx, _given(one)) for one in asked or [body]]
    whole = [one for one in wanted if one.whole]
    if len(set(whole)) < len(whole):
        raise SegmentsContainDuplicateEntry
    return [segment_types.take(core, tx, one, body["project_id"]) for one in wanted]


def described(chosen: Sequence[Segment]) -> dict[str, Any]:
    """Say in the words of networks which segments a network has: provider attributes of a single one, `segments` of several."""
    told = [segments.shown(one.row()) for one in chosen]
    return told[0] if len(told) == 1 else {"segments": told}


def mtu(core: Core, backend: Backend, kinds: Sequence[str], wanted: int | None) -> int:
    """Give the MTU of a network on these types of segments.

    wanted  what was asked for; None or 0: the most

    Errors  InvalidInput.
    """
    settings, overhead = core.settings, backend.capabilities.overhead
    most = min(
        settings.underlay_mtu - overhead[kind][settings.overlay_ip_version]
        if kind in overhead
        else segment_types.largest_mtu(core, [kind])
        for kind in kinds or ("flat",)
    )
    if not wanted:
        return most
    if wanted > most:  # the least depends on the subnets
        shown = ", ".join(sorted(set(kinds)))
        raise InvalidInput(error_message=f"mtu {wanted} is more than {most}, the most for {shown}")
    return wanted


def check_transparency(core: Core, body: Mapping[str, Any]) -> None:
    """Refuse networks that carry their users' VLANs. Errors: VlanTransparencyDriverError, VlanQinqDriverError."""
    if body.get("vlan_transparent"):
        raise VlanTransparencyDriverError(backends=", ".join(sorted(core.backends)))
    if body.get("qinq"):
        raise VlanQinqDriverError(backends=", ".join(sorted(core.backends)))


def store(tx: Transaction, network_id: str, chosen: Sequence[Segment]) -> None:
    """Store the segments of a new network."""
    segments.insert(tx, network_id, [one.row() for one in chosen])


def rows_of(tx: Transaction, network_id: str) -> Sequence[Mapping[Any, Any]]:
    """Read the segments of a network."""
    return segments.of_networks(tx, [network_id]).get(network_id, [])


def kinds_of(tx: Transaction, network: Mapping[str, Any]) -> list[str]:
    """List the types of the segments of a network (resource)."""
    if network.get("provider:network_type"):
        return [network["provider:network_type"]]
    return [one["network_type"] for one in rows_of(tx, network["id"])]


def renumber(core: Core, tx: Transaction, network: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change what may be changed of an existing network's segment: the id of a VLAN. Gives what changed.

    Errors  InvalidInput for anything else; those of `segment_types.take`.
    """
    if "segments" in changes and changes["segments"] != network.get("segments"):
        raise InvalidInput(error_message="segments of an existing network are added and removed one by one")
    moved = [key for key in PROVIDER if key in changes and changes[key] != network.get(key)]
    if not moved:
        return {}
    if moved != [PROVIDER[2]] or network.get(PROVIDER[0]) != segment_types.VLAN:
        raise InvalidInput(error_message=f"{moved[0]} of an existing network cannot be changed; only that of a vlan, its id")
    (had,) = rows_of(tx, network["id"])
    wanted = segment_types.checked(core, tx, _given({**{key: network[key] for key in PROVIDER}, **changes}))
    taken = segment_types.take(core, tx, wanted, network["project_id"])
    number = {"segmentation_id": taken.segmentation_id}
    segments.update(tx, had["id"], number | {"revision_number": had["revision_number"] + 1})
    segment_types.give_back(tx, [had])
    return {PROVIDER[2]: taken.segmentation_id}


def _any(core: Core, tx: Transaction, body: Mapping[str, Any]) -> Segment:
    settings = core.settings
    outside = bool(settings.external_network_type and body.get("router:external"))
    for kind in (settings.external_network_type,) if outside else settings.tenant_network_types:
        found = segment_types.take_any(core, tx, kind, body["project_id"])
        if found is not None:
            return found
    raise NoNetworkAvailable


def _given(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key.partition(":")[2]: one.get(key) for key in PROVIDER}


def _create(core: Core, caller: Caller, tx: Transaction, body: Body) -> Row:
    policy.authorize(caller, "create_segment", body, body=body)
    network_id = body["network_id"]
    network = networks.show(tx, network_id, caller.project_id)
    if network is None:
        raise NetworkNotFound(net_id=network_id)
    networks.lock(tx, network_id)
    asked = {key: body.get(key) for key in ("network_type", "physical_network", "segmentation_id")}
    taken = segment_types.take(core, tx, segment_types.checked(core, tx, asked), network["project_id"])
    there = rows_of(tx, network_id)
    mtu(core, core.backends[networks.backend_of(tx, network_id)], [taken.network_type], network["mtu"])
    given = {"name": body.get("name") or "", "description": body.get("description", "")}
    row = rows.fresh(new_id(), "", tx.now) | given | {"network_id": network_id} | taken.row()
    segments.add(tx, row, there[-1]["position"] + 1 if there else 0)
    _network_changed(tx, network_id)
    return row | {"name": body.get("name"), "physical_network": taken.physical_network or None}


def _network_changed(tx: Transaction, network_id: str) -> None:
    segments.copy_to_network(tx, network_id)
    networks.bump(tx, network_id)
    tx.touch(scopes.network(network_id), "network")
