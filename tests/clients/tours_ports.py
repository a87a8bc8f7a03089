"""Tours of the `openstack` command: ports, trunks, and what protects and shapes them."""

from typing import Final

from tour_steps import Step

_MAC: Final = "fa:16:3e:71:00:01"

PORT: Final = (
    Step("network create tour-port --dns-domain tour.example.", {}, "net"),
    Step("subnet create tour-port --network tour-port --subnet-range 10.81.0.0/24", {}, "subnet"),
    Step("security group create tour-port", {}, "group"),
    Step("network qos policy create tour-port", {}, "policy"),
    Step(
        f"port create tour-port --network tour-port --mac-address {_MAC} --fixed-ip subnet=tour-port,ip-address=10.81.0.7 "
        "--description first --device 11111111-2222-3333-4444-555555555555 --device-owner compute:nova --vnic-type normal "
        "--host alpha --dns-name vm --security-group tour-port --qos-policy tour-port --tag blue --extra-dhcp-option "
        "name=bootfile-name,value=pxe.0,ip-version=4 --allowed-address ip-address=10.81.0.200 --numa-policy-preferred "
        "--enable-uplink-status-propagation --device-profile accel",
        {
            "name": "tour-port",
            "network_id": "{net[id]}",
            "mac_address": _MAC,
            "fixed_ips": [{"subnet_id": "{subnet[id]}", "ip_address": "10.81.0.7"}],
            "description": "first",
            "device_id": "11111111-2222-3333-4444-555555555555",
            "device_owner": "compute:nova",
            "binding_vnic_type": "normal",
            "binding_host_id": "alpha",
            "dns_name": "vm",
            "security_group_ids": ["{group[id]}"],
            "qos_policy_id": "{policy[id]}",
            "tags": ["blue"],
            "extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "pxe.0", "ip_version": 4}],
            "allowed_address_pairs": [{"ip_address": "10.81.0.200", "mac_address": _MAC}],
            "numa_affinity_policy": "preferred",
            "device_profile": "accel",
            "propagate_uplink_status": True,
            "port_security_enabled": True,
        },
        "port",
    ),
    Step(
        "port list --network tour-port --device-owner compute:nova",
        {
            "ID": "{port[id]}",
            "Name": "tour-port",
            "MAC Address": _MAC,
            "Fixed IP Addresses": [{"subnet_id": "{subnet[id]}", "ip_address": "10.81.0.7"}],
        },
        rows=1,
    ),
    Step(
        f"port list --mac-address {_MAC} --long", {"Security Groups": ["{group[id]}"], "Device Owner": "compute:nova"}, rows=1
    ),
    Step("port list --fixed-ip ip-substring=81.0.7 --network tour-port", {"ID": "{port[id]}"}, rows=1),
    Step("port list --host alpha --tags blue", {"ID": "{port[id]}"}, rows=1),
    Step(
        "port set tour-port --name tour-port2 --description second --fixed-ip subnet=tour-port,ip-address=10.81.0.8 --tag red "
        "--dns-name vm2 --allowed-address ip-address=10.81.0.201 --data-plane-status ACTIVE "
        "--extra-dhcp-option name=tftp-server,value=192.0.2.1"
    ),
    Step("port set tour-port2 --binding-profile tour=1 --binding-profile keep=2"),
    Step(
        "port show tour-port2",
        {
            "id": "{port[id]}",
            "description": "second",
            "dns_name": "vm2",
            "binding_profile": {"tour": "1", "keep": "2"},
            "data_plane_status": "ACTIVE",
            "tags": ["blue", "red"],
            "fixed_ips": [
                {"subnet_id": "{subnet[id]}", "ip_address": "10.81.0.7"},
                {"subnet_id": "{subnet[id]}", "ip_address": "10.81.0.8"},
            ],
            "allowed_address_pairs": [
                {"ip_address": "10.81.0.200", "mac_address": _MAC},
                {"ip_address": "10.81.0.201", "mac_address": _MAC},
            ],
        },
    ),
    Step(
        "port unset tour-port2 --fixed-ip subnet=tour-port,ip-address=10.81.0.7 --qos-policy "
        "--security-group tour-port --data-plane-status --numa-policy --tag blue --device --device-owner --host "
        f"--allowed-address ip-address=10.81.0.200,mac-address={_MAC}"
    ),
    Step("port unset tour-port2 --binding-profile tour"),
    Step(
        "port show {port[id]}",
        {
            "fixed_ips": [{"subnet_id": "{subnet[id]}", "ip_address": "10.81.0.8"}],
            "binding_profile": {"keep": "2"},
            "binding_host_id": "",
            "qos_policy_id": None,
            "security_group_ids": [],
            "data_plane_status": None,
            "numa_affinity_policy": None,
            "device_id": "",
            "device_owner": "",
            "tags": ["red"],
            "allowed_address_pairs": [{"ip_address": "10.81.0.201", "mac_address": _MAC}],
        },
    ),
    Step("port set tour-port2 --no-allowed-address --no-security-group --disable-port-security --disable"),
    Step(
        "port show tour-port2",
        {"port_security_enabled": False, "allowed_address_pairs": [], "admin_state_up": False, "status": "DOWN"},
    ),
    Step("port delete tour-port2"),
    Step("port list --network tour-port --device-owner ''", rows=0),
    Step("network delete tour-port"),
    Step("security group delete tour-port"),
    Step("network qos policy delete tour-port"),
)

