"""Default security group rules: what new security groups begin with. A change is for groups made later."""

from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, owner, words
from kaon.model.checks import Check
from kaon.model.extensions import Extension
from kaon.model.security_group_rules import ethertype, narrowing, port_value, protocol

PARENT: Final = "PARENT"
"""As remote_group_id: the group itself that the rule is made for."""

_ALIAS: Final = "security-groups-default-rules"


def _attribute(name: str, check: Check, default: Any = None) -> Attribute:
    narrowed = check in (protocol, ethertype, port_value)
    return Attribute(
        name=name,
        alias=_ALIAS,
        check=check,
        default=default,
        post=True,
        filter=narrowing(check) if narrowed else words,
        sort=True,
    )


def _use(name: str) -> Attribute:
    return Attribute(name=name, alias=_ALIAS, check=checks.boolean, default=REQUIRED, post=True, filter=checks.boolean)


DEFAULT_SECURITY_GROUP_RULE: Final = Resource(
    collection="default_security_group_rules",
    member="default_security_group_rule",
    attributes=(
        identity(_ALIAS),
        # Whoever sends its project may; the rule is nobody's.
        *(Attribute(name=one.name, alias=_ALIAS, check=one.check, post=one.post, visible=False) for one in owner()),
        Attribute(
            name="description", alias="standard-attr-description", check=checks.text(1024), default="", post=True, filter=words
        ),
        _attribute("remote_group_id", checks.optional(checks.text(36))),
        _attribute("remote_address_group_id", checks.optional(checks.text(36))),
        _attribute("direction", checks.one_of("ingress", "egress"), REQUIRED),
        _attribute("protocol", protocol),
        _attribute("port_range_min", port_value),
        _attribute("port_range_max", port_value),
        _attribute("ethertype", ethertype, "IPv4"),
        _attribute("remote_ip_prefix", addresses.ip_prefix),
        _use("used_in_default_sg"),
        _use("used_in_non_default_sg"),
    ),
    verbs=frozenset({"create", "index", "show", "delete"}),
    bulk=False,
)

EXTENSIONS: Final = (
    Extension(
        _ALIAS,
        "Default rules for security groups",
        "2022-12-19T10:00:00-00:00",
        "An administrator says which rules new security groups begin with.",
    ),
)
