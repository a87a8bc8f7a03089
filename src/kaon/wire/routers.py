"""Routers as hosts see them: entries of `router:<id>`, and the routing role in `host:<h>`."""

import msgspec

from kaon.wire.qos_rules import QosRule
from kaon.wire.subnets import HostRoute


class ConntrackHelper(msgspec.Struct, frozen=True, kw_only=True):
    """Flows to a port that the router looks into, by a helper of the kernel. protocol: tcp or udp."""

    helper: str
    protocol: str
    port: int


class Router(msgspec.Struct, frozen=True, tag="router", kw_only=True):
    """The router itself. One in each router scope.

    revision     the router's revision_number; what its host reports once it forwards so
    enable_snat  traffic of its networks that leaves by the gateway takes the gateway's address
    routes       extra routes: the next hops lie on networks of the router
    gateway_qos  rules for traffic through the gateway's own address, besides those of the gateway's port
    helpers      sorted
    """

    id: str
    revision: int
    admin_state_up: bool = True
    enable_snat: bool = True
    routes: tuple[HostRoute, ...] = ()
    gateway_qos: tuple[QosRule, ...] = ()
    helpers: tuple[ConntrackHelper, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return "router"


class HostedRouter(msgspec.Struct, frozen=True, tag="hosted", kw_only=True):
    """In `host:<h>`: this host forwards for the router."""

    router_id: str

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"router/{self.router_id}"
