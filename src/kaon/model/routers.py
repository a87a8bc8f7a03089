"""Routers: what joins subnets to each other and to an external network."""

from typing import Any, Final

from kaon.model import addresses, availability_zones, checks
from kaon.model.attributes import NOT_SPECIFIED, Attribute, Resource, identity, label, owner, standard, switch
from kaon.model.errors import BadRequest
from kaon.model.extensions import Extension
from kaon.model.flavors import ROUTER_FLAVOR
from kaon.model.query import Body
from kaon.model.tags import tagging

_GATEWAY_KEYS: Final = ("network_id", "external_fixed_ips", "enable_snat", "qos_policy_id")


@checks.keeps(
    {
        "type": ["object", "null"],
        "properties": {
            "network_id": checks.schema_of(checks.uuid),
            "external_fixed_ips": checks.schema_of(addresses.fixed_ips),
            "enable_snat": {"type": "boolean"},
            "qos_policy_id": checks.nullable(checks.schema_of(checks.uuid)),
        },
        "additionalProperties": False,
        "required": ["network_id"],
    }
)
def gateway(value: Any) -> dict[str, Any] | None:
    """Where the router leads out: `network_id`, perhaps `external_fixed_ips` and `enable_snat`; null and `{}` mean nowhere."""
    if value is None or value == {}:
        return None
    given = checks.members(value, ("network_id",), _GATEWAY_KEYS)
    kept: dict[str, Any] = {"network_id": checks.uuid(given["network_id"])}
    if given.get("external_fixed_ips") is not None:
        kept["external_fixed_ips"] = addresses.fixed_ips(given["external_fixed_ips"])
    if given.get("enable_snat") is not None:
        kept["enable_snat"] = checks.boolean(given["enable_snat"])
    if "qos_policy_id" in given:  # null: none from now on
        kept["qos_policy_id"] = checks.optional(checks.uuid)(given["qos_policy_id"])
    return kept


def _manner(name: str, alias: str, *, filtered: bool = False) -> Attribute:
    """How the router works; null, as leaving it out, says nothing."""
    return Attribute(
        name=name,
        alias=alias,
        check=checks.optional(checks.boolean),
        default=NOT_SPECIFIED,
        post=True,
        put=True,
        filter=checks.boolean if filtered else None,
    )


ROUTER: Final = Resource(
    collection="routers",
    member="router",
    attributes=(
        identity("router"),
        label("router"),
        *owner(),
        switch("admin_state_up", "router", sort=True),
        Attribute(name="status", alias="router", sort=True),
        *availability_zones.zones("router_availability_zone"),
        Attribute(name="external_gateway_info", alias="ext-gw-mode", check=gateway, post=True, put=True),
        Attribute(name="routes", alias="extraroute", check=checks.or_empty(addresses.routes), default=NOT_SPECIFIED, put=True),
        Attribute(name="external_gateways", alias="external-gateway-multihoming"),
        Attribute(name="enable_snat", alias="router-enable-snat", filter=checks.boolean, sort=True),
        _manner("distributed", "dvr"),
        _manner("ha", "l3-ha"),
        _manner("enable_ndp_proxy", "l3-ext-ndp-proxy", filtered=True),
        _manner("enable_default_route_bfd", "enable-default-route-bfd"),
        _manner("enable_default_route_ecmp", "enable-default-route-ecmp"),
        Attribute(name="conntrack_helpers", alias="expose-l3-conntrack-helper"),
        ROUTER_FLAVOR,
        *standard(),
        *tagging(),
    ),
    bulk=False,
)


@checks.keeps(checks.object_of(subnet_id=checks.schema_of(checks.uuid), port_id=checks.schema_of(checks.uuid)))
def interface_body(given: Any) -> Body:
    """Body of add_router_interface and remove_router_interface: `subnet_id`, `port_id`, or (on removal) both.

    How many of them must be there is for control to say, with Neutron's error; anything else is passed over. Raises BadRequest.
    """
    named = {name: given.get(name) for name in ("subnet_id", "port_id")} if isinstance(given, dict) else {}
    try:
        return {name: checks.uuid(value) for name, value in named.items() if value is not None}
    except checks.Unfit as unfit:
        raise BadRequest(reason=f"Bad router request: {unfit}.") from None


@checks.keeps(checks.object_of(("routes",), routes=checks.schema_of(addresses.routes)))
def extraroutes_body(given: Any) -> Body:
    """Body of add_extraroutes and remove_extraroutes: `{"router": {"routes": [...]}}`, its inside."""
    return {"routes": addresses.routes(checks.members(given, ("routes",), ("routes",))["routes"])}


def gateways_body(given: Any) -> Body:
    """Body of the actions on several gateways: `{"router": {"external_gateways": [...]}}`, its inside."""
    listed = checks.members(given, ("external_gateways",), ("external_gateways",))["external_gateways"]
    if not isinstance(listed, list):
        raise checks.Unfit(f"{checks.shown(listed)} is not a list")
    kept = [gateway(one) for one in listed]
    if None in kept:
        raise checks.Unfit("a gateway needs a network_id")
    return {"external_gateways": kept}


_CENTRAL: Final = "hosts make every router one that a single host forwards for"
_SEVERAL: Final = "hosts lead out by a router's first gateway only"

EXTENSIONS: Final = (
    Extension("dvr", "Distributed Virtual Router", "2014-06-1T10:00:00-00:00", "Routers are on every host.", awaits=_CENTRAL),
    Extension("l3-ha", "HA Router extension", "2014-04-26T00:00:00-00:00", "Several hosts keep a router.", awaits=_CENTRAL),
    Extension("network_ha", "Network HA creation flag", "2023-04-27T10:00:00-00:00", "HA networks.", awaits=_CENTRAL),
    Extension(
        "router-admin-state-down-before-update",
        "Enforce Router's Admin State Down Before Update Extension",
        "2019-07-02T15:56:00",
        "A router is down while it becomes distributed, or ceases to be.",
        awaits=_CENTRAL,
    ),
    Extension(
        "router-enable-snat",
        'Exposes the router "enable_snat" read-only configuration flag',
        "2025-09-18T18:00:00-00:00",
        "Routers show whether they translate source addresses.",
    ),
    Extension(
        "l3-port-ip-change-not-allowed",
        "Prevent L3 router ports IP address change extension",
        "2018-10-09T10:00:00-00:00",
        "The addresses of a router's ports stay.",
    ),
    Extension(
        "ecmp_routes",
        "Equal Cost Multipath Routing",
        "2020-11-26T18:00:00-00:00",
        "Several routes to one destination are used alike.",
    ),
    Extension(
        "external-gateway-multihoming",
        "Neutron L3 External Gateway Multihoming",
        "2023-01-18T00:00:00-00:00",
        "A router may have several gateways.",
        awaits=_SEVERAL,
    ),
    Extension(
        "enable-default-route-bfd",
        "Enable Default Route BFD",
        "2023-02-27T00:00:00-00:00",
        "Routers watch whether the ways out work.",
        awaits=_SEVERAL,
    ),
    Extension(
        "enable-default-route-ecmp",
        "Enable Default Route ECMP",
        "2023-02-27T00:00:00-00:00",
        "Routers use several ways out alike.",
        awaits=_SEVERAL,
    ),
)