TRUNK: Final = (
    Step("network create tour-trunk", {}, "net"),
    Step("port create tour-parent --network tour-trunk", {}, "parent"),
    Step("port create tour-child1 --network tour-trunk", {}, "one"),
    Step("port create tour-child2 --network tour-trunk", {}, "two"),
    Step("port create tour-child3 --network tour-trunk", {}, "three"),
    Step(
        "network trunk create tour-trunk --parent-port tour-parent --description first --disable "
        "--subport port=tour-child1,segmentation-type=vlan,segmentation-id=101",
        {
            "name": "tour-trunk",
            "port_id": "{parent[id]}",
            "description": "first",
            "is_admin_state_up": False,
            "sub_ports": [{"port_id": "{one[id]}", "segmentation_type": "vlan", "segmentation_id": 101}],
        },
        "trunk",
    ),
    Step(
        "network trunk list", {"ID": "{trunk[id]}", "Name": "tour-trunk", "Parent Port": "{parent[id]}", "Description": "first"}
    ),
    Step("network trunk list --long", {"ID": "{trunk[id]}", "Status": "DOWN"}),
    Step(
        "network trunk set tour-trunk --name tour-trunk2 --description second --enable "
        "--subport port=tour-child2,segmentation-type=vlan,segmentation-id=102"
    ),
    Step(
        "network trunk show tour-trunk2",
        {
            "id": "{trunk[id]}",
            "description": "second",
            "is_admin_state_up": True,
            "sub_ports": [
                {"port_id": "{one[id]}", "segmentation_type": "vlan", "segmentation_id": 101},
                {"port_id": "{two[id]}", "segmentation_type": "vlan", "segmentation_id": 102},
            ],
        },
    ),
    Step("network trunk subport add tour-trunk2 tour-child3 --segmentation-type vlan --segmentation-id 103"),
    Step(
        "network trunk subport list tour-trunk2",
        {"Port": "{three[id]}", "Segmentation Type": "vlan", "Segmentation ID": 103},
        rows=3,
    ),
    Step("network subport list --trunk tour-trunk2", {"Port": "{one[id]}", "Segmentation ID": 101}, rows=3),
    Step("network trunk subport remove tour-trunk2 tour-child3"),
    Step("network trunk unset tour-trunk2 --subport tour-child2"),
    Step("network trunk subport list tour-trunk2", {"Port": "{one[id]}"}, rows=1),
    Step("network trunk delete tour-trunk2"),
    Step("network trunk list", gone={"ID": "{trunk[id]}"}),
    Step("port delete tour-parent tour-child1 tour-child2 tour-child3"),
    Step("network delete tour-trunk"),
)

