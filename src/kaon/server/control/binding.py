"""Where ports are plugged, and how: `binding:host_id` in, `binding:vif_type` and `binding:vif_details` out."""

import json
from collections.abc import Mapping
from typing import Any, cast

from kaon.server.backends.protocol import Backend, Binding, HostFacts
from kaon.server.control import placement
from kaon.server.control.core import Core
from kaon.server.store import binding
from kaon.server.store.engine import Transaction

UNBOUND = "unbound"
FAILED = "binding_failed"
NOT_WIRED = (UNBOUND, FAILED)
"""vif_types of ports that no host wires."""


def backend_of(core: Core, network: Mapping[str, Any]) -> Backend:
    """Give the back end of a network (row with its `backend`)."""
    return cast("Backend", core.backends[network["backend"]])


def router_backend(core: Core) -> Backend:
    """Give the back end of routers and of their floating IPs."""
    return cast("Backend", core.backends[core.settings.default_backend])


def bind(core: Core, tx: Transaction, network: Mapping[str, Any], port: Mapping[str, Any]) -> dict[str, Any]:
    """Bind a port to its `binding:host_id`; the two attributes that say how come back.

    A host that never introduced itself, or that the back end cannot use for this network, gives `binding_failed`: no
    refusal, the caller looks at the answer. A host that is silent just now is bound all the same: it wires the port when
    it is back. network: row by column names, with its `backend`.
    """
    chosen = Binding(UNBOUND)
    if port["binding:host_id"]:
        found = binding.host(tx, port["binding:host_id"])
        chosen = Binding(FAILED)
        if found is not None:
            physical = frozenset(json.loads(found["physical_networks"]))
            facts = HostFacts(found["name"], physical, tunnels=found["tunnel_ip"] is not None)
            chosen = backend_of(core, network).bind(_where(core, tx, network, found), port, facts) or chosen
    return {"binding:vif_type": chosen.vif_type, "binding:vif_details": dict(chosen.vif_details)}


def _where(core: Core, tx: Transaction, network: Mapping[str, Any], host: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Give the network as the host sees it: with the segment that it is on, where there are several."""
    if network["network_type"]:
        return network
    where = placement.on(placement.lay(core, tx, [network["id"]]), network["id"], host)
    kept = ("network_type", "physical_network", "segmentation_id")
    return {**network, **({key: where[key] for key in kept} if where is not None else {})}


def is_movable(port: Mapping[str, Any]) -> bool:
    """Tell whether a port may have bindings on several hosts: one of a server, or of a share's server."""
    return str(port["device_owner"]).startswith(("compute:", "manila:"))


def wired_host(port: Mapping[str, Any]) -> str:
    """Name the host that wires a port; empty when none does."""
    return "" if port["binding:vif_type"] in NOT_WIRED else str(port["binding:host_id"])
