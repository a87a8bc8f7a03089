"""Where a router leads out: `external_gateway_info`, inside the transaction of the router's own verbs."""

from collections.abc import Mapping
from typing import Any

from kaon.model import errors
from kaon.model.query import Row
from kaon.server.control import binding, networks, ports, qos_users, router_legs, scheduling
from kaon.server.control.core import Caller, Core
from kaon.server.store import routers as rows
from kaon.server.store.engine import Transaction


def change(core: Core, tx: Transaction, caller: Caller, router: Row, wanted: Mapping[str, Any] | None) -> None:
    """Make the router lead where it should; None: nowhere. The caller raises the router's revision.

    wanted  network_id, and perhaps external_fixed_ips, enable_snat (default: on) and qos_policy_id (default: as it is)

    Errors  NetworkNotFound, BadRequest (not external, overlapping subnets), RouterExternalGatewayInUseByFloatingIp, those of
            `qos_users.check_change`, and what may be wrong with addresses.
    """
    has = router["external_gateway_info"]
    if has is not None and (wanted is None or wanted["network_id"] != has["network_id"]):
        _clear(core, tx, router)
        has = None
    _give_policy(core, tx, caller, router, wanted)
    if wanted is None:
        return
    if has is None:
        _make(core, tx, caller, router, wanted)
    else:
        _keep(core, tx, router, wanted)
    rows.set_gateway(tx, router["id"], wanted["network_id"], enable_snat=wanted.get("enable_snat", True))


def _make(core: Core, tx: Transaction, caller: Caller, router: Row, wanted: Mapping[str, Any]) -> None:
    network = networks.find(caller, tx, wanted["network_id"])
    if not network["router:external"]:
        raise errors.BadRequest(reason=f"Network {network['id']} is not an external network")
    there = rows.subnets_of(tx, network["id"])
    router_legs.check_overlap(tx, router["id"], there)
    binding.router_backend(core).validate_router_port(router, there)
    body = {
        "project_id": "",  # it is the network's business, not the project's: members neither see nor delete it
        "network_id": network["id"],
        "device_owner": rows.GATEWAY,
        "device_id": router["id"],
        "binding:host_id": scheduling.ensure_router(core, tx, router["id"], network["id"]),
    }
    if wanted.get("external_fixed_ips"):
        body["fixed_ips"] = wanted["external_fixed_ips"]
    port = ports.add(core, tx, body)
    router_legs.attach(tx, router["id"], port)


def _keep(core: Core, tx: Transaction, router: Row, wanted: Mapping[str, Any]) -> None:
    """Stay on the same network, perhaps with other addresses."""
    if wanted.get("external_fixed_ips"):
        port = ports.find_any(tx, _port_id(tx, router))
        ports.alter(core, tx, port, {"fixed_ips": wanted["external_fixed_ips"]})


def _clear(core: Core, tx: Transaction, router: Row) -> None:
    network_id = router["external_gateway_info"]["network_id"]
    if rows.floatingips_through(tx, router["id"]):
        raise errors.RouterExternalGatewayInUseByFloatingIp(router_id=router["id"], net_id=network_id)
    port = ports.find_any(tx, _port_id(tx, router))
    rows.set_gateway(tx, router["id"], None, enable_snat=True)
    router_legs.detach(tx, router["id"], port)
    ports.remove(core, tx, port)


def _give_policy(core: Core, tx: Transaction, caller: Caller, router: Row, wanted: Mapping[str, Any] | None) -> None:
    """Give the gateway the QoS policy that it is to have; it loses the one that it has when it goes, or by null."""
    had = (router["external_gateway_info"] or {}).get("qos_policy_id")
    after = wanted.get("qos_policy_id", had) if wanted is not None else None
    if after != had:
        if wanted is not None:
            qos_users.check_change(core, caller, tx, had, wanted)
        rows.set_gateway_policy(tx, router["id"], after)


def _port_id(tx: Transaction, router: Row) -> str:
    return str(next(leg["port_id"] for leg in rows.legs(tx, router["id"]) if leg["device_owner"] == rows.GATEWAY))
