"""Numbers that the filters need: a mark for each filtered port, a connection tracking zone for each network. Pure.

Numbers live in the kernel and nowhere else. Established flows stand under their zone's number, so a number once given is
kept as long as its device is wanted; that is also how a fresh agent, without any memory, adopts what it finds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kaon.host.compile.view import View
from kaon.host.state.filters import PORT_MAP, ZONE_MAP, FilterState, split_element
from kaon.host.state.names import HOST, bridge_name, tap_name
from kaon.wire.ports import HostPort

LAST_ZONE = 65535
"""Zones are 16 bits wide; 0 is what everybody else uses."""

LAST_MARK = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Allocations:
    """Numbers by device: marks by tap, zones by bridge."""

    marks: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, int] = field(default_factory=dict)


def is_filtered(port: HostPort) -> bool:
    """Tell whether a port is held to its addresses and rules. DHCP servers, routers and the like are trusted."""
    return port.port_security_enabled and not port.device_owner.startswith("network:")


def allocate(view: View, actual: FilterState) -> Allocations:
    """Give every filtered tap and every bridge its number: the one that the kernel has, otherwise the lowest free one.

    A network that finds no free zone stays in zone 0: 65535 networks on one host.
    """
    ports = view.ports().values()
    taps = {tap_name(port.id) for port in ports if is_filtered(port)}
    bridges = {bridge_name(port.network_id) for port in ports}
    guards = actual.policy.guards if actual.policy else {}
    # Where somebody took our table away, the flows are still in the zones that we remember.
    zones = {bridge_name(port.network_id): guards[port.id].zone for port in ports if port.id in guards}
    return Allocations(
        marks=_numbers(taps, _held(actual.elements(HOST, "bridge", PORT_MAP)), LAST_MARK),
        zones=_numbers(bridges, zones | _held(actual.elements(HOST, "inet", ZONE_MAP)), LAST_ZONE),
    )


def _held(elements: frozenset[str]) -> dict[str, int]:
    return {key.strip('"'): int(value) for key, value in map(split_element, sorted(elements))}


def _numbers(wanted: Iterable[str], held: Mapping[str, int], last: int) -> dict[str, int]:
    """Keep the numbers in use, and give out free ones in the order of names.

    A number that the kernel still has under a name no longer wanted is not free yet: what stands on it ends first.
    """
    names = sorted(wanted)
    taken: dict[int, str] = {}
    for name in names:
        if held.get(name):
            taken.setdefault(held[name], name)
    kept = {name: number for number, name in taken.items()}
    busy = set(held.values())
    free = (number for number in range(1, last + 1) if number not in busy)
    for name in names:
        if name not in kept:
            number = next(free, None)
            if number is not None:
                kept[name] = number
    return kept
