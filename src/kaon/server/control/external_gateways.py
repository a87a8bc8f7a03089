"""Several gateways of a router: add, update, remove. The first of them is the one of `external_gateway_info`.

Gateways have no names: a request means those on its network that have one of its addresses, or the only one there.
Hosts lead out by the first one; the others have ports, and are bound nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kaon.model import errors
from kaon.model.errors.gateways import UnableToMatchGateways, UnableToRemoveGateways
from kaon.model.query import Body, Row
from kaon.server.control import following, policy, ports, router_gateways, router_legs
from kaon.server.control.core import Caller, Core
from kaon.server.store import routers, rows
from kaon.server.store.engine import Transaction
from kaon.wire import scopes

Wish = Mapping[str, Any]
Leg = Mapping[Any, Any]


def add(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Give a router more gateways. Errors: RouterNotFound, PolicyNotAuthorized, those of `router_gateways`."""

    def work(tx: Transaction, router: Row) -> None:
        for wish in body["external_gateways"]:
            _add(core, tx, caller, router["id"], wish)

    return _acted(core, caller, router_id, ("add_external_gateways", body), work)


def remove(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Take gateways from a router; of those left the first one counts.

    Errors  RouterNotFound, PolicyNotAuthorized, UnableToRemoveGateways (it has none), UnableToMatchGateways, those of
            `router_gateways.drop`.
    """

    def work(tx: Transaction, router: Row) -> None:
        there = routers.legs(tx, router_id, routers.GATEWAY)
        if body["external_gateways"] and not there:
            raise UnableToRemoveGateways(router_id=router_id, reason="it has none")
        meant = [_match(tx, router_id, there, wish) for wish in body["external_gateways"]]
        for wish, leg in zip(body["external_gateways"], meant, strict=True):
            if leg is None:
                raise UnableToMatchGateways(router_id=router_id, reason=f"none is on network {wish['network_id']} as asked for")
        _drop(core, tx, router, [leg for leg in meant if leg is not None])

    return _acted(core, caller, router_id, ("remove_external_gateways", body), work)


def update(core: Core, caller: Caller, router_id: str, body: Body) -> Row:
    """Give a router these gateways and no others, in this order; what is meant already stays.

    Errors  RouterNotFound, PolicyNotAuthorized, UnableToMatchGateways, those of `router_gateways`.
    """

    def work(tx: Transaction, router: Row) -> None:
        wishes: Sequence[Wish] = body["external_gateways"]
        there = routers.legs(tx, router_id, routers.GATEWAY)
        meant = [_match(tx, router_id, there, wish) for wish in wishes]
        kept = {leg["port_id"] for leg in meant if leg is not None}
        _drop(core, tx, router, [leg for leg in there if leg["port_id"] not in kept])
        for wish, leg in zip(wishes, meant, strict=True):
            if leg is None:
                _add(core, tx, caller, router_id, wish)
        _reorder(core, tx, router_id, wishes)

    return _acted(core, caller, router_id, ("update_external_gateways", body), work)


def drop_all(core: Core, tx: Transaction, router: Row) -> None:
    """Take every gateway from a router that is about to go. Errors: those of `router_gateways.drop`."""
    _drop(core, tx, router, routers.legs(tx, router["id"], routers.GATEWAY))
    routers.set_gateway_policy(tx, router["id"], None)


def _acted(
    core: Core, caller: Caller, router_id: str, asked: tuple[str, Body], change: Callable[[Transaction, Row], None]
) -> Row:
    def work(tx: Transaction) -> Row:
        router = router_legs.find(caller, tx, router_id)
        policy.authorize(caller, asked[0], router, body=asked[1])
        routers.lock(tx, router_id)
        change(tx, router)
        routers.update(tx, router_id, rows.raised(router, tx.now))
        tx.touch(scopes.router(router_id), "router")
        return router_legs.find(caller, tx, router_id)

    return following.write(core, work)


def _add(core: Core, tx: Transaction, caller: Caller, router_id: str, wish: Wish) -> None:
    router = router_legs.find(caller, tx, router_id)
    there = routers.legs(tx, router_id, routers.GATEWAY)
    if not there:
        router_gateways.change(core, tx, caller, router, wish)
        return
    if wish.get("enable_snat", router["enable_snat"]) != router["enable_snat"] or wish.get("qos_policy_id") is not None:
        raise errors.BadRequest(reason="enable_snat and qos_policy_id of a router are those of its first gateway")
    router_gateways.make(core, tx, caller, router, wish, position=there[-1]["position"] + 1)


def _drop(core: Core, tx: Transaction, router: Row, legs: Sequence[Leg]) -> None:
    """Take gateways from the router, the first one last; then the first of those left counts."""
    for leg in sorted(legs, key=lambda one: -one["position"]):
        router_gateways.drop(core, tx, router, leg)
        if leg["position"] == 0:
            routers.set_gateway_policy(tx, router["id"], None)
    router_gateways.promote(core, tx, router)


def _reorder(core: Core, tx: Transaction, router_id: str, wishes: Sequence[Wish]) -> None:
    """Put the gateways in the order of the wishes, with the addresses that they name."""
    there = routers.legs(tx, router_id, routers.GATEWAY)
    order = [leg for leg in (_match(tx, router_id, there, wish) for wish in wishes) if leg is not None]
    for leg, wish in zip(order, wishes, strict=False):
        wanted = wish.get("external_fixed_ips")
        if wanted:
            ports.alter(core, tx, ports.find_any(tx, leg["port_id"]), {"fixed_ips": wanted})
    if order and order[0]["position"] != 0:
        ports.alter(core, tx, ports.find_any(tx, there[0]["port_id"]), {"binding:host_id": ""})
        router_legs.place(tx, router_id, there[0], there[-1]["position"] + 1)
        router = routers.show(tx, router_id)
        assert router is not None  # noqa: S101  # it is locked; tells mypy
        router_legs.place(tx, router_id, order[0], 1)
        router_gateways.promote(core, tx, router)
    if order and wishes[0].get("enable_snat") is not None:
        routers.set_gateway(tx, router_id, order[0]["network_id"], enable_snat=wishes[0]["enable_snat"])


def _match(tx: Transaction, router_id: str, there: Sequence[Leg], wish: Wish) -> Leg | None:
    """Find the gateway that a wish means. Errors: UnableToMatchGateways: several are there, and nothing tells them apart."""
    candidates = [leg for leg in there if leg["network_id"] == wish["network_id"]]
    named = {one["ip_address"] for one in wish.get("external_fixed_ips", ()) if "ip_address" in one}
    if not named:
        if len(candidates) > 1:
            reason = f"several are on network {wish['network_id']}, and external_fixed_ips does not say which is meant"
            raise UnableToMatchGateways(router_id=router_id, reason=reason)
        return candidates[0] if candidates else None
    for leg in candidates:
        if named & {one["ip_address"] for one in ports.find_any(tx, leg["port_id"])["fixed_ips"]}:
            return leg
    return None
