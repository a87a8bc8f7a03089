"""What can be logged: the list."""

from kaon.model.logs import TYPES
from kaon.model.query import Page, Query
from kaon.server.control import policy
from kaon.server.control.core import Caller, Core


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List the types of resources that can be logged; to who may not make logs, none."""
    del core, query  # nothing is stored, and nothing narrows it
    own = {"project_id": caller.project_id}
    return Page([{"type": kind} | own for kind in TYPES] if policy.visible(caller, "loggable_resources", own) else [])
