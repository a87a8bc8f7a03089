"""The journal as it is read: which scopes moved, in the order in which rows were numbered."""

from collections.abc import Collection

import sqlalchemy as sa

from kaon.server.store import tables as t
from kaon.server.store.engine import Transaction

_FEW = 500

Row = tuple[int, str, int]
"""(sequence, scope, revision)."""

_c = t.journal.c
_chosen = sa.select(_c.sequence, _c.scope, _c.revision).order_by(_c.sequence)


def after(tx: Transaction, sequence: int, limit: int) -> list[Row]:
    """List the rows after a number; at most so many."""
    return [(row.sequence, row.scope, row.revision) for row in tx.execute(_chosen.where(_c.sequence > sequence).limit(limit))]


def at(tx: Transaction, numbers: Collection[int]) -> list[Row]:
    """List those of these rows that are there."""
    wanted = sorted(numbers)
    parts = [wanted[start : start + _FEW] for start in range(0, len(wanted), _FEW)]
    return [
        (row.sequence, row.scope, row.revision) for part in parts for row in tx.execute(_chosen.where(_c.sequence.in_(part)))
    ]
