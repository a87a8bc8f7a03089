"""Who would serve the next thing of a flavor: index, below the flavor."""

from kaon.model.query import Page, Query
from kaon.server.control import flavors
from kaon.server.control.core import Caller, Core
from kaon.server.store.engine import Transaction


def index(core: Core, caller: Caller, flavor_id: str, query: Query) -> Page:
    """Tell it. Errors: FlavorNotFound, those of `flavors.provider_of`."""
    del query  # there is one, and nothing to narrow it by

    def work(tx: Transaction) -> Page:
        provider, profile = flavors.provider_of(tx, flavors.find(caller, tx, flavor_id))
        return Page([{"provider": provider.name, "driver": profile["driver"], "metainfo": profile["metainfo"]}])

    return core.store.read(work)
