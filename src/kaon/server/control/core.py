"""What every verb is handed: the store, the back ends, the settings, the time, and who asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kaon.lib.clock import Clock, utc_now
from kaon.model.errors import RevisionNumberConstraintFailed
from kaon.model.query import Query, Row
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store


@dataclass(frozen=True)
class Caller:
    """Who asks, as authentication found.

    project_id  the project that the caller acts in
    is_admin    may do everything, for every project
    request_id  of the HTTP request, for logs
    """

    user_id: str
    project_id: str
    roles: frozenset[str] = frozenset()
    is_admin: bool = False
    request_id: str = ""


@dataclass(frozen=True)
class Core:
    """The control plane. backends: by name, see `server.backends.protocol.Backend`."""

    store: Store
    backends: Mapping[str, Any]
    settings: ServerSettings = field(default_factory=ServerSettings)
    clock: Clock = utc_now


def check_revision(row: Row, revision: int | None) -> None:
    """Refuse when the caller looked at another revision than the present one. Errors: RevisionNumberConstraintFailed."""
    if revision is not None and row["revision_number"] != revision:
        raise RevisionNumberConstraintFailed(expected=revision, current=row["revision_number"])


def bounded(core: Core, query: Query) -> Query:
    """Give the query with the largest page that the settings allow."""
    most = core.settings.page_limit
    return replace(query, limit=min(query.limit or most, most)) if most else query
