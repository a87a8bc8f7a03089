"""Routers: what joins subnets to each other and to an external network."""

from typing import Any, Final

from kaon.model import addresses, availability_zones, checks
from kaon.model.attributes import NOT_SPECIFIED, Attribute, Resource, identity, label, owner, standard, switch
from kaon.model.errors import BadRequest
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