SECURITY_GROUP: Final = (
    Step(
        "security group create tour-sg --description first --stateless --tag blue",
        {"name": "tour-sg", "description": "first", "stateful": False, "is_shared": False, "tags": ["blue"]},
        "group",
    ),
    Step("security group list --tags blue", {"ID": "{group[id]}", "Name": "tour-sg", "Description": "first"}),
    Step("security group set tour-sg --name tour-sg2 --description second --stateful --tag red"),
    Step("security group unset tour-sg2 --tag blue"),
    Step("security group show tour-sg2", {"id": "{group[id]}", "description": "second", "stateful": True, "tags": ["red"]}),
    Step(
        "security group rule create tour-sg2 --ingress --protocol tcp --dst-port 80:90 --remote-ip 192.0.2.0/24 "
        "--description web",
        {
            "security_group_id": "{group[id]}",
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": 80,
            "port_range_max": 90,
            "remote_ip_prefix": "192.0.2.0/24",
            "ether_type": "IPv4",
            "description": "web",
        },
        "web",
    ),
    Step(
        "security group rule create tour-sg2 --egress --ethertype IPv6 --protocol ipv6-icmp --icmp-type 128 --icmp-code 0",
        {"direction": "egress", "protocol": "ipv6-icmp", "ether_type": "IPv6", "port_range_min": 128, "port_range_max": 0},
        "ping",
    ),
    Step("address group create tour-remote --address 198.51.100.0/24", {}, "remote"),
    Step(
        "security group rule create tour-sg2 --remote-address-group tour-remote --protocol udp",
        {"remote_address_group_id": "{remote[id]}", "protocol": "udp"},
        "udp",
    ),
    Step(
        "security group rule create tour-sg2 --remote-group tour-sg2",
        {"remote_group_id": "{group[id]}", "protocol": None},
    ),
    Step(
        "security group rule list tour-sg2 --protocol tcp",
        {"ID": "{web[id]}", "IP Range": "192.0.2.0/24", "Port Range": "80:90", "Direction": "ingress", "Ethertype": "IPv4"},
        rows=1,
    ),
    Step("security group rule list tour-sg2 --long", {"ID": "{udp[id]}", "Remote Address Group": "{remote[id]}"}, rows=6),
    Step("security group rule show {ping[id]}", {"id": "{ping[id]}", "ether_type": "IPv6"}),
    Step("security group rule delete {ping[id]} {udp[id]}"),
    Step("security group rule list tour-sg2", gone={"ID": "{ping[id]}"}),
    Step("security group delete tour-sg2"),
    Step("security group list", gone={"ID": "{group[id]}"}),
    Step("address group delete tour-remote"),
)

DEFAULT_STATEFULNESS: Final = (
    Step(
        "security group default statefulness create --project service --stateless",
        {"project_id": "{ids[project service]}", "stateful": False},
        "setting",
    ),
    Step("security group default statefulness list --project service", {"ID": "{setting[id]}", "Stateful": False}, rows=1),
    Step("security group default statefulness set {setting[id]} --stateful"),
    Step("security group default statefulness show {setting[id]}", {"stateful": True}),
    Step("security group default statefulness delete {setting[id]}"),
    Step("security group default statefulness list", gone={"ID": "{setting[id]}"}),
)

DEFAULT_RULE: Final = (
    Step(
        "default security group rule create --ingress --protocol tcp --dst-port 4711 --remote-ip 192.0.2.0/24 "
        "--description tour --for-custom-sg",
        {
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": 4711,
            "port_range_max": 4711,
            "remote_ip_prefix": "192.0.2.0/24",
            "description": "tour",
            "used_in_non_default_sg": True,
        },
        "rule",
    ),
    Step("default security group rule list --protocol tcp --ingress", {"ID": "{rule[id]}", "Port Range": "4711:4711"}),
    Step("default security group rule show {rule[id]}", {"id": "{rule[id]}", "ether_type": "IPv4"}),
    Step("security group create tour-by-default", {}, "group"),
    Step(
        "security group rule list tour-by-default --protocol tcp",
        {"Port Range": "4711:4711", "IP Range": "192.0.2.0/24"},
        rows=1,
    ),
    Step("default security group rule delete {rule[id]}"),
    Step("default security group rule list", gone={"ID": "{rule[id]}"}),
    Step("security group delete tour-by-default"),
)

