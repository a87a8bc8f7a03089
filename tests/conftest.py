"""Rules for every test: a skipped test has failed, and no law runs against a clock."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

import databases

hypothesis.settings.register_profile("kaon", deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("kaon")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure: a test whose real part is missing has not shown anything."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, and a skipped test counts as failed: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgresql() -> Iterator[databases.Server]:
    """A PostgreSQL server of this test worker's own."""
    with databases.running("postgresql") as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[databases.Server]:
    """A MariaDB server of this test worker's own."""
    with databases.running("mariadb") as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file as the migrations make it."""
    return databases.sqlite_with_schema(tmp_path_factory.mktemp("database"))


@pytest.fixture(params=databases.SERVERS)
def shared_database(request: pytest.FixtureRequest) -> str:
    """The URL of a database that several write to at once, as the migrations make it: PostgreSQL, MariaDB."""
    server: databases.Server = request.getfixturevalue(request.param)
    server.empty()
    return server.url


@pytest.fixture(params=databases.EVERY)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database as the migrations make it: each test that uses it runs on SQLite, PostgreSQL and MariaDB."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_file'), tmp_path / 'kaon.db')}"
    server: databases.Server = request.getfixturevalue(request.param)
    server.empty()
    return server.url
