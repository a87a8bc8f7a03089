"""Nova's words: `os-server-external-events`.

Its answer is 200, or 207 with a code for each event: 404 it knows no such server, 422 the server has no host yet, 400 it cannot
make sense of the event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kaon.lib.log import Log
from kaon.server.peers.courier import Delivery, Send, Verdict
from kaon.server.peers.http import Peer
from kaon.server.peers.settings import NovaSettings
from kaon.server.store.outbox import NOVA, Message

_log = Log(__name__)

_PATH = "/os-server-external-events"
_HEADERS = {"OpenStack-API-Version": "compute 2.1", "X-OpenStack-Nova-API-Version": "2.1"}

_OK, _MANY, _BAD, _NOT_FOUND, _NO_HOST = 200, 207, 400, 404, 422
_FAILED = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One event as Nova takes it, and the messages that it stands for."""

    body: Mapping[str, Any]
    ids: tuple[int, ...]


def delivery(settings: NovaSettings) -> Delivery:
    """Tell how Nova is told. Errors: those of `Peer`."""
    peer = Peer(settings.peer, "compute")
    # Finding the endpoint, getting a token, asking: each may take its time.
    return Delivery(NOVA, sender(peer), interval_s=settings.interval_s, turn_s=4 * settings.peer.timeout_s)


def sender(peer: Peer) -> Send:
    """Make what tells a batch of events."""
    return lambda messages: _send(peer, merged(messages))


def merged(messages: Sequence[Message]) -> list[Event]:
    """Make events of messages, in order. What says nothing new is merged with what says it. Pure.

    The same twice in a row of one port is told once; that a port changed is not worth telling when it is deleted after.
    """
    found: list[Event] = []
    last: dict[str, int] = {}
    for message in messages:
        event = Event(message.body, (message.id,))
        before = last.get(message.subject)
        if before is not None and found[before].body == event.body:
            found[before] = Event(event.body, (*found[before].ids, message.id))
            continue
        if before is not None and _moot(found[before].body, event.body):
            found[before] = Event(event.body, (*found[before].ids, message.id))
            continue
        last[message.subject] = len(found)
        found.append(event)
    return found


def _moot(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    same_server: bool = before["server_uuid"] == after["server_uuid"]
    return same_server and (before["name"], after["name"]) == ("network-changed", "network-vif-deleted")


def _send(peer: Peer, events: Sequence[Event]) -> dict[int, Verdict]:
    status, answer = peer.ask("POST", _PATH, {"events": [event.body for event in events]}, dict(_HEADERS))
    if status == _BAD and len(events) > 1:  # one that it cannot read must not take the others with it
        return {key: verdict for event in events for key, verdict in _send(peer, [event]).items()}
    codes = _codes(status, answer, events)
    return {message: _verdict(event, code) for event, code in zip(events, codes, strict=True) for message in event.ids}


def _codes(status: int, answer: Any, events: Sequence[Event]) -> list[int]:
    """Give the code of each event: Nova answers them in their order, naming each."""
    if status not in {_OK, _MANY}:
        return [status] * len(events)
    told = answer.get("events") if isinstance(answer, dict) else None
    if not isinstance(told, list):
        _log.warning("nova answers what nobody understands", status=status)
        return [_OK] * len(events)
    waiting: dict[tuple[Any, ...], list[int]] = {}
    for one in told:
        if isinstance(one, dict):
            code = one.get("code")
            waiting.setdefault(_key(one), []).append(code if isinstance(code, int) else _FAILED)
    found = (waiting.get(_key(event.body)) for event in events)
    return [codes.pop(0) if codes else _OK for codes in found]


def _key(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event.get("name"), event.get("server_uuid"), event.get("tag")


def _verdict(event: Event, code: int) -> Verdict:
    match code:
        case 200:
            _log.debug("nova knows", **event.body)
            return Verdict.TOLD
        case 404:
            _log.info("nova has no such server", **event.body)
            return Verdict.DROPPED
        case 422:
            return Verdict.LATER
        case _ if code >= _FAILED:
            return Verdict.LATER
        case _:
            _log.warning("nova refuses an event", code=code, **event.body)
            return Verdict.DROPPED
