"""Routed networks, whose subnets are on segments: where a host's ports have their addresses, and routes between the subnets.

A port whose host is not known yet waits for its addresses (`ip_allocation` deferred). Legs of routers and floating IPs are not
bound to a place: they may have any address.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, Final

from kaon.model.errors.segments import (
    FixedIpsSubnetsNotOnSameSegment,
    HostNotCompatibleWithFixedIps,
    NetworkIdsDontMatch,
    NoUpdateSubnetWhenMultipleSegmentsOnNetwork,
    SegmentNotFound,
    SubnetSegmentAssociationChangeNotAllowed,
    SubnetsNotAllAssociatedWithSegments,
)
from kaon.model.errors.subnets import IpAddressGenerationFailureNoMatchingSubnet
from kaon.model.query import Body, Row
from kaon.server.control import placement
from kaon.server.control.core import Core
from kaon.server.store import agents, rows, segments, subnets
from kaon.server.store.engine import Transaction
from kaon.server.store.subnets import service_types
from kaon.wire import scopes

IMMEDIATE: Final = "immediate"
DEFERRED: Final = "deferred"
NONE: Final = "none"
"""When a port gets its addresses: as it is made, when its host is known, never."""

ROUTED: Final = "network:routed"
"""Service type of subnets that are routed to the network as a whole."""

_ANYWHERE: Final = ("network:router", "network:floatingip")

Subnet = Mapping[Any, Any]
Ground = tuple[Row, Sequence[Subnet], str | None]
Wishes = Sequence[Mapping[str, str]] | None


# ---- addresses


def for_new(core: Core, tx: Transaction, ground: Ground, port: Row, wanted: Wishes) -> tuple[Sequence[Subnet], str]:
    """Give the subnets that a new port may have addresses of, and when it gets them.

    ground  what the port stands on, see `ports.Ground`
    wanted  as `ipam.allocate` takes it

    Errors  IpAddressGenerationFailureNoMatchingSubnet (its host is on no segment with a subnet),
            FixedIpsSubnetsNotOnSameSegment.
    """
    network, found, _ = ground
    if wanted is not None and not wanted:
        return found, NONE
    if not _routed(found) or _is_anywhere(port):
        return found, IMMEDIATE
    if port["binding:host_id"]:
        there = _there(core, tx, network, found, port["binding:host_id"])
        if not there:
            raise IpAddressGenerationFailureNoMatchingSubnet(network_id=network["id"], service_type=port["device_owner"])
        return there, IMMEDIATE
    if wanted is None:
        plain = [subnet for subnet in found if not subnet["segment_id"]]
        return plain, IMMEDIATE if plain else DEFERRED
    return _of_one_segment(found, wanted), IMMEDIATE


def for_changed(core: Core, tx: Transaction, ground: Ground, before: Row, changes: Body) -> Ground:
    """Give what a changed port stands on, with those subnets only that it may have addresses of.

    Errors  HostNotCompatibleWithFixedIps: it keeps addresses that its new host has not; FixedIpsSubnetsNotOnSameSegment.
    """
    network, found, group = ground
    if not _routed(found) or _is_anywhere(before | changes):
        return ground
    host = changes.get("binding:host_id", before["binding:host_id"])
    if not host:
        wanted = changes.get("fixed_ips")
        return (network, _of_one_segment(found, wanted), group) if wanted else ground
    there = _there(core, tx, network, found, host)
    if host != before["binding:host_id"] and "fixed_ips" not in changes:
        known = {subnet["id"] for subnet in there}
        if any(fixed_ip["subnet_id"] not in known for fixed_ip in before["fixed_ips"]):
            raise HostNotCompatibleWithFixedIps(host=host, port_id=before["id"])
    return network, there, group


def is_late(before: Row, changes: Body) -> bool:
    """Tell whether a port that waited for its host now gets its addresses."""
    waited = before["ip_allocation"] == DEFERRED and not before["fixed_ips"] and "fixed_ips" not in changes
    return waited and bool(changes.get("binding:host_id")) and not before["binding:host_id"]


def is_there(core: Core, tx: Transaction, subnet: Subnet, port: Row) -> bool:
    """Tell whether a port's host is where a subnet is."""
    if not subnet["segment_id"] or _is_anywhere(port):
        return True
    network = {"id": subnet["network_id"]}
    return bool(port["binding:host_id"] and _there(core, tx, network, [subnet], port["binding:host_id"]))


def _routed(found: Sequence[Subnet]) -> bool:
    return any(subnet["segment_id"] for subnet in found)


def _is_anywhere(port: Mapping[str, Any]) -> bool:
    return str(port["device_owner"]).startswith(_ANYWHERE)


