"""Who may connect over ZeroMQ, and as whom."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from kaon.bus.carrier import Lost, Received
from kaon.bus.keys import AuthorizedHosts, BadKey, make_host_keys, make_keys, make_server_keys, read_key
from kaon.bus.zeromq import MAX_FROM_HOST_BYTES, ZeroMQHost, ZeroMQServer

PATIENCE_S = 20.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZeroMQServer]:
    """Listen on loopback, with keys in a directory of the test."""
    make_server_keys(tmp_path)
    carrier = ZeroMQServer(
        "tcp://127.0.0.1:0", read_key(tmp_path / "server.secret"), AuthorizedHosts(tmp_path / "hosts").host_of
    )
    yield carrier
    carrier.close()


def _host(server: ZeroMQServer, keys: Path) -> ZeroMQHost:
    return ZeroMQHost(server.endpoint, read_key(keys / "server.key"), read_key(keys / "host.secret"))


def _heard(server: ZeroMQServer, host: ZeroMQHost) -> Received:
    """Turn both sides until something the host says arrives."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        host.send(b"hello")
        host.receive(0.0)
        for event in server.receive(0.02):
            if isinstance(event, Received):
                return event
    raise AssertionError("nothing arrived")


def test_an_unknown_key_does_not_connect(server: ZeroMQServer, tmp_path: Path) -> None:
    """A host whose key is not in the directory is turned away; once it is there, the same host comes in."""
    make_host_keys(tmp_path, "h1", tmp_path / "h1")
    key_file = tmp_path / "hosts" / "h1.key"
    key = key_file.read_text()
    key_file.unlink()
    host = _host(server, tmp_path / "h1")
    deadline = time.monotonic() + PATIENCE_S
    while not server.refused:
        assert time.monotonic() < deadline
        server.receive(0.02)
    assert host.send(b"hello") is False
    key_file.write_text(key)
    assert _heard(server, host).host == "h1"
    host.close()


def test_a_key_that_is_taken_away_counts_no_longer(server: ZeroMQServer, tmp_path: Path) -> None:
    """A host whose key file is removed is not heard any more, on the connection that it has; the server takes it as lost."""
    make_host_keys(tmp_path, "h1", tmp_path / "h1")
    host = _host(server, tmp_path / "h1")
    peer = _heard(server, host).peer
    (tmp_path / "hosts" / "h1.key").unlink()
    while server.receive(0.2):
        pass  # what it had said before
    assert host.send(b"let me speak")
    deadline = time.monotonic() + PATIENCE_S
    events: list[object] = []
    while not events and time.monotonic() < deadline:
        events += server.receive(0.1)
    assert [Lost(peer)] == events
    host.close()


def test_a_key_that_is_exchanged_counts_no_longer(tmp_path: Path) -> None:
    """New keys of a host make its old ones nobody's, also when the file is written in place."""
    make_server_keys(tmp_path)
    make_host_keys(tmp_path, "h1", tmp_path / "h1")
    make_host_keys(tmp_path, "h2", tmp_path / "h2")
    hosts = AuthorizedHosts(tmp_path / "hosts")
    old, other = (read_key(tmp_path / "hosts" / f"{name}.key") for name in ("h1", "h2"))
    assert (hosts.host_of(old), hosts.host_of(other)) == ("h1", "h2")
    new = make_keys().public
    (tmp_path / "hosts" / "h1.key").write_text(new)
    assert [None, "h2", "h1"] == [hosts.host_of(key) for key in (old, other, z85.decode(new))]


