"""Floating IP pools: index."""

from kaon.model.errors import SubnetNotFound
from kaon.model.query import Page, Query
from kaon.server.control import policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import floatingip_pools, select


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List the subnets from which the caller's project can get floating IPs; an administrator's list has every one."""
    seeing = policy.visibility(caller, "floatingip_pools")
    if not seeing.everything and not seeing.own:
        return Page([], has_more=False)
    try:
        found = core.store.read(lambda tx: floatingip_pools.index(tx, bounded(core, query), seeing, caller.project_id))
    except select.MarkerNotFound:
        raise SubnetNotFound(subnet_id=query.marker) from None
    return Page(*found)
