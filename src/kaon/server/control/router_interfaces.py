"""Joining routers to subnets and taking them apart: `add_router_interface` and `remove_router_interface`."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network

from kaon.lib.addresses import IPV4
from kaon.model import errors
from kaon.model.errors.gateways import RouterInterfaceInUseByNDPProxy
from kaon.model.query import Body, Row
from kaon.server.control import binding, following, policy, ports, router_legs, scheduling, subnets
from kaon.server.control.core import Caller, Core
from kaon.server.store import ndp_proxies
from kaon.server.store import routers as rows
from kaon.server.store import rows as standard
from kaon.server.store import subnets as subnet_rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def add(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Join a router to a subnet at its gateway address (`subnet_id`), or by a port that is nobody's (`port_id`).

    Answers id, project_id, tenant_id, port_id, network_id, subnet_id, subnet_ids.

    Errors  RouterNotFound, SubnetNotFound, PortNotFound, PortInUse, PolicyNotAuthorized, BadRequest, IpAddressAlreadyAllocated.
    """
    return following.write(core, lambda tx: join(core, tx, caller, router_id, body))


def join(core: Core, tx: Transaction, caller: Caller, router_id: str, body: Body) -> Row:
    """Join a router to a subnet, in a transaction that does more. Errors: as `add`."""
    router = router_legs.find(caller, tx, router_id)
    policy.authorize(caller, "add_router_interface", router)
    if ("subnet_id" in body) == ("port_id" in body):
        raise errors.BadRequest(reason="Either subnet_id or port_id must be given, and not both")
    port = (_join_port if "port_id" in body else _join_subnet)(core, tx, caller, router, body)
    router_legs.attach(tx, router_id, port)
    _raise(tx, router)
    return _answer(router, port)


