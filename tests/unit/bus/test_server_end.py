"""The server's end of the talk, message by message."""

import pytest

from kaon.bus.live import Follow, Heard, Load, Note, Record, Register, Send, ServerAction, Times
from kaon.bus.server_end import ServerEnd
from kaon.wire.codec import encode
from kaon.wire.messages import (
    Delta,
    Dropped,
    FromHost,
    Heartbeat,
    Hello,
    Nudge,
    Probe,
    Pull,
    Realised,
    RealisedKind,
    Refused,
    Report,
    Role,
    Taken,
    Welcome,
    digest_of,
)

FOLLOWED = {"host:h1": 3, "network:n1": 7}


def hello(instance: str = "i1", host: str = "h1", held: dict[str, int] | None = None, wire_version: int = 1) -> Hello:
    """Make a hello of a host that holds these revisions."""
    digest = digest_of("e", held or {})
    return Hello(wire_version=wire_version, host=host, instance=instance, roles=(Role.L2,), epoch="e", digest=digest)


def say(end: ServerEnd, message: FromHost, peer: bytes = b"1", now: float = 0.0, host: str = "h1") -> list[ServerAction]:
    """Let a host say something."""
    return end.received(now, peer, host, encode(message))


def joined(held: dict[str, int] | None = None, peer: bytes = b"1", end: ServerEnd | None = None, host: str = "h1") -> ServerEnd:
    """Give a server's end that a host has joined; by default the host holds all it follows."""
    end = end or ServerEnd("e", Times())
    follows = {f"host:{host}": 3, "network:n1": 7}
    assert say(end, hello(host=host, held=follows if held is None else held), peer, host=host) == [
        Register(host, hello(host=host, held=follows if held is None else held))
    ]
    assert end.registered(0.0, host, "i1") == [Follow(frozenset({host}))]
    end.following(0.0, {host: follows})
    return end


def test_a_host_that_holds_everything_is_told_just_that() -> None:
    """A digest that agrees is answered without any revisions, and nothing is sent."""
    end = ServerEnd("e", Times())
    say(end, hello(held=FOLLOWED))
    end.registered(0.0, "h1", "i1")
    welcome = Welcome(epoch="e", heartbeat_s=10.0, matches=True)
    assert end.following(0.0, {"h1": FOLLOWED}) == [Send(b"1", welcome)]
    beat = Heartbeat(instance="i1", digest=digest_of("e", FOLLOWED))
    assert say(end, beat, now=5.0) == [Heard("h1"), Send(b"1", welcome)]


def test_a_host_that_lacks_something_is_told_where_to_look() -> None:
    """A digest that differs is answered with all revisions; nothing is pushed before the host asks."""
    end = ServerEnd("e", Times())
    say(end, hello())
    end.registered(0.0, "h1", "i1")
    (send,) = end.following(0.0, {"h1": FOLLOWED})
    assert send == Send(b"1", Welcome(epoch="e", heartbeat_s=10.0, matches=False, revisions=FOLLOWED))
    assert say(end, Pull(scopes={"host:h1": 0, "network:n1": 5})) == [Load("host:h1", 0), Load("network:n1", 5)]


def test_a_delta_is_read_once_for_all_who_hold_the_same() -> None:
    """Two followers of a scope that moved cost one read, and get the same bytes."""
    end = joined(peer=b"2", end=joined(), host="h2")
    assert end.journal_moved(1.0, {"network:n1": 8}) == [Load("network:n1", 7)]
    sends = end.loaded(1.0, Load("network:n1", 7), 8, b"bytes")
    assert sends == [Send(b"1", b"bytes", ("network:n1",)), Send(b"2", b"bytes", ("network:n1",))]
    assert end.journal_moved(1.1, {"network:n1": 8}) == []


def test_what_moves_while_it_is_read_is_read_again() -> None:
    """A scope that moves on during a read brings the next delta from there."""
    end = joined()
    end.journal_moved(1.0, {"network:n1": 8})
    assert end.journal_moved(1.0, {"network:n1": 9}) == []
    assert end.loaded(1.1, Load("network:n1", 7), 8, b"to 8") == [Send(b"1", b"to 8", ("network:n1",)), Load("network:n1", 8)]


def test_a_new_scope_is_sent_before_it_is_asked_for() -> None:
    """When a host's own scope moves, what it follows is read; what is new there goes to it."""
    end = joined()
    assert end.journal_moved(1.0, {"host:h1": 4}) == [Follow(frozenset({"h1"})), Load("host:h1", 3)]
    follows = {"host:h1": 4, "network:n1": 7, "network:n2": 2}
    assert end.following(1.1, {"h1": follows}) == [Load("network:n2", 0)]


def test_a_slow_host_gets_one_nudge() -> None:
    """Once a message to it was not taken, further changes wait in one nudge, however many they are."""
    end = joined()
    end.journal_moved(1.0, {"network:n1": 8})
    (send,) = end.loaded(1.0, Load("network:n1", 7), 8, b"bytes")
    assert isinstance(send, Send)
    end.unsent(1.0, send)
    for revision in range(9, 100):
        assert end.journal_moved(1.0, {"network:n1": revision}) == []
    assert end.tick(1.5) == [Send(b"1", Nudge(revisions={"network:n1": 99}), ("network:n1",))]
    assert end.tick(2.0) == []
    assert say(end, Pull(scopes={"network:n1": 7}), now=2.0) == [Load("network:n1", 7)]


