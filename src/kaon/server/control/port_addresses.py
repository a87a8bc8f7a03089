"""Which addresses a port has after a change: what it keeps, what it gains, what is free again."""

from collections.abc import Mapping, Sequence
from typing import Any

from kaon.model.query import Body, Row
from kaon.server.control import ipam, routed
from kaon.server.store import ports, subnets
from kaon.server.store.engine import Transaction

Ground = tuple[Row, Sequence[Mapping[Any, Any]], str | None]
"""What a new port stands on: its network, the subnets there, the default group of its project; see `store.ports.ground`."""


def renewed(tx: Transaction, ground: Ground, before: Row, after: Row, changes: Body) -> list[ipam.FixedIp]:
    """Give a port the addresses that are now wanted; those that it keeps stay untouched."""
    network, found, _ = ground
    if routed.is_late(before, changes):
        return late(tx, network, found, after)
    has: list[ipam.FixedIp] = before["fixed_ips"]
    other_mac = after["mac_address"] != before["mac_address"]
    wanted = changes.get("fixed_ips", has if other_mac else None)
    if wanted is None:
        return has
    auto = {subnet["id"] for subnet in found if subnets.is_auto(subnet)}
    if other_mac:  # what it forms by itself, it forms anew
        has = [fixed_ip for fixed_ip in has if fixed_ip["subnet_id"] not in auto]
    forms = bool(wanted)
    wanted = [wish for wish in wanted if not other_mac or wish.get("subnet_id") not in auto]
    kept, wishes = ipam.sort_out(found, after, has, wanted)
    meant = ipam.meant_for(network, found, after) if wanted else []
    gained = [ipam.take(tx, network, meant, after, wish) for wish in wishes]
    gained += ipam.formed(meant, after, kept + gained) if forms else []
    dropped = [fixed_ip for fixed_ip in before["fixed_ips"] if fixed_ip not in kept + gained]
    gained = [fixed_ip for fixed_ip in gained if fixed_ip not in before["fixed_ips"]]
    for fixed_ip in dropped:
        ports.delete_address(tx, fixed_ip)
    ipam.release(tx, dropped)
    ports.insert_addresses(tx, after, gained, len(kept))
    if dropped and kept:
        ports.place_addresses(tx, kept)
    return kept + gained


def late(tx: Transaction, network: Mapping[str, Any], found: Sequence[Mapping[Any, Any]], port: Row) -> list[ipam.FixedIp]:
    """Give a port the addresses that it waited for."""
    given = ipam.allocate(tx, network, found, port, None)
    ports.insert_addresses(tx, port, given)
    return given
