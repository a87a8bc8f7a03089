"""Tours of the `openstack` command: routers, and what they translate, forward, help and count."""

from typing import Final

from tour_steps import Step

ROUTER: Final = (
    Step("network create tour-rt", {}, "net"),
    Step("subnet create tour-rt --network tour-rt --subnet-range 10.91.0.0/24", {}, "subnet"),
    Step("network create tour-rt2", {}),
    Step("subnet create tour-rt2 --network tour-rt2 --subnet-range 10.92.0.0/24", {}, "subnet2"),
    Step("port create tour-rt2 --network tour-rt2 --fixed-ip subnet=tour-rt2,ip-address=10.92.0.9", {}, "port"),
    Step(
        "router create tour-rt --description first --tag blue --disable",
        {
            "name": "tour-rt",
            "description": "first",
            "tags": ["blue"],
            "admin_state_up": False,
            "routes": [],
            "status": "ACTIVE",
        },
        "router",
    ),
    Step("router list --name tour-rt", {"ID": "{router[id]}", "Name": "tour-rt", "State": False, "Status": "ACTIVE"}, rows=1),
    Step(
        "router list --long --tags blue", {"ID": "{router[id]}", "Tags": ["blue"], "Routes": [], "External gateway info": None}
    ),
    Step("router add subnet tour-rt tour-rt"),
    Step("router add port tour-rt tour-rt2"),
    Step("port show tour-rt2", {"device_id": "{router[id]}", "device_owner": "network:router_interface"}),
    Step(
        "port list --router tour-rt", {"Fixed IP Addresses": [{"subnet_id": "{subnet[id]}", "ip_address": "10.91.0.1"}]}, rows=2
    ),
    Step("router add route tour-rt --route destination=10.93.0.0/24,gateway=10.91.0.5", {"id": "{router[id]}"}),
    Step("router add route tour-rt --route destination=10.94.0.0/24,gateway=10.91.0.5", {"id": "{router[id]}"}),
    Step(
        "router show tour-rt",
        {
            "routes": [
                {"destination": "10.93.0.0/24", "nexthop": "10.91.0.5"},
                {"destination": "10.94.0.0/24", "nexthop": "10.91.0.5"},
            ]
        },
    ),
    Step("router remove route tour-rt --route destination=10.93.0.0/24,gateway=10.91.0.5", {"id": "{router[id]}"}),
    Step("router set tour-rt --name tour-router --description second --enable --tag red"),
    Step("router set tour-router --route destination=10.95.0.0/24,gateway=10.91.0.6"),
    Step("router unset tour-router --route destination=10.94.0.0/24,gateway=10.91.0.5 --tag blue"),
    Step(
        "router show {router[id]}",
        {
            "name": "tour-router",
            "description": "second",
            "admin_state_up": True,
            "tags": ["red"],
            "routes": [{"destination": "10.95.0.0/24", "nexthop": "10.91.0.6"}],
        },
    ),
    Step("router set tour-router --no-route"),
    Step("network show public", {"name": "public"}, "public"),
    Step("router set tour-router --external-gateway public --disable-snat"),
    Step("router show tour-router", {"external_gateway_info": {"network_id": "{public[id]}", "enable_snat": False}}),
    Step("router unset tour-router --external-gateway"),
    Step("router show tour-router", {"external_gateway_info": None, "routes": []}),
    Step("router remove subnet tour-router tour-rt"),
    Step("router remove port tour-router tour-rt2"),
    Step("port list --router {router[id]}", rows=0),
    Step("router delete tour-router"),
    Step("router list", gone={"ID": "{router[id]}"}),
    Step("network delete tour-rt tour-rt2"),
)

