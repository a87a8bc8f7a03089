"""A control plane on a fresh SQLite database, and those who use it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaon.server.backends.linux import LinuxBackend
from kaon.server.control.core import Caller, Core
from kaon.server.store.engine import Store


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the migrations make it; tests copy it, which is faster than making it."""
    path = tmp_path_factory.mktemp("database") / "kaon.db"
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@pytest.fixture
def core(tmp_path: Path, fresh_database: Path) -> Iterator[Core]:
    """The control plane with the Linux back end and default settings."""
    store = Store(f"sqlite:///{shutil.copy(fresh_database, tmp_path / 'kaon.db')}")
    yield Core(store=store, backends={"linux": LinuxBackend()})
    store.close()


@pytest.fixture
def member() -> Caller:
    """A member of project `blue`."""
    return Caller(user_id="bea", project_id="blue", roles=frozenset({"member"}))


@pytest.fixture
def stranger() -> Caller:
    """A member of project `red`."""
    return Caller(user_id="rob", project_id="red", roles=frozenset({"member"}))


@pytest.fixture
def admin() -> Caller:
    """An admin, of a project of its own."""
    return Caller(user_id="ada", project_id="staff", roles=frozenset({"admin"}), is_admin=True)
