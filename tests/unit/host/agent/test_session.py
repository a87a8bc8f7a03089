"""The host's end of the talk, message by message."""

import itertools

from kaon.host.agent.session import (
    Action,
    InSync,
    Introduction,
    RefusedBy,
    ScopesChanged,
    Send,
    Session,
)
from kaon.wire.messages import (
    Alive,
    Delta,
    FromHost,
    Heartbeat,
    Hello,
    Probe,
    Pull,
    Realised,
    RealisedKind,
    Refused,
    Report,
    Role,
    Snapshot,
    Taken,
    Welcome,
    digest_of,
)
from kaon.wire.networks import Network
from kaon.wire.ports import HostPort

NETWORK = Network(id="n1", network_type="vxlan", mtu=1450, segmentation_id=7)


def port(number: int, network: str = "n1") -> HostPort:
    """Make a port of a network."""
    return HostPort(id=f"p{number}", revision=1, network_id=network, mac_address="fa:16:3e:00:00:01")


def fresh() -> Session:
    """Make a session that has said hello."""
    session = Session(Introduction("h1", "i1", (Role.L2,)), random=lambda: 0.5)
    session.start(0.0)
    return session


def sent(actions: list[Action]) -> list[FromHost]:
    """Pick the messages out of actions."""
    return [action.message for action in actions if isinstance(action, Send)]


def synced() -> Session:
    """Make a session that is in sync with one port."""
    session = fresh()
    session.receive(1.0, Welcome(epoch="e", heartbeat_s=10.0, matches=False, revisions={"host:h1": 1, "network:n1": 1}))
    session.receive(1.0, Snapshot(scope="host:h1", revision=1, entries=(port(1),)))
    session.receive(1.0, Snapshot(scope="network:n1", revision=1, entries=(NETWORK,)))
    assert session.in_sync
    return session


def test_it_pulls_what_it_lacks_and_is_in_sync_only_with_all_of_it() -> None:
    """After a welcome everything is pulled at once; half of it is shown to nobody."""
    session = fresh()
    revisions = {"host:h1": 1, "network:n1": 1}
    welcomed = session.receive(1.0, Welcome(epoch="e", heartbeat_s=10.0, matches=False, revisions=revisions))
    assert sent(welcomed) == [Pull(scopes={"host:h1": 0, "network:n1": 0})]
    assert session.receive(1.1, Snapshot(scope="host:h1", revision=1, entries=(port(1),))) == []
    assert (session.in_sync, session.view().ports()) == (False, {})
    complete = session.receive(1.2, Snapshot(scope="network:n1", revision=1, entries=(NETWORK,)))
    assert complete == [ScopesChanged(frozenset(revisions)), InSync()]
    assert session.revisions() == revisions


def test_a_port_of_an_unknown_network_waits_for_it() -> None:
    """A port whose network is not held yet is not shown; the network is asked for; with it the port appears."""
    session = synced()
    delta = Delta(scope="host:h1", from_revision=1, to_revision=2, entries=(port(2, "n2"),))
    assert sent(session.receive(2.0, delta)) == [Pull(scopes={"network:n2": 0})]
    assert set(session.view().ports()) == {"p1"}
    other = Network(id="n2", network_type="vxlan", mtu=1450, segmentation_id=8)
    actions = session.receive(2.1, Snapshot(scope="network:n2", revision=5, entries=(other,)))
    assert actions == [ScopesChanged(frozenset({"host:h1", "network:n2"}))]
    assert set(session.view().ports()) == {"p1", "p2"}


def test_a_scope_that_comes_before_its_reason_is_kept() -> None:
    """A network that arrives before the port that needs it does not have to be asked for again."""
    session = synced()
    other = Network(id="n2", network_type="vxlan", mtu=1450, segmentation_id=8)
    assert session.receive(2.0, Snapshot(scope="network:n2", revision=5, entries=(other,))) == []
    delta = Delta(scope="host:h1", from_revision=1, to_revision=2, entries=(port(2, "n2"),))
    assert session.receive(2.1, delta) == [ScopesChanged(frozenset({"host:h1", "network:n2"}))]


