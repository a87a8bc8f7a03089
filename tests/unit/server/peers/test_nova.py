"""What Nova is sent, and what is made of its answers, against a real HTTP server."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from http_peers import CLOSE, HANG, Nova, keystone, unused_port
from kaon.server.peers import nova
from kaon.server.peers.courier import Verdict
from kaon.server.peers.http import Peer, PeerUnavailable
from kaon.server.peers.settings import PeerSettings
from kaon.server.store.outbox import Message

NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone
TOLD, DROPPED, LATER = Verdict.TOLD, Verdict.DROPPED, Verdict.LATER


def event(number: int, name: str, port: str = "p", server: str = "s", status: str | None = None) -> Message:
    """Make a message."""
    body = {"name": f"network-{name}", "server_uuid": server, "tag": port} | ({"status": status} if status else {})
    return Message(number, port, body, 0, NOW)


@pytest.fixture
def service() -> Iterator[Nova]:
    """A Nova."""
    peer = Nova()
    with peer.running():
        yield peer


def asking(url: str, timeout_s: float = 5.0) -> Peer:
    """Make a session without Keystone."""
    return Peer(PeerSettings("none", {"endpoint": url}, timeout_s=timeout_s), "compute")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([event(1, "changed"), event(2, "changed")], [("changed", "p", (1, 2))]),
        ([event(1, "changed"), event(2, "changed", "q")], [("changed", "p", (1,)), ("changed", "q", (2,))]),
        ([event(1, "changed"), event(2, "changed", server="t")], [("changed", "p", (1,)), ("changed", "p", (2,))]),
        (
            [event(1, "changed"), event(2, "vif-plugged"), event(3, "changed")],
            [("changed", "p", (1,)), ("vif-plugged", "p", (2,)), ("changed", "p", (3,))],
        ),
        (
            [event(1, "changed"), event(2, "changed", "q"), event(3, "changed")],
            [("changed", "p", (1, 3)), ("changed", "q", (2,))],
        ),
        ([event(1, "changed"), event(2, "vif-deleted")], [("vif-deleted", "p", (1, 2))]),
        (
            [event(1, "vif-plugged"), event(2, "vif-unplugged"), event(3, "vif-plugged")],
            [("vif-plugged", "p", (1,)), ("vif-unplugged", "p", (2,)), ("vif-plugged", "p", (3,))],
        ),
    ],
)
def test_what_says_nothing_new_is_merged(messages: list[Message], expected: list[tuple[str, str, tuple[int, ...]]]) -> None:
    """The same of one port twice in a row is told once, a change before a deletion not at all; the order stays."""
    found = nova.merged(messages)
    assert expected == [(one.body["name"].removeprefix("network-"), one.body["tag"], one.ids) for one in found]


def test_a_batch_is_one_request(service: Nova) -> None:
    """In order, in the version that every Nova has."""
    send = nova.sender(asking(service.url))
    batch = [event(1, "vif-plugged", status="completed"), event(2, "changed", "q")]
    assert {1: TOLD, 2: TOLD} == send(batch)
    assert [("network-vif-plugged", "s", "p", "completed"), ("network-changed", "s", "q", None)] == service.events
    (asked,) = service.asked
    assert asked.headers["openstack-api-version"] == "compute 2.1"


def test_each_event_has_its_own_code(service: Nova) -> None:
    """Of a 207: unknown servers are dropped, those without a host wait, what it cannot read is dropped."""
    service.codes = {"gone": 404, "starting": 422, "odd": 400, "broken": 500}
    batch = [event(number, "changed", f"p{number}", server) for number, server in enumerate(["s", *service.codes])]
    assert {0: TOLD, 1: DROPPED, 2: LATER, 3: DROPPED, 4: LATER} == nova.sender(asking(service.url))(batch)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((404, {"itemNotFound": {"code": 404, "message": "No instances found for any event"}}), DROPPED),
        ((400, {"badRequest": {"code": 400}}), DROPPED),
        ((200, None), TOLD),
        ((200, b"<html>"), TOLD),
        ((200, {"events": "what"}), TOLD),
        ((207, {"events": [7, {}, {"name": "network-changed", "server_uuid": "s", "tag": "p", "code": "x"}]}), LATER),
    ],
)
def test_answers_to_the_whole_batch(service: Nova, answer: tuple[int, Any], expected: Verdict) -> None:
    """What Nova says of all of it counts for each; an answer without words is taken for yes."""
    service.faults.append(answer)
    assert {1: expected} == nova.sender(asking(service.url))([event(1, "changed")])


def test_one_bad_event_does_not_take_others_with_it(service: Nova) -> None:
    """After a 400 for the batch each event is told alone."""
    service.faults.extend([(400, {}), (400, {})])
    batch = [event(1, "changed", "bad"), event(2, "changed", "good")]
    assert {1: DROPPED, 2: TOLD} == nova.sender(asking(service.url))(batch)
    assert [2, 1, 1] == [len(asked.body["events"]) for asked in service.asked]


@pytest.mark.parametrize("fault", [(500, {}), (503, b"no"), (401, {}), (403, {}), (429, {}), CLOSE, HANG])
def test_a_nova_that_cannot_be_asked(service: Nova, fault: Any) -> None:
    """Errors, broken connections and silence say that it is to be asked again."""
    service.faults.extend([fault] * 3)
    with pytest.raises(PeerUnavailable):
        nova.sender(asking(service.url, timeout_s=0.3))([event(1, "changed")])


def test_a_nova_that_is_not_there() -> None:
    """A refused connection says the same."""
    with pytest.raises(PeerUnavailable):
        nova.sender(asking(f"http://127.0.0.1:{unused_port()}"))([event(1, "changed")])


def _password(url: str, **settings: Any) -> PeerSettings:
    auth = {"auth_url": url, "username": "neutron", "password": "secret"}
    auth |= {"user_domain_name": "Default", "project_name": "service", "default_domain_id": "default"}
    return PeerSettings("password", auth, **settings)


def test_keystone_gives_token_and_endpoint(service: Nova) -> None:
    """The catalogue says where Nova is, its token goes with each request; a token that Nova refuses is renewed once."""
    identity = keystone({"compute": service.url})
    with identity.running():
        send = nova.sender(Peer(_password(identity.url, region_name="here"), "compute"))
        assert {1: TOLD} == send([event(1, "changed")])
        service.faults.append((401, {}))
        assert {2: TOLD} == send([event(2, "changed")])
    assert ["token"] * 3 == [asked.headers["x-auth-token"] for asked in service.asked]
    assert 2 == len(identity.asked)
    user = {"name": "neutron", "domain": {"name": "Default"}, "password": "secret"}
    told = {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"name": "service", "domain": {"id": "default"}}},
    }
    assert {"auth": told} == identity.asked[0].body


@pytest.mark.parametrize(("region", "fault"), [("elsewhere", None), ("here", (401, {})), ("here", (500, {})), ("here", CLOSE)])
def test_a_keystone_that_does_not_help(service: Nova, region: str, fault: Any) -> None:
    """No endpoint, no token, no Keystone: Nova is asked again later, too."""
    identity = keystone({"compute": service.url})
    with identity.running():
        peer = Peer(_password(identity.url, region_name=region), "compute")
        if fault is not None:
            identity.reply = lambda _asked: fault
        with pytest.raises(PeerUnavailable):
            nova.sender(peer)([event(1, "changed")])
        assert [] == service.asked
