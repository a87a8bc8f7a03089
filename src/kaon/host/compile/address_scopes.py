"""Address scopes at a router: who is translated on the way out, and who may not reach whom untranslated. Pure.

Addresses mean the same to everybody in one address scope and nothing outside of it. So what stays in the scope of the
gateway's network is not translated, and what leaves its scope passes translated or not at all. A network has one scope for
each family: that of its subnets; all subnets without one share the scope that has no name, in which IPv4 is translated.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kaon.host.compile.view import RouterView, View
from kaon.host.state.filters import TOGETHER, Collection, quoted
from kaon.host.state.names import gateway_leg, router_leg
from kaon.wire.ports import RouterPort

GATEWAY = "network:router_gateway"

Way = tuple[str, str]
"""Devices: in by one, out by the other."""

CROSSING = (
    # Each packet of a flow is asked, so that a flow does not outlive a scope that changes.
    "ct direction reply accept",
    "ct status snat accept",
    "ct status dnat accept",
    "meta nfproto ipv4 iifname . oifname @apart_v4 drop",
    "meta nfproto ipv6 iifname . oifname @apart_v6 drop",
)
"""Rules for what leaves a router, after translation: answers to what was let through, and what is translated, may."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways through a router: from inside to its gateway in one IPv4 scope that has a name; between scopes, by family."""

    together: frozenset[Way]
    apart_v4: frozenset[Way]
    apart_v6: frozenset[Way]


def compare_scopes(view: View, router: RouterView) -> Ways:
    """Compare the scopes of a router's networks. Those that are not held are left out: their legs are not wired either."""
    gateways = {_device(leg) for leg in router.legs.values() if leg.device_owner == GATEWAY}
    by_family = {version: _scopes(view, router, version) for version in (4, 6)}
    pairs = {
        version: [(one, other) for one in found for other in found if one != other] for version, found in by_family.items()
    }
    apart = {
        version: frozenset(way for way in ways if by_family[version][way[0]] != by_family[version][way[1]])
        for version, ways in pairs.items()
    }
    # With source NAT IPv4 leaves its scope translated; `CROSSING` asks whether it is.
    out = [way for way in pairs[4] if way[0] not in gateways and way[1] in gateways]
    together = frozenset(way for way in out if by_family[4][way[0]] is not None and way not in apart[4])
    return Ways(together, apart[4], apart[6])


def scope_sets(ways: Ways, owners: tuple[str, ...]) -> Mapping[str, Collection]:
    """Write the sets that `CROSSING` and the translation name."""
    found = {TOGETHER: ways.together, "apart_v4": ways.apart_v4, "apart_v6": ways.apart_v6}
    return {
        name: Collection("set", "type ifname . ifname;", frozenset(" . ".join(map(quoted, way)) for way in which), owners)
        for name, which in found.items()
    }


def _device(leg: RouterPort) -> str:
    return gateway_leg(leg.port_id) if leg.device_owner == GATEWAY else router_leg(leg.port_id)


def _scopes(view: View, router: RouterView, version: int) -> dict[str, str | None]:
    """Map each leg's device, where its network has subnets of a family, to their scope."""
    found = {}
    for leg in router.legs.values():
        network = view.network(leg.network_id)
        if network is None:
            continue
        scopes = [subnet.address_scope_id for subnet in network.subnets.values() if subnet.ip_version == version]
        if scopes:
            found[_device(leg)] = next((scope for scope in scopes if scope is not None), None)
    return found
