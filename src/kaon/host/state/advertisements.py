"""Router advertisements as a host runs them: one radvd for each router that has something to advertise. Pure.

Words and grammar are radvd's (man radvd.conf). A leg knows its lines and reads them back, so that desired and actual are of
one type; a text that is not exactly ours reads as None.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

ROUTER_LIFETIME_S = 300
"""How long a VM keeps its default route without hearing of it again; as with Neutron's radvd."""

INTERVAL_S = (30, 100)
"""Advertisements that nobody asked for come this far apart, at least and at most (RFC 4861 6.2.1); those asked for at once."""

_SERVERS_A_LINE = 3
"""More name servers in one statement make radvd refuse the file."""


@dataclass(frozen=True, slots=True, order=True)
class AdvertisedPrefix:
    """A prefix that is on the link.

    autonomous  hosts form addresses in it themselves (RFC 4862)
    """

    prefix: str
    autonomous: bool

    @property
    def lines(self) -> tuple[str, ...]:
        """Say it in radvd's words."""
        return (f"prefix {self.prefix} {{", f"AdvOnLink on; AdvAutonomous {_switch(self.autonomous)};", "};")


@dataclass(frozen=True, slots=True)
class AdvertisingLeg:
    """What is advertised on one interface of a router.

    mtu          bytes of an IP packet on the network
    managed      addresses come by DHCPv6 (flag M)
    other        options come by DHCPv6 (flag O)
    prefixes     sorted
    dns_servers  IPv6 addresses, in order
    domains      that names are searched in, in order
    """

    device: str
    mtu: int
    managed: bool = False
    other: bool = False
    prefixes: tuple[AdvertisedPrefix, ...] = ()
    dns_servers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Say it in radvd's words. A leg that is not there yet does not keep the others from being served."""
        shortest, longest = INTERVAL_S
        groups = (self.dns_servers[at : at + _SERVERS_A_LINE] for at in range(0, len(self.dns_servers), _SERVERS_A_LINE))
        return (
            f"interface {self.device} {{",
            "IgnoreIfMissing on; AdvSendAdvert on;",
            f"MinRtrAdvInterval {shortest}; MaxRtrAdvInterval {longest}; AdvDefaultLifetime {ROUTER_LIFETIME_S};",
            f"AdvLinkMTU {self.mtu};",
            f"AdvManagedFlag {_switch(self.managed)}; AdvOtherConfigFlag {_switch(self.other)};",
            *(line for prefix in self.prefixes for line in prefix.lines),
            *(f"RDNSS {' '.join(group)} {{ }};" for group in groups),
            *((f"DNSSL {' '.join(self.domains)} {{ }};",) if self.domains else ()),
            "};",
        )


def text_of(legs: Iterable[AdvertisingLeg]) -> str:
    """Write a configuration of radvd."""
    return "".join(f"{line}\n" for leg in legs for line in leg.lines)


_LEG = re.compile(r"^interface (\S+) \{\n(.*?)\n\};\n(?=interface|\Z)", re.MULTILINE | re.DOTALL)
_PREFIX = re.compile(r"^prefix (\S+) \{\nAdvOnLink on; AdvAutonomous (on|off);$", re.MULTILINE)


def legs_of(text: str) -> tuple[AdvertisingLeg, ...] | None:
    """Read a configuration that `text_of` wrote; None when it is another."""
    legs = tuple(_leg(device, body) for device, body in _LEG.findall(text))
    return legs if text_of(legs) == text else None


def _leg(device: str, body: str) -> AdvertisingLeg:
    mtu = re.search(r"^AdvLinkMTU (\d{1,9});$", body, re.MULTILINE)
    return AdvertisingLeg(
        device=device,
        mtu=int(mtu[1]) if mtu else 0,
        managed="AdvManagedFlag on;" in body,
        other="AdvOtherConfigFlag on;" in body,
        prefixes=tuple(AdvertisedPrefix(prefix, on == "on") for prefix, on in _PREFIX.findall(body)),
        dns_servers=tuple(word for words in re.findall(r"^RDNSS (.+) \{ \};$", body, re.MULTILINE) for word in words.split()),
        domains=tuple(word for words in re.findall(r"^DNSSL (.+) \{ \};$", body, re.MULTILINE) for word in words.split()),
    )


def _switch(on: bool) -> str:
    return "on" if on else "off"


@dataclass(frozen=True, slots=True)
class Advertiser:
    """One radvd.

    namespace  where it runs; of a found one: the wanted name only if the process really is inside, else empty
    legs       sorted by device; of a found one: those it has been told to load
    written    legs as they stand in its file, loaded or not, the process alive or not: what hosts have been told; only of a
               found one
    alive      False for a found one whose process has gone and whose files remain
    owner      router/<router id>
    """

    router_id: str
    namespace: str
    legs: tuple[AdvertisingLeg, ...]
    alive: bool = True
    written: tuple[AdvertisingLeg, ...] = field(default=(), compare=False)
    owner: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AdvertisementState:
    """Router id -> what advertises for it on this host.

    hosted  routers that this host forwards for, whether they advertise or not; only of a desired state. What such a router
            advertises no more is taken back. One that is hosted elsewhere now is left silently: there it speaks on under
            the same address.
    """

    advertisers: Mapping[str, Advertiser] = field(default_factory=dict)
    hosted: frozenset[str] = field(default=frozenset(), compare=False)

    def loaded(self) -> "AdvertisementState":
        """Give what is seen once this has been carried out."""
        return AdvertisementState({key: replace(one, written=one.legs) for key, one in self.advertisers.items()})
