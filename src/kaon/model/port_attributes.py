"""Attributes of ports that only some deployments ask for, and the aliases that bring them; `model.ports` joins them.

What concerns hardware, Open vSwitch or Nova's scheduling is kept for those who read it: Nova, and the operator.
"""

from typing import Any, Final

from kaon.model import checks, dns
from kaon.model.attributes import NOT_SPECIFIED, Attribute, words
from kaon.model.checks import Check, Unfit, shown
from kaon.model.errors import InvalidInput
from kaon.model.extensions import Extension

_LONGEST_OPTION: Final = 64
_LONGEST_VALUE: Final = 255


def _one_line(limit: int, *, blank: bool = False) -> Check:
    """A string of at most `limit` characters on one line, with something in it unless it may be blank."""
    text = checks.text(limit)

    @checks.keeps(checks.schema_of(text))
    def check(value: Any) -> str:
        kept = str(text(value))
        if not blank and not kept.strip():
            raise Unfit(f"{shown(value)} is blank")
        if not kept.isprintable():
            raise Unfit(f"{shown(value)} is not one printable line")
        return kept

    return check


_option_name: Final = _one_line(_LONGEST_OPTION)
_option_value: Final = checks.optional(_one_line(_LONGEST_VALUE))
_blank_value: Final = checks.optional(_one_line(_LONGEST_VALUE, blank=True))
_BLANKABLE: Final = ("router", "classless-static-route")
"""Options that an empty value switches off."""


_OPTION: Final = checks.object_of(
    ("opt_name", "opt_value"),
    opt_name=checks.schema_of(_option_name),
    opt_value=checks.schema_of(_option_value),
    ip_version={"enum": [4, 6]},
)


