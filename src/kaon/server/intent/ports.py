"""Ports, from rows, as four scopes tell of them: their host, their network, their groups, their router."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kaon.server.intent.qos_rules import qos_rules
from kaon.wire.ports import AddressPair, DhcpOption, FixedIp, GroupMember, HostPort, NetworkPort, RouterPort


def fixed_ips(rows: Iterable[Mapping[str, Any]]) -> tuple[FixedIp, ...]:
    """Tell of a port's addresses in their order; `rows` are its `ip_allocations`."""
    ordered = sorted(rows, key=lambda row: (row["position"], row["subnet_id"], row["ip_address"]))
    return tuple(FixedIp(subnet_id=row["subnet_id"], ip_address=row["ip_address"]) for row in ordered)


def address_pairs(rows: Iterable[Mapping[str, Any]]) -> tuple[AddressPair, ...]:
    """Tell of further addresses, sorted; `rows` are the port's `allowed_address_pairs`."""
    pairs = (AddressPair(mac_address=row["mac_address"], ip_address=row["ip_address"]) for row in rows)
    return tuple(sorted(pairs, key=lambda pair: (pair.mac_address, pair.ip_address)))


def host_port(
    row: Mapping[str, Any],
    addresses: Iterable[Mapping[str, Any]],
    group_ids: Iterable[str],
    pairs: Iterable[Mapping[str, Any]],
    rules: Iterable[Mapping[str, Any]] = (),
) -> HostPort:
    """Tell a port's own host all that wiring and filtering need; `row` is one of `ports`, `rules` its policy's `qos_rules`."""
    return HostPort(
        id=row["id"],
        revision=row["revision_number"],
        network_id=row["network_id"],
        mac_address=row["mac_address"],
        fixed_ips=fixed_ips(addresses),
        admin_state_up=row["admin_state_up"],
        device_owner=row["device_owner"],
        device_id=row["device_id"],
        port_security_enabled=row["port_security_enabled"],
        security_groups=tuple(sorted(group_ids)),
        allowed_address_pairs=address_pairs(pairs),
        qos=qos_rules(rules),
    )


def network_port(row: Mapping[str, Any], addresses: Iterable[Mapping[str, Any]]) -> NetworkPort:
    """Tell the other hosts of the network who has which addresses and where; `row` is one of `ports`."""
    return NetworkPort(
        id=row["id"],
        revision=row["revision_number"],
        mac_address=row["mac_address"],
        fixed_ips=fixed_ips(addresses),
        host=row["host"] or None,
        device_owner=row["device_owner"],
        name=row["name"],
        dns_name=row["dns_name"],
        dhcp_options=dhcp_options(row["extra_dhcp_opts"]),
    )


def dhcp_options(kept: str) -> tuple[DhcpOption, ...]:
    """Tell of a port's DHCP options, sorted; `kept` is its column, JSON."""
    options = (
        DhcpOption(name=option["opt_name"], value=option["opt_value"], version=option["ip_version"])
        for option in json.loads(kept)
    )
    return tuple(sorted(options, key=lambda option: (option.version, option.name)))


def group_member(port_id: str, addresses: Iterable[Mapping[str, Any]], pairs: Iterable[Mapping[str, Any]]) -> GroupMember:
    """Tell which addresses and prefixes a port brings into its groups: its own, then those of its address pairs."""
    own = [row["ip_address"] for row in addresses]
    further = [row["ip_address"] for row in pairs]
    return GroupMember(port_id=port_id, addresses=tuple(sorted({*own, *further})))


def router_port(row: Mapping[str, Any]) -> RouterPort:
    """Tell a router of its leg; `row` is one of `router_ports`."""
    return RouterPort(port_id=row["port_id"], network_id=row["network_id"], device_owner=row["device_owner"])
