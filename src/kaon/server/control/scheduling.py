"""Which host plays which role: DHCP servers for networks, forwarding for routers.

The least loaded live agent is chosen, and its host's own ports are bound there. When none is alive nothing is placed, and
`schedule_pending` places it when one appears.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaon.model.errors import BadRequest, Conflict
from kaon.model.query import Row
from kaon.server.control import following, hosts, placement, ports, status
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
    every such subnet; where subnets are on segments, so many on each segment, with addresses in its subnets. Without: none.
    Hosts that an administrator chose serve besides. An exhausted subnet does not stand in the way of anything; its server
    goes without.
    """
    network_rows.lock(tx, network_id)  # two at once would each choose a server
    needs = _needs(core, tx, network_id)
    serving = {}
    for server in roles.serving(tx, network_id):
        wanted = needs.of(server["host"])
        if wanted:
            _keep_addresses(core, tx, server, wanted)
            serving[server["host"]] = wanted
        else:
            ports.remove(core, tx, ports.find_any(tx, server["port_id"]))  # the server goes with it
    for host in roles.pinned_hosts(tx, network_id) if needs.places else ():
        wanted = needs.of(host)
        if wanted and host not in serving and _serve(core, tx, network_id, host, wanted):
            serving[host] = wanted
    for place in needs.places:
        taken = {host for host, wanted in serving.items() if wanted == place}
        while len(taken) < core.settings.dhcp_agents_per_network:
            chosen = _dhcp_host(core, tx, needs, place, taken)
            if chosen is None or not _serve(core, tx, network_id, chosen, place):
                break
            taken.add(chosen)
    status.refresh_network(tx, core, network_id)


@dataclass(frozen=True)
class _Needs:
    """What DHCP of a network needs.

    places  the subnets that are served together, of each segment that has some; of a plain network at most one such list
    at      host -> which of these it can serve; None: every host can serve the one there is
    """

    places: Sequence[Sequence[str]]
    at: Mapping[str, Sequence[str]] | None
    zones: Collection[str]

    def of(self, host: str) -> Sequence[str]:
        """The subnets that a host can serve."""
        if self.at is None:
            return self.places[0] if self.places else ()
        return self.at.get(host, ())

    def unfit(self, place: Sequence[str]) -> set[str]:
        """The hosts that cannot serve a place."""
        return {host for host, there in (self.at or {}).items() if there != place}


def _needs(core: Core, tx: Transaction, network_id: str) -> _Needs:
    wanted = roles.dhcp_subnets(tx, network_id)
    if not wanted:
        return _Needs((), None, ())
    by_segment: dict[str | None, list[str]] = {}
    for subnet in wanted:
        by_segment.setdefault(subnet["segment_id"], []).append(subnet["id"])
    routed = None not in by_segment
    where = placement.lay(core, tx, [network_id], named=routed)
    places = list(by_segment.values()) if routed else [[subnet["id"] for subnet in wanted]]
    zones = where.zones[network_id] or core.settings.default_availability_zones
    if where.anywhere and not routed:
        return _Needs(places, None, zones)
    at = {}
    for host in agents.hosts(tx):
        segment = placement.on(where, network_id, host)
        if segment is not None:
            at[host["name"]] = by_segment.get(segment["id"], ()) if routed else places[0]
        else:
            at[host["name"]] = ()
    return _Needs(places, at, zones)


def _dhcp_host(core: Core, tx: Transaction, needs: _Needs, place: Sequence[str], taken: Collection[str]) -> str | None:
    choice = agents.Choice(
        agent_type=hosts.DHCP,
        heard_after=status.alive_after(core, tx.now),
        load=roles.DHCP_LOAD,
        without=needs.unfit(place) | set(taken),
        zones=needs.zones,
        apart_from=agents.zones_of(tx, hosts.DHCP, taken),
    )
    return agents.least_loaded(tx, choice)


