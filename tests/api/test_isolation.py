"""Nobody reaches what is another project's: every resource, every method, everybody who should not.

What to expect is the rules' own word, asked about a row of project p1 that is shared with nobody; that the rules are Neutron's,
`unit/server/control/test_policies.py` shows.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from api_client import USERS, Client
from makers import MAKERS, Made, World
from makers_more import MORE

from kaon.model.attributes import Resource
from kaon.model.catalogue import RESOURCES
from kaon.server.control.conditions import satisfied
from kaon.server.control.core import Caller, Core, implied

EVERY = MAKERS | MORE

OTHERS = ("bob", "eve", "guest")
"""A member of another project; a reader and one without a role in this one."""


def _subject(resource: Resource) -> str:
    above = next((one.member for one in RESOURCES if one.collection == resource.parent), "")
    return f"{above}_{resource.member}" if above else resource.member


def _lets(user: str, rule: str, owner: str) -> bool:
    """Whether a rule lets the user, when all is the owner's and nothing is shared."""
    project, _, roles = USERS[user].partition(":")
    caller = Caller(user, project, implied(*roles.split(",")))
    row = {"project_id": owner, "shared": False, "router:external": False}
    return satisfied(caller.rights.answer(rule), row, row)


def _requests(resource: Resource, made: Made) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Verb, method, path and body of everything that can be asked of the thing."""
    one, all_of_it = f"{made.path}/{made.id}", made.path
    if "index" in resource.verbs:
        yield "get", "GET", all_of_it, {}
    if "create" in resource.verbs:
        yield "create", "POST", all_of_it, {resource.member: dict(made.body)}
    if made.id and "show" in resource.verbs:
        yield "get", "GET", one, {}
    if made.id and "update" in resource.verbs:
        yield "update", "PUT", one, {resource.member: dict(made.change)}
    if made.id and "delete" in resource.verbs:
        yield "delete", "DELETE", one, {}


def _ask(client: Client, method: str, path: str, body: dict[str, Any], *, auth: bool = True) -> Any:
    return client.ask(method, f"/v2.0/{path}", auth=auth, **({"json": body} if body else {}))


def test_one_of_each_resource_can_be_made() -> None:
    """A resource without an entry in `makers` or `makers_more` is not covered here."""
    assert set() == {(one.parent, one.collection) for one in RESOURCES} - EVERY.keys()


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one.parent}-{one.collection}".strip("-"))
def test_who_should_not_cannot(core: Core, app: Any, admin: Client, nova: Client, resource: Resource) -> None:
    """Who sees it not, finds nothing (404), in lists too; who sees it, is refused (403); a stranger is asked who he is."""
    made = EVERY[resource.parent, resource.collection](World(core, admin, nova))
    subject = _subject(resource)
    for verb, method, path, body in list(_requests(resource, made)):
        assert _ask(admin, method, path, body, auth=False).status_code == 401, (method, path)
        for user in OTHERS:
            answer = _ask(Client(app, user), method, path, body)
            told = (user, method, path, answer.status_code, answer.text)
            sees, may = (_lets(user, f"{what}_{subject}", made.owner) for what in ("get", verb))
            if method == "GET":
                _check_look(made, answer, told, sees=sees, all_of_it=path == made.path)
            elif not may and method == "POST":
                # Whom a parent is hidden from, does not find it; who names another's project, has it pointed out.
                assert answer.status_code in (400, 403, 404), told
                assert answer.status_code != 400 or user == "bob", told
            elif not may:
                # Who sees what it hangs on, knows that there is something to be refused.
                assert answer.status_code == (403 if sees else 404) or (resource.parent and answer.status_code == 403), told
    if made.id and "show" in resource.verbs:
        assert (
            _ask(
                admin if _lets("root", f"get_{subject}", made.owner) else nova, "GET", f"{made.path}/{made.id}", {}
            ).status_code
            == 200
        )


def _check_look(made: Made, answer: Any, told: Any, *, sees: bool, all_of_it: bool) -> None:
    if not all_of_it:
        assert answer.status_code == (200 if sees else 404), told
    elif sees:
        assert answer.status_code == 200, told
        assert made.id in answer.text, told
    else:
        assert answer.status_code in (200, 403, 404), told
        assert not made.id or made.id not in answer.text, told
