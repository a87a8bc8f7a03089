"""Who provides which service: index."""

from kaon.model.query import Page, Query
from kaon.model.service_providers import PROVIDERS
from kaon.server.control import policy
from kaon.server.control.core import Caller, Core


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List providers that fit the filters. They are few: no pages, in the order of their declaration."""
    del core
    if not policy.visible(caller, "service_providers", {}):
        return Page([])
    rows = [provider.row for provider in PROVIDERS]
    return Page([row for row in rows if all(row[name] in wanted for name, wanted in query.filters.items())])
