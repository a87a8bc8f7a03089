"""`kaon server`: which processes there are, and what each is made of.

One process with SQLite and one worker: the API in the main thread, the feed in another. Otherwise a supervisor, and forked from
it N processes for the API, which share one listening socket, and one for the bus.
"""

import contextlib
import errno
import gc
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kaon.cmd import logs
from kaon.cmd.aside import AsideError, aside, begun
from kaon.cmd.configured import ServerConfiguration, WrongSettings
from kaon.cmd.couriers import Couriers, deliveries, placement_peers
from kaon.lib.log import Log

if TYPE_CHECKING:
    import uvicorn

    from kaon.server.api.auth import Authenticator
    from kaon.server.control.core import Core
    from kaon.server.control.policy_files import PolicyFiles
    from kaon.server.feed.driver import Feed

_log = Log(__name__)

EXIT_FAILED = 1
EXIT_WRONG_SETTINGS = 2

_PATIENCE_S = 10.0
_LONGEST_PAUSE_S = 10.0
_DRAIN_S = 5
_COLLECT_AFTER = 50_000
"""Objects made more than dropped before Python looks for cycles: some five hundred ports of an answer."""


def run(files: Sequence[Path]) -> int:
    """Serve until SIGTERM or SIGINT; give the exit code: 0, 2 for wrong settings, 1; the reason stands on standard error."""

    def begin() -> None:
        configuration = aside(lambda: _load(files))
        logs.set_up(debug=configuration.debug)
        if configuration.one_process:
            _all_in_one(configuration)
        else:
            _several(configuration)

    return _told(begin)


def _load(files: Sequence[Path]) -> ServerConfiguration:
    from kaon.cmd.settings import server_configuration  # noqa: PLC0415  # what reads configuration stays in the process aside

    return server_configuration(files)


def _told(work: Callable[[], None]) -> int:
    """Do `work`, say on standard error why it cannot be done, and give the exit code."""
    try:
        with contextlib.suppress(KeyboardInterrupt):
            work()
    except (WrongSettings, AsideError) as problem:
        sys.stderr.write(f"kaon server: {problem}\n")
        return EXIT_WRONG_SETTINGS if isinstance(problem, WrongSettings) else EXIT_FAILED
    return 0


def _several(configuration: ServerConfiguration) -> None:
    from kaon.cmd.supervisor import Part, supervise  # noqa: PLC0415  # only the parent needs it

    def part(name: str, work: Callable[[], None]) -> Part:
        def begin() -> int:
            logs.set_up(debug=configuration.debug, process=name.split(maxsplit=1)[0])
            return _told(work)

        return Part(name, begin)

    def bus(listener: socket.socket) -> None:
        listener.close()  # it is the others'
        _bus_part(configuration)

    with begun(lambda: _prepare(configuration)) as prepared:  # what takes time to import is imported meanwhile
        _import_ahead(configuration)
        prepared()
    _make_ahead(configuration)
    with listening(configuration) as listener:
        numbers = range(1, configuration.workers + 1)
        api = [part(f"api {number}", partial(_api_part, configuration, listener)) for number in numbers]
        supervise([*api, part("bus", partial(bus, listener))])


def _import_ahead(configuration: ServerConfiguration) -> None:
    """Import what the parts need, so that they share it. Nothing is opened or started."""
    import uvicorn.protocols.http.auto  # noqa: F401, PLC0415  # one process with SQLite imports as it goes

    import kaon.server.api.app  # noqa: PLC0415  # as above
    import kaon.server.backends.linux  # noqa: PLC0415  # as above
    import kaon.server.feed.driver  # noqa: PLC0415  # as above
    import kaon.server.feed.pokes  # noqa: PLC0415  # as above
    from kaon.bus import zeromq  # noqa: F401, PLC0415  # as above

    if configuration.auth_strategy == "keystone":
        import kaon.server.api.keystone  # noqa: F401, PLC0415  # as above


def _make_ahead(configuration: ServerConfiguration) -> None:
    """Have SQLAlchemy import what it needs for the database: an engine is made, and never connects."""
    from kaon.server.store.engine import Store  # noqa: PLC0415  # the supervisor of one process does without

    Store(configuration.database).close()


# Parts


