"""What Nova is told of its ports, and when: its `os-server-external-events`, left in the outbox of the same transaction.

    network-vif-plugged    the status becomes ACTIVE (completed) or ERROR (failed); the destination of a live migration is wired
    network-vif-unplugged  the status goes from ACTIVE to DOWN
    network-vif-deleted    the port is deleted through the API
    network-changed        the port is updated through the API; a floating IP begins or ends to lead to it, or changes

Only ports of servers: `device_owner` begins with `compute:`, `device_id` is a UUID. Nothing is stored, and nothing asked of the
database, unless the operator has configured Nova (`[nova]`) and wants that kind of event.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from kaon.server.control.core import Core
from kaon.server.store import outbox, ports
from kaon.server.store.engine import Transaction

PLUGGED: Final = "network-vif-plugged"
UNPLUGGED: Final = "network-vif-unplugged"
DELETED: Final = "network-vif-deleted"
CHANGED: Final = "network-changed"

_OWNER: Final = "compute:"


def is_of_server(port: Mapping[str, Any]) -> bool:
    """Tell whether Nova has a port. port: `device_id` and `device_owner`."""
    if not port["device_owner"].startswith(_OWNER):
        return False
    try:
        UUID(port["device_id"])
    except ValueError:
        return False
    return True


def status_event(before: str, after: str) -> tuple[str, str] | None:
    """Choose the event for a change of a port's status, and the event's own status. Pure; None: Nova does not care."""
    if before == "ACTIVE" and after == "DOWN":
        return UNPLUGGED, "completed"
    if before in {"DOWN", "BUILD"} and after in {"ACTIVE", "ERROR"}:
        return PLUGGED, "completed" if after == "ACTIVE" else "failed"
    return None


def status_changed(core: Core, tx: Transaction, port: Mapping[str, Any], before: str, after: str) -> None:
    """Tell of a port's new status; once its row is changed. port: id, device_id, device_owner as they now are."""
    found = status_event(before, after)
    if found is not None and core.settings.notify_nova_of_status:
        _post(tx, port, *found)


def wired_at_destination(core: Core, tx: Transaction, port: Mapping[str, Any]) -> None:
    """Tell that the host to which a server is to move has wired the port, while it is still bound to where it comes from."""
    if core.settings.notify_nova_of_status:
        _post(tx, port, PLUGGED, "completed")


def port_updated(core: Core, tx: Transaction, port: Mapping[str, Any]) -> None:
    """Tell that a port was updated through the API; `port` as it now is."""
    if core.settings.notify_nova_of_data:
        _post(tx, port, CHANGED)


def port_deleted(core: Core, tx: Transaction, port: Mapping[str, Any]) -> None:
    """Tell that a port was deleted through the API; `port` as it was."""
    if core.settings.notify_nova_of_data:
        _post(tx, port, DELETED)


def floatingip_changed(core: Core, tx: Transaction, port_ids: Collection[str | None]) -> None:
    """Tell the servers of these ports that a floating IP came, changed or went. One statement if there is a port."""
    concerned = sorted({port_id for port_id in port_ids if port_id})
    if not core.settings.notify_nova_of_data or not concerned:
        return
    for port in ports.devices(tx, concerned):
        _post(tx, port, CHANGED)


def _post(tx: Transaction, port: Mapping[str, Any], name: str, status: str | None = None) -> None:
    if is_of_server(port):
        event = {"name": name, "server_uuid": port["device_id"], "tag": port["id"]}
        outbox.post(tx, outbox.NOVA, port["id"], event | ({"status": status} if status else {}))
