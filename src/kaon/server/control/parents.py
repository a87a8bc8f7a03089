"""The parents of rows that are listed: only for rules of an operator that ask of them what SQL was not asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kaon.model.query import Query, Row
from kaon.server.control.core import Core
from kaon.server.control.policy import Visibility
from kaon.server.store import networks, security_groups

_PARENTS: Final[Mapping[str, Any]] = {"network_id": networks.index, "security_group_id": security_groups.index}
"""Attribute that names the parent -> what lists such parents."""

NAMING: Final = frozenset(_PARENTS)
"""Attributes that name a row's parent."""


def of(core: Core, rows: Sequence[Row], project_id: str) -> list[Row]:
    """The parents of rows, in their order, as the project sees them; {} for a row without one."""
    found: dict[str, Row] = {}
    for naming, index in _PARENTS.items():
        ids = tuple({str(row[naming]) for row in rows if row.get(naming)})
        if ids:
            query = Query(filters={"id": ids})
            seeing = Visibility(everything=True, project_id=project_id)
            found |= {row["id"]: row for row in core.store.read(lambda tx, i=index, q=query, s=seeing: i(tx, q, s))[0]}  # type: ignore[misc]  # the defaults bind the loop's values
    return [next((found[row[naming]] for naming in _PARENTS if row.get(naming) in found), {}) for row in rows]