def _all_in_one(configuration: ServerConfiguration) -> None:
    with begun(lambda: _prepare(configuration)) as prepared:  # what takes time to import is imported meanwhile
        core = make_core(configuration)
        server = _api_server(configuration, core)
        prepared()
    with listening(configuration) as listener:
        couriers = Couriers(configuration, core)
        feed = _FeedThread(configuration, core)
        try:
            server.run(sockets=[listener])
        finally:
            feed.stop()
            couriers.stop()
            core.store.close()


def _api_part(configuration: ServerConfiguration, listener: socket.socket) -> None:
    from kaon.server.feed.pokes import Poker  # noqa: PLC0415  # only this part needs it

    core = make_core(configuration)
    core.store.on_commit(Poker(_poke_path(configuration)))
    if configuration.peers.any:
        core.store.on_post(Poker(_post_path(configuration)))
    _api_server(configuration, core).run(sockets=[listener])


def _bus_part(configuration: ServerConfiguration) -> None:
    from kaon.server.feed.pokes import PokeListener  # noqa: PLC0415  # only this part needs it

    core = make_core(configuration)
    feed = make_feed(configuration, core)
    couriers = Couriers(configuration, core)
    listeners = [PokeListener(_poke_path(configuration), feed.poke)]
    if configuration.peers.any:
        listeners.append(PokeListener(_post_path(configuration), couriers.poke))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: feed.stop())
    try:
        feed.run()
    finally:
        couriers.stop()
        for listener in listeners:
            listener.close()


class _FeedThread:
    """The feed in a thread, begun anew when it fails."""

    def __init__(self, configuration: ServerConfiguration, core: "Core") -> None:
        self._configuration = configuration
        self._core = core
        self._stopping = threading.Event()
        self._feed = make_feed(configuration, core)  # in this thread: what cannot be bound ends the server
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        pause = 0.5
        while True:
            try:
                self._feed.run()
            except Exception as problem:  # noqa: BLE001  # whatever it was, hosts are served again; it is logged
                _log.failed("the feed failed and begins anew", problem, in_s=pause)
            if self._stopping.wait(pause):
                return
            pause = min(_LONGEST_PAUSE_S, pause * 2)
            self._feed = make_feed(self._configuration, self._core)
            if self._stopping.is_set():  # it may have been told to the one before
                self._feed.stop()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._feed.stop()
        self._thread.join(_PATIENCE_S)


# What they are made of


def make_core(configuration: ServerConfiguration) -> "Core":
    """Open the database and make the control plane. Errors: WrongSettings."""
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415  # the supervisor does without

    from kaon.server.backends.linux import LinuxBackend  # noqa: PLC0415  # as above
    from kaon.server.control.core import Core  # noqa: PLC0415  # as above
    from kaon.server.store.engine import Store  # noqa: PLC0415  # as above

    try:
        configuration.state_path.mkdir(parents=True, exist_ok=True)
        store = Store(configuration.database, pool_size=configuration.threads)
    except (ArgumentError, ImportError, OSError, ValueError) as problem:
        raise WrongSettings(f"the database cannot be opened: {problem}") from problem
    return Core(store=store, backends={"linux": LinuxBackend()}, settings=configuration.control)


def make_policy(configuration: ServerConfiguration) -> "PolicyFiles":
    """Read the rules of policy. Errors: WrongSettings."""
    from kaon.server.control.policy_files import PolicyFiles  # noqa: PLC0415  # the supervisor does without
    from kaon.server.control.rules import BadPolicy  # noqa: PLC0415  # as above

    try:
        return PolicyFiles(configuration.policy)
    except (OSError, BadPolicy) as problem:
        raise WrongSettings(f"[oslo_policy]: {problem}") from problem


