"""What ports ask of hosts."""

import uuid

from kaon.model.resource_requests import group_id, physical_network_trait, request, vnic_type_trait

PORT = "6e37a5cb-85fd-48e4-8201-e603322d2d26"
RULES = [
    {"id": "b", "type": "minimum_bandwidth", "direction": "egress", "min_kbps": 5},
    {"id": "a", "type": "minimum_bandwidth", "direction": "ingress", "min_kbps": 6},
    {"id": "c", "type": "bandwidth_limit", "direction": "egress", "max_kbps": 7},
]


def test_groups_are_named_as_neutron_names_them() -> None:
    """By the UUID of version 5 of the rules' ids in the name space of the port; rules of one kind in the order of their ids."""
    expected = str(uuid.uuid5(uuid.UUID(PORT), "a:b"))
    assert group_id(PORT, ["a", "b"]) == expected
    asked = request(PORT, "normal", "phys", RULES)
    assert asked is not None
    assert asked["same_subtree"] == [expected]
    assert asked["request_groups"][0]["required"] == ["CUSTOM_PHYSNET_PHYS", "CUSTOM_VNIC_TYPE_NORMAL"]


def test_who_asks_for_nothing() -> None:
    """No minimum rules; or bandwidth of a network of which nothing is known."""
    assert request(PORT, "normal", "phys", RULES[2:]) is None
    assert request(PORT, "normal", None, RULES) is None


def test_names_become_traits() -> None:
    """Whatever a trait may not have becomes an underscore."""
    assert physical_network_trait("phys-net.1") == "CUSTOM_PHYSNET_PHYS_NET_1"
    assert vnic_type_trait("direct-physical") == "CUSTOM_VNIC_TYPE_DIRECT_PHYSICAL"
