"""Local IPs: one address that on each host stands for a port there."""

from dataclasses import replace
from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, label, owner, standard, words
from kaon.model.checks import Check
from kaon.model.extensions import Extension


def _attribute(name: str, check: Check = checks.anything, default: Any = None, *, post: bool = True) -> Attribute:
    return Attribute(name=name, alias="local_ip", check=check, default=default, post=post, filter=words, sort=True)


LOCAL_IP: Final = Resource(
    collection="local_ips",
    member="local_ip",
    attributes=(
        identity("local_ip"),
        label("local_ip"),
        *owner(),
        _attribute("local_port_id", checks.uuid, NOT_SPECIFIED),
        _attribute("network_id", checks.uuid, NOT_SPECIFIED),
        _attribute("local_ip_address", checks.optional(addresses.ip), NOT_SPECIFIED),
        _attribute("ip_mode", checks.one_of("translate", "passthrough"), "translate"),
        *standard(),
    ),
)
"""Either the port whose address it is, or a network that it gets a port of its own on."""

PORT_ASSOCIATION: Final = Resource(
    collection="port_associations",
    member="port_association",
    parent="local_ips",
    attributes=(
        *(replace(one, visible=False, filter=None, sort=False) for one in owner()),
        Attribute(name="local_ip_id", alias="local_ip"),
        _attribute("local_ip_address", post=False),
        _attribute("fixed_port_id", checks.uuid, REQUIRED),
        _attribute("fixed_ip", checks.optional(addresses.ip)),
        _attribute("host", post=False),
    ),
    verbs=frozenset({"create", "index", "show", "delete"}),
    key="fixed_port_id",
)

EXTENSIONS: Final = (
    Extension(
        "local_ip",
        "Local IP",
        "2021-07-26T10:00:00-00:00",
        "One address stands on each host for a port there.",
        awaits="hosts do not translate local IPs yet",
    ),
)
