"""A control plane on a fresh database, and those who use it."""

from collections.abc import Iterator

import pytest

from kaon.server.backends.linux import LinuxBackend
from kaon.server.control.core import Caller, Core, implied
from kaon.server.store.engine import Store


@pytest.fixture
def core(database: str) -> Iterator[Core]:
    """The control plane with the Linux back end and default settings."""
    store = Store(database)
    yield Core(store=store, backends={"linux": LinuxBackend()})
    store.close()


@pytest.fixture
def member() -> Caller:
    """A member of project `blue`."""
    return Caller(user_id="bea", project_id="blue", roles=implied("member"))


@pytest.fixture
def stranger() -> Caller:
    """A member of project `red`."""
    return Caller(user_id="rob", project_id="red", roles=implied("member"))


@pytest.fixture
def admin() -> Caller:
    """An admin, of a project of its own."""
    return Caller(user_id="ada", project_id="staff", roles=implied("admin"))