ADDRESS_GROUP: Final = (
    Step(
        "address group create tour-ag --description first --address 198.51.100.0/24",
        {"name": "tour-ag", "description": "first", "addresses": ["198.51.100.0/24"]},
        "group",
    ),
    Step(
        "address group list --name tour-ag",
        {"ID": "{group[id]}", "Description": "first", "Addresses": ["198.51.100.0/24"]},
        rows=1,
    ),
    Step("address group set tour-ag --name tour-ag2 --description second --address 192.0.2.7"),
    Step("address group show tour-ag2", {"description": "second", "addresses": ["192.0.2.7/32", "198.51.100.0/24"]}),
    Step("address group unset tour-ag2 --address 198.51.100.0/24"),
    Step("address group show {group[id]}", {"name": "tour-ag2", "addresses": ["192.0.2.7/32"]}),
    Step("address group delete tour-ag2"),
    Step("address group list", gone={"ID": "{group[id]}"}),
)

QOS: Final = (
    Step(
        "network qos policy create tour-qos --description first --share",
        {"name": "tour-qos", "description": "first", "shared": True, "is_default": False, "rules": []},
        "policy",
    ),
    Step("network qos policy list --share", {"ID": "{policy[id]}", "Name": "tour-qos", "Shared": True, "Default": False}),
    Step("network qos policy set tour-qos --name tour-qos2 --description second --no-share"),
    Step("network qos policy show tour-qos2", {"id": "{policy[id]}", "description": "second", "shared": False}),
    Step(
        "network qos rule create tour-qos2 --type bandwidth-limit --max-kbps 1000 --max-burst-kbits 800 --egress",
        {"max_kbps": 1000, "max_burst_kbps": 800, "direction": "egress"},
        "limit",
    ),
    Step("network qos rule create tour-qos2 --type dscp-marking --dscp-mark 26", {"dscp_mark": 26}, "mark"),
    Step(
        "network qos rule create tour-qos2 --type minimum-bandwidth --min-kbps 500 --ingress",
        {"min_kbps": 500, "direction": "ingress"},
        "least",
    ),
    Step(
        "network qos rule create tour-qos2 --type minimum-packet-rate --min-kpps 9 --any",
        {"min_kpps": 9, "direction": "any"},
        "packets",
    ),
    Step("network qos rule list tour-qos2", {"ID": "{limit[id]}", "Type": "bandwidth_limit", "Max Kbps": 1000}, rows=4),
    Step("network qos rule list tour-qos2", {"ID": "{mark[id]}", "Type": "dscp_marking", "DSCP mark": 26}, rows=4),
    Step("network qos rule set tour-qos2 {limit[id]} --max-kbps 2000 --max-burst-kbits 1600 --ingress"),
    Step("network qos rule set tour-qos2 {mark[id]} --dscp-mark 46"),
    Step("network qos rule show tour-qos2 {limit[id]}", {"max_kbps": 2000, "max_burst_kbps": 1600, "direction": "ingress"}),
    Step("network qos rule show tour-qos2 {mark[id]}", {"dscp_mark": 46}),
    Step("network qos rule show tour-qos2 {packets[id]}", {"min_kpps": 9}),
    Step("network qos rule delete tour-qos2 {least[id]}"),
    Step("network qos rule list tour-qos2", gone={"ID": "{least[id]}"}),
    Step("network qos policy delete tour-qos2"),
    Step("network qos policy list", gone={"ID": "{policy[id]}"}),
    Step("network qos rule type list --all-rules", {"Type": "bandwidth_limit"}),
    Step("network qos rule type list", {"Type": "dscp_marking"}),
    Step("network qos rule type show bandwidth_limit", {"rule_type_name": "bandwidth_limit"}),
)