def upgrade(configuration: ServerConfiguration) -> None:
    """Bring the database up to date: its schema, and what follows from the configuration. Errors: WrongSettings."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415  # the supervisor does without

    from kaon.server.control import segment_types  # noqa: PLC0415  # as above

    core = make_core(configuration)
    try:
        core.store.upgrade()
        segment_types.prepare(core)
    except OperationalError as problem:
        raise WrongSettings(f"the database cannot be opened: {problem.orig}") from problem
    finally:
        core.store.close()


def _prepare(configuration: ServerConfiguration) -> None:
    """Check what the processes to come need, and upgrade. Errors: WrongSettings."""
    make_authenticator(configuration)
    make_policy(configuration)
    deliveries(configuration)
    placement_peers(configuration)
    upgrade(configuration)


def make_feed(configuration: ServerConfiguration, core: "Core") -> "Feed":
    """Listen for hosts. A server without keys gets them. Errors: WrongSettings."""
    import zmq  # noqa: PLC0415  # the supervisor does without

    from kaon.bus import keys  # noqa: PLC0415  # as above
    from kaon.bus.live import Times  # noqa: PLC0415  # as above
    from kaon.bus.zeromq import ZeroMQServer  # noqa: PLC0415  # as above
    from kaon.server.feed.driver import Feed  # noqa: PLC0415  # as above

    directory = configuration.bus_keys
    try:
        keys.make_server_keys(directory)
        secret = keys.read_key(directory / keys.SERVER_SECRET)
    except (OSError, keys.BadKey) as problem:
        raise WrongSettings(f"[bus] keys: {problem}") from problem
    hosts = keys.AuthorizedHosts(directory / keys.HOSTS)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            carrier = ZeroMQServer(configuration.bus_bind, secret, hosts.host_of)
            break
        except zmq.ZMQError as problem:
            if problem.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                raise WrongSettings(f"[bus] bind = {configuration.bus_bind}: {problem}") from problem
            time.sleep(0.1)  # the process before us may still be going
    beat = configuration.heartbeat_s
    return Feed(core, carrier, Times(heartbeat_s=beat, silent_s=4.5 * beat, refresh_s=6.0 * beat))


def make_authenticator(configuration: ServerConfiguration) -> "Authenticator":
    """Make what finds the caller of a request. Errors: WrongSettings."""
    from kaon.server.api.auth import BasicAuthentication, NoAuthentication, check_bind  # noqa: PLC0415  # the bus does without

    try:
        check_bind(configuration.auth_strategy, configuration.bind_host)
    except ValueError as problem:
        raise WrongSettings(f"auth_strategy = {configuration.auth_strategy}: {problem}") from problem
    if configuration.auth_strategy == "none":
        return NoAuthentication()
    if configuration.auth_strategy == "keystone":
        return _keystone(configuration)
    try:
        return BasicAuthentication(configuration.user_file, configuration.project_file)
    except (OSError, ValueError) as problem:
        raise WrongSettings(f"[http_basic]: {problem}") from problem


def _keystone(configuration: ServerConfiguration) -> "Authenticator":
    """Make what asks Keystone. Its section is the middleware's: only that knows all of its options. Errors: WrongSettings."""
    from kaon.cmd.settings import read_files  # noqa: PLC0415  # only with Keystone does this process know oslo.config
    from kaon.server.api.keystone import KeystoneAuthentication, WrongKeystoneSettings  # noqa: PLC0415  # as above

    try:
        return KeystoneAuthentication(read_files(configuration.files, {}))
    except WrongKeystoneSettings as problem:
        raise WrongSettings(f"[keystone_authtoken]: {problem}") from problem


@contextlib.contextmanager
def listening(configuration: ServerConfiguration) -> Iterator[socket.socket]:
    """Listen where the API is to be found. Errors: WrongSettings."""
    host, port = configuration.bind_host.strip("[]"), configuration.bind_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            listener = socket.create_server((host, port), family=family, backlog=1024)
            break
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise WrongSettings(f"bind_host = {host}, bind_port = {port}: {problem}") from problem
            time.sleep(0.1)  # the process before us may still be going
    with listener:
        yield listener


def _api_server(configuration: ServerConfiguration, core: "Core") -> "uvicorn.Server":
    """Make what answers the API until SIGTERM or SIGINT; what is being answered then is answered first."""
    import uvicorn  # noqa: PLC0415  # the bus does without

    from kaon.server.api.app import ApiSettings, make_app  # noqa: PLC0415  # as above

    settings = ApiSettings(
        max_request_body_size=configuration.max_body_bytes,
        worker_threads=configuration.threads,
        link_prefix=configuration.link_prefix,
    )
    config = uvicorn.Config(
        make_app(replace(core, policy=make_policy(configuration).current), make_authenticator(configuration), settings),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    server = uvicorn.Server(config)
    # What is there now stays; and an answer of thousands of rows is no reason to look through all of them for cycles.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)

    def end(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        # It counts before uvicorn has handlers of its own; afterwards it takes the signal that uvicorn raises once more.
        signal.signal(number, end)
    return server


def _poke_path(configuration: ServerConfiguration) -> Path:
    return configuration.state_path / "feed.sock"


def _post_path(configuration: ServerConfiguration) -> Path:
    return configuration.state_path / "couriers.sock"
