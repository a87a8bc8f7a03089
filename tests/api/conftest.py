"""The whole server but for its bus: HTTP by ASGI on a store of its own, with an admin and two members."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from api_client import USERS, Client

from kaon.server.api.app import ApiSettings, make_app
from kaon.server.api.auth import BasicAuthentication
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control.core import Core
from kaon.server.control.settings import ServerSettings
from kaon.server.store.engine import Store


@pytest.fixture
def core(database: str) -> Iterator[Core]:
    """A control plane on an empty database."""
    store = Store(database)
    yield Core(store=store, backends={"linux": LinuxBackend()}, settings=ServerSettings())
    store.close()


@pytest.fixture
def app(core: Core, tmp_path: Path) -> Any:
    """The API of that core."""
    passwords, projects = tmp_path / "htpasswd", tmp_path / "projects"
    # Four rounds: the least that bcrypt allows, for speed.
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    passwords.write_text("".join(f"{user}:{hashed}\n" for user in USERS))
    projects.write_text("".join(f"{user}:{rest}\n" for user, rest in USERS.items()))
    return make_app(core, BasicAuthentication(passwords, projects), ApiSettings(max_request_body_size=10_000))


@pytest.fixture
def admin(app: Any) -> Client:
    """May do everything."""
    return Client(app, "root")


@pytest.fixture
def ann(app: Any) -> Client:
    """A member of project p1."""
    return Client(app, "ann")


@pytest.fixture
def bob(app: Any) -> Client:
    """A member of project p2."""
    return Client(app, "bob")


@pytest.fixture
def eve(app: Any) -> Client:
    """A reader of project p1."""
    return Client(app, "eve")


@pytest.fixture
def mia(app: Any) -> Client:
    """A manager of project p1."""
    return Client(app, "mia")


@pytest.fixture
def nova(app: Any) -> Client:
    """A service, which may what services may."""
    return Client(app, "nova")
