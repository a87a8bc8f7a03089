"""What verbs of objects that can be shared (networks, subnet pools, QoS policies, ...) do about sharing, and its counting.

Policies that follow from `shared` or `router:external` count as used like those that somebody made, but no limit holds them up.
"""

from collections import Counter
from collections.abc import Iterable

from kaon.model.query import Row
from kaon.server.control import quota_usage
from kaon.server.control.core import Core
from kaon.server.store import rbac
from kaon.server.store.engine import Transaction


def share_with_all(core: Core, tx: Transaction, object_type: str, row: Row, action: str = rbac.SHARED) -> None:
    """Give every project `action` on an object; nothing when every project has it. row: the object's `id` and `project_id`."""
    if rbac.share_with_all(tx, object_type, row["id"], row["project_id"], action):
        quota_usage.count_made(tx, row["project_id"], "rbac_policy", 1, core.settings)


def publish(core: Core, tx: Transaction, object_type: str, row: Row, action: str = rbac.SHARED) -> None:
    """As `share_with_all`, for an object of which it is known that not every project has it."""
    rbac.publish(tx, object_type, row["id"], row["project_id"], action)
    quota_usage.count_made(tx, row["project_id"], "rbac_policy", 1, core.settings)


def stop_sharing_with_all(tx: Transaction, object_type: str, object_id: str, action: str = rbac.SHARED) -> None:
    """Take back what every project was given. Who loses it must not depend on it: the caller looks before."""
    _release(tx, rbac.stop_sharing_with_all(tx, object_type, object_id, action))


def forget(tx: Transaction, object_type: str, object_id: str, action: str | None = None) -> None:
    """Take back everything that was given on an object, in the transaction that deletes it; or all of one action.

    Call it after the object was deleted: that waits for everybody who is giving something on it.
    """
    _release(tx, rbac.forget(tx, object_type, object_id, action))


def _release(tx: Transaction, owners: Iterable[str]) -> None:
    for project_id, count in Counter(owners).items():
        quota_usage.release(tx, project_id, "rbac_policy", count)
