"""Databases for tests: SQLite, and servers of PostgreSQL and MariaDB that a test worker starts for itself.

A server runs as an unprivileged user from a directory of its own, listens on a socket in there only, and ends with the
worker. Its one database is made by the migrations once, and emptied between tests.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kaon.server.store import tables
from kaon.server.store.engine import Store
from kaon.server.store.tables.templates import default_security_group_rules

SERVERS = ("postgresql", "mariadb")
EVERY = ("sqlite", *SERVERS)

_START_S = 60.0
_UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Server:
    """A database server with the newest schema.

    url          of its database, for `Store`
    store        a store on it, for looking and emptying
    first_rules  default security group rules, as the migrations made them
    """

    url: str
    store: Store
    first_rules: Sequence[dict[str, Any]]

    def empty(self) -> None:
        """Make the database as the migrations made it."""
        with self.store.engine.begin() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                what = sa.delete(table)
                connection.execute(what if table is not tables.facts else what.where(tables.facts.c.name != "epoch"))
            connection.execute(sa.insert(default_security_group_rules), list(self.first_rules))


def sqlite_with_schema(directory: Path) -> Path:
    """Make a SQLite file as the migrations make it; tests copy it, which is faster than making it."""
    path = directory / "kaon.db"
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@contextmanager
def running(name: str) -> Iterator[Server]:
    """Run a server (`postgresql`, `mariadb`) until the block ends."""
    prepare, command, stop, url = {"postgresql": _postgresql, "mariadb": _mariadb}[name]()
    directory = Path(tempfile.mkdtemp(prefix=f"kaon-{name}-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(directory, user.pw_uid, user.pw_gid)
    try:
        log = directory / "log"
        _run(directory, prepare(directory))
        with log.open("wb") as output:
            process = subprocess.Popen(_as_nobody(command(directory), stop), cwd=directory, stdout=output, stderr=output)
        try:
            server = _ready(url(directory), process, log)
            yield server
            server.store.close()
        finally:
            process.send_signal(stop)
            process.wait(_START_S)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


_Recipe = tuple[Callable[[Path], list[str]], Callable[[Path], list[str]], signal.Signals, Callable[[Path], str]]


def _postgresql() -> _Recipe:
    """Give how to prepare and run a server, the signal that stops it, and its URL."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    # A language's order of letters, as on most machines of operators: nothing of ours may depend on the order of bytes.
    locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
    settings = {
        "listen_addresses": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "max_connections": "300",
        "shared_buffers": "64MB",
    }
    return (
        lambda at: [f"{programs}/initdb", "-D", f"{at}/data", "-U", "kaon", "--auth=trust", "--no-sync", *locale],
        lambda at: [
            f"{programs}/postgres",
            "-D",
            f"{at}/data",
            "-k",
            str(at),
            *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")),
        ],
        signal.SIGINT,  # ends connections, too
        lambda at: f"postgresql+psycopg://kaon@/postgres?host={at}",
    )


def _mariadb() -> _Recipe:
    """Give how to prepare and run a server, the signal that stops it, and its URL."""
    settings = [
        "--skip-networking",
        "--skip-log-bin",
        "--performance-schema=off",
        "--max-connections=300",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=64M",
        "--innodb-log-file-size=16M",
        "--innodb-flush-method=nosync",
    ]
    return (
        lambda at: [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={at}/data",
            f"--tmpdir={at}",  # two that are prepared at once would remove each other's temporary tables
            "--auth-root-authentication-method=normal",
            "--skip-name-resolve",
            "--innodb-log-file-size=16M",
        ],
        lambda at: [
            "mariadbd",
            "--no-defaults",
            f"--datadir={at}/data",
            f"--socket={at}/socket",
            f"--pid-file={at}/pid",
            *settings,
        ],
        signal.SIGTERM,
        lambda at: f"mysql+pymysql://root@localhost/mysql?unix_socket={at}/socket",
    )


def _as_nobody(command: Sequence[str], at_death: signal.Signals = signal.SIGTERM) -> list[str]:
    """Let a command run unprivileged, with no locale of this machine, and not outlive who started it."""
    words = ["setpriv", "--pdeathsig", at_death.name.removeprefix("SIG")]
    if os.geteuid() == 0:
        user = pwd.getpwnam(_UNPRIVILEGED)
        words += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*words, "env", "-i", "LC_ALL=C.UTF-8", f"PATH={os.environ['PATH']}:/usr/sbin:/sbin", *command]


def _run(directory: Path, command: Sequence[str]) -> None:
    done = subprocess.run(_as_nobody(command), cwd=directory, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _ready(url: str, process: subprocess.Popen[bytes], log: Path) -> Server:
    """Wait until the server answers, then make its schema."""
    deadline = time.monotonic() + _START_S
    engine = sa.create_engine(url)
    while not any(path.is_socket() for path in log.parent.iterdir()):  # PyMySQL leaves its own open when there is none
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    while True:
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            break
    if engine.dialect.name == "mysql":
        with engine.begin() as connection:  # as many servers are set: nothing of ours may lean on it
            connection.exec_driver_sql("CREATE DATABASE kaon CHARACTER SET latin1 COLLATE latin1_swedish_ci")
        url = url.replace("/mysql?", "/kaon?")
    engine.dispose()
    store = Store(url, pool_size=1)
    store.upgrade()
    with store.engine.begin() as connection:
        rules = connection.execute(sa.select(default_security_group_rules)).mappings().all()
    return Server(url, store, [dict(rule) for rule in rules])
