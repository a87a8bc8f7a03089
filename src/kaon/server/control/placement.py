"""Where hosts are: which segment of a network a host is on, and which hosts are on none.

A host is on the first segment of a network that it reaches: wired to its physical network, or with an end for its tunnels.
Segments of a type that the network's back end does not wire are reached by nobody.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaon.server.control.core import Core
from kaon.server.store import agents, segments
from kaon.server.store import placement as rows
from kaon.server.store.engine import Transaction

Reach = Mapping[Any, Any]
"""What a host says of itself: the row of `hosts`."""


@dataclass(frozen=True)
class Lay:
    """How some networks lie.

    segments  that anybody can be on, in order, by network
    zones     that each network should be served in, by network; empty: any
    """

    segments: Mapping[str, Sequence[Mapping[Any, Any]]]
    zones: Mapping[str, Sequence[str]]

    @property
    def anywhere(self) -> bool:
        """Tell whether every host that has tunnels is on all of the networks."""
        return all(there and not there[0]["physical_network"] for there in self.segments.values())


def lay(core: Core, tx: Transaction, network_ids: Collection[str], *, named: bool = False) -> Lay:
    """Read how networks lie: one statement, and one more when one of them has several segments.

    named  segments have their own id; otherwise a single one may have its network's, and costs no statement
    """
    found = rows.networks(tx, network_ids)
    several = segments.of_networks(tx, [one["id"] for one in found if named or not one[segments.ALONE]])
    zones = {one["id"]: json.loads(one["availability_zone_hints"]) for one in found}
    return Lay({one["id"]: _wireable(core, one, several.get(one["id"]) or _own(one)) for one in found}, zones)


def on(where: Lay, network_id: str, host: Reach) -> Mapping[Any, Any] | None:
    """Give the segment of a network that a host is on; None: none."""
    return first_reached(where.segments.get(network_id, ()), host)


def first_reached(there: Sequence[Mapping[Any, Any]], host: Reach) -> Mapping[Any, Any] | None:
    """Give the first of some segments that a host reaches."""
    physical = set(json.loads(host["physical_networks"]))
    for one in there:
        if one["physical_network"] in physical if one["physical_network"] else host["tunnel_ip"] is not None:
            return one
    return None


def apart(core: Core, tx: Transaction, network_ids: Collection[str]) -> set[str]:
    """Name the hosts that are not on all of these networks. When all of them are tunnels, no host is looked at."""
    where = lay(core, tx, network_ids)
    if where.anywhere:
        return set()
    return {host["name"] for host in agents.hosts(tx) if any(on(where, one, host) is None for one in where.segments)}


def bound_to(core: Core, tx: Transaction, network_id: str, segment_id: str) -> list[str]:
    """List the ports of a network whose host is on a segment; those that serve the network do not count."""
    bound = rows.bound(tx, network_id)
    if not bound:
        return []
    there = segments.of_networks(tx, [network_id]).get(network_id, [])
    network = rows.networks(tx, [network_id])
    wireable = [one for one in there if _wireable(core, network[0], [one])]
    hosts = {host["name"]: host for host in agents.hosts(tx, {port["host"] for port in bound})}
    reached = {name: first_reached(wireable, host) for name, host in hosts.items()}
    on_it = {name for name, one in reached.items() if one is not None and one["id"] == segment_id}
    return [port["id"] for port in bound if port["host"] in on_it]


def _own(network: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    return [network] if network[segments.ALONE] else []


def _wireable(core: Core, network: Mapping[Any, Any], there: Sequence[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    known = core.backends[network["backend"]].capabilities.network_types
    return [one for one in there if one["network_type"] in known]
