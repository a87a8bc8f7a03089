"""Routers: five verbs, interfaces (`router_interfaces`), gateways (`router_gateways`, `external_gateways`), extra routes."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network

from kaon.lib.ids import new_id
from kaon.model import errors
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import (
    availability_zones,
    binding,
    external_gateways,
    flavors,
    following,
    ha_networks,
    ndp_proxies,
    policy,
    quota_usage,
    router_gateways,
    router_interfaces,
    router_legs,
    scheduling,
)
from kaon.server.control.core import Caller, Core, bounded, check_revision
from kaon.server.store import routers as routers_rows
from kaon.server.store import rows, select
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

Route = Mapping[str, str]

_MANNERS = ("distributed", "ha", "enable_default_route_bfd", "enable_default_route_ecmp")
"""What a router is, or does with its gateways; none of it is carried out by hosts yet."""

add_interface = router_interfaces.add
remove_interface = router_interfaces.remove
find = router_legs.find


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Create routers, all or none. Errors: OverQuota, PolicyNotAuthorized, those of `router_gateways.change`."""
    return following.write(core, lambda tx: [add(core, tx, caller, body) for body in bodies])


def show(core: Core, caller: Caller, router_id: str, fields: frozenset[str] | None = None) -> Row:
    """Show a router. Errors: RouterNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, router_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List routers. Errors: RouterNotFound (the marker)."""
    seeing = policy.visibility(caller, "routers")
    try:
        return Page(*core.store.read(lambda tx: routers_rows.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise errors.RouterNotFound(router_id=query.marker) from None


def update(core: Core, caller: Caller, router_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a router; `routes` and `external_gateway_info` replace what was there.

    Errors  RouterNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, InvalidRoutes, OverQuota, those of
            `router_gateways.change`.
    """

    def work(tx: Transaction) -> Row:
        router = find(caller, tx, router_id)
        policy.authorize(caller, "update_router", router, body=changes)
        check_revision(router, revision)
        return _change(core, tx, caller, router, changes)

    return following.write(core, work)


def delete(core: Core, caller: Caller, router_id: str, revision: int | None = None) -> None:
    """Delete a router with its gateway.

    Errors  RouterNotFound, PolicyNotAuthorized, RevisionNumberConstraintFailed, RouterInUse (interfaces, floating IPs).
    """

    def work(tx: Transaction) -> None:
        router = find(caller, tx, router_id)
        policy.authorize(caller, "delete_router", router)
        check_revision(router, revision)
        if any(leg["device_owner"] == routers_rows.INTERFACE for leg in routers_rows.legs(tx, router_id)):
            raise errors.RouterInUse(router_id=router_id, reason="it has interfaces")
        if routers_rows.floatingips_through(tx, router_id):
            raise errors.RouterInUse(router_id=router_id, reason="floating IPs go through it")
        external_gateways.drop_all(core, tx, router)
        scheduling.release_router(tx, router_id)
        quota_usage.release(tx, router["project_id"], "router", 1)
        routers_rows.delete(tx, router_id)
        if router["ha"]:
            ha_networks.release(core, tx, router["project_id"])
        tx.close_scope(scopes.router(router_id))

    following.write(core, work)


def add_extraroutes(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Add routes to those there are; one that is there already stays. Errors: as `update`."""
    return _reroute(
        core, caller, router_id, "add_extraroutes", lambda has: has + [new for new in body["routes"] if new not in has]
    )


def remove_extraroutes(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Remove routes; one that is not there is gone already. Errors: RouterNotFound, PolicyNotAuthorized."""
    return _reroute(
        core, caller, router_id, "remove_extraroutes", lambda has: [old for old in has if old not in body["routes"]]
    )


def add(core: Core, tx: Transaction, caller: Caller, body: Body) -> Row:
    """Make a router, in a transaction that makes more. Errors: as `create`."""
    project_id = body["project_id"]
    quota_usage.reserve(tx, project_id, "router", 1, core.settings)
    policy.authorize(caller, "create_router", body, body=_without_empty_gateway(body))
    given = {"name": "", "description": "", "admin_state_up": True} | {
        key: body[key] for key in ("name", "description", "admin_state_up") if key in body
    }
    row = rows.fresh(new_id(), project_id, tx.now) | given
    row |= {"status": "ACTIVE", "external_gateway_info": None, "routes": [], "enable_snat": True}
    row |= {name: bool(body.get(name)) for name in _MANNERS}
    row |= {"flavor_id": None, "enable_ndp_proxy": False} | flavors.of_router(caller, tx, body)
    row["availability_zone_hints"] = body.get("availability_zone_hints", [])
    availability_zones.check(tx, "router", row["availability_zone_hints"])
    binding.router_backend(core).validate_router(row)
    routers_rows.insert(tx, row)
    tx.open_scope(scopes.router(row["id"]))
    tx.touch(scopes.router(row["id"]), "router")
    if body.get("external_gateway_info"):
        router_gateways.change(core, tx, caller, row, body["external_gateway_info"])
    if row["ha"]:
        ha_networks.ensure(core, tx, caller, project_id)
    if body.get("enable_ndp_proxy"):
        ndp_proxies.settle(tx, _again(tx, row["id"]))
        routers_rows.set_ndp_proxy(tx, row["id"], enabled=True)
    return _again(tx, row["id"])


def _change(core: Core, tx: Transaction, caller: Caller, router: Row, said: Body) -> Row:
    changes = {key: value for key, value in said.items() if value is not None or key not in (*_MANNERS, "enable_ndp_proxy")}
    if not changes:
        return router
    _check_manners(router, changes)
    router_id = router["id"]
    binding.router_backend(core).validate_router(router | changes)
    if "external_gateway_info" in changes:
        router_gateways.change(core, tx, caller, router, changes["external_gateway_info"])
    if "routes" in changes:
        quota_usage.check_size(tx, router["project_id"], "router_route", len(changes["routes"]), core.settings)
        _check_routes(tx, router_id, changes["routes"])
        routers_rows.set_routes(tx, router_id, changes["routes"])
    if changes.get("ha", router["ha"]) and not router["ha"]:
        ha_networks.ensure(core, tx, caller, router["project_id"])
    if changes.get("enable_ndp_proxy"):
        ndp_proxies.settle(tx, _again(tx, router_id))
    routers_rows.update(tx, router_id, changes | rows.raised(router, tx.now))
    if router["ha"] and not changes.get("ha", True):
        ha_networks.release(core, tx, router["project_id"])
    tx.touch(scopes.router(router_id), "router")
    return _again(tx, router_id)


def _check_manners(router: Row, changes: Body) -> None:
    """Refuse that a router that is up becomes another kind of router, or one whose flavor says what it is.

    Errors  BadRequest, InvalidInput.
    """
    changed = [name for name in ("distributed", "ha") if changes.get(name, router[name]) != router[name]]
    up = changes.get("admin_state_up", router["admin_state_up"])
    for name in changed:
        if up or (name == "distributed" and router["admin_state_up"]):
            reason = f"Bad router request: {name} of a router cannot change while it is up; set admin_state_up to False first."
            raise errors.BadRequest(reason=reason)
        if router["flavor_id"] is not None:
            raise errors.InvalidInput(error_message=f"flavor {router['flavor_id']} says whether the router is {name}")


def _reroute(core: Core, caller: Caller, router_id: str, action: str, change: Callable[[list[Route]], list[Route]]) -> Row:
    def work(tx: Transaction) -> Row:
        router = find(caller, tx, router_id)
        policy.authorize(caller, action, router)
        wanted = change(router["routes"])
        return router if wanted == router["routes"] else _change(core, tx, caller, router, {"routes": wanted})

    return following.write(core, work)


def _check_routes(tx: Transaction, router_id: str, routes: Sequence[Route]) -> None:
    """Refuse next hops that the router cannot reach or that are its own. Errors: InvalidRoutes."""
    attached = routers_rows.attached(tx, router_id)
    prefixes = [ip_network(leg["cidr"]) for leg in attached]
    own = {leg["ip_address"] for leg in attached}
    for route in routes:
        shown = f"{route['destination']} via {route['nexthop']}"
        if ip_network(route["destination"]).version != ip_address(route["nexthop"]).version:
            raise errors.InvalidRoutes(routes=shown, reason="destination and nexthop are of different IP versions")
        if not any(ip_address(route["nexthop"]) in prefix for prefix in prefixes):
            raise errors.InvalidRoutes(routes=shown, reason="the nexthop is not connected with router")
        if route["nexthop"] in own:
            raise errors.InvalidRoutes(routes=shown, reason="the nexthop is used by router")


def _without_empty_gateway(body: Body) -> Body:
    return {key: value for key, value in body.items() if key != "external_gateway_info" or value}


def _again(tx: Transaction, router_id: str) -> Row:
    row = routers_rows.show(tx, router_id)
    assert row is not None  # noqa: S101  # written in this transaction; tells mypy
    return row
