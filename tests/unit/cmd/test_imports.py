"""What daemons load: memory that is never used is still paid for, once for each host."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "asyncio", "oslo_config", "pygments", "rich", "sqlalchemy", "ssl", "starlette", "typer", "uvicorn", "zmq")


def loaded_by(module: str) -> set[str]:
    """Name the heavy packages that importing a module loads."""
    code = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("kaon.cmd.main", set()),
        ("kaon.cmd.supervisor", set()),
        ("kaon.cmd.server", set()),
        ("kaon.cmd.agent", {"zmq"}),
        ("kaon.bus.zeromq", {"zmq"}),
    ],
)
def test_a_daemon_loads_only_what_it_needs(module: str, expected: set[str]) -> None:
    """No daemon has the libraries of another, nor those that only read its configuration or draw on terminals."""
    assert expected == loaded_by(module)


def test_the_bus_process_does_without_http() -> None:
    """The process that serves hosts knows the database, but neither Starlette nor uvicorn."""
    assert {"starlette", "uvicorn", "oslo_config", "rich"} & loaded_by("kaon.server.feed.driver") == set()
