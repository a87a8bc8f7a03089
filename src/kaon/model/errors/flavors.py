"""Refusals about flavors, service profiles and providers."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import Conflict, InvalidInput, NotFound, Unavailable


class FlavorNotFound(NotFound):
    """Flavor {flavor_id} could not be found."""


class FlavorInUse(Conflict):
    """Flavor {flavor_id} is used by some service instance."""


class FlavorDisabled(Unavailable):
    """Flavor is not enabled."""


class ServiceProfileNotFound(NotFound):
    """Service Profile {sp_id} could not be found."""


class ServiceProfileInUse(Conflict):
    """Service Profile {sp_id} is used by some service instance."""


class ServiceProfileDisabled(Unavailable):
    """Service Profile is not enabled."""


class ServiceProfileEmpty(InvalidInput):
    """Service Profile needs either a driver or metainfo."""


class ServiceProfileDriverNotFound(NotFound):
    """Service Profile driver {driver} could not be found."""


class FlavorServiceProfileBindingExists(Conflict):
    """Service Profile {sp_id} is already associated with flavor {fl_id}."""


class FlavorServiceProfileBindingNotFound(NotFound):
    """Service Profile {sp_id} is not associated with flavor {fl_id}."""


class InvalidServiceType(InvalidInput):
    """Invalid service type: {service_type}."""
