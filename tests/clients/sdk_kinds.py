"""What openstacksdk can make, read, change, find, list and take away again: one entry each, attributes as on the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

PROXIED: Final = "2001:db8:9100::/64"


class Ground:
    """What other things need to be there first; made once, when something asks. api: `Connection.network`."""

    def __init__(self, api: Any, projects: Mapping[str, str]) -> None:
        self.api, self.projects = api, projects

    @cached_property
    def public(self) -> str:
        """The external network."""
        return str(self.api.find_network("public", ignore_missing=False).id)

    @cached_property
    def network(self) -> str:
        """A network with a subnet, 10.51.0.0/24."""
        made = self.api.create_network(name="sdk-ground")
        self.subnet = self.api.create_subnet(network_id=made.id, cidr="10.51.0.0/24", ip_version=4, name="sdk-ground").id
        return str(made.id)

    def port(self, **attributes: Any) -> str:
        """Make a port there."""
        return str(self.api.create_port(network_id=self.network, **attributes).id)

    @cached_property
    def router(self) -> str:
        """A router between that network and outside."""
        network = self.network
        made = self.api.create_router(name="sdk-ground", external_gateway_info={"network_id": self.public})
        self.api.add_interface_to_router(made, subnet_id=self.subnet)
        assert network
        return str(made.id)

    @cached_property
    def floating_ip(self) -> str:
        """A floating IP that stands for nothing, of which ports can be forwarded."""
        assert self.router
        return str(self.api.create_ip(floating_network_id=self.public).id)

    @cached_property
    def inside(self) -> str:
        """A port with the address 10.51.0.77."""
        assert self.router
        return self.port(fixed_ips=[{"ip_address": "10.51.0.77"}])

    @cached_property
    def policy(self) -> str:
        """A QoS policy."""
        return str(self.api.create_qos_policy(name="sdk-ground").id)

    @cached_property
    def group(self) -> str:
        """A security group."""
        return str(self.api.create_security_group(name="sdk-ground").id)

    @cached_property
    def label(self) -> str:
        """A metering label."""
        return str(self.api.create_metering_label(name="sdk-ground").id)

    @cached_property
    def local_ip(self) -> str:
        """A local IP on that network."""
        return str(self.api.create_local_ip(name="sdk-ground", network_id=self.network).id)

    @cached_property
    def vlan(self) -> str:
        """A network of VLAN 351 on physnet1."""
        made = self.api.create_network(
            name="sdk-vlan",
            provider_network_type="vlan",
            provider_physical_network="physnet1",
            provider_segmentation_id=351,
        )
        return str(made.id)

    def proxied(self) -> Mapping[str, str]:
        """Make a router that may answer for addresses inside, and a port behind it."""
        api = self.api
        scope = api.create_address_scope(name="sdk-ndp", ip_version=6, shared=True)
        pool = api.create_subnet_pool(
            name="sdk-ndp", prefixes=["2001:db8:9100::/48"], default_prefixlen=64, address_scope_id=scope.id, shared=True
        )
        outside = api.create_network(
            name="sdk-ndp-out",
            is_router_external=True,
            provider_network_type="flat",
            provider_physical_network="sdkndp",
        )
        api.create_subnet(network_id=outside.id, ip_version=6, subnetpool_id=pool.id, enable_dhcp=False)
        inside = api.create_network(name="sdk-ndp")
        slaac = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        subnet = api.create_subnet(network_id=inside.id, ip_version=6, subnetpool_id=pool.id, **slaac)
        router = api.create_router(name="sdk-ndp", external_gateway_info={"network_id": outside.id}, enable_ndp_proxy=True)
        api.add_interface_to_router(router, subnet_id=subnet.id)
        return {"router_id": router.id, "port_id": api.create_port(network_id=inside.id).id}


New = Callable[[Ground], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource of the SDK.

    resource  its class
    one, all  how the proxy calls one and several
    new       what is sent to make it
    change    what is sent to change it; empty: it cannot be
    parent    the id of what it stands below
    tags      whether it has tags
    """

    resource: str
    one: str
    all: str
    new: New
    change: Mapping[str, Any] = field(default_factory=dict)
    parent: Callable[[Ground], str] | None = None
    tags: bool = False


_RENAMED: Final = {"name": "sdk-renamed", "description": "second"}
_NAMED: Final = {"name": "sdk-tour", "description": "first"}


def _policy(ground: Ground) -> str:
    return ground.policy


def _rule(resource: str, one: str, new: dict[str, Any], change: dict[str, Any]) -> Kind:
    return Kind(resource, f"qos_{one}_rule", f"qos_{one}_rules", lambda _: new, change, _policy)


