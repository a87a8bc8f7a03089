"""What Placement should know: how many IPv4 addresses segments have, and how much the devices of hosts carry.

    segment         IPV4_ADDRESS, shared with the hosts that are on it; for segments with an IPv4 subnet
    agent of a host packet rates, part of the compute node
    device          bandwidths, part of the agent: what ports with a minimum ask for

Names, traits and classes are those that Neutron uses, so that Nova finds them.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kaon.model.qos_rules import ANY, EGRESS, INGRESS
from kaon.model.resource_requests import BANDWIDTH, PACKET_RATE, TUNNEL, physical_network_trait, vnic_type_trait
from kaon.server.control import placement
from kaon.server.control.core import Core
from kaon.server.control.hosts import L2
from kaon.server.peers.providers import Provider
from kaon.server.store import agents
from kaon.server.store import resource_providers as store
from kaon.server.store.engine import Transaction

TUNNELLED: Final = "rp_tunnelled"
"""The device that stands for all that tunnels go through."""

_NAMES: Final = uuid.UUID("6a2ad0b5-2f4b-4d0f-a8a8-5f6a3e7c9b11")
"""Ids of providers of hosts are made of their names, in here."""

_ALONE: Final[Mapping[str, int | float]] = {"min_unit": 1, "max_unit": 1, "step_size": 1, "allocation_ratio": 1.0}


def wanted(core: Core, tx: Transaction) -> list[Provider]:
    """List every provider that should be there, parents first."""
    return [*_segments(core, tx), *(one for agent in store.reporting_agents(tx, L2) for one in of_agent(agent))]


def of_agent(agent: Mapping[str, Any]) -> Iterator[Provider]:
    """Give the providers of an agent: its own for each compute node, and one a device. Pure; what cannot be read is left out.

    agent  host, agent_type, configurations: JSON text; there, as an agent says it, `resource_provider_bandwidths`
           "device:egress:ingress,..." in kbit/s, `resource_provider_hypervisors` "device:compute node,...",
           `resource_provider_packet_processing_with_direction` "node:egress:ingress,..." and `..._without_direction`
           "node:both,..." in thousand packets/s, `..._inventory_defaults` "allocation_ratio:1.0,...", and `bridge_mappings`
    """
    told, kind = json.loads(agent["configurations"]), agent["agent_type"]
    bandwidths = _triples(told.get("resource_provider_bandwidths", ""))
    nodes = dict(_pairs(told.get("resource_provider_hypervisors", "")))
    rates = _rates(told)
    networks = {device: network for network, device in _pairs(told.get("bridge_mappings", ""))}
    of_device = {device: nodes.get(device, agent["host"]) for device in bandwidths}
    vnics = (vnic_type_trait("normal"),)
    for node in dict.fromkeys((*of_device.values(), *rates)):
        inventories = _inventories(rates.get(node, {}), told.get("resource_provider_packet_processing_inventory_defaults", ""))
        name = f"{node}:{kind}"
        yield Provider(_id(name), name, root=node, inventories=inventories, traits=vnics)
    defaults = told.get("resource_provider_inventory_defaults", "")
    for device, (egress, ingress) in bandwidths.items():
        name = f"{of_device[device]}:{kind}:{device}"
        where = [TUNNEL] if device == TUNNELLED else []
        if device in networks:
            where.append(physical_network_trait(networks[device]))
        amounts = {BANDWIDTH[EGRESS]: egress, BANDWIDTH[INGRESS]: ingress}
        parent = _id(f"{of_device[device]}:{kind}")
        yield Provider(
            _id(name), name, parent=parent, inventories=_inventories(amounts, defaults), traits=(*sorted(where), *vnics)
        )


def _segments(core: Core, tx: Transaction) -> list[Provider]:
    subnets = store.routed_subnets(tx)
    if not subnets:
        return []
    ids = [subnet["id"] for subnet in subnets]
    pools, taken = store.pool_sizes(tx, ids), store.taken_by_others(tx, ids)
    by_segment: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for subnet in subnets:
        by_segment[subnet["network_id"], subnet["segment_id"]].append(subnet)
    hosts = _hosts(core, tx, sorted({subnet["network_id"] for subnet in subnets}))
    return [
        Provider(
            segment,
            f"Neutron segment id {segment}",
            inventories={"IPV4_ADDRESS": _addresses(those, pools, taken)},
            hosts=tuple(sorted(hosts.get(segment, ()))),
        )
        for (_, segment), those in sorted(by_segment.items())
        if any(pools.get(subnet["id"]) for subnet in those)
    ]


def _hosts(core: Core, tx: Transaction, network_ids: Sequence[str]) -> Mapping[str, set[str]]:
    """List the hosts on each segment of networks."""
    where = placement.lay(core, tx, network_ids, named=True)
    found: dict[str, set[str]] = defaultdict(set)
    for host in agents.hosts(tx):
        for network_id in network_ids:
            segment = placement.on(where, network_id, host)
            if segment is not None:
                found[segment["id"]].add(host["name"])
    return found


def _addresses(
    subnets: Sequence[Mapping[str, Any]], pools: Mapping[str, int], taken: Mapping[str, int]
) -> dict[str, int | float]:
    """Count the addresses of a segment as Neutron does: gateways and one for DHCP are reserved, and what others have."""
    total = reserved = 0
    for subnet in subnets:
        size = pools.get(subnet["id"], 0)
        if size:
            gateway = int(bool(subnet["gateway_ip"]))
            total += size + gateway
            reserved += gateway + int(subnet["enable_dhcp"]) + taken.get(subnet["id"], 0)
    return {"total": total, "reserved": min(total, reserved), **_ALONE}


def _inventories(amounts: Mapping[str, int | None], defaults: str) -> dict[str, dict[str, int | float]]:
    more: dict[str, int | float] = {}
    for key, value in _pairs(defaults):
        number = _number(value)
        if key == "allocation_ratio":
            more[key] = float(value) if value.replace(".", "", 1).isdecimal() else 1.0
        elif number is not None and key in {"min_unit", "max_unit", "reserved", "step_size"}:
            more[key] = number
    return {kind: {**more, "total": amount} for kind, amount in amounts.items() if amount}


def _rates(told: Mapping[str, Any]) -> dict[str, dict[str, int | None]]:
    both = dict(_pairs(told.get("resource_provider_packet_processing_without_direction", "")))
    if both:
        return {node: {PACKET_RATE[ANY]: _number(amount)} for node, amount in both.items()}
    each = _triples(told.get("resource_provider_packet_processing_with_direction", ""))
    return {node: {PACKET_RATE[EGRESS]: out, PACKET_RATE[INGRESS]: into} for node, (out, into) in each.items()}


def _pairs(text: object) -> Iterator[tuple[str, str]]:
    for word in str(text).split(","):
        key, _, value = word.strip().partition(":")
        if key and value:
            yield key, value


def _triples(text: object) -> dict[str, tuple[int | None, int | None]]:
    found = {}
    for key, rest in _pairs(text):
        first, _, second = rest.partition(":")
        found[key] = (_number(first), _number(second))
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < len(str(2**31)) else None


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMES, name))
