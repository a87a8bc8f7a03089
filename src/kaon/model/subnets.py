"""Subnets: which addresses a network's ports may have, and what their hosts are told."""

from typing import Any, Final

from kaon.model import addresses, checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, label, owner, standard, switch, words
from kaon.model.checks import shown
from kaon.model.errors import HTTPBadRequest
from kaon.model.errors.subnets import InvalidInputSubnetServiceType, InvalidSubnetServiceType
from kaon.model.extensions import Extension
from kaon.model.tags import tagging

IPV6_MODES: Final = ("dhcpv6-stateful", "dhcpv6-stateless", "slaac")


_OWNER_LENGTH: Final = 255


def _mode(name: str) -> Attribute:
    return Attribute(
        name=name,
        alias="subnet",
        check=checks.one_of(*IPV6_MODES, None),
        default=NOT_SPECIFIED,
        post=True,
        filter=words,
        sort=True,
    )


@checks.keeps(checks.list_of({"type": "string", "pattern": ".:.", "maxLength": _OWNER_LENGTH}))
def _service_types(value: Any) -> list[str]:
    """Owners of ports that the subnet is for, each once; null or empty: any. Raises InvalidSubnetServiceType and others."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise HTTPBadRequest(reason="Subnet service types must be a list.")
    for one in value:
        if not isinstance(one, str):
            raise InvalidInputSubnetServiceType(service_type=shown(one))
        if not all(one.partition(":")[:2]) or len(one) > _OWNER_LENGTH:
            raise InvalidSubnetServiceType(service_type=shown(one))
    return list(dict.fromkeys(value))


SUBNET: Final = Resource(
    collection="subnets",
    member="subnet",
    attributes=(
        identity("subnet"),
        label("subnet"),
        *owner(),
        Attribute(name="network_id", alias="subnet", check=checks.uuid, default=REQUIRED, post=True, filter=words, sort=True),
        Attribute(
            name="ip_version",
            alias="subnet",
            check=checks.number_of(4, 6),
            default=REQUIRED,
            post=True,
            filter=checks.integer,
            sort=True,
        ),
        Attribute(
            name="subnetpool_id",
            alias="subnet",
            check=checks.optional(checks.uuid),
            default=NOT_SPECIFIED,
            post=True,
            filter=words,
            sort=True,
        ),
        Attribute(name="prefixlen", alias="subnet", check=checks.at_least(0), default=NOT_SPECIFIED, post=True, visible=False),
        Attribute(
            name="use_default_subnetpool",
            alias="default-subnetpools",
            check=checks.boolean,
            default=False,
            post=True,
            visible=False,
        ),
        Attribute(
            name="segment_id",
            alias="subnet-segmentid-enforce",
            check=checks.optional(checks.uuid),
            default=None,
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        switch("enable_dhcp", "subnet", sort=True),
        _mode("ipv6_ra_mode"),
        _mode("ipv6_address_mode"),
        Attribute(
            name="gateway_ip",
            alias="subnet",
            check=checks.optional(addresses.ip),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="cidr",
            alias="subnet",
            check=checks.optional(addresses.subnet_cidr),
            default=NOT_SPECIFIED,
            post=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="allocation_pools",
            alias="subnet",
            # Null: those that come by themselves (POST), or as they are (PUT).
            check=checks.optional(addresses.pools),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(
            name="host_routes",
            alias="subnet",
            check=checks.or_empty(addresses.routes),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(
            name="dns_nameservers",
            alias="subnet",
            check=checks.or_empty(addresses.nameservers),
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(
            name="service_types",
            alias="subnet-service-types",
            check=_service_types,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(
            name="dns_publish_fixed_ip",
            alias="subnet-dns-publish-fixed-ip",
            check=checks.boolean,
            default=False,
            post=True,
            put=True,
        ),
        Attribute(name="router:external", alias="subnet-external-network", filter=checks.boolean),
        # Never shown, never written: it follows the network, and a list may be narrowed by it.
        Attribute(name="shared", alias="subnet", visible=False, filter=checks.boolean),
        *standard(),
        *tagging(),
    ),
)

EXTENSIONS: Final = (
    Extension(
        "subnet-service-types",
        "Subnet service types",
        "2016-03-15T18:00:00-00:00",
        "A subnet can be kept for ports of certain owners.",
    ),
    Extension(
        "subnet-external-network",
        "Subnet belongs to an external network",
        "2024-02-05T18:00:00-00:00",
        "Subnets show whether their network leads outside.",
    ),
)
