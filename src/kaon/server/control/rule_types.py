"""Kinds of QoS rules that back ends carry out: show and index."""

from collections.abc import Iterable
from typing import Any

from kaon.model.errors import NotAuthorized, NotFound
from kaon.model.qos_rules import BY_NAME, KINDS, MARKS, MOST, Kind
from kaon.model.query import Page, Query, Row
from kaon.server.control import policy
from kaon.server.control.core import Caller, Core


def show(core: Core, caller: Caller, name: str, fields: frozenset[str] | None = None) -> Row:
    """Tell an administrator which back ends take which parameters. Errors: NotAuthorized, NotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    if not caller.is_admin:  # as in Neutron, whatever the rules say
        raise NotAuthorized
    kind = BY_NAME.get(name)
    if kind is None:
        raise NotFound(reason=f"QoS rule type {name} could not be found.")
    parameters = [_parameter(kind, parameter) for parameter in kind.shown]
    drivers = [
        {"name": backend, "supported_parameters": parameters}
        for backend in sorted(core.backends)
        if name in core.backends[backend].capabilities.qos_rules
    ]
    return {"type": name, "drivers": drivers}


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List kinds: those of every back end, of any (`all_supported`), or all that there are (`all_rules`). No pages."""
    if not policy.visible(caller, "rule_types", {}):
        return Page([])
    supported = [frozenset(backend.capabilities.qos_rules) for backend in core.backends.values()]
    everything = frozenset(BY_NAME)
    if True in query.filters.get("all_rules", ()):
        names: Iterable[str] = everything
    elif True in query.filters.get("all_supported", ()):
        names = frozenset[str]().union(*supported)
    else:
        names = everything.intersection(*supported) if supported else ()
    return Page([{"type": kind.name} for kind in KINDS if kind.name in names])


def _parameter(kind: Kind, name: str) -> dict[str, Any]:
    choices = {"direction": kind.directions, "dscp_mark": MARKS}
    if name in choices:
        return {"parameter_name": name, "parameter_type": "choices", "parameter_values": list(choices[name])}
    return {"parameter_name": name, "parameter_type": "range", "parameter_values": {"start": 0, "end": MOST}}
