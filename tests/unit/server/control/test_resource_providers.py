"""What Placement should know of segments and hosts."""

import json
from typing import Any

import pytest
from cloud import ADMIN, Cloud

from kaon.model.query import Query
from kaon.server.control import hosts, resource_providers, segments
from kaon.wire.messages import Hello, Role

BANDWIDTH = ("NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC")


def of(**told: str) -> dict[str, dict[str, Any]]:
    """Give the providers of an agent on h1 by name: class -> total, and their traits."""
    agent = {"host": "h1", "agent_type": "L2", "configurations": json.dumps(told)}
    return {
        one.name: {kind: dict(told) for kind, told in one.inventories.items()} | {"traits": list(one.traits)}
        for one in resource_providers.of_agent(agent)
    }


def test_devices_have_bandwidths() -> None:
    """Each direction that is told; with the traits of what is reached by it."""
    found = of(resource_provider_bandwidths="eth1:1000:2000,rp_tunnelled:500:", bridge_mappings="city:eth1")
    vnic = "CUSTOM_VNIC_TYPE_NORMAL"
    expected = {
        "h1:L2": {"traits": [vnic]},
        "h1:L2:eth1": {BANDWIDTH[0]: {"total": 1000}, BANDWIDTH[1]: {"total": 2000}, "traits": ["CUSTOM_PHYSNET_CITY", vnic]},
        "h1:L2:rp_tunnelled": {BANDWIDTH[0]: {"total": 500}, "traits": ["CUSTOM_NETWORK_TUNNEL_PROVIDER", vnic]},
    }
    assert expected == found


def test_devices_can_be_of_other_compute_nodes_and_packet_rates_of_each() -> None:
    """What a compute node is called is the operator's to say."""
    found = of(
        resource_provider_bandwidths="eth1:1:1",
        resource_provider_hypervisors="eth1:node.example",
        resource_provider_inventory_defaults="allocation_ratio:1.5,step_size:10,colour:3",
        resource_provider_packet_processing_without_direction="node.example:7",
    )
    assert {"node.example:L2", "node.example:L2:eth1"} == found.keys()
    assert {"total": 7} == found["node.example:L2"]["NET_PACKET_RATE_KILOPACKET_PER_SEC"]
    assert {"total": 1, "allocation_ratio": 1.5, "step_size": 10} == found["node.example:L2:eth1"][BANDWIDTH[0]]


@pytest.mark.parametrize("text", ["", "eth1", "eth1:", ":1:2", "eth1:x:y", "eth1:-1:99999999999", ",,,"])
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    """An agent decides what it says, not what becomes of the others."""
    assert not any(kind in BANDWIDTH for one in of(resource_provider_bandwidths=text).values() for kind in one)


def test_agents_that_report_have_providers(cloud: Cloud) -> None:
    """One of a host's agents speaks for it; the same names, the same ids."""
    told = {"resource_provider_bandwidths": "eth1:1:1"}
    message = Hello(wire_version=1, host="h1", instance="1", roles=tuple(Role), tunnel_ip="192.0.2.1", configurations=told)
    hosts.hello(cloud.core, message)
    cloud.hello("h2")
    found = cloud.store.read(lambda tx: resource_providers.wanted(cloud.core, tx))
    assert ["h1:Linux bridge agent", "h1:Linux bridge agent:eth1"] == [one.name for one in found]
    assert found[0].id == found[1].parent
    assert "h1" == found[0].root


def test_segments_share_their_ipv4_addresses_with_the_hosts_on_them(cloud: Cloud) -> None:
    """Gateway, DHCP and what no server has are reserved; IPv6 and networks that are not routed do not count."""
    city = {"provider:network_type": "flat", "provider:physical_network": "city"}
    network = cloud.network(ADMIN, **city)
    cloud.subnet(cloud.network(), "192.0.2.0/24")
    (segment,) = (one["id"] for one in segments.index(cloud.core, ADMIN, Query()).rows if one["network_id"] == network["id"])
    cloud.hello("h1", wires=("city",))
    cloud.hello("h2", wires=("town",))
    assert [] == cloud.store.read(lambda tx: resource_providers.wanted(cloud.core, tx))
    cloud.subnet(network, "10.0.0.0/29", ADMIN, segment_id=segment)
    cloud.subnet(network, "2001:db8::/64", ADMIN, segment_id=segment)
    for owner in ("", "compute:nova"):
        cloud.port(network, ADMIN, device_owner=owner, host="h1")
    (found,) = cloud.store.read(lambda tx: resource_providers.wanted(cloud.core, tx))
    assert (segment, f"Neutron segment id {segment}", ("h1",)) == (found.id, found.name, found.hosts)
    once = {"min_unit": 1, "max_unit": 1, "step_size": 1, "allocation_ratio": 1.0}
    assert {"IPV4_ADDRESS": {"total": 6, "reserved": 3, **once}} == found.inventories
