"""NDP proxies: IPv6 addresses inside for which a router answers outside."""

from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, label, owner, standard, words
from kaon.model.checks import Check
from kaon.model.extensions import Extension

AWAITED: Final = "hosts do not answer neighbour solicitations for others yet"


def _chosen(name: str, check: Check, default: Any) -> Attribute:
    return Attribute(name=name, alias="l3-ndp-proxy", check=check, default=default, post=True, filter=words, sort=True)


NDP_PROXY: Final = Resource(
    collection="ndp_proxies",
    member="ndp_proxy",
    attributes=(
        identity("l3-ndp-proxy"),
        label("l3-ndp-proxy"),
        *owner(),
        _chosen("router_id", checks.uuid, REQUIRED),
        _chosen("port_id", checks.uuid, REQUIRED),
        _chosen("ip_address", checks.optional(addresses.ip), None),
        *standard(),
    ),
)

EXTENSIONS: Final = (
    Extension(
        "l3-ndp-proxy",
        "L3 NDP Proxy",
        "2021-06-29T10:00:00-00:00",
        "Addresses inside can be reached from an external network without a route.",
        awaits=AWAITED,
    ),
    Extension(
        "l3-ext-ndp-proxy",
        "Router support to enable NDP proxy",
        "2020-08-25T00:00:00-00:00",
        "Routers can answer for addresses inside.",
        awaits=AWAITED,
    ),
)
