"""What projects use of their quota: counted in the transaction that creates or deletes, so that nobody counts rows.

Everybody in a project takes the same rows to count. They are therefore taken last and in one order: nobody waits for them
longer than for a commit, and two who count never wait for each other.
"""

from dataclasses import dataclass

from kaon.model.errors import OverQuota
from kaon.server.control.settings import ServerSettings
from kaon.server.store import quota_usages, quotas
from kaon.server.store.engine import Retry, Transaction


@dataclass
class Tally:
    """What one transaction makes and deletes of a resource, for a project; an engine.Finish.

    wanted  how many more, if the limit allows
    forced  how many more or less, whatever the limit
    limit   for projects without their own; negative: none
    """

    project_id: str
    resource: str
    wanted: int = 0
    forced: int = 0
    limit: int = -1

    def finish(self, tx: Transaction) -> None:
        """Count. One statement, or two, but for a project's first use. Errors: OverQuota."""
        if self.forced < 0:
            quota_usages.take_off(tx, self.project_id, self.resource, -self.forced)
        elif self.forced:
            quotas.count(tx, self.project_id, self.resource, self.forced)
        if not self.wanted or quota_usages.add(tx, self.project_id, self.resource, self.wanted, self.limit):
            return
        used = quota_usages.used(tx, self.project_id, self.resource)
        if 0 <= quota_usages.limit(tx, self.project_id, self.resource, self.limit) < (used or 0) + self.wanted:
            raise OverQuota(overs=[self.resource])
        if used is not None:
            raise Retry(f"{self.resource} of {self.project_id} was counted by another one meanwhile")
        quota_usages.begin(tx, self.project_id, self.resource, self.wanted)


def reserve(tx: Transaction, project_id: str, resource: str, count: int, settings: ServerSettings) -> None:
    """Count `count` more of a resource (`port`, `network`, ...) at the end of the transaction, which fails then: OverQuota.

    What belongs to no project ("") is not counted, and nothing is when the settings name no quotas.
    """
    if project_id and count and settings.quotas:
        tally = _tally(tx, project_id, resource)
        tally.wanted += count
        tally.limit = settings.quotas.get(resource, -1)


def check_size(tx: Transaction, project_id: str, resource: str, size: int, settings: ServerSettings) -> None:
    """Hold one thing of a project, a router's routes, to the limit of its size. Errors: OverQuota."""
    if (
        project_id
        and settings.quotas
        and 0 <= quota_usages.limit(tx, project_id, resource, settings.quotas.get(resource, -1)) < size
    ):
        raise OverQuota(overs=[resource])


def count_made(tx: Transaction, project_id: str, resource: str, count: int, settings: ServerSettings) -> None:
    """Count what the server itself makes for a project, whatever the limit."""
    if project_id and settings.quotas:
        _tally(tx, project_id, resource).forced += count


def release(tx: Transaction, project_id: str, resource: str, count: int) -> None:
    """Count `count` less of a resource."""
    if project_id and count:
        _tally(tx, project_id, resource).forced -= count


def _tally(tx: Transaction, project_id: str, resource: str) -> Tally:
    return tx.at_the_end(f"quota {project_id} {resource}", lambda: Tally(project_id, resource))
