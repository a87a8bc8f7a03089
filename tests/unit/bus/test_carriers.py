"""One suite for every carrier: what the Protocols promise, whoever carries."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kaon.bus.carrier import FromCarrier, HostCarrier, Lost, Received, ServerCarrier
from kaon.bus.keys import AuthorizedHosts, make_host_keys, make_server_keys, read_key
from kaon.bus.memory import MemoryServer
from kaon.bus.zeromq import ZeroMQHost, ZeroMQServer

PATIENCE_S = 20.0


@dataclass
class Rig:
    """One server's side and a way to make hosts' sides."""

    server: ServerCarrier
    connect: Callable[[str], HostCarrier]
    hosts: list[HostCarrier] = field(default_factory=list)

    def host(self, name: str) -> HostCarrier:
        """Connect a host."""
        carrier = self.connect(name)
        self.hosts.append(carrier)
        return carrier

    def server_gets(self, count: int) -> list[FromCarrier]:
        """Wait until the server has received so many events."""
        deadline, events = time.monotonic() + PATIENCE_S, []
        while len(events) < count:
            assert time.monotonic() < deadline, f"expected {count} events, got {events}"
            events += self.server.receive(0.2)
        return events

    def say(self, host: HostCarrier, raw: bytes) -> None:
        """Send from a host as soon as it is connected; the server's side must run for that."""
        deadline = time.monotonic() + PATIENCE_S
        while not host.send(raw):
            assert time.monotonic() < deadline, "the host never got a connection"
            self.early += self.server.receive(0.02)
            host.receive(0.0)

    early: list[FromCarrier] = field(default_factory=list)


def gets(host: HostCarrier, count: int) -> list[bytes]:
    """Wait until a host has received so many messages."""
    deadline, messages = time.monotonic() + PATIENCE_S, []
    while len(messages) < count:
        assert time.monotonic() < deadline, f"expected {count} messages, got {messages}"
        messages += host.receive(0.2)
    return messages


@pytest.fixture(params=["memory", "zeromq-ipv4", "zeromq-ipv6"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Make a server's side of each kind."""
    if request.param == "memory":
        memory = MemoryServer(queue_messages=50)
        made = Rig(memory, memory.connect)
    else:
        address = "127.0.0.1" if request.param.endswith("4") else "[::1]"
        make_server_keys(tmp_path / "server")
        secret = read_key(tmp_path / "server" / "server.secret")
        zeromq = ZeroMQServer(
            f"tcp://{address}:0", secret, AuthorizedHosts(tmp_path / "server" / "hosts").host_of, queue_messages=50
        )

        def connect(name: str) -> HostCarrier:
            directory = tmp_path / name
            if not directory.exists():
                make_host_keys(tmp_path / "server", name, directory)
            return ZeroMQHost(zeromq.endpoint, read_key(directory / "server.key"), read_key(directory / "host.secret"))

        made = Rig(zeromq, connect)
    yield made
    for host in made.hosts:
        host.close()
    made.server.close()


def test_the_server_learns_who_speaks(rig: Rig) -> None:
    """A message arrives with the name that belongs to the connection's key, and each connection has its own peer."""
    one, two = rig.host("one"), rig.host("two")
    rig.say(one, b"from one")
    rig.say(two, b"from two")
    events = rig.early + rig.server_gets(2 - len(rig.early))
    received = {event.host: event for event in events if isinstance(event, Received)}
    assert {name: event.raw for name, event in received.items()} == {"one": b"from one", "two": b"from two"}
    assert received["one"].peer != received["two"].peer


def test_an_answer_reaches_the_one_it_is_for(rig: Rig) -> None:
    """What is sent to a peer arrives there, in order, and nowhere else."""
    one, two = rig.host("one"), rig.host("two")
    rig.say(one, b"hello")
    rig.say(two, b"hello")
    peers = {event.host: event.peer for event in rig.early + rig.server_gets(2 - len(rig.early)) if isinstance(event, Received)}
    expected = [b"%d" % number for number in range(20)]
    assert all(rig.server.send(peers["one"], raw) for raw in expected)
    assert gets(one, 20) == expected
    assert two.receive(0.0) == []


def test_a_lost_connection_is_noticed(rig: Rig) -> None:
    """When a host closes its side the server is told, and a send to it says that it failed."""
    host = rig.host("one")
    rig.say(host, b"hello")
    (first,) = rig.early + rig.server_gets(1 - len(rig.early))
    assert isinstance(first, Received)
    host.close()
    rig.hosts.clear()
    assert rig.server_gets(1) == [Lost(first.peer)]
    assert rig.server.send(first.peer, b"too late") is False


def test_a_new_connection_is_a_new_peer(rig: Rig) -> None:
    """After `reconnect` the same host has another peer, and has counted one more connection."""
    host = rig.host("one")
    rig.say(host, b"before")
    (before,) = rig.early + rig.server_gets(1 - len(rig.early))
    rig.early.clear()
    counted = host.connections()
    host.reconnect()
    rig.say(host, b"after")
    events = rig.early + rig.server_gets(2 - len(rig.early))
    after = next(event for event in events if isinstance(event, Received))
    assert isinstance(before, Received)
    assert (after.host, after.raw) == ("one", b"after")
    assert after.peer != before.peer
    host.receive(0.0)
    assert host.connections() > counted


def test_a_queue_that_is_full_is_told(rig: Rig) -> None:
    """A host that does not read cannot make the server keep more and more for it: `send` says False in the end."""
    host = rig.host("one")
    rig.say(host, b"hello")
    (first,) = rig.early + rig.server_gets(1 - len(rig.early))
    assert isinstance(first, Received)
    refused = next((count for count in range(5000) if not rig.server.send(first.peer, bytes(100_000))), None)
    assert refused is not None


def test_wake_ends_a_wait(rig: Rig) -> None:
    """`wake` lets `receive` return at once on either side."""
    host = rig.host("one")
    rig.say(host, b"hello")
    rig.server_gets(1 - len(rig.early))
    started = time.monotonic()
    rig.server.wake()
    rig.server.receive(PATIENCE_S)
    host.wake()
    host.receive(PATIENCE_S)
    assert time.monotonic() - started < PATIENCE_S / 2