KINDS: Final = (
    Kind(
        "AddressGroup",
        "address_group",
        "address_groups",
        lambda _: _NAMED | {"addresses": ["192.0.2.0/24"]},
        _RENAMED,
    ),
    Kind(
        "AddressScope",
        "address_scope",
        "address_scopes",
        lambda _: {"name": "sdk-tour", "ip_version": 6, "shared": False},
        {"name": "sdk-renamed", "shared": True},
    ),
    Kind(
        "DefaultSecurityGroupRule",
        "default_security_group_rule",
        "default_security_group_rules",
        lambda _: {
            "direction": "ingress",
            "ethertype": "IPv6",
            "protocol": "udp",
            "port_range_min": 4712,
            "port_range_max": 4713,
            "used_in_default_sg": False,
            "used_in_non_default_sg": False,
        },
    ),
    Kind(
        "Flavor",
        "flavor",
        "flavors",
        lambda _: _NAMED | {"service_type": "L3_ROUTER_NAT", "enabled": False},
        _RENAMED | {"enabled": True},
    ),
    Kind(
        "FloatingIP",
        "ip",
        "ips",
        lambda ground: {"floating_network_id": ground.public, "floating_ip_address": "203.0.113.201", "description": "first"},
        {"description": "second"},
        tags=True,
    ),
    Kind(
        "ConntrackHelper",
        "conntrack_helper",
        "conntrack_helpers",
        lambda _: {"helper": "tftp", "protocol": "udp", "port": 69},
        {"helper": "ftp", "protocol": "tcp", "port": 21},
        lambda ground: ground.router,
    ),
    Kind(
        "LocalIP",
        "local_ip",
        "local_ips",
        lambda ground: _NAMED | {"network_id": ground.network, "local_ip_address": "10.51.0.200", "ip_mode": "translate"},
        _RENAMED,
    ),
    Kind("MeteringLabel", "metering_label", "metering_labels", lambda _: _NAMED | {"shared": True}),
    Kind(
        "MeteringLabelRule",
        "metering_label_rule",
        "metering_label_rules",
        lambda ground: {
            "metering_label_id": ground.label,
            "direction": "egress",
            "excluded": True,
            "source_ip_prefix": "198.51.100.0/24",
        },
    ),
    Kind("NDPProxy", "ndp_proxy", "ndp_proxies", lambda ground: _NAMED | ground.proxied(), _RENAMED),
    Kind(
        "Network",
        "network",
        "networks",
        lambda _: _NAMED | {"mtu": 1400, "dns_domain": "sdk.example.", "admin_state_up": False, "port_security_enabled": False},
        _RENAMED | {"mtu": 1300, "admin_state_up": True, "shared": True},
        tags=True,
    ),
    Kind(
        "NetworkSegmentRange",
        "network_segment_range",
        "network_segment_ranges",
        lambda _: {
            "name": "sdk-tour",
            "shared": True,
            "network_type": "vlan",
            "physical_network": "sdkphys",
            "minimum": 200,
            "maximum": 220,
        },
        {"name": "sdk-renamed", "minimum": 190, "maximum": 230},
    ),
    Kind(
        "Port",
        "port",
        "ports",
        lambda ground: (
            _NAMED
            | {
                "network_id": ground.network,
                "mac_address": "fa:16:3e:51:00:01",
                "device_id": "sdk",
                "device_owner": "compute:sdk",
                "binding:host_id": "beta",
                "binding:vnic_type": "direct",
                "binding:profile": {"sdk": "yes"},
                "dns_name": "sdk",
                "security_groups": [ground.group],
                "qos_policy_id": ground.policy,
                "extra_dhcp_opts": [{"opt_name": "server-ip-address", "opt_value": "192.0.2.9", "ip_version": 4}],
                "allowed_address_pairs": [{"ip_address": "192.0.2.10", "mac_address": "fa:16:3e:51:00:01"}],
            }
        ),
        _RENAMED | {"security_groups": [], "qos_policy_id": None, "allowed_address_pairs": [], "binding:host_id": "alpha"},
        tags=True,
    ),
    Kind(
        "PortForwarding",
        "port_forwarding",
        "port_forwardings",
        lambda ground: {
            "internal_port_id": ground.inside,
            "internal_ip_address": "10.51.0.77",
            "internal_port": 80,
            "external_port": 8080,
            "protocol": "tcp",
            "description": "first",
        },
        {"external_port": 8081, "description": "second"},
        lambda ground: ground.floating_ip,
    ),
    _rule(
        "QoSBandwidthLimitRule",
        "bandwidth_limit",
        {"max_kbps": 1000, "max_burst_kbps": 800, "direction": "egress"},
        {"max_kbps": 2000, "max_burst_kbps": 900, "direction": "ingress"},
    ),
    _rule("QoSDSCPMarkingRule", "dscp_marking", {"dscp_mark": 26}, {"dscp_mark": 46}),
    _rule("QoSMinimumBandwidthRule", "minimum_bandwidth", {"min_kbps": 100, "direction": "egress"}, {"min_kbps": 200}),
    _rule("QoSMinimumPacketRateRule", "minimum_packet_rate", {"min_kpps": 10, "direction": "any"}, {"min_kpps": 20}),
    _rule(
        "QoSPacketRateLimitRule",
        "packet_rate_limit",
        {"max_kpps": 10, "max_burst_kpps": 1, "direction": "ingress"},
        {"max_kpps": 20, "max_burst_kpps": 2},
    ),
    Kind(
        "QoSPolicy", "qos_policy", "qos_policies", lambda _: _NAMED | {"shared": False}, _RENAMED | {"shared": True}, tags=True
    ),
    Kind(
        "RBACPolicy",
        "rbac_policy",
        "rbac_policies",
        lambda ground: {
            "object_type": "qos_policy",
            "object_id": ground.policy,
            "action": "access_as_shared",
            "target_tenant": ground.projects["project service"],
        },
        {"target_tenant": "*"},
    ),
    Kind(
        "Router",
        "router",
        "routers",
        lambda ground: _NAMED | {"admin_state_up": False, "external_gateway_info": {"network_id": ground.public}},
        _RENAMED | {"admin_state_up": True, "external_gateway_info": None},
        tags=True,
    ),
    Kind("SecurityGroup", "security_group", "security_groups", lambda _: _NAMED | {"stateful": False}, _RENAMED, tags=True),
    Kind(
        "SecurityGroupRule",
        "security_group_rule",
        "security_group_rules",
        lambda ground: {
            "security_group_id": ground.group,
            "direction": "egress",
            "ethertype": "IPv4",
            "protocol": "sctp",
            "port_range_min": 7,
            "port_range_max": 9,
            "remote_ip_prefix": "192.0.2.0/24",
            "description": "first",
        },
    ),
    Kind(
        "SecurityGroupsDefaultStatefulness",
        "security_groups_default_statefulness",
        "security_groups_default_statefulness",
        lambda ground: {"project_id": ground.projects["project service"], "stateful": False},
        {"stateful": True},
    ),
    Kind(
        "Segment",
        "segment",
        "segments",
        lambda ground: (
            _NAMED
            | {
                "network_id": ground.vlan,
                "network_type": "vlan",
                "physical_network": "physnet1",
                "segmentation_id": 352,
            }
        ),
        _RENAMED,
    ),
    Kind(
        "ServiceProfile",
        "service_profile",
        "service_profiles",
        lambda _: {"description": "first", "metainfo": "speed", "enabled": False},
        {"description": "second", "metainfo": "slow", "enabled": True},
    ),
    Kind(
        "Subnet",
        "subnet",
        "subnets",
        lambda ground: (
            _NAMED
            | {
                "network_id": ground.network,
                "ip_version": 4,
                "cidr": "10.52.0.0/24",
                "gateway_ip": "10.52.0.9",
                "allocation_pools": [{"start": "10.52.0.20", "end": "10.52.0.30"}],
                "dns_nameservers": ["192.0.2.53"],
                "host_routes": [{"destination": "10.99.0.0/16", "nexthop": "10.52.0.8"}],
                "enable_dhcp": False,
                "service_types": ["compute:sdk2"],
            }
        ),
        _RENAMED | {"gateway_ip": None, "dns_nameservers": [], "host_routes": [], "enable_dhcp": True},
        tags=True,
    ),
    Kind(
        "SubnetPool",
        "subnet_pool",
        "subnet_pools",
        lambda _: (
            _NAMED
            | {
                "prefixes": ["10.53.0.0/16"],
                "default_prefixlen": 26,
                "min_prefixlen": 24,
                "max_prefixlen": 28,
                "default_quota": 512,
            }
        ),
        _RENAMED | {"default_prefixlen": 27, "default_quota": 1024},
        tags=True,
    ),
    Kind(
        "Trunk",
        "trunk",
        "trunks",
        lambda ground: (
            _NAMED
            | {
                "port_id": ground.port(),
                "admin_state_up": False,
                "sub_ports": [{"port_id": ground.port(), "segmentation_type": "vlan", "segmentation_id": 7}],
            }
        ),
        _RENAMED | {"admin_state_up": True},
        tags=True,
    ),
)

NOT_SERVED: Final = {
    "Octavia is a service of its own, and the LBaaS that these asked is gone": (
        "HealthMonitor",
        "Listener",
        "LoadBalancer",
        "Pool",
        "PoolMember",
    ),
    "BGP is not spoken": ("BgpPeer", "BgpSpeaker"),
    "no back end makes BGP VPNs": ("BgpVpn", "BgpVpnNetworkAssociation", "BgpVpnPortAssociation", "BgpVpnRouterAssociation"),
    "no back end has firewalls between networks": ("FirewallGroup", "FirewallPolicy", "FirewallRule"),
    "no back end chains functions": (
        "SfcFlowClassifier",
        "SfcPortChain",
        "SfcPortPair",
        "SfcPortPairGroup",
        "SfcServiceGraph",
    ),
    "no back end mirrors traffic": ("TapFlow", "TapMirror", "TapService"),
    "no back end ends IPsec": ("VpnEndpointGroup", "VpnIPSecSiteConnection", "VpnIkePolicy", "VpnIpsecPolicy", "VpnService"),
}
"""Resources of the SDK that Kaon answers with 404, by the reason."""
