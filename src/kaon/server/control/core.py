"""What every verb is handed: the store, the back ends, the settings, the time, and who asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from kaon.lib.clock import Clock, utc_now
from kaon.model.errors import RevisionNumberConstraintFailed
from kaon.model.query import Query, Row
from kaon.server.control.policies import neutron_defaults
from kaon.server.control.rules import Credentials, Policy, Rights
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store

_IMPLIED: Final = ("admin", "manager", "member", "reader")


def implied(*roles: str) -> frozenset[str]:
    """These roles and those that they imply, as Keystone has it: admin, manager, member, reader, each the next.

    Keystone's tokens name all of them; whoever else says what a caller's roles are must add them.
    """
    highest = min((_IMPLIED.index(role) for role in roles if role in _IMPLIED), default=len(_IMPLIED))
    return frozenset(roles).union(_IMPLIED[highest:])


@dataclass(frozen=True)
class Caller:
    """Who asks, as authentication found.

    project_id     the project that the caller acts in; empty: none
    roles          in that project, with those that they imply (`implied`)
    request_id     of the HTTP request, for logs
    service_roles  of the service that speaks on the user's behalf, from its own token
    domain_id, system_scope  of a token that is of no project
    policy         the rules that say what the caller may do
    """

    user_id: str
    project_id: str
    roles: frozenset[str] = frozenset()
    request_id: str = ""
    service_roles: frozenset[str] = frozenset()
    user_domain_id: str = ""
    project_domain_id: str = ""
    domain_id: str = ""
    system_scope: str = ""
    policy: Policy = field(default_factory=neutron_defaults, repr=False, compare=False)

    @cached_property
    def rights(self) -> Rights:
        """What the rules say to this caller."""
        return self.policy.rights(
            Credentials(
                user_id=self.user_id,
                project_id=self.project_id,
                roles=self.roles,
                service_roles=self.service_roles,
                user_domain_id=self.user_domain_id,
                project_domain_id=self.project_domain_id,
                domain_id=self.domain_id,
                system_scope=self.system_scope,
            )
        )

    @property
    def is_admin(self) -> bool:
        """Whether the rule `context_is_admin` holds: such a caller may name other projects."""
        return self.rights.is_admin


@dataclass(frozen=True)
class Core:
    """The control plane.

    backends  by name, see `server.backends.protocol.Backend`
    policy    gives the rules of the moment
    """

    store: Store
    backends: Mapping[str, Any]
    settings: ServerSettings = field(default_factory=ServerSettings)
    clock: Clock = utc_now
    policy: Callable[[], Policy] = neutron_defaults


def check_revision(row: Row, revision: int | None) -> None:
    """Refuse when the caller looked at another revision than the present one. Errors: RevisionNumberConstraintFailed."""
    if revision is not None and row["revision_number"] != revision:
        raise RevisionNumberConstraintFailed(expected=revision, current=row["revision_number"])


def bounded(core: Core, query: Query) -> Query:
    """Give the query with the largest page that the settings allow."""
    most = core.settings.page_limit
    return replace(query, limit=min(query.limit or most, most)) if most else query
