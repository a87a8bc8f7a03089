"""Which segment a network has: its type, its physical network, its segmentation id."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kaon.model.errors import FlatNetworkInUse, InvalidInput, NoNetworkAvailable, TunnelIdInUse
from kaon.server.backends.protocol import Backend
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store import segments
from kaon.server.store.addresses import free_segments
from kaon.server.store.engine import Transaction

FLAT = "flat"
VXLAN = "vxlan"
HIGHEST_VNI = (1 << 24) - 1

_FACT = "vni_ranges"


def choose(core: Core, tx: Transaction, backend: Backend, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take a segment for a new network; the three provider attributes come back.

    Errors  InvalidInput, FlatNetworkInUse, TunnelIdInUse, NoNetworkAvailable.
    """
    wanted = body.get("provider:network_type")
    physical = body.get("provider:physical_network")
    number = body.get("provider:segmentation_id")
    if wanted is None:
        if physical is not None or number is not None:
            raise InvalidInput(error_message="provider:network_type is needed when other provider attributes are given")
        return _any(core, tx)
    backend.validate_network({"provider:network_type": wanted})
    if wanted == FLAT:
        return _flat(core, tx, physical, number)
    if physical is not None:
        raise InvalidInput(error_message=f"provider:physical_network cannot be given for {wanted} networks")
    return _tunnel(core, tx, number)


def prepare(core: Core) -> None:
    """Lay out the free segmentation ids anew if the configured ranges changed. For the start of a server."""
    core.store.write(lambda tx: _lay_out_if_changed(tx, core.settings))


def give_back(core: Core, tx: Transaction, network: Mapping[str, Any]) -> None:
    """Make the segment of a deleted network free again; one outside the configured ranges was never free."""
    number = network["provider:segmentation_id"]
    if network["provider:network_type"] == VXLAN and any(first <= number <= last for first, last in core.settings.vni_ranges):
        free_segments(VXLAN).give_back(tx, number)


def _any(core: Core, tx: Transaction) -> dict[str, Any]:
    for network_type in core.settings.tenant_network_types:
        if network_type == VXLAN:
            number = free_segments(VXLAN).take_next(tx)
            if number is None and _lay_out_if_changed(tx, core.settings):
                number = free_segments(VXLAN).take_next(tx)
            if number is not None:
                return _segment(VXLAN, None, number)
    raise NoNetworkAvailable


def _flat(core: Core, tx: Transaction, physical: str | None, number: int | None) -> dict[str, Any]:
    if not physical:
        raise InvalidInput(error_message="provider:physical_network is needed for flat networks")
    if number is not None:
        raise InvalidInput(error_message="provider:segmentation_id cannot be given for flat networks")
    allowed = core.settings.flat_networks
    if "*" not in allowed and physical not in allowed:
        raise InvalidInput(error_message=f"physical network {physical} is not known for flat networks")
    if segments.taken(tx, FLAT, physical, 0):
        raise FlatNetworkInUse(physical_network=physical)
    return _segment(FLAT, physical, None)


def _tunnel(core: Core, tx: Transaction, number: int | None) -> dict[str, Any]:
    if number is None:
        return _any(core, tx)
    if not 1 <= number <= HIGHEST_VNI:
        raise InvalidInput(error_message=f"provider:segmentation_id {number} is not between 1 and {HIGHEST_VNI}")
    _lay_out_if_changed(tx, core.settings)  # otherwise the first lay-out could hand this id out again
    if not free_segments(VXLAN).take(tx, number) and segments.taken(tx, VXLAN, "", number):
        raise TunnelIdInUse(tunnel_id=number)
    return _segment(VXLAN, None, number)


def _segment(network_type: str, physical: str | None, number: int | None) -> dict[str, Any]:
    return {
        "provider:network_type": network_type,
        "provider:physical_network": physical,
        "provider:segmentation_id": number,
    }


def _lay_out_if_changed(tx: Transaction, settings: ServerSettings) -> bool:
    ranges = sorted(settings.vni_ranges)
    said = hashlib.sha256(repr([tuple(pair) for pair in ranges]).encode()).hexdigest()
    if segments.laid_out(tx, _FACT) == said:
        return False
    free = free_segments(VXLAN)
    free.clear(tx)
    free.lay_out(tx, list(_without(ranges, segments.in_use(tx, VXLAN))))
    segments.remember(tx, _FACT, said)
    return True


def _without(ranges: Sequence[tuple[int, int]], used: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Cut sorted ids out of sorted ranges."""
    for first, last in ranges:
        start = first
        for number in used:
            if start <= number <= last:
                if start < number:
                    yield start, number - 1
                start = number + 1
        if start <= last:
            yield start, last
