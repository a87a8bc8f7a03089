"""What a lab is made of, and the names and addresses that follow from it. Pure.

    machine ── 127.0.0.1:PORT ── forwarder ┐ (sockets made inside the controller's namespace; no link)
                                           │
       ┌──────────── underlay bridge ──────┼──────────────┐           external bridge
       │ eth0            │ eth0            │ eth0         │ eth0         │        │
    compute1          compute2         controller      network1 ── eth1 ─┘     eth1│
    VM VM             VM VM            kaon server     dnsmasq, routers         outside ── "the internet"

The underlay and the external segment are two bridges in a namespace of their own that has no address and forwards nothing.
"""

import re
from dataclasses import dataclass
from pathlib import Path

UNDERLAY_MTU = 1600  # bytes of the wires between hosts: room for whole packets of tenants in VXLAN, over IPv6 too
PHYSNET_MTU = 1550  # bytes, what the server is told: tenants get 1500, and flat networks all of it
EXTERNAL_MTU = PHYSNET_MTU

API_PORT = 9696
BUS_PORT = 9697

UNDERLAY_V4 = "10.99.0."  # /24
UNDERLAY_V6 = "fd00:99::"  # /64
EXTERNAL_CIDR = "203.0.113.0/24"
EXTERNAL_GATEWAY = "203.0.113.1"
EXTERNAL_CIDR_V6 = "2001:db8:113::/64"
EXTERNAL_GATEWAY_V6 = "2001:db8:113::1"
INTERNET = "198.51.100.1"  # beyond the external network's gateway
INTERNET_V6 = "2001:db8:51::1"
ECHO_PORT = 7  # of the responder outside, TCP and UDP (RFC 862), with a first line that names the asker

PHYSICAL_NETWORK = "external"  # what the network node's eth1 is called in the API

DEFAULT_NAME = "demo"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class HostSpec:
    """One emulated host.

    number    of its underlay addresses: 10.99.0.<number> and fd00:99::<number>
    roles     of its agent: l2, l3, dhcp; empty: no agent
    server    runs `kaon server`
    external  has eth1 on the external segment
    """

    name: str
    number: int
    roles: tuple[str, ...] = ()
    server: bool = False
    external: bool = False

    @property
    def tunnel_ip(self) -> str:
        """Its IPv4 address on the underlay."""
        return f"{UNDERLAY_V4}{self.number}"

    @property
    def tunnel_ip_v6(self) -> str:
        """Its IPv6 address on the underlay."""
        return f"{UNDERLAY_V6}{self.number:x}"


@dataclass(frozen=True)
class Lab:
    """A lab by name; everything it has is found from that. The name is unique on the machine: two labs never meet.

    root  the directory of all labs
    """

    name: str
    root: Path = Path("/run/kaon-lab")

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a lab's name is up to 32 of a-z, 0-9 and -, not {self.name!r}")

    @property
    def directory(self) -> Path:
        """All its files, and nothing else's."""
        return self.root / self.name

    def host_directory(self, host: str) -> Path:
        """Record, log and disk of one host."""
        return self.directory / "hosts" / host

    def disk(self, host: str) -> Path:
        """What the host sees as /var/lib: it survives a power cut."""
        return self.host_directory(host) / "disk"

    def title(self, node: str) -> str:
        """What stands in the command line of a node's pid 1."""
        return f"kaon-lab:{self.name}/{node}"


def classic(computes: int = 2) -> tuple[HostSpec, ...]:
    """A controller, some computes and a network node."""
    return (
        HostSpec("controller", 1, server=True),
        *(HostSpec(f"compute{n}", 10 + n, roles=("l2",)) for n in range(1, computes + 1)),
        HostSpec("network1", 100, roles=("l2", "l3", "dhcp"), external=True),
    )
