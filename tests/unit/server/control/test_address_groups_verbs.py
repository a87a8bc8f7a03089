"""Address groups on their way to the hosts."""

from cloud import ADMIN, ANN, Cloud

from kaon.server.control import address_groups, scope_reading, security_group_rules, security_groups
from kaon.wire import scopes
from kaon.wire.address_groups import AddressPrefix
from kaon.wire.messages import Delta, Snapshot


def test_a_host_is_told_of_the_address_groups_that_its_ports_rules_name(cloud: Cloud) -> None:
    """Of no other, from the rule's first to its last moment; a changed address is one entry."""
    prefixes = ["10.0.0.0/8", "2001:db8::/32"]
    addresses = address_groups.create(cloud.core, ANN, [{"project_id": "p1", "name": "a", "addresses": prefixes}])[0]["id"]
    scope = scopes.members(addresses)
    group = security_groups.create(cloud.core, ANN, [{"project_id": "p1", "name": "g"}])[0]["id"]
    cloud.hello("h1")
    port = cloud.port(cloud.network(), ADMIN, host="h1", project_id="p1", security_groups=[group])
    assert port["binding:vif_type"] == "tap"
    assert scope not in cloud.followed("h1")
    body = {"project_id": "p1", "security_group_id": group, "direction": "ingress", "remote_address_group_id": addresses}
    rule = security_group_rules.create(cloud.core, ANN, [body])[0]
    assert scope in cloud.followed("h1")
    assert cloud.read(scopes.group(group))[f"rule/{rule['id']}"].remote_group_id == addresses  # type: ignore[union-attr]  # it is a rule
    address_groups.add_addresses(cloud.core, ANN, addresses, {"addresses": ["198.51.100.0/24"]})
    held = cloud.store.read(lambda tx: scope_reading.read_changes(tx, scope, 0))
    assert isinstance(held, Snapshot)
    assert set(held.entries) == set(map(AddressPrefix, [*prefixes, "198.51.100.0/24"]))
    address_groups.add_addresses(cloud.core, ANN, addresses, {"addresses": ["192.0.2.1/32"]})
    address_groups.remove_addresses(cloud.core, ANN, addresses, {"addresses": ["10.0.0.0/8"]})
    delta = cloud.store.read(lambda tx: scope_reading.read_changes(tx, scope, held.revision))
    assert isinstance(delta, Delta)
    assert (delta.entries, delta.gone) == ((AddressPrefix("192.0.2.1/32"),), ("prefix/10.0.0.0/8",))
    cloud.hello("h1", instance="2")
    assert scope in cloud.followed("h1")
    second = cloud.port(cloud.network(), ADMIN, host="h1", project_id="p1", security_groups=[group])
    assert second["binding:vif_type"] == "tap"
    security_group_rules.delete(cloud.core, ANN, rule["id"])
    assert scope not in cloud.followed("h1")
    address_groups.delete(cloud.core, ANN, addresses)
    assert cloud.store.read(lambda tx: scope_reading.read_scope(tx, scope)) is None
