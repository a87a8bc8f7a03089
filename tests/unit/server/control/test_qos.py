"""What hosts are told of QoS policies."""

from typing import Any

from cloud import ADMIN, Cloud

from kaon.model.qos_rules import BY_NAME
from kaon.model.query import Row
from kaon.server.control import networks, ports, qos_policies
from kaon.server.control.qos_rules import Rules
from kaon.server.store import scope_rows
from kaon.wire import scopes
from kaon.wire.ports import HostPort
from kaon.wire.qos_rules import QosRule


def _policy(cloud: Cloud) -> Row:
    return qos_policies.create(cloud.core, ADMIN, [{"project_id": "admin", "name": "q", "shared": True}])[0]


def _rule(cloud: Cloud, above: Row, kind: str, **values: Any) -> Row:
    return Rules(BY_NAME[kind]).create(cloud.core, ADMIN, above["id"], [values])[0]


def _told(cloud: Cloud, port: Row) -> tuple[QosRule, ...]:
    entry = cloud.host_scope("h")[f"port/{port['id']}"]
    assert isinstance(entry, HostPort)
    return entry.qos


def _revision(cloud: Cloud) -> int:
    found = cloud.store.read(lambda tx: scope_rows.revision_of(tx, scopes.host("h")))
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
