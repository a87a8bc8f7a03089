"""How many addresses of a network are there, and how many are taken."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, words
from kaon.model.extensions import Extension

_ALIAS: Final = "network-ip-availability"

NETWORK_IP_AVAILABILITY: Final = Resource(
    collection="network_ip_availabilities",
    member="network_ip_availability",
    verbs=frozenset({"index", "show"}),
    key="network_id",
    attributes=(
        Attribute(name="network_id", alias=_ALIAS, filter=words, sort=True),
        Attribute(name="network_name", alias=_ALIAS, filter=words),
        Attribute(name="project_id", alias=_ALIAS, filter=words),
        Attribute(name="tenant_id", alias=_ALIAS, filter=words),
        Attribute(name="total_ips", alias=_ALIAS),
        Attribute(name="used_ips", alias=_ALIAS),
        Attribute(name="subnet_ip_availability", alias=_ALIAS),
        Attribute(name="ip_version", alias=_ALIAS, visible=False, filter=checks.integer),
        Attribute(name="ip_availability_details", alias="network-ip-availability-details"),
    ),
)
"""`total_ips` counts what the allocation pools have; a subnet without pools counts whole. Details tell the two apart."""

EXTENSIONS: Final = (
    Extension(
        "network-ip-availability",
        "Network IP Availability",
        "2015-09-24T00:00:00-00:00",
        "How many addresses of networks are taken.",
    ),
    Extension(
        "network-ip-availability-details",
        "Network IP Availability Details Extension",
        "2025-10-31T00:00:00-00:00",
        "How many of the addresses taken are in the allocation pools.",
    ),
)
