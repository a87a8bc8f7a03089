"""Floating IPs: addresses of an external network that lead to a port inside."""

from typing import Final

from kaon.model import addresses, checks, dns
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, owner, standard, words
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
        Attribute(name="router_id", alias="router", filter=words, sort=True),
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
        dns.naming("dns_name", "dns-integration", dns.relative_name, put=False),
        dns.naming("dns_domain", "dns-integration", dns.domain, put=False),
        policy_id("qos-fip"),
        network_policy_id("qos-fip-network-policy"),
        *standard(),
        *tagging(),
    ),
    bulk=False,
)