def _there(core: Core, tx: Transaction, network: Mapping[str, Any], found: Sequence[Subnet], host: str) -> list[Subnet]:
    known = agents.hosts(tx, [host])
    where = placement.lay(core, tx, [network["id"]], named=True)
    segment = placement.on(where, network["id"], known[0]) if known else None
    here = segment["id"] if segment is not None else ""
    return [subnet for subnet in found if subnet["segment_id"] in (None, here)]


def _of_one_segment(found: Sequence[Subnet], wanted: Sequence[Mapping[str, str]]) -> Sequence[Subnet]:
    """Give the subnets of the segment that the wishes name; all when they name something that is not there."""
    named = set()
    for wish in wanted:
        subnet = next((one for one in found if _meets(one, wish)), None)
        if subnet is None:
            return found
        named.add(subnet["segment_id"])
    if len(named) > 1:
        raise FixedIpsSubnetsNotOnSameSegment
    return [subnet for subnet in found if subnet["segment_id"] in named]


def _meets(subnet: Subnet, wish: Mapping[str, str]) -> bool:
    if "subnet_id" in wish:
        return bool(subnet["id"] == wish["subnet_id"])
    return ip_address(wish["ip_address"]) in ip_network(subnet["cidr"])


# ---- subnets


def check(tx: Transaction, network_id: str, row: Row, before: Row | None) -> None:
    """Refuse a subnet on a segment that it cannot be on. before: None when it is new.

    Errors  SegmentNotFound, NetworkIdsDontMatch, SubnetsNotAllAssociatedWithSegments, SubnetSegmentAssociationChangeNotAllowed,
            NoUpdateSubnetWhenMultipleSegmentsOnNetwork.
    """
    wanted, had = row["segment_id"], before["segment_id"] if before is not None else None
    if before is not None and wanted == had:
        return
    if before is not None and had is not None:
        raise SubnetSegmentAssociationChangeNotAllowed
    others = [
        one for one in subnets.of_network(tx, network_id) if one["id"] != row.get("id") and ROUTED not in service_types(one)
    ]
    if wanted is not None:
        segment = segments.show(tx, wanted)
        if segment is None:
            raise SegmentNotFound(segment_id=wanted)
        if segment["network_id"] != network_id:
            raise NetworkIdsDontMatch(subnet_network=network_id, segment_id=wanted)
        if before is not None and len(segments.of_networks(tx, [network_id])[network_id]) > 1:
            raise NoUpdateSubnetWhenMultipleSegmentsOnNetwork(network_id=network_id)
    if ROUTED not in row["service_types"] and any((one["segment_id"] is None) != (wanted is None) for one in others):
        raise SubnetsNotAllAssociatedWithSegments(network_id=network_id)


def routes(tx: Transaction, row: Row, before: Row | None = None) -> list[dict[str, str]]:
    """Give the host routes of a subnet on a segment, with those to the network's subnets on other segments.

    before  the subnet until now, when its gateway changes: routes through the old one go
    """
    if row["segment_id"] is None:
        return list(row["host_routes"])
    peers = [
        one
        for one in subnets.of_network(tx, row["network_id"])
        if one["id"] != row.get("id") and one["segment_id"] != row["segment_id"] and one["ip_version"] == row["ip_version"]
    ]
    old = before["gateway_ip"] if before is not None and before["gateway_ip"] != row["gateway_ip"] else None
    kept = [
        dict(route)
        for route in row["host_routes"]
        if old is None or route not in [{"destination": one["cidr"], "nexthop": old} for one in peers]
    ]
    if row["gateway_ip"]:
        for one in peers:
            if not any(_covers(route["destination"], one["cidr"]) for route in kept):
                kept.append({"destination": one["cidr"], "nexthop": row["gateway_ip"]})
    return kept


def settle(tx: Transaction, network_id: str, gone: str = "") -> None:
    """Give the subnets of a routed network their routes to each other, after one came or went. gone: the cidr of that one."""
    for one in subnets.of_network(tx, network_id):
        if one["segment_id"] is None:
            continue
        row = subnets.show(tx, one["id"])
        assert row is not None  # noqa: S101  # just listed; tells mypy
        left = [route for route in row["host_routes"] if route != {"destination": gone, "nexthop": row["gateway_ip"]}]
        wanted = routes(tx, row | {"host_routes": left})
        if _as_set(wanted) != _as_set(row["host_routes"]):
            subnets.update(tx, row["id"], {"host_routes": wanted, **rows.raised(row, tx.now)})
            tx.touch(scopes.network(network_id), f"subnet/{row['id']}")


def _as_set(given: Sequence[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(route["destination"], route["nexthop"]) for route in given}


def _covers(wide: str, narrow: str) -> bool:
    outer, inner = ip_network(wide, strict=False), ip_network(narrow)
    return outer.version == inner.version and outer.supernet_of(inner)  # type: ignore[arg-type]  # of the same version