FLOATING_IP: Final = (
    Step("network create tour-fip", {}, "net"),
    Step("subnet create tour-fip --network tour-fip --subnet-range 10.96.0.0/24", {}),
    Step("port create tour-fip --network tour-fip --fixed-ip subnet=tour-fip,ip-address=10.96.0.9", {}, "port"),
    Step("router create tour-fip --external-gateway public", {}, "router"),
    Step("router add subnet tour-fip tour-fip"),
    Step("network show public", {}, "public"),
    Step("network qos policy create tour-fip", {}, "policy"),
    Step(
        "floating ip create public --floating-ip-address 203.0.113.99 --description first --tag blue",
        {
            "floating_ip_address": "203.0.113.99",
            "floating_network_id": "{public[id]}",
            "description": "first",
            "tags": ["blue"],
            "port_id": None,
            "status": "DOWN",
        },
        "fip",
    ),
    Step("floating ip create public", {"floating_network_id": "{public[id]}"}, "other"),
    Step("floating ip set 203.0.113.99 --port tour-fip --description second --tag red --qos-policy tour-fip"),
    Step(
        "floating ip show 203.0.113.99",
        {
            "id": "{fip[id]}",
            "port_id": "{port[id]}",
            "router_id": "{router[id]}",
            "fixed_ip_address": "10.96.0.9",
            "description": "second",
            "qos_policy_id": "{policy[id]}",
            "tags": ["blue", "red"],
        },
    ),
    Step(
        "floating ip list --port tour-fip",
        {
            "ID": "{fip[id]}",
            "Floating IP Address": "203.0.113.99",
            "Fixed IP Address": "10.96.0.9",
            "Port": "{port[id]}",
            "Floating Network": "{public[id]}",
        },
        rows=1,
    ),
    Step("floating ip list --long --router tour-fip --tags blue", {"Router": "{router[id]}", "Description": "second"}, rows=1),
    Step("floating ip unset 203.0.113.99 --port --qos-policy --tag blue"),
    Step("floating ip show {fip[id]}", {"port_id": None, "fixed_ip_address": None, "qos_policy_id": None, "tags": ["red"]}),
    Step(
        "floating ip port forwarding create 203.0.113.99 --internal-ip-address 10.96.0.9 --port tour-fip "
        "--internal-protocol-port 22 --external-protocol-port 2222 --protocol tcp --description ssh",
        {
            "internal_port_id": "{port[id]}",
            "internal_ip_address": "10.96.0.9",
            "internal_port": 22,
            "external_port": 2222,
            "protocol": "tcp",
            "description": "ssh",
        },
        "forwarding",
    ),
    Step(
        "floating ip port forwarding list 203.0.113.99 --protocol tcp",
        {"ID": "{forwarding[id]}", "Internal Port": 22, "External Port": 2222, "Internal IP Address": "10.96.0.9"},
        rows=1,
    ),
    Step(
        "floating ip port forwarding set 203.0.113.99 {forwarding[id]} --external-protocol-port 2223 --protocol udp "
        "--internal-protocol-port 23 --description telnet"
    ),
    Step(
        "floating ip port forwarding show 203.0.113.99 {forwarding[id]}",
        {"id": "{forwarding[id]}", "external_port": 2223, "internal_port": 23, "protocol": "udp", "description": "telnet"},
    ),
    Step("floating ip port forwarding delete 203.0.113.99 {forwarding[id]}"),
    Step("floating ip port forwarding list 203.0.113.99", rows=0),
    Step("floating ip delete 203.0.113.99 {other[id]}"),
    Step("floating ip list", gone={"ID": "{fip[id]}"}),
    Step("router remove subnet tour-fip tour-fip"),
    Step("router delete tour-fip"),
    Step("port delete tour-fip"),
    Step("network delete tour-fip"),
    Step("network qos policy delete tour-fip"),
)

CONNTRACK_HELPER: Final = (
    Step("router create tour-ct", {}, "router"),
    Step(
        "network l3 conntrack helper create tour-ct --helper tftp --protocol udp --port 69",
        {"helper": "tftp", "protocol": "udp", "port": 69},
        "helper",
    ),
    Step(
        "network l3 conntrack helper list tour-ct",
        {"ID": "{helper[id]}", "Router ID": "{router[id]}", "Helper": "tftp", "Protocol": "udp", "Port": 69},
        rows=1,
    ),
    Step("network l3 conntrack helper set tour-ct {helper[id]} --helper ftp --protocol tcp --port 21"),
    Step("network l3 conntrack helper show tour-ct {helper[id]}", {"helper": "ftp", "protocol": "tcp", "port": 21}),
    Step("network l3 conntrack helper delete tour-ct {helper[id]}"),
    Step("network l3 conntrack helper list tour-ct", rows=0),
    Step("router delete tour-ct"),
)