def test_a_delta_counts_only_for_who_holds_its_beginning() -> None:
    """A gap is pulled from what is held; what is old or doubled changes nothing."""
    session = synced()
    gap = Delta(scope="host:h1", from_revision=4, to_revision=5, entries=(port(9),))
    assert sent(session.receive(2.0, gap)) == [Pull(scopes={"host:h1": 1})]
    assert session.receive(2.1, Snapshot(scope="host:h1", revision=1, entries=())) == []
    assert session.revisions()["host:h1"] == 1
    bridge = Delta(scope="host:h1", from_revision=1, to_revision=5, entries=(port(9),), gone=("port/p1",))
    assert session.receive(2.2, bridge) == [ScopesChanged(frozenset({"host:h1"}))]
    assert session.receive(2.3, bridge) == []
    assert set(session.view().ports()) == {"p9"}


def test_a_scope_that_nobody_needs_is_let_go() -> None:
    """With the last port of a network its scope goes."""
    session = synced()
    session.receive(2.0, Delta(scope="host:h1", from_revision=1, to_revision=2, gone=("port/p1",)))
    assert session.revisions() == {"host:h1": 2}


def test_hellos_grow_rarer() -> None:
    """Without an answer hello is said again, each time after a longer pause, up to a ceiling."""
    session = fresh()
    times = []
    now = 0.0
    while len(times) < 9:
        now = session.next_deadline(now)
        times += [now for message in sent(session.tick(now)) if isinstance(message, Hello)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1.0
    assert pauses[-1] == 30.0 * 0.75


def test_a_heartbeat_says_what_is_held() -> None:
    """Heartbeats carry the digest; a server that never answers them is greeted anew."""
    session = synced()
    beats = [message for at in range(2, 16) for message in sent(session.tick(float(at))) if isinstance(message, Heartbeat)]
    assert beats[0].digest == digest_of("e", {"host:h1": 1, "network:n1": 1})
    assert [type(message) for message in sent(session.tick(40.0))] == [Hello]
    assert session.in_sync
    assert not session.joined


def test_a_report_is_repeated_until_taken_with_the_latest_values() -> None:
    """The latest value of each thing is sent, again after a while, and no more once it is taken."""
    session = synced()
    wired = Realised(kind=RealisedKind.PORT, id="p1", revision=1)
    (first,) = sent(session.report(2.0, {"host:h1": 1}, [wired]))
    broken = Realised(kind=RealisedKind.PORT, id="p1", revision=2, up=False, reason="no device")
    assert session.report(2.1, {"host:h1": 2}, [broken]) == []
    again = next(message for message in sent(session.tick(9.0)) if isinstance(message, Report))
    assert isinstance(first, Report)
    assert again.sequence > first.sequence
    assert (again.applied, again.realised) == ({"host:h1": 2}, (broken,))
    assert session.receive(9.1, Taken(sequence=first.sequence)) == []
    session.receive(9.2, Taken(sequence=again.sequence))
    assert not any(isinstance(message, Report) for message in sent(session.tick(20.0)))


def test_a_refusal_is_told_and_waited_for() -> None:
    """A refused agent says hello again when the server said that it may, not before."""
    session = fresh()
    assert session.receive(0.1, Refused(reason="another instance", retry_after_s=5.0)) == [RefusedBy("another instance", 5.0)]
    assert sent(session.tick(5.0)) == []
    assert [type(message) for message in sent(session.tick(6.2))] == [Hello]


def test_a_probe_is_answered_by_the_one_it_means() -> None:
    """Only the instance that is asked for says that it is alive."""
    session = synced()
    assert sent(session.receive(2.0, Probe(instance="i1"))) == [Alive(instance="i1")]
    assert session.receive(2.0, Probe(instance="i2")) == []