@checks.keeps(checks.list_of(_OPTION))
def _dhcp_options(value: Any) -> list[dict[str, Any]]:
    """DHCP options: `opt_name`, `opt_value` (null: no such option), and `ip_version` (4 unless said). Each at most once."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit(f"{shown(value)} is not a list")
    kept = []
    for option in value:
        given = checks.members(option, ("opt_name", "opt_value"), ("opt_name", "opt_value", "ip_version"))
        name = _option_name(given["opt_name"])
        read = _blank_value if name in _BLANKABLE else _option_value
        version = checks.number_of(4, 6)(given.get("ip_version", 4))
        kept.append({"opt_name": name, "opt_value": read(given["opt_value"]), "ip_version": version})
    checks.distinct([(option["opt_name"], option["ip_version"]) for option in kept], "DHCP option")
    return kept


@checks.keeps({"type": ["object", "null"]})
def _hints(value: Any) -> Any:
    """Wishes for a back end: `{"openvswitch": {"other_config": {"tx-steering": "thread" or "hash"}}}`, or null."""
    inner = value
    for key in ("openvswitch", "other_config", "tx-steering"):
        if inner is None and inner is value:
            return None
        found = checks.members(inner, (), (key,))
        if not found:
            return value
        inner = found[key]
    checks.one_of("thread", "hash")(inner)
    return value


@checks.keeps({"type": "boolean"})
def _either(value: Any) -> bool:
    if value is None:
        raise InvalidInput(error_message="'None' cannot be converted to a boolean")
    return checks.boolean(value)


FURTHER: Final[tuple[Attribute, ...]] = (
    Attribute(name="extra_dhcp_opts", alias="extra_dhcp_opt", check=_dhcp_options, default=NOT_SPECIFIED, post=True, put=True),
    dns.naming("dns_name", "dns-integration", dns.host_name),
    dns.naming("dns_domain", "dns-domain-ports", dns.domain),
    Attribute(name="dns_assignment", alias="dns-integration"),
    Attribute(
        name="data_plane_status",
        alias="data-plane-status",
        check=checks.one_of(None, "ACTIVE", "DOWN"),
        put=True,
    ),
    Attribute(
        name="propagate_uplink_status",
        alias="uplink-status-propagation",
        check=checks.boolean,
        default=True,
        post=True,
        put=True,
    ),
    Attribute(name="hints", alias="port-hints", check=_hints, post=True, put=True),
    Attribute(
        name="numa_affinity_policy",
        alias="port-numa-affinity-policy",
        check=checks.one_of("required", "preferred", "legacy", "socket", None),
        post=True,
        put=True,
    ),
    Attribute(name="device_profile", alias="port-device-profile", check=checks.optional(checks.text(255)), post=True),
    Attribute(name="trusted", alias="port-trusted-vif", check=_either, default=NOT_SPECIFIED, post=True, put=True),
    Attribute(
        name="hardware_offload_type",
        alias="port-hardware-offload-type",
        check=checks.one_of("switchdev"),
        default=NOT_SPECIFIED,
        post=True,
    ),
    Attribute(name="ip_allocation", alias="ip_allocation", filter=words, sort=True),
    Attribute(name="trunk_details", alias="trunk-details"),
)

EXTENSIONS: Final = (
    Extension(
        "aap-reject-multicast",
        "Allowed address pairs reject multicast extension",
        "2026-04-01T00:00:00-00:00",
        "Multicast addresses are refused as allowed address pairs.",
    ),
    Extension(
        "data-plane-status",
        "Port data plane status extension",
        "2017-01-24T10:00:00-00:00",
        "Ports show what someone else says of the network behind them.",
    ),
    Extension("extra_dhcp_opt", "Neutron Extra DHCP options", "2013-03-17T12:00:00-00:00", "DHCP options of single ports."),
    Extension("ip_allocation", "IP Allocation", "2016-06-10T23:00:00-00:00", "Ports show when they get their addresses."),
    Extension(
        "l3-port-ip-change-not-allowed",
        "Prevent L3 router ports IP address change extension",
        "2018-10-09T10:00:00-00:00",
        "An address to which a floating IP leads is not taken from its port.",
    ),
    Extension(
        "port-device-profile", "Port device profile", "2020-12-17T10:00:00-00:00", "Ports name a profile of accelerators."
    ),
    Extension(
        "port-hardware-offload-type",
        "Port hardware offload",
        "2023-05-09T10:00:00-00:00",
        "Ports ask for a kind of hardware offload.",
    ),
    Extension("port-hints", "Port hints", "2023-01-01T00:00:00-00:00", "Ports carry wishes for a back end."),
    Extension(
        "port-hint-ovs-tx-steering",
        "Port hint: Open vSwitch Tx steering",
        "2023-01-01T00:00:00-00:00",
        "A wish for Open vSwitch: how it spreads what it sends.",
    ),
    Extension(
        "port-mac-address-regenerate",
        "Neutron Port MAC address regenerate",
        "2018-05-03T10:00:00-00:00",
        "A port can be given a new MAC address of the server's choice.",
    ),
    Extension(
        "port-mac-override",
        "Neutron Port MAC address override",
        "2022-03-18T10:00:00-00:00",
        "A port on a physical function is given that one's MAC address, and loses it when it is let go.",
    ),
    Extension(
        "port-numa-affinity-policy",
        "Port NUMA affinity policy",
        "2020-07-08T10:00:00-00:00",
        "Ports say how near to their NUMA node a server must run.",
    ),
    Extension(
        "port-numa-affinity-policy-socket",
        'Port NUMA affinity policy "socket"',
        "2024-02-09T10:00:00-00:00",
        "The policy can be about sockets.",
    ),
    Extension(
        "port-trusted-vif", "Port trusted vif", "2024-07-10T10:00:00-00:00", "Ports say whether their device is trusted."
    ),
    Extension(
        "uplink-status-propagation",
        "Uplink status propagation extension",
        "2018-05-31T18:00:00-00:00",
        "Ports say whether a virtual function follows the state of its uplink.",
    ),
    Extension(
        "uplink-status-propagation-updatable",
        "Uplink status propagation updatable extension",
        "2024-09-03T18:00:00-00:00",
        "That can be changed later.",
    ),
)