def test_the_name_comes_from_the_key_and_not_from_the_routing_id(server: ZeroMQServer, tmp_path: Path) -> None:
    """Whatever a connection calls itself, the server hears the name its key belongs to."""
    keys = make_host_keys(tmp_path, "h1", tmp_path / "h1")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    liar = context.socket(zmq.DEALER)
    liar.linger = 0
    liar.routing_id = b"h2"
    liar.curve_serverkey = (tmp_path / "server.key").read_text().strip().encode()
    liar.curve_publickey, liar.curve_secretkey = keys.public.encode(), keys.secret.encode()
    liar.connect(server.endpoint)
    liar.send(b"I am h2")
    events: list[object] = []
    deadline = time.monotonic() + PATIENCE_S
    while not events and time.monotonic() < deadline:
        events += server.receive(0.1)
    assert [event.host for event in events if isinstance(event, Received)] == ["h1"]
    liar.close(0)
    context.term()


def test_a_connection_without_keys_is_not_heard(server: ZeroMQServer) -> None:
    """Whoever speaks without CURVE is not heard."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stranger = context.socket(zmq.DEALER)
    stranger.linger = 0
    watch = stranger.get_monitor_socket(
        zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_DISCONNECTED
    )
    stranger.connect(server.endpoint)
    stranger.send(b"let me in")
    deadline = time.monotonic() + PATIENCE_S
    events: list[object] = []
    while not watch.poll(20):
        assert time.monotonic() < deadline
        events += server.receive(0.02)
    assert events == []
    stranger.disable_monitor()
    watch.close(0)
    stranger.close(0)
    context.term()


def test_a_host_that_says_too_much_is_cut_off(server: ZeroMQServer, tmp_path: Path) -> None:
    """A message beyond the limit for hosts does not arrive; the connection goes, and the host may come again."""
    make_host_keys(tmp_path, "h1", tmp_path / "h1")
    host = _host(server, tmp_path / "h1")
    first = _heard(server, host)
    host.send(bytes(MAX_FROM_HOST_BYTES + 1))
    deadline = time.monotonic() + PATIENCE_S
    sizes: list[int] = []
    while host.connections() < 2:
        assert time.monotonic() < deadline
        sizes += [len(event.raw) for event in server.receive(0.02) if isinstance(event, Received)]
        host.receive(0.02)
    assert all(size < MAX_FROM_HOST_BYTES for size in sizes)
    assert _heard(server, host).peer != first.peer
    host.close()


def test_one_key_for_two_hosts_is_nobodys(tmp_path: Path) -> None:
    """A key that stands in two files says nothing about who has it."""
    make_server_keys(tmp_path)
    make_host_keys(tmp_path, "h1", tmp_path / "h1")
    key = read_key(tmp_path / "hosts" / "h1.key")
    hosts = AuthorizedHosts(tmp_path / "hosts")
    assert hosts.host_of(key) == "h1"
    (tmp_path / "hosts" / "h2.key").write_text((tmp_path / "hosts" / "h1.key").read_text())
    assert AuthorizedHosts(tmp_path / "hosts").host_of(key) is None


def test_keys_are_kept_secret_and_stay(tmp_path: Path) -> None:
    """Secrets are readable by their owner only; making a server's keys again changes nothing."""
    first = make_server_keys(tmp_path)
    make_host_keys(tmp_path, "h1", tmp_path / "h1")
    assert (tmp_path / "server.secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "h1" / "host.secret").stat().st_mode & 0o777 == 0o600
    assert make_server_keys(tmp_path) == first


@pytest.mark.parametrize("name", ["", "../h1", "a b", "-h", "h/1", "h" * 300])
def test_names_that_are_no_hosts_get_no_keys(tmp_path: Path, name: str) -> None:
    """A name that could lead out of the directory, or is none, is refused."""
    make_server_keys(tmp_path)
    with pytest.raises(ValueError, match="host name"):
        make_host_keys(tmp_path, name, tmp_path / "x")


@pytest.mark.parametrize("text", ["", "short", "x" * 39, "0" * 45, "é" * 40])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    """A file that holds anything but one key is named."""
    path = tmp_path / "some.key"
    path.write_text(text)
    with pytest.raises(BadKey, match=r"some\.key"):
        read_key(path)
