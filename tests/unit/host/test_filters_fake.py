"""The fake ruleset bites as the kernel does: each of these texts is refused by both."""

import pytest

from filter_worlds import REFUSED, START, World, anywhere, look, make_port, make_rule, new_id, settle
from kaon.host.compile.filters import compile_filters
from kaon.host.compile.rules import member_set
from kaon.host.kernel.filters_fake import FakeFilters
from kaon.host.kernel.nftables import NftRefusedError
from kaon.host.kernel.nftables_fake import FakeNft
from kaon.host.state.filters import split_element
from kaon.host.state.names import HOST
from kaon.host.state.trouble import Trouble
from kaon.wire import scopes
from kaon.wire.address_groups import AddressPrefix


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_kernel_refuses_is_refused(text: str) -> None:
    """And nothing of the transaction stays."""
    nft = FakeNft()
    nft.write(START)
    before = nft.tables
    with pytest.raises(NftRefusedError):
        nft.write(f"add chain inet kaon three\n{text}\n")
    assert (nft.tables, nft.generation) == (before, 2)


def test_a_world_that_cannot_be_written_is_reported_to_its_ports() -> None:
    """The ports whose chains were in the transaction learn the reason; planned again it succeeds."""
    world, door = World(), FakeFilters()
    port = make_port(new_id(), 1, (world.group(*anywhere()),))
    world.bind(port)
    door.refuse_next = "no"
    assert door.apply(look(world, door)[1]) == [Trouble(f"port/{port.id}", "packet filters: no")]
    settle(world, door)


def test_a_changed_rule_writes_one_chain_however_many_ports_have_it() -> None:
    """Five ports in the group: the text names the group's chain and no port's."""
    world, door = World(), FakeFilters()
    group = world.group(*anywhere())
    network = new_id()
    world.bind(*(make_port(network, number, (group,)) for number in range(1, 6)))
    settle(world, door)
    world.group(*anywhere(), make_rule(protocol="tcp", port=80), group_id=group)
    settle(world, door)
    assert door.transactions[-1].splitlines() == [
        f"flush chain inet kaon allow_in_{group}",
        f"add rule inet kaon allow_in_{group} meta nfproto ipv4 meta l4proto 6 th dport 80 accept",
    ]


def test_numbers_are_kept_and_freed_ones_are_given_later() -> None:
    """A zone stays with its network when others go, and a zone just given back is not given in the same breath."""
    world, door = World(), FakeFilters()
    ports = [make_port(new_id(), 1) for _ in range(3)]
    world.bind(*ports[:2])
    settle(world, door)
    before = dict(map(split_element, door.observe([]).elements("", "inet", "zone")))
    world.unbind(ports[0])
    world.bind(ports[2])
    settle(world, door)
    after = dict(map(split_element, door.observe([]).elements("", "inet", "zone")))
    assert {key: before[key] for key in before.keys() & after.keys()} == {
        key: after[key] for key in before.keys() & after.keys()
    }
    assert sorted(after.values()) == ["2", "3"]


def test_trusted_ports_have_no_chains() -> None:
    """A DHCP server's port and one without port security give their network a zone and nothing else."""
    world, door = World(), FakeFilters()
    network = new_id()
    world.bind(make_port(network, 1, device_owner="network:dhcp"), make_port(network, 2, port_security_enabled=False))
    state = compile_filters(world.view(), door.observe([])).state
    assert state.elements("", "bridge", "port") == frozenset()
    assert len(state.elements("", "inet", "zone")) == 1
    assert not [name for name in state.tables[("", "inet")].chains if name.startswith(("in_", "out_"))]


def test_an_address_group_is_a_set_as_a_groups_members_are() -> None:
    """Prefixes that overlap are there once; what is not known yet makes the port wait."""
    world, door = World(), FakeFilters()
    addresses = new_id()
    world.bind(make_port(new_id(), 1, (world.group(make_rule(remote_group_id=addresses)),)))
    assert look(world, door)[0].waiting
    prefixes = ("10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32", "2001:db8::/32")
    world.put(scopes.members(addresses), *map(AddressPrefix, prefixes))
    compiled, _ = look(world, door)
    assert not compiled.waiting
    sets = compiled.state.tables[HOST, "inet"].collections
    assert sets[member_set(addresses, 4)].elements == {"10.0.0.0/8", "192.0.2.1"}
    settle(world, door)