def remove(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Take a router from a subnet; its port goes. Answers as `add`.

    Errors  RouterNotFound, RouterInterfaceNotFound, RouterInterfaceNotFoundForSubnet, SubnetMismatchForPort, BadRequest,
            PolicyNotAuthorized, RouterInterfaceInUseByFloatingIP, RouterInterfaceInUseByRoute.
    """

    def work(tx: Transaction) -> Row:
        router = router_legs.find(caller, tx, router_id)
        policy.authorize(caller, "remove_router_interface", router)
        port = ports.find_any(tx, _leg(tx, router_id, body))
        for fixed_ip in port["fixed_ips"]:
            _check_unused(tx, router, fixed_ip["subnet_id"])
        router_legs.detach(tx, router_id, port)
        ports.remove(core, tx, port)
        _raise(tx, router)
        return _answer(router, port, body.get("subnet_id"))

    return following.write(core, work)


def _join_subnet(core: Core, tx: Transaction, caller: Caller, router: Row, body: Body) -> Row:
    subnet, network = subnets.find(caller, tx, body["subnet_id"])
    if not caller.is_admin and not network["shared"] and network["project_id"] != caller.project_id:
        # An external network's subnets are seen, but not joined.
        raise errors.BadRequest(reason=f"Subnet {subnet['id']} is not owned by the project making the request")
    if subnet["gateway_ip"] is None:
        raise errors.BadRequest(reason="Subnet for router interface must have a gateway IP")
    joining = [{"subnet_id": subnet["id"], "cidr": subnet["cidr"]}]
    _check_joins(core, tx, router, joining)
    port = {
        "project_id": router["project_id"],
        "network_id": subnet["network_id"],
        "device_owner": rows.INTERFACE,
        "device_id": router["id"],
        "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
        "binding:host_id": scheduling.ensure_router(core, tx, router["id"], subnet["network_id"]),
    }
    return ports.add(core, tx, port)


def _join_port(core: Core, tx: Transaction, caller: Caller, router: Row, body: Body) -> Row:
    port, ground = ports.find(caller, tx, body["port_id"])
    policy.authorize(caller, "update_port", port, ground[0])
    if port["device_id"] or rows.router_of_leg(tx, port["id"]) is not None:
        raise errors.PortInUse(port_id=port["id"], net_id=port["network_id"], device_id=port["device_id"])
    if not port["fixed_ips"]:
        raise errors.BadRequest(reason="Router port must have at least one fixed IP")
    cidrs = {subnet["subnet_id"]: subnet["cidr"] for subnet in rows.subnets_of(tx, port["network_id"])}
    joining = [{"subnet_id": has["subnet_id"], "cidr": cidrs[has["subnet_id"]]} for has in port["fixed_ips"]]
    if sum(ip_network(subnet["cidr"]).version == IPV4 for subnet in joining) > 1:
        raise errors.BadRequest(reason="Cannot have multiple IPv4 subnets on router port")
    _check_joins(core, tx, router, joining)
    changes = {
        "device_id": router["id"],
        "device_owner": rows.INTERFACE,
        "binding:host_id": scheduling.ensure_router(core, tx, router["id"], port["network_id"]),
        # A router passes on what is not its own; nothing may filter it.
        "port_security_enabled": False,
        "security_groups": [],
        "allowed_address_pairs": [],
    }
    return ports.alter(core, tx, port, changes)


def _check_joins(core: Core, tx: Transaction, router: Row, joining: Sequence[Mapping[str, str]]) -> None:
    """Refuse subnets (subnet_id, cidr) that overlap others of the router, that others announce, or that it cannot serve."""
    router_legs.check_overlap(tx, router["id"], joining)
    for subnet in joining:
        row = subnet_rows.show(tx, subnet["subnet_id"])
        if row is not None and row["ipv6_address_mode"] is not None and row["ipv6_ra_mode"] is None:
            raise errors.BadRequest(
                reason=f"IPv6 subnet {row['id']} gets its router advertisements from an external router "
                "and cannot be added to a router"
            )
    binding.router_backend(core).validate_router_port(router, joining)


def _leg(tx: Transaction, router_id: str, body: Body) -> str:
    """Find the port of the interface that is meant."""
    if not body.keys() & {"subnet_id", "port_id"}:
        raise errors.BadRequest(reason="Either subnet_id or port_id must be given")
    interfaces = [leg for leg in rows.attached(tx, router_id) if leg["device_owner"] == rows.INTERFACE]
    if "port_id" in body:
        found = [leg for leg in interfaces if leg["port_id"] == body["port_id"]]
        if not found:
            raise errors.RouterInterfaceNotFound(router_id=router_id, port_id=body["port_id"])
        if "subnet_id" in body and body["subnet_id"] not in {leg["subnet_id"] for leg in found}:
            raise errors.SubnetMismatchForPort(port_id=body["port_id"], subnet_id=body["subnet_id"])
        return str(body["port_id"])
    for leg in interfaces:
        if leg["subnet_id"] == body["subnet_id"]:
            return str(leg["port_id"])
    if subnet_rows.show(tx, body["subnet_id"]) is None:
        raise errors.SubnetNotFound(subnet_id=body["subnet_id"])
    raise errors.RouterInterfaceNotFoundForSubnet(router_id=router_id, subnet_id=body["subnet_id"])


def _check_unused(tx: Transaction, router: Row, subnet_id: str) -> None:
    """Refuse to take an interface that floating IPs or routes need."""
    if rows.floatingips_through(tx, router["id"], subnet_id):
        raise errors.RouterInterfaceInUseByFloatingIP(router_id=router["id"], subnet_id=subnet_id)
    if router["enable_ndp_proxy"] and ndp_proxies.of_router(tx, router["id"], subnet_id):
        raise RouterInterfaceInUseByNDPProxy(router_id=router["id"], subnet_id=subnet_id)
    cidrs = [ip_network(leg["cidr"]) for leg in rows.attached(tx, router["id"]) if leg["subnet_id"] == subnet_id]
    for route in router["routes"]:
        if any(ip_address(route["nexthop"]) in cidr for cidr in cidrs):
            raise errors.RouterInterfaceInUseByRoute(router_id=router["id"], subnet_id=subnet_id)


def _raise(tx: Transaction, router: Row) -> None:
    """Raise the router's revision, as its interfaces changed."""
    rows.update(tx, router["id"], standard.raised(router, tx.now))
    tx.touch(scopes.router(router["id"]), "router")


def _answer(router: Row, port: Row, subnet_id: str | None = None) -> Row:
    subnet_ids = [fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]]
    return {
        "id": router["id"],
        "project_id": router["project_id"],
        "tenant_id": router["tenant_id"],
        "port_id": port["id"],
        "network_id": port["network_id"],
        "subnet_id": subnet_id or next(iter(subnet_ids), None),
        "subnet_ids": subnet_ids,
    }
