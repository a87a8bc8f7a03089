"""Which host plays which role: DHCP servers for networks, forwarding for routers.

The least loaded live agent is chosen, and its host's own ports are bound there. When none is alive nothing is placed, and
`schedule_pending` places it when one appears.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kaon.model.errors import BadRequest, Conflict
from kaon.model.query import Row
from kaon.server.control import following, hosts, ports, status
from kaon.server.control.core import Core
from kaon.server.store import agents, followers, roles
from kaon.server.store import networks as network_rows
from kaon.server.store import routers as router_rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

DHCP_OWNER = "network:dhcp"


def ensure_dhcp(core: Core, tx: Transaction, network_id: str) -> None:
    """Make DHCP of a network as its subnets want it; call it after any of them was made, changed or removed.

    With a subnet that has DHCP: `dhcp_agents_per_network` live hosts serve it, each on a port of its own with an address in
    every such subnet. Without: none. An exhausted subnet does not stand in the way of anything; its server goes without.
    """
    network_rows.lock(tx, network_id)  # two at once would each choose a server
    wanted = roles.dhcp_subnets(tx, network_id)
    serving = roles.serving(tx, network_id)
    for server in serving:
        if wanted:
            _keep_addresses(core, tx, server, wanted)
        else:
            ports.remove(core, tx, ports.find_any(tx, server["port_id"]))  # the server goes with it
    if wanted:
        taken = {server["host"] for server in serving}
        apart = agents.hosts_apart(tx, roles.physical_networks(tx, [network_id]))
        while len(taken) < core.settings.dhcp_agents_per_network:
            host = _least_loaded(core, tx, hosts.DHCP, roles.DHCP_LOAD, taken | apart)
            if host is None or not _serve(core, tx, network_id, host, wanted):
                break
            taken.add(host)
    status.refresh_network(tx, core, network_id)


def ensure_router(core: Core, tx: Transaction, router_id: str, joining: str = "") -> str:
    """Give the host that forwards for a router, choosing one when there is none; "" while no agent that could is alive.

    joining  network that the router is about to have a leg on. When the host does not reach it, the router moves to one
             that reaches all its networks, if there is one.

    All legs of the router are bound there.
    """
    router_rows.lock(tx, router_id)  # two at once would each choose a host
    legs = router_rows.legs(tx, router_id)
    network_ids = {leg["network_id"] for leg in legs} | ({joining} if joining else set())
    apart = agents.hosts_apart(tx, roles.physical_networks(tx, network_ids))
    hosting = router_rows.hosts_of(tx, router_id)
    if hosting and hosting[0] not in apart:
        return hosting[0]
    host = _least_loaded(core, tx, hosts.L3, roles.ROUTER_LOAD, apart)
    if host is None:
        return hosting[0] if hosting else ""
    if hosting:
        release_router(tx, router_id)
    roles.host_router(tx, router_id, host)
    tx.touch(scopes.host(host), f"router/{router_id}")
    for leg in legs:
        ports.alter(core, tx, ports.find_any(tx, leg["port_id"]), {"binding:host_id": host})
    followers.follow_router(tx, [host], router_id, {leg["network_id"] for leg in legs})
    return host


def release_router(tx: Transaction, router_id: str) -> None:
    """Take a router away from its hosts. Legs that it still has must be bound elsewhere next."""
    hosting = router_rows.hosts_of(tx, router_id)
    roles.stop_hosting(tx, router_id)
    for host in hosting:
        tx.touch(scopes.host(host), f"router/{router_id}")
    followers.follow_router(tx, hosting, router_id)


def schedule_pending(core: Core) -> int:
    """Place every network and router that waits for a host; give how many were waiting. Each in a transaction of its own."""
    networks, routers = core.store.read(lambda tx: (roles.unserved_networks(tx), roles.unhosted_routers(tx)))
    for network_id in networks:
        following.write(core, lambda tx, network_id=network_id: ensure_dhcp(core, tx, network_id))  # type: ignore[misc]  # the default binds the loop's value
    for router_id in routers:
        following.write(core, lambda tx, router_id=router_id: ensure_router(core, tx, router_id))  # type: ignore[misc]  # as above
    return len(networks) + len(routers)


def _least_loaded(core: Core, tx: Transaction, agent_type: str, load: Any, without: Collection[str]) -> str | None:
    return agents.least_loaded(tx, agent_type, status.alive_after(core, tx.now), load, without)


def _serve(core: Core, tx: Transaction, network_id: str, host: str, subnet_ids: Sequence[str]) -> bool:
    """Make a host serve a network; False when no address is left for its port."""
    body = {
        "project_id": "",
        "network_id": network_id,
        "device_owner": DHCP_OWNER,
        "device_id": f"dhcp{host}-{network_id}"[:255],
        "binding:host_id": host,
        "fixed_ips": [{"subnet_id": subnet_id} for subnet_id in subnet_ids],
    }
    port = _unless_full(tx, lambda: ports.add(core, tx, body))
    if port is None:
        return False
    roles.serve(tx, network_id, host, port["id"])
    tx.touch(scopes.host(host), f"dhcp/{network_id}")
    followers.settle(tx, [host], [scopes.network(network_id)])
    return True


def _keep_addresses(core: Core, tx: Transaction, server: Mapping[str, Any], subnet_ids: Sequence[str]) -> None:
    """Give a DHCP port an address in each subnet that wants DHCP, and in no other; what it has it keeps."""
    port = ports.find_any(tx, server["port_id"])
    if {fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]} != set(subnet_ids):
        wanted = [{"subnet_id": subnet_id} for subnet_id in subnet_ids]
        _unless_full(tx, lambda: ports.alter(core, tx, port, {"fixed_ips": wanted}))


def _unless_full(tx: Transaction, work: Any) -> Row | None:
    """Do what needs addresses; undo it and give None when there are none left."""
    savepoint = tx.connection.begin_nested()
    try:
        row: Row = work()
    except (Conflict, BadRequest):
        savepoint.rollback()
        return None
    savepoint.commit()
    return row
