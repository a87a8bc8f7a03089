"""Who besides its owner may use an object: RBAC policies asked by object, for every kind of object that can be shared.

    networks, index  a Listing's `viewed` has `allowed(...)`: the answer comes with the row; its `through` has `condition(...)`
    one by one       `shared_ids`, `targets`
    changed          by `control.rbac`, which counts: `share_with_all`, `stop_sharing_with_all`, `forget`

Here      the rows behind `shared` and behind who may use a network as external.
Not here  the policies as resources of their own (`rbac_policies`), who may make them (`control.rbac_policies`).
"""

from collections.abc import Callable, Collection
from typing import Final

import sqlalchemy as sa

from kaon.lib.ids import new_id
from kaon.model import rbac_policies
from kaon.server.store.engine import Transaction
from kaon.server.store.select import Condition
from kaon.server.store.tables.sharing import rbac_policies as _TABLE  # noqa: N812  # it is a constant here

SHARED: Final = rbac_policies.SHARED
EXTERNAL: Final = rbac_policies.EXTERNAL
EVERYBODY: Final = rbac_policies.EVERYBODY


def condition(object_type: str, identity: sa.ColumnElement[str], action: str = SHARED) -> Callable[[str], Condition]:
    """Give what makes, of a project, the condition that it was given `action` on the object that `identity` names.

    Made for WHERE: `Listing.through`, and filters of lists.
    """
    c = _TABLE.c

    def of(project_id: str) -> Condition:
        return identity.in_(sa.select(c.object_id).where(_given(object_type, action, project_id)))

    return of


def shared_condition(object_type: str, identity: sa.ColumnElement[str]) -> Callable[[str], Condition]:
    """`condition` of `access_as_shared`."""
    return condition(object_type, identity)


def allowed(object_type: str, identity: sa.ColumnElement[str], action: str = SHARED) -> Callable[[str], Condition]:
    """`condition` for a column of a SELECT: asked row by row, by the key. See `select.Listing.viewed`."""
    c = _TABLE.c

    def of(project_id: str) -> Condition:
        mine = sa.and_(c.object_id == identity, _given(object_type, action, project_id))
        return sa.exists(sa.select(sa.literal(1)).select_from(_TABLE).where(mine).correlate_except(_TABLE))

    return of


def shared_ids(tx: Transaction, object_type: str, identities: Collection[str], project_id: str) -> frozenset[str]:
    """Find which of these objects are shared with a project, or with everybody. One statement; none when there are none."""
    if not identities:
        return frozenset()
    c = _TABLE.c
    given = sa.select(c.object_id).where(c.object_id.in_(sorted(identities)), _given(object_type, SHARED, project_id))
    return frozenset(tx.execute(given).scalars())


def targets(tx: Transaction, object_type: str, object_id: str, action: str = SHARED) -> frozenset[str]:
    """Find with whom an object is shared: projects, and `EVERYBODY`."""
    c = _TABLE.c
    found = sa.select(c.target_project).where(c.object_id == object_id, c.object_type == object_type, c.action == action)
    return frozenset(tx.execute(found).scalars())


def share_with_all(tx: Transaction, object_type: str, object_id: str, owner_project: str, action: str = SHARED) -> bool:
    """Give every project `action` on an object; tell whether that is new. Call `control.rbac`, which counts it.

    owner_project  whose policy it is: the object's owner
    """
    if EVERYBODY in targets(tx, object_type, object_id, action):
        return False
    publish(tx, object_type, object_id, owner_project, action)
    return True


def publish(tx: Transaction, object_type: str, object_id: str, owner_project: str, action: str = SHARED) -> None:
    """As `share_with_all`, for an object that is new and shared with nobody. Errors: IntegrityError when it is."""
    values = {"id": new_id(), "project_id": owner_project, "object_type": object_type, "object_id": object_id}
    tx.execute(sa.insert(_TABLE).values(values | {"action": action, "target_project": EVERYBODY}))


def stop_sharing_with_all(tx: Transaction, object_type: str, object_id: str, action: str = SHARED) -> list[str]:
    """Take back what every project was given; what single projects were given stays. Gives whose policies went."""
    return _remove(tx, object_type, object_id, _TABLE.c.action == action, _TABLE.c.target_project == EVERYBODY)


def forget(tx: Transaction, object_type: str, object_id: str, action: str | None = None) -> list[str]:
    """Take back all that anybody was given on an object, or all of one action. Gives whose policies went, one for each."""
    return _remove(tx, object_type, object_id, sa.true() if action is None else _TABLE.c.action == action)


def _remove(tx: Transaction, object_type: str, object_id: str, *which: Condition) -> list[str]:
    c = _TABLE.c
    found = sa.select(c.id, c.project_id).where(c.object_id == object_id, c.object_type == object_type, *which)
    gone = tx.execute(found.order_by(c.id)).all()
    if gone:
        tx.execute(sa.delete(_TABLE).where(c.id.in_([row.id for row in gone])))
    return [row.project_id for row in gone]


def _given(object_type: str, action: str, project_id: str) -> Condition:
    c = _TABLE.c
    whom = c.target_project.in_([EVERYBODY, project_id])  # nobody shares with "", the project of who has none
    return sa.and_(whom, c.object_type == object_type, c.action == action)
