"""Which hosts are told of a port that came, changed or went: its scopes are touched, and who follows them is settled."""

from collections.abc import Collection, Iterable

from kaon.model.query import Row
from kaon.server.control import binding
from kaon.server.store import followers, port_bindings
from kaon.server.store.engine import Transaction
from kaon.wire import scopes


def made(tx: Transaction, ports: Iterable[Row]) -> None:
    """Tell of new ports, once they are stored."""
    needed: dict[tuple[str, str, tuple[str, ...]], None] = {}
    for port in ports:
        _touch(tx, port, port, placed=True)
        needed[port["binding:host_id"], port["network_id"], tuple(port["security_groups"])] = None
    for host, network_id, group_ids in needed:
        followers.follow_port(tx, host, network_id, group_ids)


def changed(tx: Transaction, before: Row, after: Row) -> None:
    """Tell of a port's change, once it is stored; `before` and `after` may be the same when only its revision moved."""
    hosts = prepared(tx, after)
    moved = any(before[key] != after[key] for key in ("binding:host_id", "binding:vif_type"))
    _touch(tx, before, after, placed=moved, prepared=hosts)
    if before["trunk_id"] != after["trunk_id"] or (moved and after["trunk_id"]):
        for trunk_id in {before["trunk_id"], after["trunk_id"]} - {None}:
            touch_trunk(tx, trunk_id, before, after)
    groups = {*before["security_groups"], *after["security_groups"]}
    concerned = (before["binding:host_id"], after["binding:host_id"])
    if not moved and before["security_groups"] == after["security_groups"]:
        concerned = ("", "")
    for host in dict.fromkeys((*concerned, *hosts)):
        followers.follow_port(tx, host, after["network_id"], groups)


def gone(tx: Transaction, port: Row, hosts: Collection[str]) -> None:
    """Tell that a port is deleted, once it is. hosts: that were prepared for it."""
    _touch(tx, port, port, placed=True, prepared=hosts)
    for host in (port["binding:host_id"], *hosts):
        followers.follow_port(tx, host, port["network_id"], port["security_groups"])


def forget_bindings(tx: Transaction, before: Row, after: Row) -> bool:
    """Forget inactive bindings that can no longer be when a port changes, and tell whether others are left.

    All, of a port that is no server's any more; the one on the host where the port now is. Hosts are told of it.
    """
    hosts = port_bindings.hosts(tx, before["id"])
    if not binding.is_movable(after):
        port_bindings.delete(tx, before["id"])
    elif before["binding:host_id"] != after["binding:host_id"]:
        port_bindings.delete(tx, before["id"], after["binding:host_id"])
        hosts = [host for host in hosts if host == after["binding:host_id"]]
    else:
        return True
    follow_on(tx, before, hosts)
    return port_bindings.there_are(tx, before["id"])


def prepared(tx: Transaction, port: Row) -> list[str]:
    """List the hosts to which a port may be moved: no statement unless its row says that there are some."""
    return port_bindings.hosts(tx, port["id"]) if port["moving"] else []


def follow_on(tx: Transaction, port: Row, hosts: Collection[str]) -> None:
    """Tell hosts of a port that may be moved to them, or no longer; its inactive bindings are written."""
    for host in sorted(hosts):
        tx.touch(scopes.host(host), f"port/{port['id']}")
        followers.follow_port(tx, host, port["network_id"], port["security_groups"])


def touch_trunk(tx: Transaction, trunk_id: str, *parents: Row) -> None:
    """Tell the hosts of its parent, as that was and is, of a trunk."""
    for host in sorted({binding.wired_host(parent) for parent in parents} - {""}):
        tx.touch(scopes.host(host), f"trunk/{trunk_id}")


def _touch(tx: Transaction, before: Row, after: Row, *, placed: bool, prepared: Collection[str] = ()) -> None:
    """Say which scopes a port's change concerns.

    placed    it came to a host, left one, or both
    prepared  hosts to which it may be moved
    """
    key = f"port/{after['id']}"
    for host in prepared:
        tx.touch(scopes.host(host), key)
    network = scopes.network(after["network_id"])
    tx.touch(network, key)
    for row in (before, after):
        host = binding.wired_host(row)
        if host:
            tx.touch(scopes.host(host), key)
            if placed:
                tx.touch(network, f"host/{host}")
        for group_id in row["security_groups"]:
            tx.touch(scopes.members(group_id), key)
