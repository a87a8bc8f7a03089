"""What is to be told to other services: written in the transaction of the change that it tells of, taken out once it is told.

One process at a time speaks to a service: it takes a turn, which ends when it says so or when its time is over.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from kaon.server.store.engine import Transaction
from kaon.server.store.tables import peers as t

NOVA: Final = "nova"
DESIGNATE: Final = "designate"

_c = t.outbox.c
_turn = t.peer_turns.c


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell.

    subject   what it is about: messages of one subject keep their order
    body      what the peer's sender understands
    attempts  how often the service refused it for the time being
    """

    id: int
    subject: str
    body: Mapping[str, Any]
    attempts: int
    created_at: datetime


@dataclass(slots=True)
class _Outgoing:
    """The messages of one transaction: one statement at its end, after the rows of what they are about are locked."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def finish(self, tx: Transaction) -> None:
        """Store them."""
        if self.rows:
            tx.execute(sa.insert(t.outbox), self.rows)


def expect(tx: Transaction) -> None:
    """Say that something may be posted at the end of the transaction, by what is left to it; see `Transaction.at_the_end`."""
    tx.at_the_end("outbox", _Outgoing)


def post(tx: Transaction, peer: str, subject: str, body: Mapping[str, Any]) -> None:
    """Have something told to a service once this transaction is committed."""
    tx.posted = True
    times = {"created_at": tx.now, "due_at": tx.now}
    message = {"peer": peer, "subject": subject, "body": dict(body), "attempts": 0, **times}
    tx.at_the_end("outbox", _Outgoing).rows.append(message)


def waiting(tx: Transaction, peer: str) -> bool:
    """Tell whether there is anything that may be told now."""
    return tx.execute(sa.select(_c.id).where(_c.peer == peer, _c.due_at <= tx.now).limit(1)).first() is not None


def take_turn(tx: Transaction, peer: str, holder: str, for_s: float) -> bool:
    """Become the one who speaks to a service, for so many seconds; False: another one does."""
    until = tx.now + timedelta(seconds=for_s)
    free = sa.or_(_turn.holder.in_(("", holder)), _turn.until <= tx.now)
    if tx.execute(sa.update(t.peer_turns).where(_turn.peer == peer, free).values(holder=holder, until=until)).rowcount:
        return True
    if tx.execute(sa.select(_turn.peer).where(_turn.peer == peer)).first() is not None:
        return False
    tx.execute(sa.insert(t.peer_turns).values(peer=peer, holder=holder, until=until))
    return True


def end_turn(tx: Transaction, peer: str, holder: str) -> None:
    """Let others speak to a service."""
    tx.execute(sa.update(t.peer_turns).where(_turn.peer == peer, _turn.holder == holder).values(holder=""))


def due(tx: Transaction, peer: str, most: int) -> list[Message]:
    """List what may be told now, oldest first: nothing while something earlier of the same subject must wait."""
    earlier = t.outbox.alias("earlier")
    held = sa.exists(
        sa.select(earlier.c.id).where(
            earlier.c.peer == peer, earlier.c.subject == _c.subject, earlier.c.id < _c.id, earlier.c.due_at > tx.now
        )
    )
    chosen = sa.select(_c.id, _c.subject, _c.body, _c.attempts, _c.created_at)
    rows = tx.execute(chosen.where(_c.peer == peer, _c.due_at <= tx.now, ~held).order_by(_c.id).limit(most))
    return [Message(*row) for row in rows]


def remove(tx: Transaction, ids: Collection[int]) -> None:
    """Forget messages: they are told, or never will be."""
    if ids:
        tx.execute(sa.delete(t.outbox).where(_c.id.in_(sorted(ids))))


def postpone(tx: Transaction, pauses: Sequence[tuple[int, float]]) -> None:
    """Have messages tried again after so many seconds each."""
    for message_id, pause_s in pauses:
        later = {"due_at": tx.now + timedelta(seconds=pause_s), "attempts": _c.attempts + 1}
        tx.execute(sa.update(t.outbox).where(_c.id == message_id).values(later))


def expire(tx: Transaction, peer: str, before: datetime) -> int:
    """Forget what was written before a moment; tell how many."""
    return tx.execute(sa.delete(t.outbox).where(_c.peer == peer, _c.created_at < before)).rowcount
