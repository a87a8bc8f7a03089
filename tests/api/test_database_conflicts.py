"""Deadlocks, lock timeouts, failed certifications, failed serialisations: at each statement and at COMMIT, for every verb."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bcrypt
import pytest
from api_client import USERS, Client
from database_faults import Conflicts, Content, comparable, content, restore
from database_wishes import TOPICS, Wish
from makers import MAKERS, Made, World
from makers_more import MORE

from kaon.model.attributes import Resource
from kaon.model.catalogue import RESOURCES
from kaon.model.qos_rules import RULES
from kaon.server.api.app import ApiSettings, make_app
from kaon.server.api.auth import BasicAuthentication
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store

EVERY = MAKERS | MORE
KNOWN = [one for one in RESOURCES if (one.parent, one.collection) in EVERY]
NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone

DIALECTS = ("sqlite", "postgresql", "mysql")

MOST_STEPS = 5
"""Of a request with more steps some are tried."""

SEVERAL = {"DELETE auto-allocated-topology": 4, "GET security-groups": 2}
"""Requests of several transactions, each of them whole: legs, router, network; the project's default group, the list."""


@dataclass(frozen=True)
class Ground:
    """A server on a database of its own whose clock stands still."""

    store: Store
    core: Core
    app: Any

    def world(self) -> World:
        """What makes things."""
        return World(self.core, Client(self.app, "root"), Client(self.app, "nova"))

    def ask(self, wish: Wish) -> int:
        """The status of the answer."""
        given = {} if wish.body is None else {"json": wish.body}
        answer = Client(self.app, wish.by).ask(wish.method, f"/v2.0/{wish.path}", **given)
        assert answer.status_code in (200, 201, 204, 503), (wish, answer.text)
        return int(answer.status_code)


@pytest.fixture
def ground(database: str, tmp_path: Any) -> Iterator[Ground]:
    """An empty cloud."""
    store = Store(database, clock=lambda: NOW, attempts=100)
    core = Core(store, {"linux": LinuxBackend()}, ServerSettings(), clock=lambda: NOW)
    passwords, projects = tmp_path / "htpasswd", tmp_path / "projects"
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    passwords.write_text("".join(f"{user}:{hashed}\n" for user in USERS))
    projects.write_text("".join(f"{user}:{rest}\n" for user, rest in USERS.items()))
    logging.disable()  # what is refused is logged, at length
    yield Ground(store, core, make_app(core, BasicAuthentication(passwords, projects), ApiSettings()))
    logging.disable(logging.NOTSET)
    store.close()


ONLY_ONE = {
    ("", "security_groups_default_statefulness"),
    ("flavors", "service_profiles"),
    *(("policies", rule.collection) for rule in RULES.values()),
}
"""Collections whose members cannot have a twin: such a one is made again after it went."""


def _verbs(resource: Resource, made: Made) -> Iterator[Wish]:
    """Everything that can change the thing."""
    one = f"{made.path}/{made.id}".removesuffix("/")
    by = "nova" if resource.collection == "bindings" else "root"
    if made.body and "create" in resource.verbs:
        again = (resource.parent, resource.collection) in ONLY_ONE
        yield Wish("POST", made.path, {resource.member: dict(made.body)}, by, Wish("DELETE", one) if again else None)
    if made.id and "update" in resource.verbs:
        yield Wish("PUT", one, {resource.member: dict(made.change)}, by)
    if made.id and "delete" in resource.verbs:
        yield Wish("DELETE", one, by=by)


@pytest.mark.parametrize("resource", KNOWN, ids=lambda one: f"{one.parent}-{one.collection}".strip("-"))
def test_every_verb_survives_or_fails_whole(ground: Ground, monkeypatch: pytest.MonkeyPatch, resource: Resource) -> None:
    """Tried again, it does what it does undisturbed; when the database refuses for good, nothing at all remains."""
    made = EVERY[resource.parent, resource.collection](ground.world())
    _hold_to_it(ground, monkeypatch, list(_verbs(resource, made)))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_action_survives_or_fails_whole(ground: Ground, monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    """So do verbs that touch several resources, and what is no resource."""
    _hold_to_it(ground, monkeypatch, TOPICS[topic](ground.world()))


def _hold_to_it(ground: Ground, monkeypatch: pytest.MonkeyPatch, wishes: Sequence[Wish]) -> None:
    """Try each request alone on the ground as it is."""
    store, as_it_was = ground.store, content(ground.store)
    for wish in wishes:
        if wish.after is not None:
            assert ground.ask(wish.after) < 300, wish.after
        before = content(store)
        with monkeypatch.context() as patch:
            patch.setattr("time.sleep", lambda _seconds: None)
            conflicts = Conflicts(store, patch)
            assert ground.ask(wish) < 300, wish
            steps = _some(conflicts.passed, DIALECTS.index(store.engine.dialect.name))
            conflicts.never()
            wanted = comparable(content(store), before)
            restore(store, before)
            _refuse_for_good(ground, conflicts, wish, before, steps)
            conflicts.again_and_again(steps)
            assert ground.ask(wish) < 300, wish
            assert conflicts.failed, wish
            conflicts.never()
            assert comparable(content(store), before) == wanted, wish
            restore(store, as_it_was)


def _some(steps: int, offset: int) -> list[int]:
    """Choose of so many steps: all of a few, every so many of many (others on each database); always the last."""
    apart = -(-steps // MOST_STEPS)
    return sorted({*range(1 + offset % apart, steps, apart), steps})


def _refuse_for_good(ground: Ground, conflicts: Conflicts, wish: Wish, before: Content, steps: Sequence[int]) -> None:
    """Let each step fail, with no other attempt: the caller may try again later, and nothing has happened."""
    whole = comparable(before, before)
    attempts, ground.store._attempts = ground.store._attempts, 1
    for step in steps:
        conflicts.once(step)
        status = ground.ask(wish)
        commits, failed = conflicts.commits, conflicts.failed
        conflicts.never()
        now = content(ground.store)
        if not failed:  # the first time, there was more to do
            restore(ground.store, before)
            continue
        assert status == 503, (wish, step)
        if now != before and comparable(now, before) != whole:
            several = SEVERAL.get(f"{wish.method} {wish.path.split('/')[0]}", 1)
            assert 0 < commits < several, (wish, step, "something was left")
            restore(ground.store, before)
    ground.store._attempts = attempts
