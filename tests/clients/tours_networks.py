"""Tours of the `openstack` command: networks and what they are made of."""

from typing import Final

from tour_steps import Step

NETWORK: Final = (
    Step(
        "network create tour-net --description first --mtu 1400 --dns-domain tour.example. --tag blue --disable-port-security",
        {
            "name": "tour-net",
            "description": "first",
            "mtu": 1400,
            "dns_domain": "tour.example.",
            "tags": ["blue"],
            "port_security_enabled": False,
            "shared": False,
            "router:external": False,
            "status": "ACTIVE",
        },
        "net",
    ),
    Step(
        "network create tour-vlan --project service --provider-network-type vlan --provider-physical-network physnet1 "
        "--provider-segment 321 --share --disable",
        {
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
            "provider:segmentation_id": 321,
            "shared": True,
            "admin_state_up": False,
        },
        "vlan",
    ),
    Step("network list --name tour-net", {"ID": "{net[id]}", "Name": "tour-net", "Subnets": []}, rows=1),
    Step("network list --provider-segment 321 --share", {"ID": "{vlan[id]}"}, rows=1),
    Step(
        "network list --long --tags blue --project admin",
        {"Name": "tour-net", "Status": "ACTIVE", "State": True, "Shared": False, "Router Type": False, "Tags": ["blue"]},
        rows=1,
    ),
    Step("network list --external", {"Name": "public"}, gone={"Name": "tour-net"}),
    Step("network set tour-net --name tour-net2 --description second --mtu 1350 --enable-port-security --tag red --share"),
    Step(
        "network show tour-net2",
        {
            "id": "{net[id]}",
            "name": "tour-net2",
            "description": "second",
            "mtu": 1350,
            "port_security_enabled": True,
            "tags": ["blue", "red"],
            "shared": True,
        },
    ),
    Step("network set tour-net2 --no-share --disable --no-tag"),
    Step("network show {net[id]}", {"shared": False, "admin_state_up": False, "tags": []}),
    Step("network set tour-net2 --tag one --tag two"),
    Step("network unset tour-net2 --tag one"),
    Step("network show tour-net2", {"tags": ["two"]}),
    Step("network delete tour-net2 tour-vlan"),
    Step("network list", gone={"ID": "{net[id]}"}),
    Step("network list", gone={"ID": "{vlan[id]}"}),
)

