"""The courier: what is in the outbox arrives in order, once it can, from one process at a time; what is worthless goes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from http_peers import HANG, Nova
from kaon.server.peers import nova
from kaon.server.peers.courier import Courier, Delivery, Verdict
from kaon.server.peers.http import PeerUnavailable
from kaon.server.peers.settings import NovaSettings, PeerSettings
from kaon.server.store import outbox
from kaon.server.store.engine import Store, Transaction
from kaon.server.store.outbox import Message
from kaon.server.store.tables import peers as t

Say = Callable[[str], Verdict]


class Office:
    """A store whose clock stands, and couriers that take note of what they tell. say: gives the verdict of a word."""

    def __init__(self, database: str) -> None:
        self.now = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone
        self.store = Store(database, clock=lambda: self.now)
        self.told: list[str] = []
        self.say: Say = lambda _word: Verdict.TOLD

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def post(self, *words: str, subject: str = "p") -> None:
        """Post, all in one transaction."""

        def work(tx: Transaction) -> None:
            for word in words:
                outbox.post(tx, "nova", subject, {"word": word})

        self.store.write(work)

    def courier(self, holder: str = "one", **how: Any) -> Courier:
        """Make a courier that is not started."""
        return Courier(self.store, holder, Delivery("nova", self._send, **how))

    def left(self) -> list[str]:
        """List what is still in the outbox."""
        chosen = sa.select(t.outbox.c.body).order_by(t.outbox.c.id)
        return [body["word"] for body in self.store.read(lambda tx: tx.execute(chosen).scalars().all())]

    def _send(self, messages: Sequence[Message]) -> Mapping[int, Verdict]:
        verdicts = {message.id: self.say(message.body["word"]) for message in messages}
        self.told += [message.body["word"] for message in messages]
        return verdicts


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """An empty outbox."""
    made = Office(database)
    yield made
    made.store.close()


def unavailable(_word: str) -> Verdict:
    """Be out of reach."""
    raise PeerUnavailable("gone fishing")


def test_messages_arrive_in_order_and_go(office: Office) -> None:
    """Those of several transactions in one batch; when there is nothing, nothing is asked of the service."""
    office.post("a", "b")
    office.post("c", subject="q")
    courier = office.courier()
    assert [3, 0] == [courier.round(), courier.round()]
    assert ["a", "b", "c"] == office.told
    assert [] == office.left()


def test_a_batch_has_an_end(office: Office) -> None:
    """What is more goes with the next."""
    office.post("a", "b", "c")
    courier = office.courier(most=2)
    assert [2, 1, 0] == [courier.round() for _ in range(3)]
    assert ["a", "b", "c"] == office.told


def test_nothing_of_a_transaction_that_failed(office: Office) -> None:
    """What did not happen is not told."""

    def work(tx: Transaction) -> None:
        outbox.post(tx, "nova", "p", {"word": "a"})
        raise LookupError

    with pytest.raises(LookupError):
        office.store.write(work)
    assert 0 == office.courier().round()
    assert [] == office.left()


def test_what_could_not_be_told_is_kept(office: Office) -> None:
    """While the service is away, in order."""
    office.post("a", "b")
    office.say = unavailable
    for _ in range(20):
        with pytest.raises(PeerUnavailable):
            office.courier().round()
    office.say = lambda _word: Verdict.TOLD
    office.post("c")
    office.courier("two").round()
    assert ["a", "b", "c"] == office.told
    assert [] == office.left()


def test_what_must_wait_holds_back_what_follows(office: Office) -> None:
    """Of the same subject, of no other."""
    office.say = lambda word: Verdict.LATER if word == "a" else Verdict.TOLD
    office.post("a")
    courier = office.courier()
    courier.round()
    office.post("b")
    office.post("x", subject="q")
    courier.round()
    assert ["a", "x"] == office.told
    office.say = lambda _word: Verdict.TOLD
    office.pass_time(1)
    courier.round()
    assert ["a", "x", "a", "b"] == office.told


def test_patience_ends(office: Office) -> None:
    """What is refused for the time being again and again is given up; pauses grow."""
    office.say = lambda _word: Verdict.LATER
    office.post("a")
    pauses = []
    while office.left():
        seconds = 0
        while not office.courier().round():
            office.pass_time(1)
            seconds += 1
        pauses.append(seconds)
    assert [0, 1, 2, 4, 8, 16] == pauses


def test_old_messages_are_worthless(office: Office) -> None:
    """They go untold, newer ones are told: the table cannot grow for ever."""
    office.post("old")
    office.pass_time(601)
    office.post("new")
    office.courier().round()
    assert ["new"] == office.told
    assert [] == office.left()


def test_one_speaks_at_a_time(office: Office) -> None:
    """While one process tells, another does not; it does when the first ends, or when its time is over without a word."""
    office.post("a")

    def meanwhile(word: str) -> Verdict:
        assert 0 == office.courier("two").round()
        return Verdict.TOLD if word == "a" else Verdict.LATER

    office.say = meanwhile
    assert 1 == office.courier("one").round()

    office.post("b")
    assert office.store.write(lambda tx: outbox.take_turn(tx, "nova", "a process that is killed now", 15))
    office.say = lambda _word: Verdict.TOLD
    assert 0 == office.courier("two").round()
    office.pass_time(15)
    assert 1 == office.courier("two").round()
    assert ["a", "b"] == office.told


def test_posting_pokes(office: Office) -> None:
    """Only what leaves something to be told pokes those who tell."""
    pokes: list[int] = []
    office.store.on_post(lambda: pokes.append(1))
    office.store.write(lambda tx: tx.execute(sa.delete(t.outbox)))
    assert [] == pokes
    office.post("a")
    assert [1] == pokes


def test_the_thread_tells_at_once_and_again_after_a_failure(office: Office) -> None:
    """A poke is enough; a Nova that hangs or fails gets the same events again, each once it can, in order."""
    service = Nova()
    with service.running():
        settings = NovaSettings(PeerSettings("none", {"endpoint": service.url}, timeout_s=0.3), interval_s=0.05)
        courier = Courier(office.store, "one", nova.delivery(settings))
        office.store.on_post(courier.poke)
        service.faults.extend([(500, {}), HANG])
        courier.start()
        for name in ("network-changed", "network-vif-plugged", "network-vif-deleted"):
            body = {"name": name, "server_uuid": "s", "tag": "p"}
            office.store.write(lambda tx, body=body: outbox.post(tx, "nova", "p", body))
        service.until(lambda: len(service.events) >= 3)
        courier.stop()
        courier.join(10.0)
    assert ["changed", "vif-plugged", "vif-deleted"] == service.names()
    assert [] == office.left()
