"""Who provides a service: kinds of routers, under the names that Neutron gives them and that its clients know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kaon.model.flavors import ROUTERS

_PLACE: Final = "neutron.services.l3_router.service_providers."


@dataclass(frozen=True)
class Provider:
    """A kind of router.

    name         as a list of providers has it
    drivers      by which a service profile may name it: ours, then Neutron's for those who write for Neutron
    distributed  whether its routers are on every host that has a VM behind them
    ha           whether another host takes over for one that fails
    """

    name: str
    drivers: tuple[str, ...]
    distributed: bool
    ha: bool

    @property
    def row(self) -> dict[str, Any]:
        """As the API shows it. None is the default one: the flags of a router choose."""
        return {"service_type": ROUTERS, "name": self.name, "default": False}

    def lacks(self, wanted: Mapping[str, Any]) -> str | None:
        """Tell which of the flags that a request sets the provider's routers do not have; None: they are as wanted."""
        flags = {"distributed": self.distributed, "ha": self.ha}
        return next((name for name, has in flags.items() if wanted.get(name) not in (None, has)), None)


def _provider(name: str, neutron: str, *, distributed: bool, ha: bool) -> Provider:
    return Provider(name, (name, _PLACE + neutron), distributed=distributed, ha=ha)


PROVIDERS: Final = (
    _provider("dvrha", "dvrha.DvrHaDriver", distributed=True, ha=True),
    _provider("dvr", "dvr.DvrDriver", distributed=True, ha=False),
    _provider("ha", "ha.HaDriver", distributed=False, ha=True),
    _provider("single_node", "single_node.SingleNodeDriver", distributed=False, ha=False),
)

BY_DRIVER: Final[Mapping[str, Provider]] = {driver: provider for provider in PROVIDERS for driver in provider.drivers}