SUBNET: Final = (
    Step("network create tour-sub", {"name": "tour-sub"}, "net"),
    Step(
        "subnet create tour-v4 --network tour-sub --subnet-range 10.71.0.0/24 --gateway 10.71.0.254 --no-dhcp "
        "--allocation-pool start=10.71.0.10,end=10.71.0.20 --dns-nameserver 192.0.2.53 --description first "
        "--host-route destination=10.99.0.0/16,gateway=10.71.0.9 --service-type network:router_gateway --tag blue",
        {
            "name": "tour-v4",
            "network_id": "{net[id]}",
            "cidr": "10.71.0.0/24",
            "gateway_ip": "10.71.0.254",
            "enable_dhcp": False,
            "allocation_pools": [{"start": "10.71.0.10", "end": "10.71.0.20"}],
            "dns_nameservers": ["192.0.2.53"],
            "host_routes": [{"destination": "10.99.0.0/16", "nexthop": "10.71.0.9"}],
            "service_types": ["network:router_gateway"],
            "description": "first",
            "ip_version": 4,
            "tags": ["blue"],
        },
        "v4",
    ),
    Step(
        "subnet create tour-v6 --network tour-sub --ip-version 6 --subnet-range 2001:db8:71::/64 --ipv6-ra-mode slaac "
        "--ipv6-address-mode slaac",
        {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac", "gateway_ip": "2001:db8:71::"},
        "v6",
    ),
    Step("subnet list --network tour-sub", {"ID": "{v4[id]}", "Network": "{net[id]}", "Subnet": "10.71.0.0/24"}, rows=2),
    Step("subnet list --network tour-sub --ip-version 6", {"ID": "{v6[id]}"}, rows=1),
    Step(
        "subnet list --long --subnet-range 10.71.0.0/24 --no-dhcp",
        {"Name": "tour-v4", "DHCP": False, "Gateway": "10.71.0.254", "Service Types": ["network:router_gateway"]},
        rows=1,
    ),
    Step(
        "subnet set tour-v4 --name tour-v4b --dhcp --gateway none --dns-nameserver 192.0.2.54 --description second --tag red "
        "--allocation-pool start=10.71.0.30,end=10.71.0.40 --service-type compute:nova "
        "--host-route destination=10.98.0.0/16,gateway=10.71.0.8"
    ),
    Step(
        "subnet show tour-v4b",
        {
            "id": "{v4[id]}",
            "enable_dhcp": True,
            "gateway_ip": None,
            "dns_nameservers": ["192.0.2.54", "192.0.2.53"],
            "description": "second",
            "tags": ["blue", "red"],
        },
    ),
    Step(
        "subnet unset tour-v4b --dns-nameserver 192.0.2.53 --service-type compute:nova --tag blue "
        "--allocation-pool start=10.71.0.30,end=10.71.0.40 --host-route destination=10.98.0.0/16,gateway=10.71.0.8"
    ),
    Step(
        "subnet show {v4[id]}",
        {
            "dns_nameservers": ["192.0.2.54"],
            "service_types": ["network:router_gateway"],
            "tags": ["red"],
            "allocation_pools": [{"start": "10.71.0.10", "end": "10.71.0.20"}],
            "host_routes": [{"destination": "10.99.0.0/16", "nexthop": "10.71.0.9"}],
        },
    ),
    Step("subnet delete tour-v4b tour-v6"),
    Step("subnet list --network tour-sub", rows=0),
    Step("network delete tour-sub"),
)

SUBNET_POOL: Final = (
    Step("address scope create tour-pools --ip-version 4", {"name": "tour-pools"}, "scope"),
    Step(
        "subnet pool create tour-pool --pool-prefix 10.72.0.0/16 --default-prefix-length 26 --min-prefix-length 24 "
        "--max-prefix-length 28 --description first --default-quota 512 --tag blue",
        {
            "name": "tour-pool",
            "prefixes": ["10.72.0.0/16"],
            "default_prefixlen": 26,
            "min_prefixlen": 24,
            "max_prefixlen": 28,
            "description": "first",
            "default_quota": 512,
            "is_default": False,
            "shared": False,
            "tags": ["blue"],
        },
        "pool",
    ),
    Step("subnet pool list --name tour-pool", {"ID": "{pool[id]}", "Prefixes": ["10.72.0.0/16"]}, rows=1),
    Step("subnet pool set tour-pool --name tour-pool2 --pool-prefix 10.73.0.0/16 --address-scope tour-pools --tag red"),
    Step("subnet pool set tour-pool2 --default-prefix-length 27 --default-quota 1024 --description second"),
    Step(
        "subnet pool show tour-pool2",
        {
            "prefixes": ["10.72.0.0/15"],
            "address_scope_id": "{scope[id]}",
            "default_prefixlen": 27,
            "default_quota": 1024,
            "description": "second",
            "tags": ["blue", "red"],
        },
    ),
    Step(
        "subnet pool list --long --address-scope tour-pools",
        {"Name": "tour-pool2", "Default Prefix Length": 27, "Address Scope": "{scope[id]}", "Default Subnet Pool": False},
        rows=1,
    ),
    Step("subnet pool unset tour-pool2 --tag blue"),
    Step("subnet pool show {pool[id]}", {"tags": ["red"]}),
    Step("network create tour-pooled", {"name": "tour-pooled"}),
    Step(
        "subnet create tour-pooled --network tour-pooled --subnet-pool tour-pool2 --prefix-length 28",
        {"subnetpool_id": "{pool[id]}", "cidr": "10.72.0.0/28"},
    ),
    Step("subnet pool list --name tour-pool2", rows=1),
    Step("subnet delete tour-pooled"),
    Step("network delete tour-pooled"),
    Step("subnet pool delete tour-pool2"),
    Step("subnet pool list", gone={"ID": "{pool[id]}"}),
    Step("address scope delete tour-pools"),
)

ONBOARD: Final = (
    Step("network create tour-onboard", {"name": "tour-onboard"}),
    Step("subnet create tour-onboard-a --network tour-onboard --subnet-range 10.74.1.0/24", {"subnetpool_id": None}),
    Step("subnet pool create tour-onboard --pool-prefix 10.75.0.0/16", {"name": "tour-onboard"}, "pool"),
    Step("network onboard subnet tour-onboard tour-onboard"),
    Step("subnet show tour-onboard-a", {"subnetpool_id": "{pool[id]}"}),
    Step("subnet pool show tour-onboard", {"prefixes": ["10.74.1.0/24", "10.75.0.0/16"]}),
    Step("network create tour-onboard2", {"name": "tour-onboard2"}),
    Step("subnet create tour-onboard-b --network tour-onboard2 --subnet-range 10.74.2.0/24", {"subnetpool_id": None}),
    Step("subnet pool add network tour-onboard2 tour-onboard"),
    Step("subnet show tour-onboard-b", {"subnetpool_id": "{pool[id]}"}),
    Step("network delete tour-onboard tour-onboard2"),
    Step("subnet pool delete tour-onboard"),
)

ADDRESS_SCOPE: Final = (
    Step(
        "address scope create tour-scope --ip-version 6 --share",
        {"name": "tour-scope", "ip_version": 6, "shared": True},
        "scope",
    ),
    Step("address scope list --name tour-scope", {"ID": "{scope[id]}", "IP Version": 6, "Shared": True}, rows=1),
    Step("address scope create tour-scope4", {"ip_version": 4, "shared": False}),
    Step("address scope set tour-scope4 --name tour-scope5 --share"),
    Step("address scope show tour-scope5", {"name": "tour-scope5", "shared": True}),
    Step("address scope delete tour-scope tour-scope5"),
    Step("address scope list", gone={"Name": "tour-scope5"}),
    Step("address scope list", gone={"ID": "{scope[id]}"}),
)

SEGMENT: Final = (
    Step(
        "network create tour-seg --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 331",
        {},
        "net",
    ),
    Step(
        "network segment list --network tour-seg",
        {"Network": "{net[id]}", "Network Type": "vlan", "Segment": 331, "Name": None},
        "first",
        rows=1,
    ),
    Step(
        "network segment create tour-seg2 --network tour-seg --network-type vlan --physical-network physnet1 --segment 332 "
        "--description second",
        {
            "name": "tour-seg2",
            "network_type": "vlan",
            "physical_network": "physnet1",
            "segmentation_id": 332,
            "description": "second",
        },
        "seg",
    ),
    Step(
        "network segment list --long --network tour-seg",
        {"ID": "{seg[id]}", "Physical Network": "physnet1", "Segment": 332},
        rows=2,
    ),
    Step("network segment set tour-seg2 --name tour-seg3 --description third"),
    Step("network segment show tour-seg3", {"id": "{seg[id]}", "description": "third", "network_id": "{net[id]}"}),
    Step("network segment delete tour-seg3"),
    Step("network segment list", gone={"ID": "{seg[id]}"}),
    Step("network delete tour-seg"),
)

SEGMENT_RANGE: Final = (
    Step(
        "network segment range create tour-range --private --project service --network-type vlan --physical-network tourphys "
        "--minimum 100 --maximum 120",
        {
            "name": "tour-range",
            "shared": False,
            "network_type": "vlan",
            "physical_network": "tourphys",
            "minimum": 100,
            "maximum": 120,
            "default": False,
        },
        "range",
    ),
    Step(
        "network segment range list --long --unused",
        {"ID": "{range[id]}", "Name": "tour-range", "Minimum ID": 100, "Maximum ID": 120, "Used": {}},
    ),
    Step("network segment range set tour-range --name tour-range2 --minimum 90 --maximum 125"),
    Step("network segment range show tour-range2", {"id": "{range[id]}", "minimum": 90, "maximum": 125}),
    Step("network segment range delete tour-range2"),
    Step("network segment range list", gone={"ID": "{range[id]}"}),
)

AVAILABILITY: Final = (
    Step("network create tour-avail", {}, "net"),
    Step("subnet create tour-avail --network tour-avail --subnet-range 10.76.0.0/29 --no-dhcp", {}, "subnet"),
    Step("port create tour-avail --network tour-avail", {}),
    Step("ip availability list", {"Network ID": "{net[id]}", "Network Name": "tour-avail", "Total IPs": 5, "Used IPs": 1}),
    Step("ip availability show tour-avail", {"network_id": "{net[id]}", "total_ips": 5, "used_ips": 1}),
    Step("port delete tour-avail"),
    Step("network delete tour-avail"),
)

AUTO_ALLOCATED: Final = (
    Step(
        "subnet pool create tour-auto --pool-prefix 10.77.0.0/16 --default --share --default-prefix-length 26",
        {"is_default": True},
    ),
    Step("network auto allocated topology create --check-resources --project {ids[project service]}", {"dry_run": None}),
    Step(
        "network auto allocated topology create --project {ids[project service]}",
        {"project_id": "{ids[project service]}"},
        "made",
    ),
    Step("network show {made[id]}", {"project_id": "{ids[project service]}", "name": "auto_allocated_network"}),
    Step("network auto allocated topology create --or-show --project {ids[project service]}", {"id": "{made[id]}"}),
    Step("network auto allocated topology delete --project {ids[project service]}"),
    Step("network list --project service", gone={"ID": "{made[id]}"}),
    Step("subnet pool delete tour-auto"),
)
