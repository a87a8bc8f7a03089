"""Floating IP pools: the subnets from which a project can get floating IPs."""

from typing import Final

from kaon.model.attributes import Attribute, Resource
from kaon.model.extensions import Extension

_ALIAS: Final = "floatingip-pools"

FLOATINGIP_POOL: Final = Resource(
    collection="floatingip_pools",
    member="floatingip_pool",
    verbs=frozenset({"index"}),
    key="subnet_id",
    attributes=(
        Attribute(name="subnet_id", alias=_ALIAS),
        Attribute(name="subnet_name", alias=_ALIAS),
        Attribute(name="network_id", alias=_ALIAS),
        Attribute(name="cidr", alias=_ALIAS),
        Attribute(name="project_id", alias=_ALIAS),
        Attribute(name="tenant_id", alias=_ALIAS),
    ),
)
"""`project_id` is that of the project which may take from the pool: the one that asks."""

EXTENSIONS: Final = (
    Extension(
        "floatingip-pools",
        "Floating IP Pools Extension",
        "2018-03-21T10:00:00-00:00",
        "Subnets from which a project can get floating IPs.",
    ),
)
