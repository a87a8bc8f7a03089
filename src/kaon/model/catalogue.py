"""Everything that the API has: resources by collection, extensions by alias. Each noun's own module declares its part."""

from collections.abc import Mapping
from typing import Final

from kaon.model import extensions
from kaon.model.agents import AGENT
from kaon.model.attributes import Resource
from kaon.model.extensions import Extension
from kaon.model.floatingips import FLOATINGIP
from kaon.model.networks import NETWORK
from kaon.model.ports import PORT
from kaon.model.routers import ROUTER
from kaon.model.security_group_rules import SECURITY_GROUP_RULE
from kaon.model.security_groups import SECURITY_GROUP
from kaon.model.subnetpools import SUBNETPOOL
from kaon.model.subnets import SUBNET

RESOURCES: Final[tuple[Resource, ...]] = (
    NETWORK,
    SUBNET,
    SUBNETPOOL,
    PORT,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    ROUTER,
    FLOATINGIP,
    AGENT,
)
"""Every resource, sub-resources included (those name their `parent`)."""

DECLARED: Final[Mapping[str, Extension]] = {extension.alias: extension for extension in (*extensions.EXTENSIONS,)}
"""Every alias that has an API here, those included whose effect on the hosts is awaited."""

EXTENSIONS: Final[Mapping[str, Extension]] = {alias: one for alias, one in DECLARED.items() if not one.awaits}
"""Aliases that are carried out, and so advertised."""
