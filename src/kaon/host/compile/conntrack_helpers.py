"""Helpers of connection tracking at a router: what a protocol opens besides is let in, and translated likewise. Pure.

A protocol such as FTP tells inside of a flow to which address and port another one will come. The kernel's helper reads
that, and where addresses are translated writes it anew (nf_nat_ftp and the like).
"""

from collections.abc import Iterable, Mapping

from kaon.host.state.filters import HELPER, Collection
from kaon.wire.routers import ConntrackHelper

_KERNELS = {("h323", "tcp"): "Q.931", ("h323", "udp"): "RAS"}
"""Where the kernel has another name for it (net/netfilter/nf_conntrack_h323_main.c)."""


def helper_objects(helpers: Iterable[ConntrackHelper], owners: tuple[str, ...]) -> Mapping[str, Collection]:
    """Say which helpers the rules name. One that the kernel has not is refused by it, and left out."""
    return {_name(one): Collection(HELPER, _declaration(one), owners=owners) for one in helpers}


def helped(helpers: Iterable[ConntrackHelper]) -> tuple[str, ...]:
    """Write the rules that set helpers: a flow keeps the one that it begins with."""
    return tuple(f'ct state new {one.protocol} dport {one.port} ct helper set "{_name(one)}"' for one in helpers)


def _declaration(one: ConntrackHelper) -> str:
    return f'type "{_KERNELS.get((one.helper, one.protocol), one.helper)}" protocol {one.protocol};'


def _name(one: ConntrackHelper) -> str:
    return f"help_{one.helper}_{one.protocol}".replace("-", "_")
