"""Attributes of ports that follow from others or are checked against the settings: DNS names, DHCP options, hardware."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kaon.lib.ids import new_mac
from kaon.model.addresses import normal_mac
from kaon.model.dns import LENGTH
from kaon.model.errors import HTTPBadRequest
from kaon.model.query import Body, Row
from kaon.server.control.core import Core

DEFAULTS: Final[Mapping[str, Any]] = {
    "name": "",
    "description": "",
    "admin_state_up": True,
    "device_id": "",
    "device_owner": "",
    "allowed_address_pairs": (),
    "binding:host_id": "",
    "binding:vnic_type": "normal",
    "binding:profile": {},
    "tags": (),
    "extra_dhcp_opts": (),
    "dns_name": "",
    "dns_domain": "",
    "data_plane_status": None,
    "propagate_uplink_status": True,
    "hints": None,
    "numa_affinity_policy": None,
    "device_profile": None,
    "trusted": None,
    "hardware_offload_type": None,
    "trunk_id": None,
    "moving": False,
    "qos_policy_id": None,
}
"""What a new port has where its body says nothing; ports of the network service say little."""

UNCHOSEN_DOMAIN: Final = "openstacklocal"
"""The domain of a service whose operator chose none: names may then be of any domain."""

_PHYSICAL: Final = "direct-physical"
_BLANKABLE: Final = ("router", "classless-static-route")


def completed(core: Core, body: Body) -> Row:
    """Give a new port all that its body does not say, but for addresses, groups and binding. Errors: HTTPBadRequest."""
    row = {**DEFAULTS, **body}
    row |= {key: list(row[key]) for key in ("allowed_address_pairs", "tags")}
    _check_name(core, row["dns_name"])
    row["extra_dhcp_opts"] = merged([], row["extra_dhcp_opts"])
    if row["hardware_offload_type"]:
        capabilities = row["binding:profile"].get("capabilities", [])
        if isinstance(capabilities, list) and row["hardware_offload_type"] not in capabilities:
            capabilities = [*capabilities, row["hardware_offload_type"]]
        row["binding:profile"] = {**row["binding:profile"], "capabilities": capabilities}
    _show_trust(row)
    return row


def change(core: Core, before: Row, after: Row, changes: Body) -> None:
    """Work out, in `after` (the port with its changes), what follows from them. Errors: HTTPBadRequest."""
    if "dns_name" in changes:
        _check_name(core, after["dns_name"])
    if "extra_dhcp_opts" in changes:
        after["extra_dhcp_opts"] = merged(before["extra_dhcp_opts"], changes["extra_dhcp_opts"])
    if after["binding:vnic_type"] == _PHYSICAL:
        _follow_function(core, before, after, changes)
    _show_trust(after)


def merged(has: Sequence[Row], wanted: Sequence[Row]) -> list[Row]:
    """Give DHCP options after a change: each is replaced, added, or with null taken away, by its name and IP version."""
    options = {(option["opt_name"], option["ip_version"]): dict(option) for option in has}
    for option in wanted:
        key = option["opt_name"], option["ip_version"]
        if option["opt_value"] is None:
            options.pop(key, None)
        elif option["opt_value"] or option["opt_name"] in _BLANKABLE:
            options[key] = dict(option)
    return list(options.values())


def shown(core: Core, row: Row) -> Row:
    """Give a port, as it is about to be shown, the names that its addresses have (`dns_assignment`)."""
    domain = _domain(core)
    row["dns_assignment"] = [_assignment(domain, row, fixed_ip["ip_address"]) for fixed_ip in row["fixed_ips"]]
    return row


def _assignment(domain: str, row: Row, address: str) -> dict[str, str]:
    hostname = row["dns_name"] or "host-" + address.replace(".", "-").replace(":", "-")
    qualified = hostname if hostname.endswith(".") or not domain else f"{hostname}.{domain}"
    return {"ip_address": address, "hostname": hostname, "fqdn": qualified}


def _domain(core: Core) -> str:
    """Give the domain of the service with a dot at its end; empty: none."""
    domain = core.settings.dns_domain
    return domain if not domain or domain.endswith(".") else f"{domain}."


def _check_name(core: Core, name: str) -> None:
    """Hold a name to the domain that the operator chose."""
    domain = _domain(core)
    if not name or not domain or domain == f"{UNCHOSEN_DOMAIN}.":
        return
    if not name.endswith("."):
        if len(name) + 1 + len(domain) > LENGTH:
            raise HTTPBadRequest(reason=f"Invalid input for dns_name. Reason: with {domain} it exceeds {LENGTH} characters.")
    elif not name.endswith(f".{domain}"):
        raise HTTPBadRequest(reason=f"Invalid input for dns_name. Reason: '{name}' is not a name in {domain}.")


def _show_trust(row: Row) -> None:
    """Nova reads in the profile whether the device is trusted."""
    if row["trusted"] is not None:
        row["binding:profile"] = {**row["binding:profile"], "trusted": row["trusted"]}


def _follow_function(core: Core, before: Row, after: Row, changes: Body) -> None:
    """A port on a whole physical function has that one's MAC address, and must not keep it when it is let go."""
    had, own = (row["binding:profile"].get("device_mac_address") for row in (before, after))
    left = before["device_id"] and not after["device_id"] and not after["device_owner"]
    if "mac_address" in changes:
        return
    if isinstance(own, str) and own != had:
        after["mac_address"] = normal_mac(own) or before["mac_address"]
    elif left or (had and not own):
        after["mac_address"] = new_mac(core.settings.base_mac)
