"""All packet filters of a host in one desired state. Pure.

How the agent's loop uses the filters, and in which order (each line depends on the one before):

    1  observe the filters in the host's namespace and in every router namespace of ours
    2  desired := compile_filters(view, actual, attached); plan_filters(desired, actual); apply     taps are guarded ...
    3  apply the links                                                             ... before they join their bridges
    4  from 1 again with what is attached now: tables of namespaces just made come in, what was detached is forgotten

`attached` is what makes the removal of a port safe: as long as its tap is a member of one of our bridges, it is closed.
"""

from kaon.host.compile.allocations import allocate
from kaon.host.compile.floatingips import compile_floatingips
from kaon.host.compile.security_groups import CompiledFilters, compile_security_groups
from kaon.host.compile.view import View
from kaon.host.state.filters import FilterState, merge


def compile_filters(view: View, actual: FilterState, attached: frozenset[str] = frozenset()) -> CompiledFilters:
    """Say which tables a host shall have in all its namespaces.

    actual    what the door observed: numbers in use are kept
    attached  names of the taps that are members of our bridges now
    """
    host = compile_security_groups(view, allocate(view, actual), attached)
    routers = compile_floatingips(view)
    return CompiledFilters(merge((host.state, routers.state)), host.waiting + routers.waiting)
