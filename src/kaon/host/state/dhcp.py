"""DHCP servers as a host runs them: one dnsmasq for each network that is served here. Pure.

Three layers of a server, by what a change of them costs:

    ranges, namespace   on the command line: a change restarts the process
    hosts, options      in two files: a change is a rewrite and SIGHUP
    leases              dnsmasq's own memory: only observed, never desired

Words and grammar are dnsmasq's (man dnsmasq, `--dhcp-range`, `--dhcp-host`, `--dhcp-option`). Each noun knows its line and
reads it back, so that desired and actual are of one type. A line that is not ours reads as None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class DhcpRange:
    """A subnet that is served to known clients only.

    tag      what options of the subnet are selected by
    network  first address of the prefix, text of either family
    mask     netmask for IPv4, prefix length for IPv6, as text
    lease_s  how long a client may keep its address
    """

    tag: str
    network: str
    mask: str
    lease_s: int

    @property
    def line(self) -> str:
        """Say it as the value of `--dhcp-range`."""
        return f"set:{self.tag},{self.network},static,{self.mask},{self.lease_s}s"

    @staticmethod
    def parse(line: str) -> "DhcpRange | None":
        """Read the value of a `--dhcp-range` of ours."""
        match line.split(","):
            case [tag, network, "static", mask, lease] if tag.startswith("set:") and lease[-1:] == "s" and lease[:-1].isdigit():
                return DhcpRange(tag.removeprefix("set:"), network, mask, int(lease[:-1]))
        return None


@dataclass(frozen=True, slots=True, order=True)
class DhcpHost:
    """A reservation: who may have which addresses.

    addresses  at most one of IPv4, or any number of IPv6; none means options only (stateless DHCPv6)
    hostname   handed to the client; empty for none
    tag        what options of its own are selected by; empty for none
    """

    mac_address: str
    addresses: tuple[str, ...]
    hostname: str = ""
    tag: str = ""

    @property
    def line(self) -> str:
        """Say it as a line of the hosts file."""
        shown = [f"[{address}]" if ":" in address else address for address in self.addresses]
        tagged = [f"set:{self.tag}"] if self.tag else []
        return ",".join([self.mac_address, *tagged, *shown, *([self.hostname] if self.hostname else [])])

    @staticmethod
    def parse(line: str) -> "DhcpHost | None":
        """Read a line of a hosts file of ours."""
        mac_address, *rest = line.split(",")
        if mac_address.count(":") != 5:  # noqa: PLR2004 - six octets
            return None
        tag = rest.pop(0).removeprefix("set:") if rest and rest[0].startswith("set:") else ""
        hostname = rest.pop() if rest and not _is_address(rest[-1]) else ""
        if not all(_is_address(word) for word in rest):
            return None
        return DhcpHost(mac_address, tuple(word.strip("[]") for word in rest), hostname, tag)


def _is_address(word: str) -> bool:
    return word.startswith("[") or (bool(word) and word.replace(".", "").isdigit())


@dataclass(frozen=True, slots=True, order=True)
class DhcpOption:
    """An option for clients of a subnet or of one port, or of the whole network when the tag is empty.

    Of two with the same name and tags that both fit, dnsmasq sends the later line.

    name   dnsmasq's word with its family, `option:router` or `option6:dns-server`, or a number where it has no word
    value  as dnsmasq reads it; empty means: do not send it, also not by default
    """

    tag: str
    name: str
    value: str = ""

    @property
    def line(self) -> str:
        """Say it as a line of the options file."""
        words = [f"tag:{self.tag}"] if self.tag else []
        return ",".join([*words, self.name, *([self.value] if self.value else [])])

    @staticmethod
    def parse(line: str) -> "DhcpOption | None":
        """Read a line of an options file of ours."""
        tag = ""
        if line.startswith("tag:"):
            tag, _, line = line.removeprefix("tag:").partition(",")
        name, _, value = line.partition(",")
        return DhcpOption(tag, name, value) if name.isdigit() or name.startswith(("option:", "option6:")) else None


@dataclass(frozen=True, slots=True)
class DhcpServer:
    """One dnsmasq.

    namespace  where it runs; of a found one: the wanted name only if the process really is inside, else empty
    hosts      sorted; of a found one: those it has been told to load
    options    those of the network and its subnets sorted, then those of ports sorted, which count more; likewise
    leases     address -> MAC (IPv4) or DUID (IPv6) that holds it; only of a found one
    written    hosts as they stand in the file, loaded or not, the process alive or not: whose leases are; only of a found one
    alive      False for a found one whose process has gone and whose files remain
    owner      dhcp/<network id>
    """

    network_id: str
    namespace: str
    ranges: tuple[DhcpRange, ...]
    hosts: tuple[DhcpHost, ...] = ()
    options: tuple[DhcpOption, ...] = ()
    alive: bool = True
    leases: Mapping[str, str] = field(default_factory=dict, compare=False)
    written: tuple[DhcpHost, ...] = field(default=(), compare=False)
    owner: str = field(default="", compare=False)

    @property
    def command(self) -> tuple[object, ...]:
        """Whatever cannot change without a new process."""
        return (self.namespace, self.ranges)


@dataclass(frozen=True, slots=True)
class DhcpState:
    """Network id -> its server on this host."""

    servers: Mapping[str, DhcpServer] = field(default_factory=dict)
