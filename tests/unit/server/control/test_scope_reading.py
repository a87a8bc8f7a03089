"""Scopes as hosts are told of them: snapshots, deltas, the journal; and what following costs."""

from cloud import ADMIN, ANN, Cloud

from kaon.server.control import ports, scope_reading
from kaon.wire import scopes
from kaon.wire.messages import Delta, Dropped, Snapshot


def _changes(cloud: Cloud, scope: str, revision: int) -> Snapshot | Delta | Dropped | None:
    return cloud.store.read(lambda tx: scope_reading.read_changes(tx, scope, revision))


def test_who_holds_nothing_gets_all(cloud: Cloud) -> None:
    """From revision 0 a snapshot, from the newest nothing, of what does not exist Dropped."""
    network = cloud.network()
    scope = scopes.network(network["id"])
    snapshot = _changes(cloud, scope, 0)
    assert isinstance(snapshot, Snapshot)
    assert [entry.key for entry in snapshot.entries] == ["network"]
    assert _changes(cloud, scope, snapshot.revision) is None
    assert Dropped(scope="network:none") == _changes(cloud, "network:none", 3)


def test_delta_tells_what_came_and_went(cloud: Cloud) -> None:
    """What came and went between two looks is in neither list of entries; what went is named."""
    network = cloud.network()
    scope = scopes.network(network["id"])
    stays, goes = cloud.port(network), cloud.port(network)
    snapshot = _changes(cloud, scope, 0)
    assert isinstance(snapshot, Snapshot)
    ports.delete(cloud.core, ANN, goes["id"])
    ports.update(cloud.core, ANN, stays["id"], {"name": "new"})
    delta = _changes(cloud, scope, snapshot.revision)
    assert isinstance(delta, Delta)
    assert [entry.key for entry in delta.entries] == [f"port/{stays['id']}"]
    assert delta.gone == (f"port/{goes['id']}",)


def test_trimmed_journal_means_whole_scopes(cloud: Cloud) -> None:
    """Who is behind the journal gets a snapshot; who is not, still a delta."""
    network = cloud.network()
    scope = scopes.network(network["id"])
    held = []
    for _ in range(4):
        cloud.port(network)
        snapshot = _changes(cloud, scope, 0)
        assert isinstance(snapshot, Snapshot)
        held.append(snapshot.revision)
    scope_reading.trim_journal(cloud.core, keep=4)  # a port is two rows: its network's scope and its group's members
    assert isinstance(_changes(cloud, scope, held[0]), Snapshot)
    assert isinstance(_changes(cloud, scope, held[2]), Delta)


def test_reading_takes_a_bounded_number_of_statements(cloud: Cloud) -> None:
    """A scope of any size is read with at most ten statements."""
    cloud.hello("h1")
    network = cloud.network()
    cloud.subnet(network, "10.0.0.0/24")
    for _ in range(12):
        cloud.port(network, ADMIN, host="h1")
    for scope in (scopes.network(network["id"]), scopes.host("h1")):
        with cloud.store.counting() as statements:
            _changes(cloud, scope, 0)
        assert len(statements) <= 10, statements


def test_unbound_port_costs_followers_nothing(cloud: Cloud) -> None:
    """Nobody follows anything for a port without a host, and no statement is spent on finding out."""
    network = cloud.network()
    cloud.port(network)
    with cloud.store.counting() as statements:
        cloud.port(network)
    assert [text for text in statements if "followers" in text] == []
