"""Hosts introduce themselves and are heard of again."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from kaon.server.control import following
from kaon.server.control.core import Core
from kaon.server.store import agents as rows
from kaon.server.store import followers
from kaon.server.store.engine import Transaction
from kaon.wire import scopes
from kaon.wire.messages import Hello, Role

L2: Final = "Linux bridge agent"
DHCP: Final = "DHCP agent"
L3: Final = "L3 agent"
METADATA: Final = "Metadata agent"

DEFAULT_ZONE: Final = "nova"
"""The availability zone of hosts that name none."""

_AGENT_OF: Final[Mapping[Role, tuple[str, str, str]]] = {
    Role.L2: (L2, "neutron-linuxbridge-agent", "N/A"),
    Role.DHCP: (DHCP, "neutron-dhcp-agent", "dhcp_agent"),
    Role.L3: (L3, "neutron-l3-agent", "l3_agent"),
    Role.METADATA: (METADATA, "neutron-metadata-agent", "N/A"),
}
"""Role -> agent type, binary, topic, as Neutron's clients know them."""


def hello(core: Core, message: Hello) -> None:
    """Register a host and one agent for each of its roles, and settle what it follows.

    Who the host is has been found from its key before. A changed tunnel end is told to the networks that have ports there.
    What waited for such a host is not placed here: call `scheduling.schedule_pending` after it.
    """

    def work(tx: Transaction) -> None:
        known = rows.host(tx, message.host)
        told = {
            "instance": message.instance,
            "tunnel_ip": message.tunnel_ip,
            "physical_networks": json.dumps(sorted(message.physical_networks)),
        }
        rows.save_host(tx, message.host, told, known=known is not None)
        restarted = known is None or known["instance"] != message.instance
        rows.save_agents(tx, message.host, dict(_agent(message, role) for role in message.roles), restarted=restarted)
        if (known["tunnel_ip"] if known is not None else None) != message.tunnel_ip:
            for network_id in rows.networks_of(tx, message.host):
                tx.touch(scopes.network(network_id), f"host/{message.host}")
        followers.settle_host(tx, message.host)

    following.write(core, work)


def heartbeat(core: Core, hosts: Collection[str], now: datetime) -> None:
    """Remember that hosts were heard of; for many at once, as often as the liveness of agents needs it."""
    if hosts:
        core.store.write(lambda tx: rows.heard(tx, hosts, now))


def _agent(message: Hello, role: Role) -> tuple[str, dict[str, Any]]:
    """Give the agent type that a role means, and what its row says."""
    agent_type, binary, topic = _AGENT_OF[role]
    configurations: dict[str, Any] = dict(message.configurations)
    zone = str(configurations.pop("availability_zone", "") or DEFAULT_ZONE)
    if role is Role.L2:
        configurations |= {"tunneling_ip": message.tunnel_ip or "", "physical_networks": sorted(message.physical_networks)}
    told = {"binary": binary, "topic": topic, "availability_zone": zone}
    return agent_type, told | {"configurations": json.dumps(configurations, sort_keys=True)}
