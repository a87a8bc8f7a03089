"""Types of networks: what a segment of each may say, and taking one.

    flat                one a physical network
    vlan                an id on a physical network
    vxlan, gre, geneve  an id
    local               nothing: it does not leave its host

Ids are taken from ranges: first those of the project, then those of everybody, where no other project has a range. An id that
an administrator names may lie outside of all.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kaon.lib.addresses import IPV4
from kaon.model.errors import FlatNetworkInUse, InvalidInput, NoNetworkAvailable, TunnelIdInUse
from kaon.model.errors.segments import VlanIdInUse
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store import network_segment_ranges as ranges
from kaon.server.store import segments
from kaon.server.store.addresses import free_segments
from kaon.server.store.engine import Transaction

FLAT: Final = "flat"
LOCAL: Final = "local"
VLAN: Final = "vlan"

HIGHEST: Final[Mapping[str, int]] = {VLAN: 4094, "vxlan": (1 << 24) - 1, "geneve": (1 << 24) - 1, "gre": (1 << 32) - 1}
"""Type -> its highest id; the lowest is 1. Types that are not here have no ids."""

_HEADERS: Final[Mapping[str, int]] = {"vxlan": 30, "geneve": 30, "gre": 22}
"""Bytes that a tunnel needs in each packet, without the outer IP header."""

_FACT = "segment_ranges"

Span = tuple[int, int]


@dataclass(frozen=True)
class Segment:
    """What a segment says of itself. physical_network: empty for tunnels and local ones."""

    network_type: str
    physical_network: str = ""
    segmentation_id: int | None = None

    @property
    def whole(self) -> bool:
        """Tell whether nothing is left to choose."""
        return self.network_type not in HIGHEST or self.segmentation_id is not None

    def row(self) -> dict[str, Any]:
        """Give it as columns name it."""
        return {
            "network_type": self.network_type,
            "physical_network": self.physical_network,
            "segmentation_id": self.segmentation_id,
        }


def checked(core: Core, tx: Transaction, given: Mapping[str, Any]) -> Segment:
    """Read a segment that was asked for (network_type, physical_network, segmentation_id). Errors: InvalidInput."""
    network_type, physical, number = given["network_type"], given["physical_network"] or "", given["segmentation_id"]
    if not network_type:
        raise InvalidInput(error_message="provider:network_type is needed when other provider attributes are given")
    if network_type not in core.settings.type_drivers:
        backend = core.backends[core.settings.default_backend]
        backend.validate_network({"provider:network_type": network_type})
        raise InvalidInput(error_message=f"networks of type {network_type} are not configured")
    if number is not None and network_type not in HIGHEST:
        raise InvalidInput(error_message=f"provider:segmentation_id cannot be given for {network_type} networks")
    if number is not None and not 1 <= number <= HIGHEST[network_type]:
        raise InvalidInput(error_message=f"provider:segmentation_id {number} is not between 1 and {HIGHEST[network_type]}")
    _check_physical(core, tx, network_type, physical, number)
    return Segment(network_type, physical, number)


def take(core: Core, tx: Transaction, wanted: Segment, project_id: str) -> Segment:
    """Take a segment for a network of the project; what is not said is chosen.

    Errors  FlatNetworkInUse, VlanIdInUse, TunnelIdInUse, NoNetworkAvailable.
    """
    kind, physical, number = wanted.network_type, wanted.physical_network, wanted.segmentation_id
    if kind == FLAT and segments.taken(tx, FLAT, physical, 0):
        raise FlatNetworkInUse(physical_network=physical)
    if wanted.whole and number is None:
        return wanted
    if number is None:
        found = take_any(core, tx, kind, project_id, physical)
        if found is None:
            raise NoNetworkAvailable
        return found
    _lay_out_if_changed(tx, core.settings)  # otherwise the first lay-out could hand this id out again
    if not free_segments(kind, physical).take(tx, number) and segments.taken(tx, kind, physical, number):
        if kind == VLAN:
            raise VlanIdInUse(vlan_id=number, physical_network=physical)
        raise TunnelIdInUse(tunnel_id=number)
    return wanted


def take_any(core: Core, tx: Transaction, kind: str, project_id: str, physical: str = "") -> Segment | None:
    """Take any segment of a type, perhaps on a physical network.

    None when none is left, or somebody must say which.
    """
    if kind not in HIGHEST:
        return Segment(kind) if kind == LOCAL else None
    found = _take_from_ranges(tx, kind, project_id, physical)
    if found is None and _lay_out_if_changed(tx, core.settings):
        found = _take_from_ranges(tx, kind, project_id, physical)
    return found


def give_back(tx: Transaction, gone: Iterable[Mapping[Any, Any]]) -> None:
    """Make segments (rows) free again. One outside of all ranges becomes free too: nothing is taken from there unasked."""
    for one in gone:
        if one["network_type"] in HIGHEST and one["segmentation_id"]:
            free_segments(one["network_type"], one["physical_network"] or "").give_back(tx, one["segmentation_id"])


def prepare(core: Core) -> None:
    """Lay out the free ids anew if the configured ranges changed. For the start of a server."""
    core.store.write(lambda tx: _lay_out_if_changed(tx, core.settings))


def hold(tx: Transaction, kind: str, physical: str) -> None:
    """Have everybody wait who would change ranges, or take ids, of a type and physical network: until they are laid out."""
    ranges.hold(tx)
    free_segments(kind, physical).clear(tx)


def lay_out(tx: Transaction, kind: str, physical: str) -> None:
    """Make free what lies in a range, of a type and physical network, and no network has.

    The free ids are emptied first: that waits for everyone who is taking one, so that what is read next is all.
    """
    free = free_segments(kind, physical)
    free.clear(tx)
    spans = merged(_span(one) for one in ranges.of_type(tx, kind) if one["physical_network"] == physical)
    free.lay_out(tx, list(_without(spans, [number for number, _ in segments.in_use(tx, kind, physical)])))


def largest_mtu(core: Core, kinds: Iterable[str]) -> int:
    """Give the bytes of the largest packet that segments of these types all carry."""
    settings = core.settings
    header = 20 if settings.overlay_ip_version == IPV4 else 40
    return settings.underlay_mtu - max((_HEADERS[kind] + header for kind in kinds if kind in _HEADERS), default=0)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Join ranges that touch or overlap, in order."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def cut(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """Cut ranges out of ranges."""
    left = merged(spans)
    for low, high in merged(holes):
        left = [
            part
            for first, last in left
            for part in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if part[0] <= part[1]
        ]
    return left


def _check_physical(core: Core, tx: Transaction, kind: str, physical: str, number: int | None) -> None:
    if kind not in (FLAT, VLAN):
        if physical:
            raise InvalidInput(error_message=f"provider:physical_network cannot be given for {kind} networks")
        return
    if not physical:
        if kind == FLAT or number is not None:
            raise InvalidInput(error_message=f"provider:physical_network is needed for {kind} networks")
        return
    known = core.settings.flat_networks if kind == FLAT else core.settings.vlan_ranges
    if physical in known or (kind == FLAT and "*" in known):
        return
    if kind == VLAN and any(one["physical_network"] == physical for one in ranges.of_type(tx, VLAN)):
        return
    raise InvalidInput(error_message=f"physical network {physical} is not known for {kind} networks")


def _take_from_ranges(tx: Transaction, kind: str, project_id: str, physical: str) -> Segment | None:
    on: dict[str, list[Mapping[Any, Any]]] = {}
    for one in ranges.of_type(tx, kind):
        if not physical or one["physical_network"] == physical:
            on.setdefault(one["physical_network"], []).append(one)
    own = ((where, merged(_span(one) for one in there if _of(one, project_id))) for where, there in on.items())
    common = (
        (
            where,
            cut(
                (_span(one) for one in there if one["shared"]),
                (_span(one) for one in there if not one["shared"] and not _of(one, project_id)),
            ),
        )
        for where, there in on.items()
    )
    for where, spans in (*own, *common):
        for low, high in spans:
            number = free_segments(kind, where).take_within(tx, low, high)
            if number is not None:
                return Segment(kind, where, number)
    return None


def _of(one: Mapping[Any, Any], project_id: str) -> bool:
    return not one["shared"] and bool(project_id) and one["project_id"] == project_id


def _span(one: Mapping[Any, Any]) -> Span:
    return one["minimum"], one["maximum"]


def _configured(settings: ServerSettings) -> list[tuple[str, str, int, int]]:
    """List type, physical network, first and last of the configured ranges."""
    tunnels = {"vxlan": settings.vni_ranges, "gre": settings.gre_ranges, "geneve": settings.geneve_ranges}
    found = [(kind, "", first, last) for kind, spans in tunnels.items() for first, last in spans]
    found += [(VLAN, physical, first, last) for physical, spans in settings.vlan_ranges.items() for first, last in spans]
    return sorted({one for one in found if one[0] in settings.type_drivers})


def _lay_out_if_changed(tx: Transaction, settings: ServerSettings) -> bool:
    wanted = _configured(settings)
    said = hashlib.sha256(repr(wanted).encode()).hexdigest()
    if segments.laid_out(tx, _FACT) == said:
        return False
    had = {(one["network_type"], one["physical_network"], *_span(one)): one["id"] for one in ranges.defaults(tx)}
    for key in had.keys() - set(wanted):
        ranges.delete(tx, had[key])
    for one in wanted:
        if one not in had:
            ranges.insert_default(tx, *one)
    for kind, physical in sorted({one[:2] for one in (*had, *wanted)}):
        lay_out(tx, kind, physical)
    segments.remember(tx, _FACT, said)
    return True


def _without(spans: Sequence[Span], used: Sequence[int]) -> Iterator[Span]:
    """Cut sorted ids out of sorted ranges."""
    for first, last in spans:
        start = first
        for number in used:
            if start <= number <= last:
                if start < number:
                    yield start, number - 1
                start = number + 1
        if start <= last:
            yield start, last
