"""Tours of the `openstack` command: what an administrator looks after."""

from typing import Final

from tour_steps import Step

AGENT: Final = (
    Step("network agent list", {"Host": "beta", "Agent Type": "Linux bridge agent", "Alive": True}),
    Step(
        "network agent list --agent-type dhcp --host alpha",
        {"Agent Type": "DHCP agent", "Host": "alpha", "Alive": True, "State": True, "Binary": "neutron-dhcp-agent"},
        "dhcp",
        rows=1,
    ),
    Step("network agent list --agent-type dhcp --host gamma", {"Host": "gamma"}, "gamma", rows=1),
    Step("network agent list --agent-type l3 --host alpha", {"Agent Type": "L3 agent"}, "l3", rows=1),
    Step("network agent set {dhcp[ID]} --description tour --disable"),
    Step(
        "network agent show {dhcp[ID]}",
        {"id": "{dhcp[ID]}", "description": "tour", "admin_state_up": False, "host": "alpha", "binary": "neutron-dhcp-agent"},
    ),
    Step("network agent set {dhcp[ID]} --description '' --enable"),
    Step("network create tour-agent", {}, "net"),
    Step("subnet create tour-agent --network tour-agent --subnet-range 10.61.0.0/24", {}),
    Step("network agent list --network tour-agent", {"Agent Type": "DHCP agent"}, "serving"),
    Step("network agent remove network --dhcp {serving[ID]} tour-agent"),
    Step("network agent list --network tour-agent", gone={"ID": "{serving[ID]}"}),
    Step("network agent add network --dhcp {serving[ID]} tour-agent"),
    Step("network agent list --network tour-agent", {"ID": "{serving[ID]}"}),
    Step("network list --agent {serving[ID]}", {"ID": "{net[id]}", "Name": "tour-agent"}),
    Step("router create tour-agent", {}, "router"),
    Step("network agent add router --l3 {l3[ID]} tour-agent"),
    Step("network agent list --router tour-agent --long", {"ID": "{l3[ID]}", "Host": "alpha"}, rows=1),
    Step("router list --agent {l3[ID]}", {"ID": "{router[id]}", "Name": "tour-agent"}),
    Step("network agent remove router --l3 {l3[ID]} tour-agent"),
    Step("network agent list --router tour-agent", rows=0),
    Step("router delete tour-agent"),
    Step("network delete tour-agent"),
    Step("network agent delete {gamma[ID]}"),
    Step("network agent list", gone={"ID": "{gamma[ID]}"}),
)

AVAILABILITY_ZONE: Final = (
    Step("availability zone list --network", {"Zone Name": "nova", "Zone Status": "available"}),
    Step("availability zone list --network --long", {"Zone Name": "nova", "Zone Resource": "router"}),
)

EXTENSION: Final = (
    Step("extension list --network", {"Alias": "router", "Name": "Neutron L3 Router"}),
    Step("extension list --network --long", {"Alias": "agent", "Name": "agent"}),
    Step("extension show standard-attr-tag", {"alias": "standard-attr-tag"}),
)

FLAVOR: Final = (
    Step(
        "network flavor create tour-flavor --service-type L3_ROUTER_NAT --description first --disable",
        {"name": "tour-flavor", "service_type": "L3_ROUTER_NAT", "description": "first", "enabled": False},
        "flavor",
    ),
    Step(
        "network flavor list", {"ID": "{flavor[id]}", "Name": "tour-flavor", "Enabled": False, "Service Type": "L3_ROUTER_NAT"}
    ),
    Step("network flavor set tour-flavor --name tour-flavor2 --description second --enable"),
    Step(
        "network flavor profile create --description first --metainfo speed --disable",
        {"description": "first", "driver": "", "meta_info": "speed", "enabled": False},
        "profile",
    ),
    Step(
        "network flavor profile list",
        {"ID": "{profile[id]}", "Driver": "", "Enabled": False, "Metainfo": "speed", "Description": "first"},
    ),
    Step("network flavor profile set {profile[id]} --description second --metainfo slow --enable"),
    Step("network flavor profile show {profile[id]}", {"description": "second", "meta_info": "slow", "enabled": True}),
    Step("network flavor add profile tour-flavor2 {profile[id]}"),
    Step(
        "network flavor show tour-flavor2",
        {"id": "{flavor[id]}", "description": "second", "enabled": True, "service_profile_ids": ["{profile[id]}"]},
    ),
    Step("network flavor remove profile tour-flavor2 {profile[id]}"),
    Step("network flavor show tour-flavor2", {"service_profile_ids": []}),
    Step("network flavor profile delete {profile[id]}"),
    Step("network flavor profile list", gone={"ID": "{profile[id]}"}),
    Step("network flavor delete tour-flavor2"),
    Step("network flavor list", gone={"ID": "{flavor[id]}"}),
    Step("network service provider list", {"Service Type": "L3_ROUTER_NAT"}),
)

QUOTA: Final = (
    Step("quota show --network --default service", {"Resource": "networks", "Limit": 100}),
    Step("quota set service --networks 77 --ports 88 --secgroup-rules 99 --subnetpools 5"),
    Step("quota show --network service", {"Resource": "networks", "Limit": 77}),
    Step("quota show --network service", {"Resource": "security_group_rules", "Limit": 99}),
    Step("quota show --network --usage service", {"Resource": "ports", "Limit": 88, "Reserved": 0}),
    Step(
        "quota list --network",
        {"Project ID": "{ids[project service]}", "Networks": 77, "Ports": 88, "Security Group Rules": 99},
    ),
    Step("quota delete --network service"),
    Step("quota show --network service", {"Resource": "networks", "Limit": 100}),
    Step("limits show --absolute", rows=0),  # those of Nova and Cinder, which are not there
)

RBAC: Final = (
    Step("network create tour-rbac", {}, "net"),
    Step(
        "network rbac create tour-rbac --type network --action access_as_shared --target-project service",
        {
            "object_type": "network",
            "object_id": "{net[id]}",
            "action": "access_as_shared",
            "target_project_id": "{ids[project service]}",
        },
        "rbac",
    ),
    Step("network rbac list --type network", {"ID": "{rbac[id]}", "Object Type": "network", "Object ID": "{net[id]}"}),
    Step("network rbac list --long --action access_as_shared", {"ID": "{rbac[id]}", "Action": "access_as_shared"}),
    Step("network rbac set {rbac[id]} --target-project admin"),
    Step("network rbac show {rbac[id]}", {"id": "{rbac[id]}", "target_project_id": "{ids[project admin]}"}),
    Step("network rbac delete {rbac[id]}"),
    Step("network rbac list", gone={"ID": "{rbac[id]}"}),
    Step("network delete tour-rbac"),
)
