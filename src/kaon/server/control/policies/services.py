"""Default rules: flavors, service providers and availability zones."""

from collections.abc import Mapping
from typing import Final

from kaon.server.control.policies.personas import ADMIN, ANY_READER, READER

RULES: Final[Mapping[str, str]] = {
    "create_flavor": ADMIN,
    "get_flavor": ANY_READER,
    "update_flavor": ADMIN,
    "delete_flavor": ADMIN,
    "create_service_profile": ADMIN,
    "get_service_profile": ADMIN,
    "update_service_profile": ADMIN,
    "delete_service_profile": ADMIN,
    "get_flavor_service_profile": READER,
    "create_flavor_service_profile": ADMIN,
    "delete_flavor_service_profile": ADMIN,
    "get_service_provider": ANY_READER,
    "get_availability_zone": ANY_READER,
}
