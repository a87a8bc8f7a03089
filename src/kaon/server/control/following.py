"""How back ends follow the control plane: a verb's transaction, and after its commit every back end hears what changed."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, TypeVar

from kaon.lib.log import Log
from kaon.server.backends.protocol import Change, Kind
from kaon.server.control.core import Core
from kaon.server.store.engine import Transaction
from kaon.wire import scopes
from kaon.wire.scopes import Kind as ScopeKind

T = TypeVar("T")

_log = Log(__name__)

_OF_ENTRY: Final[Mapping[tuple[ScopeKind, str], Kind]] = {
    (ScopeKind.NETWORK, "subnet"): "subnet",
    (ScopeKind.NETWORK, "port"): "port",
    (ScopeKind.ROUTER, "port"): "router_port",
    (ScopeKind.ROUTER, "floatingip"): "floatingip",
    (ScopeKind.GROUP, "rule"): "security_group_rule",
    (ScopeKind.HOST, "dhcp"): "network",
    (ScopeKind.HOST, "router"): "router",
}
"""Kind of scope and of entry -> what changed. Entries that follow from others (members, tunnel ends) are not there."""

_OF_SCOPE: Final[Mapping[ScopeKind, Kind]] = {
    ScopeKind.NETWORK: "network",
    ScopeKind.ROUTER: "router",
    ScopeKind.GROUP: "security_group",
}


def write(core: Core, work: Callable[[Transaction], T]) -> T:
    """Do `work` in one transaction, commit, and let the back ends follow what it touched. Errors: what `work` raises.

    The change stands once it is committed: a back end that fails to follow is logged, and is to catch up by itself.
    """

    def noting(tx: Transaction) -> tuple[T, Mapping[str, Collection[str]]]:
        return work(tx), tx.moved

    result, moved = core.store.write(noting)
    changes = sorted(set(changes_of(moved)))
    if changes:
        for backend in core.backends.values():
            try:
                backend.reconcile(changes)
            except Exception as problem:  # noqa: BLE001  # the commit stands whatever a back end makes of it; it is logged
                _log.failed("a back end did not follow", problem, backend=backend.name)
    return result


def changes_of(moved: Mapping[str, Collection[str]]) -> Iterator[Change]:
    """Say which resources changed, from the scopes and entries that did (see `Transaction.moved`).

    What goes together with its network, router or group is not told apart from it.
    """
    for scope, keys in moved.items():
        kind, identity = scopes.parse(scope)
        for key in keys:
            noun, _, entry = key.partition("/")
            changed = _OF_ENTRY.get((kind, noun))
            if changed is not None:
                yield Change(changed, entry)
            elif not entry and kind in _OF_SCOPE:
                yield Change(_OF_SCOPE[kind], identity)
