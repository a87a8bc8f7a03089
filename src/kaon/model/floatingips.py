"""Floating IPs: addresses of an external network that lead to a port inside."""

from typing import Final

from kaon.model import addresses, checks, dns
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, owner, standard, words
from kaon.model.extensions import Extension
from kaon.model.qos_policies import network_policy_id, policy_id
from kaon.model.tags import tagging

FLOATINGIP: Final = Resource(
    collection="floatingips",
    member="floatingip",
    attributes=(
        identity("router"),
        *owner(),
        Attribute(
            name="floating_ip_address",
            alias="router",
            check=checks.optional(addresses.ip),
            post=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="floating_network_id",
            alias="router",
            check=checks.uuid,
            default=REQUIRED,
            post=True,
            filter=words,
            sort=True,
        ),
        # Only says where the address shall come from.
        Attribute(name="subnet_id", alias="router", check=checks.optional(checks.uuid), post=True, visible=False),
        Attribute(
            name="router_id",
            alias="floating-ip-router-writable",
            check=checks.optional(checks.uuid),
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        Attribute(name="port_id", alias="router", check=checks.optional(checks.uuid), post=True, put=True, filter=words),
        Attribute(
            name="fixed_ip_address",
            alias="router",
            check=checks.optional(addresses.ip),
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        Attribute(name="status", alias="router", filter=words, sort=True),
        Attribute(name="port_details", alias="fip-port-details"),
        Attribute(name="port_forwardings", alias="expose-port-forwarding-in-fip"),
        Attribute(
            name="distributed",
            alias="floating-ip-distributed",
            check=checks.optional(checks.boolean),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=checks.boolean,
        ),
        dns.naming("dns_name", "dns-integration", dns.relative_name, put=False),
        dns.naming("dns_domain", "dns-integration", dns.domain, put=False),
        policy_id("qos-fip"),
        network_policy_id("qos-fip-network-policy"),
        *standard(),
        *tagging(),
    ),
    bulk=False,
)

EXTENSIONS: Final = (
    Extension(
        "floating-ip-router-writable",
        "Floating IP Router (writable)",
        "2026-08-05T00:00:00-00:00",
        "Which router translates for a floating IP can be chosen.",
    ),
    Extension(
        "floating-ip-distributed",
        "Floating IP Distributed Extension",
        "2022-08-30T10:00:00-00:00",
        "Whether a floating IP is translated where its port is can be chosen.",
        awaits="hosts translate where the router is",
    ),
    Extension(
        "floatingip-autodelete-internal",
        "Autodelete floating IPs of internal networks",
        "2019-01-24T00:00:00-00:00",
        "Floating IPs that lead nowhere go when their network ceases to be external.",
    ),
)
