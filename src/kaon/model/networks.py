"""Networks: what a layer-2 segment is to its users."""

from typing import Final

from kaon.model import checks, dns
from kaon.model.attributes import NOT_SPECIFIED, Attribute, Resource, identity, label, owner, standard, switch, words
from kaon.model.tags import tagging

MINIMUM_MTU: Final = 68
"""Bytes: the least that IPv4 works with."""

MINIMUM_MTU_IPV6: Final = 1280
"""Bytes: the least that IPv6 works with (RFC 8200)."""

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
            name="port_security_enabled",
            alias="port-security",
            check=checks.boolean,
            default=True,
            post=True,
            put=True,
        ),
        dns.naming("dns_domain", "dns-integration", dns.domain),
        *standard(),
        *tagging(),
    ),
)
"""`mtu` 0 in a request means: the most that the network can carry."""
