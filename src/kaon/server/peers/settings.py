"""How other services are reached, as the operator said. Nothing else stands here: it can be read without keystoneauth."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """How a service is found and who asks it.

    auth_type          a plugin of keystoneauth; `auth` are its options
    region_name        of the endpoint in Keystone's catalogue; "": any
    interface          public, internal or admin
    endpoint_override  used instead of what the catalogue says; "": the catalogue's
    cafile             that its certificate is checked with; "": those of the system
    insecure           its certificate is not checked
    certfile, keyfile  of our own certificate
    timeout_s          longest wait for a connection, and for the answer
    """

    auth_type: str
    auth: Mapping[str, str] = field(default_factory=dict)
    region_name: str = ""
    interface: str = "public"
    endpoint_override: str = ""
    cafile: str = ""
    insecure: bool = False
    certfile: str = ""
    keyfile: str = ""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class NovaSettings:
    """interval_s: least time between two batches of events."""

    peer: PeerSettings
    interval_s: float = 2.0


@dataclass(frozen=True, slots=True)
class DesignateSettings:
    """How names are published.

    allow_reverse_dns_lookup   names of addresses (PTR) are, too
    ipv4_ptr_zone_prefix_size, ipv6_ptr_zone_prefix_size  bits of an address that make its zone
    ptr_zone_email             of zones made for them; "": admin@ the domain
    """

    peer: PeerSettings
    allow_reverse_dns_lookup: bool = True
    ipv4_ptr_zone_prefix_size: int = 24
    ipv6_ptr_zone_prefix_size: int = 120
    ptr_zone_email: str = ""


@dataclass(frozen=True, slots=True)
class PeersSettings:
    """The services that are asked; None: that one is not."""

    nova: NovaSettings | None = None
    designate: DesignateSettings | None = None
    placement: PeerSettings | None = None

    @property
    def any(self) -> bool:
        """Tell whether there is one."""
        return any(one is not None for one in (self.nova, self.designate, self.placement))
