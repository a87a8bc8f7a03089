"""Agents: show, index, update, delete. They appear when their host says hello (`hosts`); nobody creates them here."""

from collections.abc import Sequence

from kaon.model import errors
from kaon.model.query import Body, Page, Query, Row
from kaon.server.control import policy, status
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import agents, select
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Refuse: agents introduce themselves. Errors: PolicyNotAuthorized, BadRequest."""
    del core
    policy.authorize(caller, "create_agent", bodies[0], body=bodies[0])
    raise errors.BadRequest(reason="Agents introduce themselves and cannot be created")


def show(core: Core, caller: Caller, agent_id: str, fields: frozenset[str] | None = None) -> Row:
    """Show an agent; administrators only. Errors: AgentNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: _find(core, tx, caller, agent_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List agents; nobody but administrators sees any. Errors: AgentNotFound (the marker)."""
    seeing = policy.visibility(caller, "agents")

    def work(tx: Transaction) -> tuple[list[Row], bool]:
        return agents.index(tx, bounded(core, query), seeing, status.alive_after(core, tx.now))

    try:
        return Page(*core.store.read(work))
    except select.MarkerNotFound:
        raise errors.AgentNotFound(id=query.marker) from None


def update(core: Core, caller: Caller, agent_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change `admin_state_up` (down: nothing more is placed there) or `description`. Errors: AgentNotFound."""
    del revision  # agents have none

    def work(tx: Transaction) -> Row:
        row = _find(core, tx, caller, agent_id)
        policy.authorize(caller, "update_agent", row)
        if changes:
            agents.update(tx, agent_id, changes)
        return row | changes

    return core.store.write(work)


def delete(core: Core, caller: Caller, agent_id: str, revision: int | None = None) -> None:
    """Forget an agent; one that lives comes back with its next hello. Errors: AgentNotFound."""
    del revision  # agents have none

    def work(tx: Transaction) -> None:
        policy.authorize(caller, "delete_agent", _find(core, tx, caller, agent_id))
        agents.delete(tx, agent_id)

    core.store.write(work)


def _find(core: Core, tx: Transaction, caller: Caller, agent_id: str) -> Row:
    row = agents.show(tx, agent_id, status.alive_after(core, tx.now))
    if row is None or not policy.visible(caller, "agents", row):
        raise errors.AgentNotFound(id=agent_id)
    return row
