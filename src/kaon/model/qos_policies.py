"""QoS policies: named sets of rules that ports, networks, floating IPs and router gateways can have."""

from collections.abc import Mapping
from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import Attribute, Resource, identity, label, owner, standard, switch
from kaon.model.extensions import Extension
from kaon.model.tags import tagging

_RESERVED: Final = "a host is chosen that has it to spare, but none keeps it free"

_OF_THE_NETWORK_ITSELF: Final = ("network:", "neutron:")
_GATEWAYS: Final = ("network:router_gateway", "network:floatingip_agent_gateway")


def policy_id(alias: str) -> Attribute:
    """The policy of a port, a network or a floating IP; null: none of its own."""
    return Attribute(name="qos_policy_id", alias=alias, check=checks.optional(checks.uuid), post=True, put=True)


def network_policy_id(alias: str) -> Attribute:
    """The policy of the network that a port or a floating IP is on."""
    return Attribute(name="qos_network_policy_id", alias=alias)


def effective(port: Mapping[str, Any]) -> str | None:
    """Tell which policy a port's traffic is under: its own, or its network's unless it belongs to the network service.

    Gateways of routers are under their network's. port: with `device_owner`, `qos_policy_id` and `qos_network_policy_id`
    """
    owner_is = str(port["device_owner"])
    found: str | None = port["qos_policy_id"]
    if found is None and (owner_is in _GATEWAYS or not owner_is.startswith(_OF_THE_NETWORK_ITSELF)):
        found = port["qos_network_policy_id"]
    return found


def of_floatingip(floatingip: Mapping[str, Any]) -> str | None:
    """Tell which policy the traffic of a floating IP is under: its own, or its network's."""
    found: str | None = floatingip["qos_policy_id"] or floatingip["qos_network_policy_id"]
    return found


POLICY: Final = Resource(
    collection="policies",
    member="policy",
    prefix="qos",
    attributes=(
        identity("qos"),
        label("qos"),
        *owner(),
        switch("shared", "qos", default=False),
        switch("is_default", "qos-default", default=False),
        Attribute(name="rules", alias="qos"),
        *standard(),
        *tagging(),
    ),
)
"""`is_default`: new networks of its project have it unless they name another. `rules` stand in it with their `type`."""

EXTENSIONS: Final = (
    Extension("qos", "Quality of Service", "2015-06-08T10:00:00-00:00", "Limits and marks for traffic."),
    Extension(
        "qos-bw-limit-direction",
        "Direction for QoS bandwidth limit rule",
        "2017-04-10T10:00:00-00:00",
        "Bandwidth is limited in either direction.",
    ),
    Extension(
        "qos-bw-minimum-ingress",
        "Ingress direction for QoS minimum bandwidth rule",
        "2018-07-09T10:00:00-00:00",
        "Bandwidth is kept free in either direction.",
        awaits=_RESERVED,
    ),
    Extension(
        "qos-default",
        "QoS default policy",
        "2017-041-06T10:00:00-00:00",
        "New networks of a project have its default policy.",
    ),
    Extension("qos-fip", "Floating IP QoS", "2017-07-20T00:00:00-00:00", "A floating IP can have a QoS policy."),
    Extension(
        "qos-fip-network-policy",
        "QoS floating IP network policy ID",
        "2021-11-15T10:00:00-00:00",
        "A floating IP tells of its network's QoS policy.",
    ),
    Extension(
        "qos-gateway-ip",
        "Router gateway IP QoS",
        "2018-02-24T00:00:00-00:00",
        "The gateway of a router can have a QoS policy.",
    ),
    Extension(
        "qos-port-network-policy",
        "QoS port network policy ID",
        "2019-11-01T10:00:00-00:00",
        "A port tells of its network's QoS policy.",
    ),
    Extension(
        "qos-pps",
        "QoS Rule Type Packet per Second Extension",
        "2021-05-12T10:00:00-00:00",
        "Rules limit packets a second.",
    ),
    Extension(
        "qos-pps-minimum",
        "QoS minimum packet rate rule",
        "2021-07-14T10:00:00-00:00",
        "Rules ask for a host with packets a second to spare.",
        awaits=_RESERVED,
    ),
    Extension(
        "qos-pps-minimum-rule-alias",
        "QoS minimum packet rate rule alias",
        "2021-10-22T10:00:00-00:00",
        "Minimum packet rate rules are found without their policy.",
        awaits=_RESERVED,
    ),
    Extension(
        "qos-rule-type-details",
        "Details of QoS rule types",
        "2017-06-22T10:00:00-00:00",
        "Which back end takes which parameters of a rule.",
    ),
    Extension(
        "qos-rule-type-filter",
        "Allow to filter the list of QoS rule types",
        "2022-02-02T10:00:00-00:00",
        "Rule types that some back end has, or all that there are.",
    ),
    Extension(
        "qos-rules-alias",
        "Quality of Service rules alias API",
        "2018-10-07T10:00:00-00:00",
        "Rules are found without their policy.",
    ),
    Extension(
        "port-resource-request",
        "Port Resource Request",
        "2018-05-08T10:00:00-00:00",
        "Ports tell what their minimum rules ask of a host.",
    ),
    Extension(
        "port-resource-request-groups",
        "Port Resource Request Groups",
        "2021-08-02T10:00:00-00:00",
        "Ports ask for bandwidth and packets of one host together.",
    ),
)