def test_a_host_gets_only_what_it_follows() -> None:
    """A pull for a foreign scope is looked up once more, then dropped and noted; a name that is none is noted."""
    end = joined()
    asked = say(end, Pull(scopes={"host:h2": 0, "rubbish": 0}))
    assert [type(action) for action in asked] == [Note, Follow]
    answer = end.following(1.0, {"h1": FOLLOWED})
    assert [type(action) for action in answer] == [Note, Send]
    assert answer[1] == Send(b"1", Dropped(scope="host:h2"))


def test_a_wrong_name_or_version_is_refused() -> None:
    """A hello that does not agree with the key, or speaks another version, is refused, noted, and changes nothing."""
    end = ServerEnd("e", Times())
    for wrong in (hello(host="h2"), hello(wire_version=99), hello(instance="")):
        note, send = say(end, wrong)
        assert isinstance(note, Note)
        assert isinstance(send, Send)
        assert isinstance(send.message, Refused)
    assert end.hosts() == {}


def test_bytes_that_are_no_message_are_noted() -> None:
    """What cannot be read does nothing else."""
    (note,) = ServerEnd("e", Times()).received(0.0, b"1", "h1", b"\xc1\xff")
    assert isinstance(note, Note)


def test_a_second_instance_waits_for_the_first_to_be_gone() -> None:
    """The first is probed; it answers: the second is refused; it is lost: the second is registered."""
    end = joined()
    second = hello(instance="i2")
    note, probe = say(end, second, peer=b"2", now=1.0)
    assert isinstance(note, Note)
    assert probe == Send(b"1", Probe(instance="i1"))
    beat = say(end, Heartbeat(instance="i1", digest=""), now=1.5)
    assert isinstance(beat[0], Send)
    assert isinstance(beat[0].message, Refused)
    assert beat[0].peer == b"2"
    say(end, second, peer=b"2", now=2.0)
    assert end.lost(2.1, b"1") == [Register("h1", second)]
    assert end.hosts() == {"h1": "i2"}


def test_who_has_not_said_hello_here_is_asked_to() -> None:
    """After a restart the server knows nobody: whoever speaks is asked to say hello, soon."""
    (send,) = say(ServerEnd("e", Times()), Heartbeat(instance="i1", digest=""))
    assert isinstance(send, Send)
    assert isinstance(send.message, Refused)
    assert send.message.retry_after_s < 1.0


def test_reports_are_stored_in_order_and_once() -> None:
    """A report is passed on once; an older one that comes late is not; one that is stored is taken again if asked."""
    end = joined()
    newer, older = Report(sequence=5, instance="i1"), Report(sequence=4, instance="i1")
    assert say(end, newer) == [Record("h1", newer)]
    assert say(end, newer) == []
    assert say(end, older) == []
    assert end.recorded("h1", "i1", 5) == [Send(b"1", Taken(sequence=5))]
    assert say(end, newer) == [Send(b"1", Taken(sequence=5))]
    assert say(end, Report(sequence=6, instance="another")) == []


def test_a_scope_held_at_its_newest_is_answered_without_reading() -> None:
    """A pull of what is held already is answered with an empty delta."""
    (send,) = say(joined(), Pull(scopes={"network:n1": 7}))
    assert send == Send(b"1", Delta(scope="network:n1", from_revision=7, to_revision=7), ("network:n1",))


def test_a_host_that_asks_again_and_again_is_read_for_once() -> None:
    """However often and from whatever revision a host pulls a scope, one delta and one snapshot are on their way at most."""
    end = joined()
    end.journal_moved(1.0, {"network:n1": 100})
    asked = [say(end, Pull(scopes={"network:n1": held})) for held in (8, 9, 10, 0, 0, 11)]
    assert [Load("network:n1", 0)] == [action for actions in asked for action in actions]


@pytest.mark.parametrize(
    "wrong",
    [
        Report(sequence=1, instance="i1", applied={f"network:{number}": 1 for number in range(1001)}),
        Report(sequence=2**63, instance="i1"),
        Report(sequence=1, instance="i1", realised=(Realised(kind=RealisedKind.PORT, id="p" * 37, revision=1),)),
        Report(sequence=1, instance="i1", realised=(Realised(kind=RealisedKind.PORT, id="p", revision=-1),)),
        Report(sequence=1, instance="i1", realised=(Realised(kind=RealisedKind.PORT, id="p", revision=1, reason="\0"),)),
        Report(sequence=1, instance="i1", realised=(Realised(kind=RealisedKind.PORT, id="p", revision=1, reason="x" * 501),)),
        Pull(scopes={"network:n1": -1}),
        Pull(scopes={f"network:{number}": 0 for number in range(1001)}),
        Heartbeat(instance="i" * 256, digest=""),
    ],
)
def test_what_no_database_would_take_is_no_message(wrong: FromHost) -> None:
    """Numbers, words and lists beyond their bounds are refused before anybody works with them."""
    (note,) = say(joined(), wrong)
    assert isinstance(note, Note)
    assert note.event == "message cannot be read"


@pytest.mark.parametrize("address", ["nonsense", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "192.0.2.1/24", ""])  # noqa: S104  # refused is the point
def test_a_tunnel_that_ends_nowhere_is_refused(address: str) -> None:
    """All hosts of a network work with the address where one host's tunnels end: it must be one."""
    wrong = Hello(wire_version=1, host="h1", instance="i1", roles=(Role.L2,), tunnel_ip=address)
    end = ServerEnd("e", Times())
    assert [Note, Send] == [type(action) for action in say(end, wrong)]
    assert end.hosts() == {}
