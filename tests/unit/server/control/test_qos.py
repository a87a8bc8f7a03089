"""What hosts are told of QoS policies."""

from typing import Any

from cloud import ADMIN, Cloud

from kaon.model.qos_rules import BY_NAME
from kaon.model.query import Row
from kaon.server.control import floatingips, networks, ports, qos_policies, routers
from kaon.server.control.qos_rules import Rules
from kaon.server.store import scope_rows
from kaon.wire import scopes
from kaon.wire.floatingips import FloatingIp
from kaon.wire.messages import Role
from kaon.wire.ports import HostPort
from kaon.wire.qos_rules import QosRule
from kaon.wire.routers import Router


def _policy(cloud: Cloud) -> Row:
    return qos_policies.create(cloud.core, ADMIN, [{"project_id": "admin", "name": "q", "shared": True}])[0]


def _rule(cloud: Cloud, above: Row, kind: str, **values: Any) -> Row:
    return Rules(BY_NAME[kind]).create(cloud.core, ADMIN, above["id"], [values])[0]


def _told(cloud: Cloud, port: Row) -> tuple[QosRule, ...]:
    entry = cloud.host_scope("h")[f"port/{port['id']}"]
    assert isinstance(entry, HostPort)
    return entry.qos


def _revision(cloud: Cloud, scope: str = scopes.host("h")) -> int:
    found = cloud.store.read(lambda tx: scope_rows.revision_of(tx, scope))
    assert found is not None
    return int(found)


def test_a_host_is_told_the_rules_that_count_for_its_ports(cloud: Cloud) -> None:
    """A port's own policy, else its network's; and each change of either, or of a rule, moves its scope."""
    cloud.hello("h")
    own, nets = _policy(cloud), _policy(cloud)
    limit = {"max_kbps": 100, "max_burst_kbps": 0, "direction": "egress"}
    _rule(cloud, own, "bandwidth_limit", **limit)
    mark = _rule(cloud, nets, "dscp_marking", dscp_mark=8)
    network = cloud.network(qos_policy_id=nets["id"])
    port = cloud.port(network, host="h", caller=ADMIN, project_id="p1")
    served = cloud.port(network, host="h", caller=ADMIN, device_owner="network:dhcp")
    assert _told(cloud, port) == (QosRule(kind="dscp_marking", amount=8),)
    assert _told(cloud, served) == ()
    before = _revision(cloud)
    Rules(BY_NAME["dscp_marking"]).update(cloud.core, ADMIN, nets["id"], mark["id"], {"dscp_mark": 10})
    assert (_told(cloud, port), _revision(cloud)) == ((QosRule(kind="dscp_marking", amount=10),), before + 1)
    ports.update(cloud.core, ADMIN, port["id"], {"qos_policy_id": own["id"]})
    assert _told(cloud, port) == (QosRule(kind="bandwidth_limit", direction="egress", amount=100),)
    ports.update(cloud.core, ADMIN, port["id"], {"qos_policy_id": None})
    before = _revision(cloud)
    networks.update(cloud.core, ADMIN, network["id"], {"qos_policy_id": own["id"]})
    assert (_told(cloud, port)[0].kind, _revision(cloud)) == ("bandwidth_limit", before + 1)
    networks.update(cloud.core, ADMIN, network["id"], {"qos_policy_id": None})
    assert _told(cloud, port) == ()


def test_the_host_of_a_router_is_told_the_rules_of_its_gateway_and_floating_ips(cloud: Cloud) -> None:
    """A floating IP's own policy, else its network's; each change moves the router's scope."""
    cloud.hello("h", Role.L3)
    own, nets = _policy(cloud), _policy(cloud)
    first, second = (QosRule(kind="dscp_marking", amount=mark) for mark in (8, 10))
    mark = _rule(cloud, own, "dscp_marking", dscp_mark=8)
    _rule(cloud, nets, "dscp_marking", dscp_mark=10)
    outside, inside = cloud.outside(), cloud.network()
    router = cloud.router()
    gateway = {"network_id": outside["id"], "qos_policy_id": own["id"]}
    routers.update(cloud.core, ADMIN, router["id"], {"external_gateway_info": gateway})
    routers.add_interface(cloud.core, ADMIN, router["id"], {"subnet_id": cloud.subnet(inside, "10.0.0.0/24")["id"]})
    floating = cloud.floatingip(outside, port_id=cloud.port(inside)["id"], qos_policy_id=own["id"])
    scope = scopes.router(router["id"])

    def told() -> tuple[tuple[QosRule, ...], tuple[QosRule, ...]]:
        entries = cloud.read(scope)
        found, translated = entries["router"], entries[f"floatingip/{floating['id']}"]
        assert isinstance(found, Router)
        assert isinstance(translated, FloatingIp)
        return found.gateway_qos, translated.qos

    assert told() == ((first,), (first,))
    floatingips.update(cloud.core, ADMIN, floating["id"], {"qos_policy_id": None})
    assert told() == ((first,), ())
    before = _revision(cloud, scope)
    networks.update(cloud.core, ADMIN, outside["id"], {"qos_policy_id": nets["id"]})
    assert (told(), _revision(cloud, scope)) == (((first,), (second,)), before + 1)
    Rules(BY_NAME["dscp_marking"]).delete(cloud.core, ADMIN, own["id"], mark["id"])
    assert (told(), _revision(cloud, scope)) == (((), (second,)), before + 2)
