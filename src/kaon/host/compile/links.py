"""The whole links slice of a host, put together from its nouns. Pure."""

from kaon.host.compile.facts import CompiledLinks, HostFacts
from kaon.host.compile.networks import compile_networks
from kaon.host.compile.ports import compile_ports
from kaon.host.compile.routers import compile_routers
from kaon.host.compile.view import View
from kaon.host.state.network_state import merge


def compile_links(view: View, facts: HostFacts) -> CompiledLinks:
    """Say which links the host shall have, as far as the held scopes tell.

    What misses a scope is left out and named in `waiting`; nothing is guessed.
    """
    parts = (compile_networks(view, facts), compile_ports(view, facts), compile_routers(view))
    return CompiledLinks(
        state=merge(part.state for part in parts),
        waiting=tuple(dict.fromkeys(waiting for part in parts for waiting in part.waiting)),
    )
