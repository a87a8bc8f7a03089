"""Hollow hosts: the real agent over the real wire, with a kernel that is only remembered. For what asks about the server alone.

    python -m bench.hollow --server tcp://127.0.0.1:9697 --keys KEYS --dir STATE --hosts alpha,beta [--physical public:eth0,...]

One process, one agent a host, each with two threads. KEYS is the server's directory of keys, in which the hosts' keys are made.
Every VM's device is there as soon as it is wanted, so every port that is bound here becomes ACTIVE. Nothing of the machine is
touched.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from kaon.bus.keys import HOST_SECRET, make_host_keys, read_key
from kaon.bus.zeromq import ZeroMQHost
from kaon.host.agent.driver import Agent
from kaon.host.agent.settings import AgentSettings
from kaon.host.agent.work import Doors
from kaon.host.kernel.dnsmasq_fake import FakeDnsmasq
from kaon.host.kernel.filters_fake import FakeFilters
from kaon.host.kernel.links_fake import FakeLinks
from kaon.host.kernel.qos_fake import FakeQos
from kaon.host.kernel.radvd_fake import FakeRadvd
from kaon.host.plan.links import Change, LinkStep
from kaon.host.state.links import Tap
from kaon.host.state.network_state import Observed
from kaon.host.state.trouble import Trouble
from kaon.wire.messages import Role

_TAP = "tap"


class _Devices(frozenset[str]):
    """Names of devices, among which every VM's device is."""

    def __contains__(self, name: object) -> bool:
        return (isinstance(name, str) and name.startswith(_TAP)) or super().__contains__(name)


class EagerLinks(FakeLinks):
    """A host on which every VM's device is plugged before anybody asks."""

    def observe(self) -> Observed:
        """See `LinkDoor.observe`."""
        found = super().observe()
        return Observed(
            state=found.state,
            devices=_Devices(found.devices),
            foreign_namespaces=found.foreign_namespaces,
            foreign_devices=found.foreign_devices,
            held=found.held,
        )

    def apply(self, steps: Sequence[LinkStep]) -> list[Trouble]:
        """See `LinkDoor.apply`."""
        self.steps.clear()  # nobody reads them here, and a long run makes many
        self.announced.clear()
        for step in steps:
            if isinstance(step, Change) and isinstance(step.what, Tap):
                self._others.setdefault(step.what.name, None)
        return super().apply(steps)


def hollow_host(asked: argparse.Namespace, number: int, name: str) -> Agent:
    """Make the agent of one host."""
    keys = Path(asked.dir) / name / "keys"
    if not (keys / HOST_SECRET).exists():
        make_host_keys(Path(asked.keys), name, keys)
    links = EagerLinks()
    physical = dict(pair.split(":", 1) for pair in asked.physical.split(",") if pair)
    for interface in physical.values():
        links.plug(interface)
    settings = AgentSettings(
        host=name,
        roles=(Role.L2, Role.L3, Role.DHCP),
        state_path=Path(asked.dir) / name / "state",
        run_path=Path(asked.dir) / name / "run",
        tunnel_ip=f"198.18.{number // 250}.{number % 250 + 1}",
        physical=physical,
    )
    server_key = read_key(Path(asked.keys) / "server.key")
    carrier = ZeroMQHost(asked.server, server_key, read_key(keys / HOST_SECRET), heartbeat_s=10.0)
    qos = FakeQos(lambda: links.observe().devices)
    doors = Doors(links=links, filters=FakeFilters(), dhcp=FakeDnsmasq(), qos=qos, advertisements=FakeRadvd())
    return Agent(settings, carrier, doors)


def main(arguments: Sequence[str]) -> None:
    """Run the hosts until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.hollow", description="hosts without a kernel")
    parser.add_argument("--server", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--hosts", required=True)
    parser.add_argument("--physical", default="")
    asked = parser.parse_args(arguments)
    agents = [hollow_host(asked, number, name) for number, name in enumerate(asked.hosts.split(","))]
    threads = [threading.Thread(target=agent.run, name=f"agent {number}") for number, agent in enumerate(agents)]
    for thread in threads:
        thread.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for agent in agents:
        agent.stop()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(sys.argv[1:])