def ensure_router(core: Core, tx: Transaction, router_id: str, joining: str = "") -> str:
    """Give the host that forwards for a router, choosing one when there is none; "" while no agent that could is alive.

    joining  network that the router is about to have a leg on. When the host does not reach it, the router moves to one
             that reaches all its networks, if there is one, unless an administrator chose its host.

    All legs of the router are bound there.
    """
    router_rows.lock(tx, router_id)  # two at once would each choose a host
    legs = router_rows.legs(tx, router_id)
    network_ids = {leg["network_id"] for leg in legs} | ({joining} if joining else set())
    apart = placement.apart(core, tx, network_ids)
    hosting = router_rows.hosts_of(tx, router_id)
    if hosting and (hosting[0] not in apart or roles.pinned_router(tx, router_id)):
        return hosting[0]
    choice = agents.Choice(
        agent_type=hosts.L3,
        heard_after=status.alive_after(core, tx.now),
        load=roles.ROUTER_LOAD,
        without=apart,
        zones=json.loads(roles.router_hints(tx, router_id)) or core.settings.default_availability_zones,
    )
    host = agents.least_loaded(tx, choice)
    if host is None:
        return hosting[0] if hosting else ""
    if hosting:
        release_router(tx, router_id)
    host_router(core, tx, router_id, host)
    return host


def host_router(core: Core, tx: Transaction, router_id: str, host: str) -> None:
    """Have a host forward for a router that none does; all its legs are bound there."""
    legs = router_rows.legs(tx, router_id)
    roles.host_router(tx, router_id, host)
    tx.touch(scopes.host(host), f"router/{router_id}")
    for leg in legs:
        if not leg["position"]:  # gateways beyond the first are nowhere yet
            ports.alter(core, tx, ports.find_any(tx, leg["port_id"]), {"binding:host_id": host})
    followers.follow_router(tx, [host], router_id, {leg["network_id"] for leg in legs})


def release_router(tx: Transaction, router_id: str) -> None:
    """Take a router away from its hosts. Legs that it still has must be bound elsewhere next."""
    hosting = router_rows.hosts_of(tx, router_id)
    roles.stop_hosting(tx, router_id)
    for host in hosting:
        tx.touch(scopes.host(host), f"router/{router_id}")
    followers.follow_router(tx, hosting, router_id)


def unhost_router(core: Core, tx: Transaction, router_id: str) -> None:
    """Take a router away from its hosts; its legs are bound nowhere."""
    release_router(tx, router_id)
    for leg in router_rows.legs(tx, router_id):
        ports.alter(core, tx, ports.find_any(tx, leg["port_id"]), {"binding:host_id": ""})


def schedule_pending(core: Core) -> int:
    """Place every network and router that waits for a host; give how many were waiting. Each in a transaction of its own."""
    networks, routers = core.store.read(lambda tx: (roles.unserved_networks(tx), roles.unhosted_routers(tx)))
    for network_id in networks:
        following.write(core, lambda tx, network_id=network_id: ensure_dhcp(core, tx, network_id))  # type: ignore[misc]  # the default binds the loop's value
    for router_id in routers:
        following.write(core, lambda tx, router_id=router_id: ensure_router(core, tx, router_id))  # type: ignore[misc]  # as above
    return len(networks) + len(routers)


def _serve(core: Core, tx: Transaction, network_id: str, host: str, subnet_ids: Sequence[str]) -> bool:
    """Make a host serve a network; False when no address is left for its port."""
    body = {
        "project_id": network_rows.project_of(tx, network_id),
        "network_id": network_id,
        "device_owner": DHCP_OWNER,
        "device_id": f"dhcp{host}-{network_id}"[:255],
        "binding:host_id": host,
        "fixed_ips": [{"subnet_id": subnet_id} for subnet_id in subnet_ids],
    }
    port = _unless_full(tx, lambda: ports.add(core, tx, body, limited=False))
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
