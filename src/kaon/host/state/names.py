"""Names of kernel objects: Neutron's and Nova's own, so that operators and hypervisors find what they know.

A device name has at most 15 bytes (IFNAMSIZ less the closing zero), hence eleven characters of an id after a prefix
of four. Names say what a thing is; they never prove that it is ours: that is what `alias_of` is for.
"""

import hashlib

HOST = ""
"""The namespace that the agent itself runs in."""

ALIAS_PREFIX = "kaon:"

_ID_LENGTH = 11


def bridge_name(network_id: str) -> str:
    """Name the bridge of a network."""
    return f"brq{network_id[:_ID_LENGTH]}"


def tap_name(port_id: str) -> str:
    """Name a port's device in the host: a VM's tap, or our end of a DHCP or router leg."""
    return f"tap{port_id[:_ID_LENGTH]}"


def intermediate_name(port_id: str) -> str:
    """Name the device that what a port sends waits in when it is limited."""
    return f"ifb{port_id[:_ID_LENGTH]}"


def inward_intermediate(identity: str) -> str:
    """Name the device that what comes for an address waits in; identity of the floating IP, or of the gateway's router."""
    return f"ifi{identity[:_ID_LENGTH]}"


def outward_intermediate(identity: str) -> str:
    """Name the device that what an address sends waits in; identity as above."""
    return f"ife{identity[:_ID_LENGTH]}"


def vxlan_name(vni: int) -> str:
    """Name the tunnel device of a VXLAN segment."""
    return f"vxlan-{vni}"


def router_namespace(router_id: str) -> str:
    """Name the namespace that a router forwards in."""
    return f"qrouter-{router_id}"


def dhcp_namespace(network_id: str) -> str:
    """Name the namespace that a network's DHCP server answers in."""
    return f"qdhcp-{network_id}"


def router_leg(port_id: str) -> str:
    """Name a router's interface on a tenant network."""
    return f"qr-{port_id[:_ID_LENGTH]}"


def gateway_leg(port_id: str) -> str:
    """Name a router's interface on its external network."""
    return f"qg-{port_id[:_ID_LENGTH]}"


def dhcp_leg(port_id: str) -> str:
    """Name the DHCP server's interface."""
    return f"ns-{port_id[:_ID_LENGTH]}"


def is_tap(device_name: str) -> bool:
    """Tell whether a device is named as a port's."""
    return device_name.startswith("tap") and len(device_name) == len("tap") + _ID_LENGTH


def bridge_mac(network_id: str) -> str:
    """Derive the MAC of a network's bridge: locally administered, the same on every start.

    A bridge without a fixed address changes it with its members.
    """
    digest = hashlib.blake2b(network_id.encode(), digest_size=5).digest()
    return ":".join(f"{byte:02x}" for byte in b"\x02" + digest)


def alias_of(owner: str) -> str:
    """Give the ifalias that proves a link ours; a namespace carries it on its `lo`. `owner` as in `kind/id`."""
    return ALIAS_PREFIX + owner


def owner_of(alias: str) -> str | None:
    """Read the owner from an ifalias, or None when the thing is not ours."""
    if not alias.startswith(ALIAS_PREFIX):
        return None
    return alias.removeprefix(ALIAS_PREFIX)
