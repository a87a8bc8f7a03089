"""Small clouds for tests of links: networks, ports and a router, told as the scopes that a host would hold."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kaon.host.compile.view import View
from kaon.wire import scopes
from kaon.wire.entries import Entry
from kaon.wire.floatingips import FloatingIp
from kaon.wire.networks import Endpoint, Network
from kaon.wire.ports import FixedIp, HostPort, NetworkPort, RouterPort
from kaon.wire.routers import HostedRouter, Router
from kaon.wire.subnets import HostRoute, ServedNetwork, Subnet


def uuid(kind: str, number: int) -> str:
    """Make a readable id whose first eleven characters are its own."""
    return f"{kind:0<4.4}{number:04d}-0000-4000-8000-{number:012d}"


def mac(number: int) -> str:
    """Make a MAC."""
    return f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}"


@dataclass
class Scene:
    """What the server would know."""

    endpoints: dict[str, str | None]
    networks: dict[str, Network] = field(default_factory=dict)
    subnets: dict[str, list[Subnet]] = field(default_factory=dict)
    ports: dict[str, tuple[HostPort, str | None]] = field(default_factory=dict)
    served: dict[str, tuple[str, str]] = field(default_factory=dict)
    routers: dict[str, tuple[Router, str]] = field(default_factory=dict)
    legs: dict[str, list[RouterPort]] = field(default_factory=dict)
    floatingips: dict[str, list[FloatingIp]] = field(default_factory=dict)

    def network(self, number: int, *cidrs: str, kind: str = "vxlan", mtu: int = 1450, physnet: str | None = None) -> str:
        """Add a network with subnets; a subnet's gateway is its first address."""
        network_id = uuid("net", number)
        vni = number if kind == "vxlan" else None
        self.networks[network_id] = Network(
            id=network_id, network_type=kind, mtu=mtu, segmentation_id=vni, physical_network=physnet, external=kind == "flat"
        )
        self.subnets[network_id] = [
            Subnet(id=f"{network_id}/{n}", ip_version=6 if ":" in cidr else 4, cidr=cidr, gateway_ip=_first(cidr))
            for n, cidr in enumerate(cidrs)
        ]
        return network_id

    def port(self, number: int, network_id: str, host: str | None, *addresses: str, owner: str = "compute:nova") -> str:
        """Add a port; its n-th address is of the network's n-th subnet."""
        port_id = uuid("port", number)
        fixed = tuple(FixedIp(f"{network_id}/{n}", address) for n, address in enumerate(addresses))
        port = HostPort(
            id=port_id, revision=1, network_id=network_id, mac_address=mac(number), fixed_ips=fixed, device_owner=owner
        )
        self.ports[port_id] = (port, host)
        return port_id

    def dhcp(self, number: int, network_id: str, host: str, *addresses: str) -> str:
        """Let a host serve a network."""
        port_id = self.port(number, network_id, host, *addresses, owner="network:dhcp")
        self.served[network_id] = (host, port_id)
        return port_id

    def router(self, number: int, host: str, *routes: tuple[str, str]) -> str:
        """Add a router on a host."""
        router_id = uuid("rtr", number)
        extra = tuple(HostRoute(destination=destination, nexthop=nexthop) for destination, nexthop in routes)
        self.routers[router_id] = (Router(id=router_id, revision=1, routes=extra), host)
        self.legs[router_id] = []
        self.floatingips[router_id] = []
        return router_id

    def leg(self, number: int, router_id: str, network_id: str, *addresses: str, gateway: bool = False) -> str:
        """Add a leg to a router."""
        owner = "network:router_gateway" if gateway else "network:router_interface"
        port_id = self.port(number, network_id, self.routers[router_id][1], *addresses, owner=owner)
        self.legs[router_id].append(RouterPort(port_id=port_id, network_id=network_id, device_owner=owner))
        return port_id

    def floating(self, number: int, router_id: str, network_id: str, address: str, fixed: str) -> str:
        """Add a floating IP."""
        floating = FloatingIp(
            id=uuid("fip", number),
            revision=1,
            floating_network_id=network_id,
            floating_ip_address=address,
            fixed_ip_address=fixed,
            port_id=uuid("port", number),
        )
        self.floatingips[router_id].append(floating)
        return floating.id

    def view(self, host: str) -> View:
        """Give all scopes, with the host's own."""
        own: list[Entry] = [port for port, bound in self.ports.values() if bound == host]
        own += [ServedNetwork(network_id=net, port_id=port) for net, (on, port) in self.served.items() if on == host]
        own += [HostedRouter(router_id=router_id) for router_id, (_, on) in self.routers.items() if on == host]
        held: dict[str, Iterable[Entry]] = {scopes.host(host): own}
        for network_id, network in self.networks.items():
            held[scopes.network(network_id)] = [network, *self.subnets[network_id], *self._members(network_id)]
        for router_id, (router, _) in self.routers.items():
            held[scopes.router(router_id)] = [router, *self.legs[router_id], *self.floatingips[router_id]]
        return View(host, {name: {entry.key: entry for entry in entries} for name, entries in held.items()})

    def _members(self, network_id: str) -> list[Entry]:
        members: list[Entry] = []
        on = set()
        for port, host in self.ports.values():
            if port.network_id == network_id:
                on.add(host)
                members.append(
                    NetworkPort(id=port.id, revision=1, mac_address=port.mac_address, fixed_ips=port.fixed_ips, host=host)
                )
        members.extend(Endpoint(host=host, tunnel_ip=self.endpoints.get(host)) for host in on if host is not None)
        return members


def _first(cidr: str) -> str:
    base = cidr.partition("/")[0]
    return base + "1" if ":" in base else base.rpartition(".")[0] + ".1"
