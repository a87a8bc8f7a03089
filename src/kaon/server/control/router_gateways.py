"""Where a router leads out: `external_gateway_info`, inside the transaction of the router's own verbs.

A router may have several gateways (`external_gateways`): the first is the one that this is about.
"""

from collections.abc import Mapping
from typing import Any

from kaon.model import errors
from kaon.model.errors.gateways import RouterGatewayInUseByNDPProxy, RouterIPv6GatewayInUse
from kaon.model.query import Row
from kaon.server.control import binding, networks, ports, qos_users, router_legs, scheduling
from kaon.server.control.core import Caller, Core
from kaon.server.store import ndp_proxies
from kaon.server.store import routers as rows
from kaon.server.store.engine import Transaction

Leg = Mapping[Any, Any]


def change(core: Core, tx: Transaction, caller: Caller, router: Row, wanted: Mapping[str, Any] | None) -> None:
    """Make the router lead where it should; None: nowhere, or where its next gateway leads. The caller raises the revision.

    wanted  network_id, and perhaps external_fixed_ips, enable_snat (default: on) and qos_policy_id (default: as it is)

    Errors  NetworkNotFound, BadRequest (not external, overlapping subnets), those of `drop` and `qos_users.check_change`,
            RouterIPv6GatewayInUse, and what may be wrong with addresses.
    """
    has = router["external_gateway_info"]
    if has is not None and (wanted is None or wanted["network_id"] != has["network_id"]):
        drop(core, tx, router, rows.legs(tx, router["id"], rows.GATEWAY)[0])
        has = None
    _give_policy(core, tx, caller, router, wanted)
    if wanted is None:
        promote(core, tx, router)
        return
    if has is None:
        make(core, tx, caller, router, wanted)
    else:
        _keep(core, tx, router, wanted)
    rows.set_gateway(tx, router["id"], wanted["network_id"], enable_snat=wanted.get("enable_snat", True))


def make(  # noqa: PLR0913  # what it works with, and one trait
    core: Core, tx: Transaction, caller: Caller, router: Row, wanted: Mapping[str, Any], *, position: int = 0
) -> None:
    """Make a gateway. position: among those of the router; only the first one is bound to the router's host.

    Errors  NetworkNotFound, BadRequest, what may be wrong with addresses.
    """
    network = networks.find(caller, tx, wanted["network_id"])
    if not network["router:external"]:
        raise errors.BadRequest(reason=f"Network {network['id']} is not an external network")
    there = rows.subnets_of(tx, network["id"])
    if network["id"] not in {leg["network_id"] for leg in rows.legs(tx, router["id"], rows.GATEWAY)}:
        router_legs.check_overlap(tx, router["id"], there)
    binding.router_backend(core).validate_router_port(router, there)
    body = {
        "project_id": "",  # it is the network's business, not the project's: members neither see nor delete it
        "network_id": network["id"],
        "device_owner": rows.GATEWAY,
        "device_id": router["id"],
    }
    if position == 0:
        body["binding:host_id"] = scheduling.ensure_router(core, tx, router["id"], network["id"])
    if wanted.get("external_fixed_ips"):
        body["fixed_ips"] = wanted["external_fixed_ips"]
    port = ports.add(core, tx, body)
    router_legs.attach(tx, router["id"], port, position)


def drop(core: Core, tx: Transaction, router: Row, leg: Leg) -> None:
    """Take a gateway from the router; `leg` is its row.

    Errors  RouterExternalGatewayInUseByFloatingIp, RouterGatewayInUseByNDPProxy.
    """
    router_id, network_id = router["id"], leg["network_id"]
    others = [one for one in rows.legs(tx, router_id, rows.GATEWAY) if one["port_id"] != leg["port_id"]]
    if rows.floatingips_on(tx, router_id, network_id) and network_id not in {one["network_id"] for one in others}:
        raise errors.RouterExternalGatewayInUseByFloatingIp(router_id=router_id, net_id=network_id)
    if leg["position"] == 0:
        if router["enable_ndp_proxy"] and ndp_proxies.of_router(tx, router_id):
            raise RouterGatewayInUseByNDPProxy(router_id=router_id)
        rows.leave_gateway(tx, router_id)
    port = ports.find_any(tx, leg["port_id"])
    router_legs.detach(tx, router_id, port)
    ports.remove(core, tx, port)


def promote(core: Core, tx: Transaction, router: Row) -> None:
    """Make the first of the gateways that are left the one that counts."""
    left = rows.legs(tx, router["id"], rows.GATEWAY)
    if not left or left[0]["position"] == 0:
        return
    head = left[0]
    router_legs.place(tx, router["id"], head, 0)
    rows.set_gateway(tx, router["id"], head["network_id"], enable_snat=router["enable_snat"])
    host = scheduling.ensure_router(core, tx, router["id"], head["network_id"])
    ports.alter(core, tx, ports.find_any(tx, head["port_id"]), {"binding:host_id": host})


def _keep(core: Core, tx: Transaction, router: Row, wanted: Mapping[str, Any]) -> None:
    """Stay on the same network, perhaps with other addresses."""
    if wanted.get("external_fixed_ips"):
        port = ports.find_any(tx, rows.legs(tx, router["id"], rows.GATEWAY)[0]["port_id"])
        after = ports.alter(core, tx, port, {"fixed_ips": wanted["external_fixed_ips"]})
        if router["enable_ndp_proxy"] and not has_ipv6(after["fixed_ips"]):
            raise RouterIPv6GatewayInUse(router_id=router["id"])


def has_ipv6(fixed_ips: list[dict[str, str]]) -> bool:
    """Tell whether one of the addresses is IPv6."""
    return any(":" in fixed_ip["ip_address"] for fixed_ip in fixed_ips)


def _give_policy(core: Core, tx: Transaction, caller: Caller, router: Row, wanted: Mapping[str, Any] | None) -> None:
    """Give the gateway the QoS policy that it is to have; it loses the one that it has when it goes, or by null."""
    had = (router["external_gateway_info"] or {}).get("qos_policy_id")
    after = wanted.get("qos_policy_id", had) if wanted is not None else None
    if after != had:
        if wanted is not None:
            qos_users.check_change(core, caller, tx, had, wanted)
        rows.set_gateway_policy(tx, router["id"], after)
