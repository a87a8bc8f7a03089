"""Flavors: what an administrator offers users to choose from, and the service profiles that say what is behind."""

from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, identity, switch, words
from kaon.model.checks import shown
from kaon.model.errors.flavors import InvalidServiceType
from kaon.model.extensions import Extension

ROUTERS: Final = "L3_ROUTER_NAT"
"""The service type of flavors for routers; flavors of other types can be made and chosen by nothing yet."""

SERVICE_TYPES: Final = (ROUTERS, "CORE", "DUMMY", "FLAVORS", "LOG_API", "METERING", "PORTFORWARDING", "QOS", "TRUNK")
"""Neutron's words for the services that the API has."""

LONG: Final = 1024
"""Characters of a description or a driver."""

METAINFO: Final = 4096
"""Characters of what a profile tells its driver."""


@checks.keeps({"enum": list(SERVICE_TYPES)})
def _service_type(value: Any) -> str:
    if value not in SERVICE_TYPES:
        raise InvalidServiceType(service_type=shown(value))
    return str(value)


_metainfo = checks.text(METAINFO)


def _text(name: str, alias: str, *, nullable: bool = False) -> Attribute:
    check = checks.text(LONG)
    return Attribute(
        name=name,
        alias=alias,
        check=checks.optional(check) if nullable else check,
        default="",
        post=True,
        put=True,
        filter=words,
        sort=True,
    )


FLAVOR: Final = Resource(
    collection="flavors",
    member="flavor",
    attributes=(
        identity("flavors"),
        Attribute(
            name="name", alias="flavors", check=checks.text(255), default="", post=True, put=True, filter=words, sort=True
        ),
        _text("description", "flavors", nullable=True),
        Attribute(
            name="service_type", alias="flavors", check=_service_type, default=REQUIRED, post=True, filter=words, sort=True
        ),
        Attribute(
            name="service_profiles", alias="flavors", check=checks.or_empty(checks.uuids), default=[], post=True, put=True
        ),
        switch("enabled", "flavors", sort=True),
    ),
    bulk=False,
)
"""`service_profiles` in a request are those that the flavor has from then on."""

SERVICE_PROFILE: Final = Resource(
    collection="service_profiles",
    member="service_profile",
    attributes=(
        identity("flavors"),
        _text("description", "flavors", nullable=True),
        _text("driver", "flavors"),
        Attribute(name="metainfo", alias="flavors", check=_metainfo, default="", post=True, put=True, sort=True),
        switch("enabled", "flavors", sort=True),
    ),
    bulk=False,
)
"""`driver` names a provider's driver or is empty; `metainfo` is the administrator's, no provider of ours reads it."""

FLAVOR_SERVICE_PROFILE: Final = Resource(
    collection="service_profiles",
    member="service_profile",
    parent="flavors",
    verbs=frozenset({"create", "show", "delete"}),
    attributes=(Attribute(name="id", alias="flavors", check=checks.uuid, default=REQUIRED, post=True),),
    bulk=False,
)
"""That a flavor has a profile. `id` is the profile's."""

NEXT_PROVIDER: Final = Resource(
    collection="next_providers",
    member="next_provider",
    parent="flavors",
    verbs=frozenset({"index"}),
    key="provider",
    attributes=tuple(Attribute(name=name, alias="flavors") for name in ("provider", "driver", "metainfo")),
)
"""Who would serve the next thing of a flavor."""

SERVICE_PROVIDER: Final = Resource(
    collection="service_providers",
    member="service_provider",
    verbs=frozenset({"index"}),
    key="name",
    attributes=(
        Attribute(name="service_type", alias="service-type", filter=words),
        Attribute(name="name", alias="service-type", filter=words),
        Attribute(name="default", alias="service-type", filter=checks.boolean),
    ),
)

ROUTER_FLAVOR: Final = Attribute(
    name="flavor_id", alias="l3-flavors", check=checks.optional(checks.uuid), default=NOT_SPECIFIED, post=True, sort=True
)
"""The flavor of a router, chosen when it is made."""

EXTENSIONS: Final = (
    Extension(
        "flavors",
        "Neutron Service Flavors",
        "2015-09-17T10:00:00-00:00",
        "What an administrator offers, behind names that users choose.",
    ),
    Extension(
        "l3-flavors",
        "Router Flavor Extension",
        "2016-05-17T00:00:00-00:00",
        "Routers can be made of a flavor.",
        awaits="flavors for distributed and highly available routers await such routers",
    ),
    Extension("service-type", "Neutron Service Type Management", "2013-01-20T00:00:00-00:00", "Who provides which service."),
)
