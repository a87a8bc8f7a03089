"""An agent as a process of its own, for `test_agent`: settings come as JSON, the server listens on a Unix socket."""

import json
import signal
import sys
from pathlib import Path

from kaon.bus.zeromq import ZeroMQHost
from kaon.cmd import logs
from kaon.host.agent.driver import Agent, only_agent
from kaon.host.agent.loop import LoopSettings
from kaon.host.agent.settings import AgentSettings
from kaon.host.agent.work import Doors
from kaon.host.kernel.dnsmasq import Dnsmasq
from kaon.host.kernel.filters import KernelFilters
from kaon.host.kernel.namespaces import Namespaces
from kaon.host.kernel.netlink import NetlinkLinks
from kaon.host.kernel.radvd import Radvd
from kaon.host.kernel.traffic_control import TrafficControl
from kaon.wire.messages import Role


def main() -> None:
    """Run until SIGTERM."""
    told = json.loads(sys.argv[1])
    directory = Path(told["directory"])
    settings = AgentSettings(
        host=told["host"],
        roles=(Role.L2, Role.L3, Role.DHCP),
        state_path=directory / "state",
        run_path=directory / "run",
        netns_path=directory / "netns",
        tunnel_ip="192.0.2.1",
        loop=LoopSettings(supervise_interval_s=0.2, offline_after_s=told.get("offline_after_s", 20.0)),
    )
    logs.set_up(debug=True)
    links = NetlinkLinks(Namespaces(settings.netns_path))
    doors = Doors(
        links,
        KernelFilters(settings.state_path, settings.netns_path),
        Dnsmasq(settings.run_path, settings.state_path, settings.netns_path),
        TrafficControl(),
        Radvd(settings.run_path, settings.netns_path),
    )
    carrier = ZeroMQHost(told["endpoint"], bytes.fromhex(told["server_key"]), bytes.fromhex(told["secret"]), heartbeat_s=0.5)
    agent = Agent(settings, carrier, doors)
    signal.signal(signal.SIGTERM, lambda *_: agent.stop())
    with only_agent(settings.lock):
        agent.run()


main()
