"""Routers and their legs, for whoever joins them to something: found, kept apart, attached."""

from collections.abc import Collection, Mapping
from ipaddress import ip_network
from typing import Any

from kaon.model import errors
from kaon.model.query import Row
from kaon.server.control import policy
from kaon.server.control.core import Caller
from kaon.server.store import followers
from kaon.server.store import routers as rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def find(caller: Caller, tx: Transaction, router_id: str) -> Row:
    """Find a router that the caller may see. Errors: RouterNotFound."""
    row = rows.show(tx, router_id)
    if row is None or not policy.visible(caller, "routers", row):
        raise errors.RouterNotFound(router_id=router_id)
    return row


def attach(tx: Transaction, router_id: str, port: Row, position: int = 0) -> None:
    """Make a port a leg of the router, for whoever follows it. position: among its gateways."""
    rows.add_leg(tx, router_id, port, position)
    tx.touch(scopes.router(router_id), f"port/{port['id']}")
    followers.follow_router(tx, rows.hosts_of(tx, router_id), router_id, [port["network_id"]])


def place(tx: Transaction, router_id: str, leg: Mapping[Any, Any], position: int) -> None:
    """Put a gateway (its row) at another place among those of the router, for whoever follows it; 0: it counts."""
    rows.place_leg(tx, leg["port_id"], position)
    tx.touch(scopes.router(router_id), f"port/{leg['port_id']}")
    followers.follow_router(tx, rows.hosts_of(tx, router_id), router_id, [leg["network_id"]])


def detach(tx: Transaction, router_id: str, port: Row) -> None:
    """Make a port no leg any more; it is to be removed next."""
    rows.remove_leg(tx, port["id"])
    tx.touch(scopes.router(router_id), f"port/{port['id']}")
    followers.follow_router(tx, rows.hosts_of(tx, router_id), router_id, [port["network_id"]])


def check_overlap(tx: Transaction, router_id: str, joining: Collection[Mapping[Any, Any]]) -> None:
    """Refuse subnets (subnet_id, cidr) that overlap one that the router has. Errors: BadRequest."""
    for there in rows.attached(tx, router_id):
        prefix = ip_network(there["cidr"])
        for subnet in joining:
            if subnet["subnet_id"] == there["subnet_id"]:
                raise errors.BadRequest(reason=f"Router already has a port on subnet {there['subnet_id']}")
            if ip_network(subnet["cidr"]).overlaps(prefix):
                raise errors.BadRequest(
                    reason=f"Cidr {subnet['cidr']} of subnet {subnet['subnet_id']} overlaps with cidr {there['cidr']} "
                    f"of subnet {there['subnet_id']}"
                )
