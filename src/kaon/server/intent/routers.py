"""Routers and the routing role, from rows: entries of `router:<id>` and `host:<h>`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kaon.server.intent.qos_rules import qos_rules
from kaon.server.intent.subnets import host_routes
from kaon.wire.routers import ConntrackHelper, HostedRouter, Router


def router(row: Mapping[str, Any], routes: Iterable[Mapping[str, Any]], rules: Iterable[Mapping[str, Any]] = ()) -> Router:
    """Tell of a router; `row` is one of `routers`, `routes` are its `router_routes`, `rules` the `qos_rules` of its gateway."""
    return Router(
        id=row["id"],
        revision=row["revision_number"],
        admin_state_up=row["admin_state_up"],
        enable_snat=row["enable_snat"],
        routes=host_routes(routes),
        gateway_qos=qos_rules(rules),
        helpers=conntrack_helpers(row["conntrack_helpers"]),
    )


def conntrack_helpers(kept: str) -> tuple[ConntrackHelper, ...]:
    """Tell of a router's helpers, sorted; `kept` is its column, JSON."""
    found = (ConntrackHelper(helper=one["helper"], protocol=one["protocol"], port=one["port"]) for one in json.loads(kept))
    return tuple(sorted(found, key=lambda one: (one.helper, one.protocol, one.port)))


def hosted_router(row: Mapping[str, Any]) -> HostedRouter:
    """Tell a host that it forwards for a router; `row` is one of `hosted_routers`."""
    return HostedRouter(router_id=row["router_id"])
