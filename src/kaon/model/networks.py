"""Networks: what a layer-2 segment is to its users."""

from typing import Final

from kaon.model import availability_zones, checks, dns, segments
from kaon.model.attributes import NOT_SPECIFIED, Attribute, Resource, identity, label, owner, standard, switch, words
from kaon.model.extensions import Extension
from kaon.model.qos_policies import policy_id
from kaon.model.tags import tagging

LEAST_MTU: Final = {4: 68, 6: 1280}
"""IP version -> bytes: the least that it works with (RFC 791, RFC 8200)."""


def _carrying(name: str, alias: str) -> Attribute:
    """Whether a network carries VLANs of its users, and how."""
    return Attribute(name=name, alias=alias, check=checks.boolean, default=NOT_SPECIFIED, post=True, filter=checks.boolean)


NETWORK: Final = Resource(
    collection="networks",
    member="network",
    attributes=(
        identity("network"),
        label("network"),
        *owner(),
        switch("admin_state_up", "network", sort=True),
        Attribute(
            name="mtu",
            alias="net-mtu-writable",
            check=checks.at_least(0),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=checks.integer,
            sort=True,
        ),
        Attribute(name="status", alias="network", filter=words, sort=True),
        Attribute(name="subnets", alias="network"),
        switch("shared", "network", default=False),
        switch("router:external", "external-net", default=False),
        switch("is_default", "auto-allocated-topology", default=False),
        Attribute(name="ipv4_address_scope", alias="address-scope"),
        Attribute(name="ipv6_address_scope", alias="address-scope"),
        Attribute(
            name="provider:network_type",
            alias="provider",
            check=checks.text(32),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=words,
        ),
        Attribute(
            name="provider:physical_network",
            alias="provider",
            check=checks.text(64),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=words,
        ),
        Attribute(
            name="provider:segmentation_id",
            alias="provider",
            check=checks.integer,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=checks.integer,
        ),
        Attribute(
            name="segments",
            alias="multi-provider",
            check=segments.several,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        # Says what it is for, and is not shown.
        Attribute(name="ha", alias="network_ha", check=checks.boolean, default=False, post=True, visible=False),
        _carrying("vlan_transparent", "vlan-transparent"),
        _carrying("qinq", "qinq"),
        Attribute(name="l2_adjacency", alias="l2_adjacency"),
        *availability_zones.zones("network_availability_zone", sort=True),
        Attribute(
            name="port_security_enabled",
            alias="port-security",
            check=checks.boolean,
            default=True,
            post=True,
            put=True,
        ),
        dns.naming("dns_domain", "dns-integration", dns.domain),
        policy_id("qos"),
        *standard(),
        *tagging(),
    ),
)
"""`mtu` 0 in a request means: the most that the network can carry."""

EXTENSIONS: Final = (
    Extension(
        "vlan-transparent",
        "Vlantransparent",
        "2015-03-23T09:00:00-00:00",
        "Networks can carry VLANs of their users.",
        awaits="no back end carries VLANs of its users",
    ),
    Extension(
        "qinq",
        "QinQ networks",
        "2024-12-02T10:00:00-00:00",
        "Networks can carry VLANs inside VLANs.",
        awaits="no back end carries VLANs inside VLANs",
    ),
)
