"""`kaon agent`: one process on each host, made of its settings, a carrier and the doors of the real kernel."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from kaon.bus.zeromq import ZeroMQHost
from kaon.cmd import logs
from kaon.cmd.aside import AsideError, aside
from kaon.cmd.configured import Connection, WrongSettings
from kaon.host.agent.driver import Agent, AnotherAgentError, HandsGoneError, only_agent
from kaon.host.agent.settings import AgentSettings
from kaon.host.agent.work import Doors
from kaon.host.kernel.dnsmasq import Dnsmasq
from kaon.host.kernel.filters import KernelFilters
from kaon.host.kernel.namespaces import Namespaces
from kaon.host.kernel.netlink import NetlinkLinks
from kaon.host.kernel.radvd import Radvd
from kaon.host.kernel.traffic_control import TrafficControl

EXIT_FAILED = 1
EXIT_WRONG_SETTINGS = 2


def run(files: Sequence[Path]) -> int:
    """Serve until SIGTERM or SIGINT, and leave the host as it is.

    Gives the exit code: 0; 1 when another agent runs here or this one cannot go on; 2 when the configuration cannot be used.
    The reason stands on standard error.
    """
    if os.geteuid() != 0:
        return _fail("the agent changes the kernel's network and must run as root", EXIT_FAILED)
    try:
        settings, connection = aside(lambda: _load(files))
    except WrongSettings as error:
        return _fail(str(error), EXIT_WRONG_SETTINGS)
    except AsideError as error:
        return _fail(str(error), EXIT_FAILED)
    logs.set_up(debug=connection.debug)
    try:
        with only_agent(settings.lock):
            _serve(settings, connection)
    except (AnotherAgentError, HandsGoneError, OSError) as error:
        return _fail(str(error), EXIT_FAILED)
    return 0


def _load(files: Sequence[Path]) -> tuple[AgentSettings, Connection]:
    from kaon.cmd.agent_settings import load  # noqa: PLC0415  # what reads configuration stays in the process aside

    return load(files)


def _serve(settings: AgentSettings, connection: Connection) -> None:
    links = NetlinkLinks(Namespaces(settings.netns_path))
    doors = Doors(
        links=links,
        filters=KernelFilters(settings.state_path, settings.netns_path),
        dhcp=Dnsmasq(settings.run_path, settings.state_path, settings.netns_path),
        qos=TrafficControl(),
        advertisements=Radvd(settings.run_path, settings.netns_path),
    )
    carrier = ZeroMQHost(connection.server, connection.server_key, connection.secret, heartbeat_s=connection.heartbeat_s)
    agent = Agent(settings, carrier, doors)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    try:
        agent.run()
    finally:
        doors.qos.close()
        links.close()


def _fail(reason: str, code: int) -> int:
    sys.stderr.write(f"kaon agent: {reason}\n")
    return code
