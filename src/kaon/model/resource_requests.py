"""What a port asks of the host that Nova chooses for it: resources and traits of Placement, from its minimum QoS rules."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kaon.model.qos_rules import ANY, EGRESS, INGRESS

TUNNEL: Final = "CUSTOM_NETWORK_TUNNEL_PROVIDER"
"""Trait of who provides the ends of tunnels."""

BANDWIDTH: Final[Mapping[str, str]] = {INGRESS: "NET_BW_IGR_KILOBIT_PER_SEC", EGRESS: "NET_BW_EGR_KILOBIT_PER_SEC"}
"""Direction -> resource class of kilobits a second."""

PACKET_RATE: Final[Mapping[str, str]] = {
    INGRESS: "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
    EGRESS: "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    ANY: "NET_PACKET_RATE_KILOPACKET_PER_SEC",
}
"""Direction -> resource class of thousand packets a second."""

KINDS: Final = ("minimum_bandwidth", "minimum_packet_rate")
"""Kinds of rules that ask for something."""


def physical_network_trait(name: str) -> str:
    """Trait of who is wired to a physical network."""
    return _trait(f"PHYSNET_{name}")


def vnic_type_trait(name: str) -> str:
    """Trait of who plugs interfaces of a kind."""
    return _trait(f"VNIC_TYPE_{name}")


def request(
    port_id: str, vnic_type: str, physical_network: str | None, rules: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """What a port asks for, as `resource_request` shows it; None: nothing.

    physical_network  of its network's first segment; empty: a tunnel; None: it has none, so nothing is known of its bandwidth
    rules             of the policy that counts, any kinds, with id, type, direction and their numbers
    """
    where = physical_network_trait(physical_network) if physical_network else TUNNEL
    how = vnic_type_trait(vnic_type)
    bandwidth = _of_kind(rules, "minimum_bandwidth") if physical_network is not None else []
    groups = [
        _group(port_id, bandwidth, "min_kbps", BANDWIDTH, [where, how]),
        _group(port_id, _of_kind(rules, "minimum_packet_rate"), "min_kpps", PACKET_RATE, [how]),
    ]
    asked = [group for group in groups if group is not None]
    return {"request_groups": asked, "same_subtree": [group["id"] for group in asked]} if asked else None


def group_id(port_id: str, rule_ids: Sequence[str]) -> str:
    """Name the group that these rules make a port ask for: always the same, so that an allocation is found again.

    A version 5 UUID (RFC 9562) in the name space of the port, as Neutron makes it.
    """
    # Not the standard library's: that module reaches for randomness. SHA-1 is the version's, nothing is secret here.
    digest = hashlib.sha1(bytes.fromhex(port_id.replace("-", "")) + ":".join(rule_ids).encode(), usedforsecurity=False)
    octets = bytearray(digest.digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    digits = octets.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _of_kind(rules: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return sorted((rule for rule in rules if rule["type"] == kind), key=lambda rule: str(rule["id"]))


def _group(
    port_id: str, rules: Sequence[Mapping[str, Any]], amount: str, classes: Mapping[str, str], traits: list[str]
) -> dict[str, Any] | None:
    if not rules:
        return None
    return {
        "id": group_id(port_id, [str(rule["id"]) for rule in rules]),
        "required": traits,
        "resources": {classes[rule["direction"]]: rule[amount] for rule in rules},
    }


def _trait(name: str) -> str:
    return "CUSTOM_" + re.sub("[^0-9A-Za-z]+", "_", name).upper()