NDP_PROXY: Final = (
    Step("address scope create tour-ndp --ip-version 6 --share", {}),
    Step(
        "subnet pool create tour-ndp --pool-prefix 2001:db8:9000::/48 --address-scope tour-ndp "
        "--default-prefix-length 64 --share",
        {},
    ),
    Step("network create tour-ndp-out --external --provider-network-type flat --provider-physical-network tourndp", {}, "out"),
    Step("subnet create tour-ndp-out --network tour-ndp-out --ip-version 6 --subnet-pool tour-ndp --no-dhcp", {}),
    Step("network create tour-ndp", {}),
    Step(
        "subnet create tour-ndp --network tour-ndp --ip-version 6 --subnet-pool tour-ndp --ipv6-ra-mode slaac "
        "--ipv6-address-mode slaac",
        {},
        "subnet",
    ),
    Step("router create tour-ndp --external-gateway tour-ndp-out --enable-ndp-proxy", {"enable_ndp_proxy": True}, "router"),
    Step("router add subnet tour-ndp tour-ndp"),
    Step("port create tour-ndp --network tour-ndp", {}, "port"),
    Step(
        "router ndp proxy create tour-ndp --name tour-proxy --port tour-ndp --description first",
        {"name": "tour-proxy", "router_id": "{router[id]}", "port_id": "{port[id]}", "description": "first"},
        "proxy",
    ),
    Step(
        "router ndp proxy list --router tour-ndp",
        {"ID": "{proxy[id]}", "Name": "tour-proxy", "Router ID": "{router[id]}", "IP Address": "{proxy[ip_address]}"},
        rows=1,
    ),
    Step("router ndp proxy set tour-proxy --name tour-proxy2 --description second"),
    Step("router ndp proxy show tour-proxy2", {"id": "{proxy[id]}", "description": "second"}),
    Step("router ndp proxy delete tour-proxy2"),
    Step("router ndp proxy list", gone={"ID": "{proxy[id]}"}),
    Step("router remove subnet tour-ndp tour-ndp"),
    Step("router delete tour-ndp"),
    Step("port delete tour-ndp"),
    Step("network delete tour-ndp tour-ndp-out"),
    Step("subnet pool delete tour-ndp"),
    Step("address scope delete tour-ndp"),
)

LOCAL_IP: Final = (
    Step("network create tour-lip", {}, "net"),
    Step("subnet create tour-lip --network tour-lip --subnet-range 10.97.0.0/24", {}),
    Step("port create tour-lip --network tour-lip --fixed-ip subnet=tour-lip,ip-address=10.97.0.9", {}, "port"),
    Step(
        "local ip create --name tour-lip --description first --network tour-lip --local-ip-address 10.97.0.100 "
        "--ip-mode passthrough",
        {
            "name": "tour-lip",
            "description": "first",
            "network_id": "{net[id]}",
            "local_ip_address": "10.97.0.100",
            "ip_mode": "passthrough",
        },
        "lip",
    ),
    Step(
        "local ip list --name tour-lip",
        {"ID": "{lip[id]}", "Local IP address": "10.97.0.100", "IP mode": "passthrough"},
        rows=1,
    ),
    Step("local ip set tour-lip --name tour-lip2 --description second"),
    Step("local ip show tour-lip2", {"id": "{lip[id]}", "description": "second"}),
    Step(
        "local ip association create {lip[id]} {port[id]} --fixed-ip 10.97.0.9",
        {"local_ip_id": "{lip[id]}", "fixed_port_id": "{port[id]}", "fixed_ip": "10.97.0.9", "local_ip_address": "10.97.0.100"},
    ),
    Step(
        "local ip association list {lip[id]}",
        {"Local IP ID": "{lip[id]}", "Local IP Address": "10.97.0.100", "Fixed port ID": "{port[id]}", "Fixed IP": "10.97.0.9"},
        rows=1,
    ),
    Step("local ip association delete {lip[id]} {port[id]}"),
    Step("local ip association list {lip[id]}", rows=0),
    Step("local ip delete tour-lip2"),
    Step("local ip list", gone={"ID": "{lip[id]}"}),
    Step("port delete tour-lip"),
    Step("network delete tour-lip"),
)

METER: Final = (
    Step(
        "network meter create tour-meter --description first --share",
        {"name": "tour-meter", "description": "first", "shared": True},
        "meter",
    ),
    Step("network meter list", {"ID": "{meter[id]}", "Name": "tour-meter", "Description": "first"}),
    Step("network meter show tour-meter", {"id": "{meter[id]}"}),
    Step(
        "network meter rule create tour-meter --ingress --remote-ip-prefix 192.0.2.0/24 --exclude",
        {"metering_label_id": "{meter[id]}", "direction": "ingress", "is_excluded": True, "remote_ip_prefix": "192.0.2.0/24"},
        "rule",
    ),
    Step(
        "network meter rule create tour-meter --egress --destination-ip-prefix 198.51.100.0/24",
        {"direction": "egress", "is_excluded": False, "destination_ip_prefix": "198.51.100.0/24"},
        "second",
    ),
    Step("network meter rule list", {"ID": "{rule[id]}", "Remote IP Prefix": "192.0.2.0/24", "Direction": "ingress"}),
    Step("network meter rule show {second[id]}", {"destination_ip_prefix": "198.51.100.0/24"}),
    Step("network meter rule delete {rule[id]}"),
    Step("network meter rule list", gone={"ID": "{rule[id]}"}),
    Step("network meter delete tour-meter"),
    Step("network meter list", gone={"ID": "{meter[id]}"}),
)
