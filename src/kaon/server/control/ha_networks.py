"""The network over which a project's highly available routers will agree who of them works: made with the first of them.

As Neutron's, it is nobody's, named after the project, and goes with the last of them.
"""

from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from kaon.model.errors import Conflict, NetworkInUse
from kaon.model.query import Row
from kaon.server.control import networks
from kaon.server.control.core import Caller, Core
from kaon.server.store import ha_networks
from kaon.server.store import networks as network_rows
from kaon.server.store.engine import Retry, Transaction

NAME = "HA network project {}"
"""Neutron's, by which administrators find it."""


def ensure(core: Core, tx: Transaction, caller: Caller, project_id: str) -> None:
    """Make the network of a project that has none yet. Errors: as for making a network."""
    if ha_networks.of_project(tx, project_id) is None:
        network = networks.add(core, caller, tx, {"name": NAME.format(project_id), "project_id": ""})
        _insert(tx, project_id, network["id"])


def appoint(tx: Transaction, project_id: str, network: Row) -> None:
    """Make a new network the one of its project. Errors: Conflict when that has one."""
    if ha_networks.of_project(tx, project_id) is not None:
        raise Conflict(reason=f"project {project_id} has an HA network")
    _insert(tx, project_id, network["id"])


def release(core: Core, tx: Transaction, project_id: str) -> None:
    """Delete the network of a project whose last highly available router went."""
    network_id = ha_networks.of_project(tx, project_id)
    if network_id is not None and not ha_networks.needed(tx, project_id):
        network = network_rows.show(tx, network_id, "")
        with suppress(NetworkInUse):  # somebody uses it for something else; then it stays
            if network is not None:
                networks.remove(core, tx, network)


def _insert(tx: Transaction, project_id: str, network_id: str) -> None:
    try:
        ha_networks.insert(tx, project_id, network_id)
    except IntegrityError:
        raise Retry("another one made the network meanwhile") from None
