"""How many addresses of networks are there and taken: show, index."""

from kaon.model.errors import NetworkNotFound
from kaon.model.query import Page, Query, Row
from kaon.server.control import policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import network_ip_availabilities, select


def show(core: Core, caller: Caller, network_id: str, fields: frozenset[str] | None = None) -> Row:
    """Count the addresses of a network. Errors: NetworkNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    row = core.store.read(lambda tx: network_ip_availabilities.show(tx, network_id))
    if row is None or not policy.visible(caller, "network_ip_availabilities", row, row):
        raise NetworkNotFound(net_id=network_id)
    return row


def index(core: Core, caller: Caller, query: Query) -> Page:
    """Count the addresses of networks, each network for itself."""
    seeing = policy.visibility(caller, "network_ip_availabilities")
    try:
        return Page(*core.store.read(lambda tx: network_ip_availabilities.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise NetworkNotFound(net_id=query.marker) from None
